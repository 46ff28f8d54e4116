// A text in the two ways of reading it: as it is, or as the Markdown that it may be. Which of them is remembered.

import { button, el } from "../shared/dom.js";
import { exact } from "../shared/format.js";
import { isShort, textView } from "../shared/json.js";
import { markdown } from "./markdown.js";

const KEY = "tracer.texts";
const MARKDOWN = "markdown";
const MOST = 200_000;

/**
 * Return a box with what `draw(isMarkdown)` returns, and the button that draws it the other way. What is chosen holds
 * for the texts that are drawn after it, too.
 */
export function twoWays(draw) {
  let isMarkdown = localStorage.getItem(KEY) === MARKDOWN;
  const box = el("div", { class: "t-prose" });
  const toggle = button({ class: "t-copy", title: "As Markdown, or as the text that it is" }, "markdown");
  const show = () => {
    toggle.setAttribute("aria-pressed", String(isMarkdown));
    box.replaceChildren(...[draw(isMarkdown)].flat().filter(Boolean));
  };
  toggle.addEventListener("click", () => {
    isMarkdown = !isMarkdown;
    localStorage.setItem(KEY, isMarkdown ? MARKDOWN : "raw");
    show();
  });
  show();
  return { box, toggle };
}

/** Return the element of a text, folded where it is long. One too long to be read stays as it is. */
export function proseView(text, isMarkdown) {
  if (!isMarkdown || text.length > MOST) return textView(text);
  const view = el("div", { class: "t-md" }, markdown(text));
  if (isShort(text)) return view;
  view.classList.add("t-md-folded");
  const more = button({ class: "t-link" }, `Show all (${exact(text.length)} characters)`);
  more.addEventListener("click", () => {
    view.classList.remove("t-md-folded");
    more.remove();
  });
  return el("div", {}, view, more);
}
