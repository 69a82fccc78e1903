// Hands files that are dropped anywhere on the page to its first upload, and shows that it would.

const FRAME = "inset 0 0 0 4px var(--st-primary-color, #0072b2)";

export default function mount() {
  const box = () => document.querySelector('[data-testid="stFileUploaderDropzone"]');
  const app = document.querySelector('[data-testid="stApp"]') ?? document.body;
  const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const inside = (event) => box()?.contains(event.target);
  const frame = (on) => { app.style.boxShadow = on ? FRAME : ""; };

  const over = (event) => {
    if (!carriesFiles(event) || !box()) return;
    event.preventDefault(); // else the browser would open the file in place of the app
    frame(true);
  };
  const leave = (event) => { if (event.relatedTarget === null) frame(false); };
  const drop = (event) => {
    frame(false);
    if (!carriesFiles(event) || !box() || inside(event)) return;
    event.preventDefault();
    const input = box().querySelector("input[type=file]") ?? box().parentElement.querySelector("input[type=file]");
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  };

  const listeners = { dragover: over, dragleave: leave, drop };
  for (const [name, listener] of Object.entries(listeners)) document.addEventListener(name, listener);
  return () => {
    frame(false);
    for (const [name, listener] of Object.entries(listeners)) document.removeEventListener(name, listener);
  };
}
