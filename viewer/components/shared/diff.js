// What became of a text: what went, what came, and what stayed, of which a long middle is folded.

import { button, el } from "./dom.js";
import { exact } from "./format.js";

const CONTEXT = 400;

/** Return the element of `[["=" | "-" | "+", text], …]`. */
export function diffView(changes) {
  const marks = changes.map(([kind, text]) =>
    kind === "=" ? unchanged(text) : el(kind === "-" ? "del" : "ins", {}, text));
  return el("div", { class: "t-text t-diff", dir: "auto" }, marks.flat());
}

function unchanged(text) {
  if (text.length < 3 * CONTEXT) return text;
  const middle = text.slice(CONTEXT, -CONTEXT);
  const fold = button({ class: "t-link" }, ` … ${exact(middle.length)} characters alike … `);
  fold.addEventListener("click", () => fold.replaceWith(middle));
  return [text.slice(0, CONTEXT), fold, text.slice(-CONTEXT)];
}
