// A text in the two ways of reading it: as it is, or as what it is written in: Markdown, or JSON as a tree.

import { parsed } from "../shared/api.js";
import { button, el } from "../shared/dom.js";
import { exact } from "../shared/format.js";
import { isShort, jsonView, textView } from "../shared/json.js";
import { markdown } from "./markdown.js";

const MOST = 200_000;
const LINES_OF_JSON = 40;

/** The forms in which a text can be read: its name on the button, where the choice is kept, and what holds until one is made. */
const MARKDOWN = { label: "markdown", key: "tracer.markdown", usual: "raw" };
const TREE = { label: "tree", key: "tracer.tree", usual: "read" };

/**
 * Return a box with what `draw(isRead)` returns, and the button that draws it the other way. What is chosen holds for
 * the texts that are drawn after it, too.
 */
export function twoWays(texts, draw) {
  const form = texts.length && texts.every(isJson) ? TREE : MARKDOWN;
  let isRead = (localStorage.getItem(form.key) ?? form.usual) === "read";
  const box = el("div", { class: "t-prose" });
  const toggle = button({ class: "t-copy", title: `As ${form.label}, or as the text that it is` }, form.label);
  const show = () => {
    toggle.setAttribute("aria-pressed", String(isRead));
    box.replaceChildren(...[draw(isRead)].flat().filter(Boolean));
  };
  toggle.addEventListener("click", () => {
    isRead = !isRead;
    localStorage.setItem(form.key, isRead ? "read" : "raw");
    show();
  });
  show();
  return { box, toggle: texts.length ? toggle : null };
}

/** Return the element of a text, folded where it is long. One too long to be read stays as it is. */
export function proseView(text, isRead) {
  if (!isRead || text.length > MOST) return textView(text);
  const value = json(text);
  if (value !== null) return jsonView(value, LINES_OF_JSON);
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

function isJson(text) {
  return text.length <= MOST && json(text) !== null;
}

/** Return the object or the list that a text is in JSON; null for any other. */
function json(text) {
  if (!/^\s*[[{]/.test(text)) return null;
  try {
    return parsed(text);
  } catch {
    return null;
  }
}
