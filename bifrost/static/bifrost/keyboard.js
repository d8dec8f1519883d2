// unfold opens its menus by clicks on elements that no keyboard reaches. Here they become buttons.
"use strict";

document.addEventListener("alpine:initialized", () => {
  const labels = { dock_to_right: "Menu", close: "Close the menu" };
  for (const element of document.querySelectorAll("[x-on\\:click]")) {
    if (element.matches("button, input, select, textarea, summary, a[href]")) continue;
    element.tabIndex = 0;
    element.setAttribute("role", "button");
    const icon = element.textContent.trim();
    if (labels[icon]) element.setAttribute("aria-label", labels[icon]);
    element.addEventListener("keydown", (event) => {
      if (event.target !== element || (event.key !== "Enter" && event.key !== " ")) return;
      event.preventDefault();
      element.click();
    });
  }
  // Until just after this the page is hidden, and what is hidden takes no focus.
  setTimeout(() => {
    if (document.activeElement === document.body) document.querySelector("[autofocus]")?.focus();
  });
});
