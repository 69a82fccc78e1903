// Asks the server to look again every so often, but only while somebody can see the page.

const FIRST = 300; // ms: what is quick is on the screen at once

export default function mount({ data, setTriggerValue }) {
  let wait = FIRST;
  let timer;
  if (data.chart) import(new URL(data.chart, document.baseURI)).catch(() => {}); // a result will want it
  const look = () => { if (!document.hidden) setTriggerValue("tick", true); };
  const next = () => {
    timer = setTimeout(() => { look(); next(); }, Math.min(wait, 1000 * data.seconds));
    wait *= 1.5;
  };
  next();
  document.addEventListener("visibilitychange", look);
  return () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", look);
  };
}
