// The keyboard: one listener for a page, and the window that `?` opens.

import { button, el } from "./dom.js";

/**
 * Call `handle(key)` for every key that is meant for the page, and not for a field or the browser; it returns
 * whether it took it. Returns a function that ends this.
 */
export function listen(handle) {
  const onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest?.("input, textarea, select, dialog[open], [contenteditable=true]")) return;
    if (event.key === "Escape" && document.querySelector(":popover-open")) return;
    if (event.key === "Enter" && event.target.closest?.("a, button, summary")) return;
    if (!handle(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  };
  document.addEventListener("keydown", onKey, true);
  return () => document.removeEventListener("keydown", onKey, true);
}

/** Open the window that lists keys: `groups` is `[[title, [[keys, meaning], …]], …]`. */
export function help(root, groups) {
  const dialog = el("dialog", { class: "t-help", "aria-label": "Keyboard", tabindex: "-1", autofocus: true });
  const close = button({ class: "t-plain", title: "Close (Esc)", onclick: () => dialog.close() }, "✕");
  const line = ([names, meaning]) =>
    el("div", { class: "t-help-key" }, el("span", {}, names.split(" ").map((name) => el("kbd", {}, name))), meaning);
  dialog.append(
    el("header", {}, "Keyboard", close),
    ...groups.map(([title, keys]) => el("section", {}, el("h3", {}, title), keys.map(line))));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  root.append(dialog);
  dialog.showModal();
}
