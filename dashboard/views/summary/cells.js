// Shows a table and tells the page which of its cells was chosen, by a click or with the keyboard.

export default function mount({ data, parentElement, setTriggerValue }) {
  const place = parentElement.querySelector(".place");
  place.innerHTML = data.html;
  const choose = (event) => {
    const cell = event.target.closest("[data-open]");
    if (cell && (event.type === "click" || event.key === "Enter")) setTriggerValue("opened", cell.dataset.open);
  };
  place.addEventListener("click", choose);
  place.addEventListener("keydown", choose);
  return () => {
    place.removeEventListener("click", choose);
    place.removeEventListener("keydown", choose);
  };
}
