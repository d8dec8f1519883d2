// The open page of a request follows it: a stream says that something has changed, and the page fetches what it shows.
// Whoever looks without JavaScript gets the whole page anew every few seconds.
"use strict";

(() => {
  const run = document.getElementById("run");
  if (!run || !run.dataset.live || !window.EventSource || !window.htmx) return;

  // What was asked just when the connection was lost would otherwise keep the page waiting for minutes.
  window.htmx.config.timeout = 10000;

  const lost = document.getElementById("run-lost");
  const PATIENCE = 3000; // before a lost connection is told, and between two attempts where the browser makes none
  let asking = false;
  let wanted = false;
  let over = false;
  let stream;
  let told;
  let again;

  function after() {
    const last = document.querySelector("#run-log > li:last-child");
    return last ? last.dataset.seq : 0;
  }

  // One request at a time; what changes meanwhile is fetched by one more.
  async function fetchPart() {
    wanted = true;
    if (asking) return;
    asking = true;
    while (wanted) {
      wanted = false;
      try {
        await window.htmx.ajax("GET", `${run.dataset.part}?after=${after()}`, { source: run, swap: "none" });
        if (navigator.onLine) here(); // it may have been on its way when the network went
      } catch {
        // Nobody answered. The stream may have told its last by now, so the page itself asks once more.
        gone();
        again ??= setTimeout(() => { again = undefined; fetchPart(); }, PATIENCE);
      }
    }
    asking = false;
  }

  function here() {
    clearTimeout(told);
    told = undefined;
    lost.hidden = true;
  }

  function gone() {
    told ??= setTimeout(() => { lost.hidden = false; }, PATIENCE);
  }

  function listen() {
    stream = new EventSource(`${run.dataset.live}?after=${after()}`);
    stream.addEventListener("open", fetchPart);
    stream.addEventListener("change", fetchPart);
    stream.addEventListener("end", () => { over = true; stream.close(); fetchPart(); });
    stream.addEventListener("error", () => {
      gone();
      // The browser tries again by itself, but not after an answer that refuses.
      if (stream.readyState !== EventSource.CLOSED || over) return;
      setTimeout(() => { fetchPart(); listen(); }, PATIENCE);
    });
  }

  // What has not changed is left alone: nobody hears it again, and nobody loses the place in it.
  document.body.addEventListener("htmx:oobBeforeSwap", (event) => {
    const { target, fragment } = event.detail;
    if (target.id !== "run-log" && target.innerHTML === fragment.innerHTML) event.detail.shouldSwap = false;
  });

  // A log that is read at its end stays there.
  document.body.addEventListener("htmx:oobAfterSwap", (event) => {
    const { target } = event.detail;
    if (target.id === "run-log" && target.dataset.end !== "no") target.scrollTop = target.scrollHeight;
  });
  const log = document.getElementById("run-log");
  if (log) {
    log.scrollTop = log.scrollHeight;
    log.addEventListener("scroll", () => {
      log.dataset.end = log.scrollTop + log.clientHeight >= log.scrollHeight - 4 ? "yes" : "no";
    });
  }

  document.body.addEventListener("htmx:afterRequest", (event) => {
    const { xhr, requestConfig } = event.detail;
    if (requestConfig.elt !== run || !xhr.status) return;
    // The session has ended, or the request may be seen no longer: the whole page says so.
    const elsewhere = !new URL(xhr.responseURL || location.href).pathname.endsWith("/part");
    if (elsewhere || xhr.status === 403 || xhr.status === 404) {
      over = true;
      stream.close();
      location.reload();
    }
  });

  // A stream that the network has forgotten would not be missed for minutes.
  window.addEventListener("offline", () => { if (!over) gone(); });
  window.addEventListener("online", () => {
    fetchPart();
    if (over) return;
    stream.close();
    listen();
  });
  window.addEventListener("pagehide", () => stream.close());
  window.addEventListener("pageshow", (event) => { if (event.persisted && !over) listen(); });
  listen();
})();
