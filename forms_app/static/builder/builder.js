// The builder without reloads: what is typed is kept a moment later, buttons change the page in its place.
// The server answers with whole pages, as it does where there is no JavaScript; here parts of them are put in.
"use strict";

(() => {
  const PAUSE = 600; // milliseconds without a key until what was typed is kept
  const AGAIN = 3000; // until a lost connection is tried again
  const QUIET_PARTS = ["builder-state", "builder-alerts", "builder-items", "builder-panel-problems"];
  let queue = Promise.resolve();
  let timer = 0;
  let unkept = false;
  let leaving = false;
  let working = 0; // buttons that were pressed and are not answered
  let lastFocused = "";

  const form = () => document.getElementById("builder");

  function say(text, lost = false) {
    const said = document.getElementById("builder-said");
    said.textContent = text;
    said.classList.toggle("lost", lost);
  }

  function sent(button) {
    const data = new FormData(form());
    if (button) data.set("do", button.value);
    return new URLSearchParams(data);
  }

  // One request at a time: each says which state of the draft it was made of.
  function enqueue(button, quiet) {
    clearTimeout(timer);
    timer = 0;
    if (!quiet) block(1);
    queue = queue.then(() => send(button, quiet));
  }

  async function send(button, quiet) {
    try {
      const answer = await fetch(form().action, { method: "POST", body: sent(button) });
      const page = await read(answer);
      unkept = timer !== 0;
      if (answer.url.includes("item=")) history.replaceState(null, "", answer.url);
      if (quiet && !page.querySelector("[data-outdated]")) putParts(page);
      else putAll(page);
      renewPreview();
    } catch (problem) {
      unkept = true;
      say(form().dataset[problem instanceof SignedOut ? "signedOut" : "lost"], true);
      clearTimeout(timer);
      timer = setTimeout(() => enqueue(button, quiet), AGAIN);
    }
    if (!quiet) block(-1);
  }

  // While a button is at work, what would be typed into the old panel could not be kept.
  function block(by) {
    working += by;
    document.getElementById("builder-panel").inert = working > 0;
    form().setAttribute("aria-busy", String(working > 0));
  }

  class SignedOut extends Error {}

  async function read(answer) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (page.getElementById("builder")) return page;
    if (answer.redirected) throw new SignedOut();
    // After signing in anew, forms need another token than this page was made with.
    if (answer.status === 403) await renewToken();
    throw new Error(`The server answered ${answer.status}.`);
  }

  async function renewToken() {
    const page = new DOMParser().parseFromString(await (await fetch(form().action)).text(), "text/html");
    const fresh = page.getElementById("builder")?.elements.csrfmiddlewaretoken;
    if (fresh) form().elements.csrfmiddlewaretoken.value = fresh.value;
  }

  function putParts(page) {
    const focused = document.activeElement?.id;
    for (const id of QUIET_PARTS) document.getElementById(id)?.replaceWith(page.getElementById(id));
    for (const problem of document.querySelectorAll(".builder-problem")) {
      const fresh = page.getElementById(problem.id);
      problem.textContent = fresh ? fresh.textContent : "";
      problem.parentElement.classList.toggle("wrong", problem.textContent !== "");
    }
    const title = page.getElementById("panel-title");
    document.getElementById("panel-title").textContent = title.textContent;
    form().elements.was.value = page.getElementById("builder").elements.was.value;
    if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus();
  }

  // All but the frame of the preview, which would load anew and blink.
  function putAll(page) {
    const focused = document.activeElement === document.body ? lastFocused : document.activeElement?.id;
    const fresh = page.getElementById("builder");
    for (const id of [...QUIET_PARTS.slice(0, 3), "builder-add", "builder-panel"]) {
      document.getElementById(id).replaceWith(page.getElementById(id));
    }
    for (const name of ["chosen", "was"]) form().elements[name].value = fresh.elements[name].value;
    const wanted = form().querySelector("[autofocus]") ?? (focused ? document.getElementById(focused) : null);
    if (wanted && wanted !== document.activeElement) wanted.focus();
  }

  function renewPreview() {
    const frame = document.getElementById("builder-frame");
    const place = frame.contentWindow?.scrollY ?? 0;
    frame.addEventListener("load", () => frame.contentWindow.scrollTo(0, place), { once: true });
    frame.contentWindow.location.replace(frame.src);
  }

  function soon() {
    clearTimeout(timer);
    unkept = true;
    timer = setTimeout(() => enqueue(null, true), PAUSE);
  }

  function neighbour(button, step) {
    const all = [...document.querySelectorAll("#builder-items .builder-choose")];
    return all[all.indexOf(button) + step];
  }

  function start() {
    const page = document.querySelector(".builder");
    if (!page) return;
    page.addEventListener("submit", (event) => {
      if (leaving) return;
      event.preventDefault();
      const button = event.submitter;
      if (button?.hasAttribute("data-swap")) enqueue(button, false);
      else if (!button || button.value === "apply") enqueue(null, false);
      else {
        // The whole page goes: after what is under way, with the state that it leaves.
        clearTimeout(timer);
        const { name, value } = button;
        // A form that is just being submitted takes no second submission, so this one waits a turn.
        queue = queue.then(() => setTimeout(() => {
          clearTimeout(timer);
          leaving = true;
          const now = [...form().elements].find((each) => each.type === "submit" && each.name === name && each.value === value);
          form().requestSubmit(now ?? button);
        }));
      }
    });
    page.addEventListener("focusin", (event) => {
      lastFocused = event.target.id;
    });
    page.addEventListener("input", (event) => {
      if (event.target.closest("#builder-panel") && event.target.name) soon();
    });
    page.addEventListener("change", (event) => {
      if (event.target.matches("[data-live]")) enqueue(null, false);
    });
    page.addEventListener("keydown", (event) => {
      const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      const item = event.target.closest?.("#builder-items .builder-item");
      if (!step || !item) return;
      const move = item.querySelector(`[data-move=${step < 0 ? "up" : "down"}]`);
      if (event.altKey) {
        event.preventDefault();
        if (move && !move.disabled) enqueue(move, false);
      } else if (event.target.matches(".builder-choose")) {
        event.preventDefault();
        neighbour(event.target, step)?.focus();
      }
    });
    addEventListener("beforeunload", (event) => {
      if (!unkept || leaving) return;
      if (document.querySelector(".builder-said.lost")) event.preventDefault();
    });
    addEventListener("pagehide", () => {
      if (unkept && !leaving) navigator.sendBeacon(form().action, sent(null));
    });
    // A page that comes back as it was left shows what may have changed meanwhile.
    addEventListener("pageshow", (event) => {
      if (event.persisted) location.reload();
    });
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
