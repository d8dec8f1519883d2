// What makes every page a little handier; all of it works without.
"use strict";

// A menu closes when one goes elsewhere.
function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu !== except) menu.open = false;
  }
}
document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// A form that came too late goes on by itself.
const late = document.querySelector("form[data-go-on]");
if (late) late.requestSubmit(late.querySelector("button"));
