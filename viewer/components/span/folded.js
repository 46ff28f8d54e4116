// A line that opens, whose inside is made when it does.

import { el } from "../shared/dom.js";

/** One line that opens: what it is, and how it begins. */
export function folded(label, text, body) {
  const line = el("details", { class: "t-folded" },
    el("summary", {},
      el("span", { class: "t-role" }, label),
      el("span", { class: "t-clip" }, el("bdi", {}, text.slice(0, 300)))));
  line.addEventListener("toggle", () => {
    if (line.open && line.childElementCount === 1) line.append(el("div", { class: "t-folded-body" }, body()));
  });
  return line;
}
