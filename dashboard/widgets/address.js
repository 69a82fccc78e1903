// One entry of the browser's history a page. Streamlit adds one for every part of the address that the server writes,
// also while a page is being left: Back would lead through half-written addresses. What the address of the first page
// lacks is written here, as the server would make an entry for it before this is loaded.

function complete(lacking) {
  const url = new URL(location.href);
  const missing = Object.entries(lacking).filter(([name]) => !url.searchParams.has(name));
  if (!missing.length) return;
  for (const [name, value] of missing) url.searchParams.set(name, value);
  history.replaceState(history.state, "", url);
}

export default function mount({ data }) {
  complete(data.lacking);
  if (history.onePerPage) return;
  history.onePerPage = true;
  const push = history.pushState;
  let whole = location.href; // as the visitor saw it when they last did something
  const keep = () => { whole = location.href; };
  for (const act of ["click", "keydown", "popstate"]) addEventListener(act, keep, true);

  history.pushState = function (data, title, url) {
    const path = new URL(url, location.href).pathname;
    if (path === location.pathname) return history.replaceState(data, title, url);
    if (new URL(whole).pathname === location.pathname) history.replaceState({}, "", whole);
    push.call(history, data, title, url);
    keep();
  };
}
