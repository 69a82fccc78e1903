// One entry of the browser's history a page. Streamlit adds one for every part of the address that the server writes,
// also while a page is being left: Back would lead through half-written addresses.

export default function mount() {
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
