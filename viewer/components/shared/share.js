// What someone takes away: the page as one file, or its text for an issue.

import { button, el } from "./dom.js";

/** Return a button with what can be shared; `what()` is `trace/<id>` or `compare/<id>,<id>`. */
export function shareMenu(what) {
  const file = el("a", { download: true, onclick: () => close() },
    el("b", {}, "HTML file"), el("span", { class: "t-dim" }, "this page, with all that was recorded, to open anywhere"));
  const copy = button({ onclick: () => copyText(what(), copy) },
    el("b", {}, "Copy as Markdown"), el("span", { class: "t-dim" }, "the tree, the errors and what was said, for an issue"));
  const menu = el("div", { class: "t-menu", hidden: true }, file, copy);
  const opener = button({ class: "t-plain", "aria-haspopup": "menu", "aria-expanded": "false" }, "share");
  const close = () => {
    menu.hidden = true;
    opener.setAttribute("aria-expanded", "false");
  };
  opener.addEventListener("click", () => {
    file.href = `/api/share/${what()}.html`;
    menu.hidden = !menu.hidden;
    opener.setAttribute("aria-expanded", String(!menu.hidden));
  });
  const box = el("div", { class: "t-menu-box t-asks" }, opener, menu);
  box.addEventListener("focusout", (event) => box.contains(event.relatedTarget) || close());
  return box;
}

async function copyText(what, copy) {
  const response = await fetch(`/api/share/${what}.md`);
  await navigator.clipboard.writeText(await response.text());
  const title = copy.firstChild;
  title.textContent = response.ok ? "Copied" : "It could not be read";
  setTimeout(() => (title.textContent = "Copy as Markdown"), 1200);
}
