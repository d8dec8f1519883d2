/* What a form does by itself: parts that come and go with the answers, rows that are added and removed, options that
   are loaded anew when what they depend on changes. Without it the form's own buttons do the same by a round trip. */
"use strict";

(() => {
  const { holds, same } = window.bifrostConditions;
  const AS_JSON = "json:";

  /* --- values, as workflows_app/inputs/reading.py reads them ------------------------------------------------------ */

  const scopeOf = (element) => element.parentElement.closest("[data-scope]");
  const itemsOf = (scope) =>
    Array.from(scope.querySelectorAll("[data-field], [data-visible-when]")).filter((item) => scopeOf(item) === scope);
  const texts = (item, selector) => Array.from(item.querySelectorAll(selector), (control) => control.value);
  const first = (item) => texts(item, "[name]:not([type=hidden]), [data-held]")[0] ?? "";
  const orNull = (read) => (text) => (text.trim() === "" ? null : read(text.trim()));
  const optionOf = (text) => {
    try {
      return text.startsWith(AS_JSON) ? JSON.parse(text.slice(AS_JSON.length)) : text;
    } catch {
      return text;
    }
  };
  const chosen = (item) =>
    texts(item, "[name]:checked, select[name], [data-held]").filter((text) => text !== "").map(optionOf);
  const numberOf = (text) => (/^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text) ? Number(text) : text);
  const documentOf = (text) => {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  };

  /* The moment of a clock in the person's time zone, in UTC; of two in autumn the first. */
  function momentOf(text, zone) {
    const clock = Date.parse(`${text}Z`);
    if (Number.isNaN(clock)) return text;
    const parts = { hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit" };
    const format = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, minute: "2-digit", second: "2-digit", ...parts });
    const ahead = (moment) => Date.parse(`${format.format(moment).replace(" ", "T")}Z`) - moment;
    const day = 86_400_000;
    const offsets = [ahead(clock - day), ahead(clock + day)];
    const offset = offsets.find((each) => ahead(clock - each) === each) ?? offsets[0];
    return new Date(clock - offset).toISOString().replace(".000", "");
  }

  function rowsOf(item) {
    const rows = Array.from(item.querySelectorAll("[data-row]"));
    return rows.filter((row) => texts(row, "input:not([type=hidden]), select, textarea").some((text) => text.trim()));
  }

  function pairsOf(item) {
    const pairs = rowsOf(item).map((row) => texts(row, "input:not([type=hidden])").map((text) => text.trim()));
    return Object.fromEntries(pairs);
  }

  function linesOf(item) {
    const lines = first(item).split("\n").map((line) => line.trim()).filter(Boolean);
    return (item.dataset.items ?? "text") === "text" ? lines : lines.map(numberOf);
  }

  const READERS = {
    checkbox: (item) => item.querySelector("[type=checkbox]").checked,
    switch: (item) => item.querySelector("[type=checkbox]").checked,
    choice: (item) => chosen(item)[0] ?? null,
    radio: (item) => chosen(item)[0] ?? null,
    multiple_choice: chosen,
    number: (item) => orNull(numberOf)(first(item)),
    json: (item) => orNull(documentOf)(first(item)),
    datetime: (item) => orNull((text) => momentOf(text, item.closest("[data-zone]").dataset.zone))(first(item)),
    list: linesOf,
    key_value: pairsOf,
    group: rowsOf,
    file: (item) => texts(item, "[type=file], [type=checkbox]:checked").filter(Boolean),
    secret: first,
    long_text: first,
  };

  function valueOf(item) {
    if (item.dataset.constant) return JSON.parse(item.dataset.constant);
    const read = READERS[item.dataset.kind] ?? ((each) => first(each).trim());
    return read(item);
  }

  /* --- conditions ------------------------------------------------------------------------------------------------- */

  /* Shows what is part of the form now. What a hidden part decides about is hidden with it. */
  function show(scope) {
    const values = {};
    const moved = [];
    for (const item of itemsOf(scope)) {
      const condition = item.dataset.visibleWhen;
      const there = !condition || holds(JSON.parse(condition), values);
      if (!("unseen" in item.dataset) && item.hidden === there) {
        item.hidden = !there;
        moved.push(item.dataset.field);
      }
      if ("disabled" in item) item.disabled = !there;
      if (there && item.dataset.field) values[item.dataset.field] = valueOf(item);
    }
    moved.filter(Boolean).forEach((name) => cascade(scope, name));
  }

  /* --- options of data providers ---------------------------------------------------------------------------------- */

  const dependents = (scope, name) =>
    itemsOf(scope).filter((item) => (item.dataset.depends ?? "").split(" ").includes(name));

  function forget(item) {
    for (const control of item.querySelectorAll("select, [type=checkbox], [type=radio], [data-held]")) {
      if (control.matches("[data-held]")) control.remove();
      else if (control.tagName === "SELECT") control.value = "";
      else control.checked = false;
    }
  }

  /* What depends on a field is reset and loaded anew, and so is what depends on that. */
  function cascade(scope, name) {
    for (const item of dependents(scope, name)) {
      forget(item);
      const offer = item.querySelector("[data-offer]");
      if (offer && window.htmx) window.htmx.trigger(offer, "offer");
      cascade(scope, item.dataset.field);
    }
  }

  function say(element, text) {
    const said = element.closest("[data-inputs]")?.querySelector("[data-said]");
    if (said) said.textContent = text ?? "";
  }

  const offerOf = (event) => event.target.closest?.("[data-offer]");
  let before = null;

  /* An answer that is no options is a page to sign in at, or an error. */
  document.addEventListener("htmx:beforeSwap", (event) => {
    const offer = offerOf(event);
    if (!offer) return;
    const loaded = event.detail.xhr.getResponseHeader("X-Options") !== null;
    event.detail.shouldSwap = loaded;
    if (loaded) before = valueOf(offer.closest("[data-field]"));
    else fail(offer);
  });
  document.addEventListener("htmx:sendError", (event) => offerOf(event) && fail(offerOf(event)));

  document.addEventListener("htmx:afterSettle", (event) => {
    const offer = event.detail.elt.closest?.("[data-offer]");
    if (!offer) return;
    const item = offer.closest("[data-field]");
    const scope = scopeOf(item);
    if (!same(before, valueOf(item))) cascade(scope, item.dataset.field);
    show(scope);
    say(item, item.closest("[data-inputs]").dataset.loaded);
  });

  /* Whoever is not signed in any more is not led away from what is filled in. */
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const offer = offerOf(event);
    if (!offer || event.detail.xhr.status !== 401) return;
    event.preventDefault();
    fail(offer, "signedOut");
  });

  function fail(offer, why = "unloaded") {
    offer.querySelector(".input-failed").textContent = offer.closest("[data-inputs]").dataset[why];
  }

  /* --- rows ------------------------------------------------------------------------------------------------------- */

  function number(rows) {
    Array.from(rows.children)
      .filter((row) => row.matches("[data-row]"))
      .forEach((row, index) => {
        for (const place of row.querySelectorAll("[data-number]")) {
          if (place.closest("[data-row]") === row) place.textContent = String(index + 1);
        }
      });
  }

  function add(button) {
    const rows = button.previousElementSibling;
    const template = rows.querySelector(":scope > template");
    const used = Array.from(rows.querySelectorAll(":scope > [data-row] > input[type=hidden]"), (each) => +each.value);
    const next = String(Math.max(-1, ...used) + 1);
    const made = document.createElement("template");
    made.innerHTML = template.innerHTML.replaceAll(rows.dataset.rows, next);
    const row = made.content.firstElementChild;
    rows.insertBefore(row, template);
    number(rows);
    if (window.htmx) window.htmx.process(row);
    if (row.matches("[data-scope]")) show(row);
    row.querySelector("input:not([type=hidden]), select, textarea")?.focus();
    say(rows, rows.closest("[data-inputs]").dataset.added);
  }

  function remove(button) {
    const row = button.closest("[data-row]");
    const rows = row.parentElement;
    row.remove();
    number(rows);
    rows.focus();
    say(rows, rows.closest("[data-inputs]").dataset.removed);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-inputs] [data-add], [data-inputs] [data-remove]");
    if (!button) return;
    event.preventDefault();
    const form = button.closest("[data-inputs]");
    if ("add" in button.dataset) add(button);
    else remove(button);
    show(form);
  });

  /* --- beginning -------------------------------------------------------------------------------------------------- */

  function changed(event) {
    const item = event.target.closest("[data-inputs] [data-field]");
    if (!item) return;
    const scope = scopeOf(item);
    show(scope);
    const form = item.closest("[data-inputs]");
    if (scope !== form) show(form);
    if (event.type === "change") cascade(scope, item.dataset.field);
  }
  document.addEventListener("input", changed);
  document.addEventListener("change", changed);
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("[data-inputs]")) {
      form.querySelectorAll("[data-scope]").forEach(show);
      show(form);
    }
  });

  /* What is submitted without a connection is a page of the browser's own, and what was filled in is gone. */
  const noConnection = () => Array.from(document.querySelectorAll("[data-no-connection]"));
  document.addEventListener("submit", (event) => {
    if (navigator.onLine || !event.target.querySelector("[data-inputs]")) return;
    event.preventDefault();
    noConnection().forEach((each) => { each.hidden = false; });
  });
  window.addEventListener("online", () => noConnection().forEach((each) => { each.hidden = true; }));

  (document.getElementById("problems") ?? document.getElementById("findings"))?.focus();
})();
