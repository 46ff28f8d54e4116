// A JSON value, printed in lines that fold. What is folded is not on the page until it is opened.

import { button, el } from "./dom.js";

const CHUNK = 100;
const MAX_DEPTH_OPEN = 4;
const LONG_TEXT = 2500;
const LONG_LINES = 30;

/** Return the element of a value. Its first levels are open, as far as so many lines go. */
export function jsonView(value, lines = 60) {
  return el("div", { class: "t-json" }, isBranch(value) ? entries(value, { lines, depth: 0 }) : leaf(value));
}

/** Return the element of a text: as it is, whitespace kept, and folded where it is long. */
export function textView(text, className = "t-text") {
  const shown = beginning(text);
  const view = el("div", { class: className, dir: "auto" }, shown);
  if (shown === text) return view;
  const more = button({ class: "t-link" }, `Show all (${text.length.toLocaleString("en-US")} characters)`);
  more.addEventListener("click", () => {
    view.textContent = text;
    more.remove();
  });
  return el("div", {}, view, more);
}

/** Return whether a text stands on a screen, so that it is not folded. */
export function isShort(text) {
  return beginning(text) === text;
}

/** Return a value as the text that someone wants to copy. */
export function plain(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

function entries(value, open, from = 0) {
  const all = Object.entries(value);
  const lines = all.slice(from, from + CHUNK).map(([key, item]) => line(key, item, open, Array.isArray(value)));
  const left = all.length - from - CHUNK;
  if (left <= 0) return lines;
  const more = button({ class: "t-link" }, `${left.toLocaleString("en-US")} more`);
  const folded = { lines: 0, depth: open.depth };
  more.addEventListener("click", () => more.replaceWith(...entries(value, folded, from + CHUNK)));
  return [...lines, more];
}

/** `open` holds how many lines may still be shown, and how deep we are. */
function line(key, value, open, isItem) {
  open.lines -= 1;
  const name = el("span", { class: isItem ? "t-json-index" : "t-json-key" }, key);
  if (!isBranch(value)) return el("div", { class: "t-json-line" }, name, leaf(value));
  const size = Object.keys(value).length;
  const brackets = Array.isArray(value) ? `[${size}]` : `{${size}}`;
  const branch = el("details", { class: "t-json-line" },
    el("summary", {}, name, el("span", { class: "t-json-size" }, brackets)));
  const fill = (below) => branch.childElementCount === 1 && branch.append(el("div", {}, entries(value, below)));
  branch.addEventListener("toggle", () => branch.open && fill({ lines: 0, depth: open.depth + 1 }));
  if (open.lines > size && open.depth < MAX_DEPTH_OPEN) {
    const below = { lines: open.lines, depth: open.depth + 1 };
    fill(below);
    open.lines = below.lines;
    branch.open = true;
  }
  return branch;
}

function leaf(value) {
  if (typeof value === "string") return textView(value, "t-json-string");
  return el("span", { class: "t-json-value" }, plain(value));
}

function isBranch(value) {
  return typeof value === "object" && value !== null && !JSON.isRawJSON?.(value) && Object.keys(value).length > 0;
}

/** Return a text, or where it is long as much as stands on a screen. */
function beginning(text) {
  const lines = text.split("\n", LONG_LINES + 11);
  const few = lines.length > LONG_LINES + 10 ? lines.slice(0, LONG_LINES).join("\n") : text;
  return few.length > LONG_TEXT * 1.2 ? few.slice(0, LONG_TEXT) : few;
}
