// Says on the page itself when it could not be fetched again: figures that have
// grown old must not look new.
(() => {
  const note = document.getElementById("stale");
  const since = document.getElementById("stale-since");
  let fresh = new Date();
  const stale = () => {
    since.textContent = fresh.toISOString().slice(0, 19).replace("T", " ") + " UTC";
    note.hidden = false;
  };
  document.addEventListener("htmx:error", stale);
  document.addEventListener("htmx:response:error", stale);
  document.addEventListener("htmx:after:swap", () => {
    fresh = new Date();
    note.hidden = true;
  });
})();
