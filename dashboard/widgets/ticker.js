// Asks the server to look again every so often, but only while somebody can see the page.

export default function mount({ data, setTriggerValue }) {
  const look = () => { if (!document.hidden) setTriggerValue("tick", true); };
  const timer = setInterval(look, 1000 * data.seconds);
  document.addEventListener("visibilitychange", look);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", look);
  };
}
