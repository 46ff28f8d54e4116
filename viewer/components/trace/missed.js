// What a trace does not tell: a word in its header, and the sentences behind it.

import { button, el } from "../shared/dom.js";
import { plural } from "../shared/format.js";

/**
 * Return "complete" or "3 notes", which opens the list of them; nothing for a trace that still runs and misses nothing.
 * `notes` are `{ text, spans }`, and `choose(spanId)` shows the first span that a note is about.
 */
export function missedNotes(notes, { isRunning, choose }) {
  if (!notes.length) {
    return isRunning ? [] : [el("span", { class: "t-figure t-dim", title: "Nothing is known to be missing" }, "complete")];
  }
  const list = el("div", { class: "t-missed", popover: "auto", role: "dialog", "aria-label": "What this trace misses" },
    notes.map(({ text, spans }) => button({
      onclick: () => {
        list.hidePopover();
        choose(spans[0]);
      },
    }, text)));
  const opener = button({ class: "t-figure t-missed-opener", title: "What this trace does not tell" }, plural(notes.length, "note"));
  opener.popoverTargetElement = list;
  list.addEventListener("beforetoggle", () => {
    const { left, bottom } = opener.getBoundingClientRect();
    list.style.left = `${left}px`;
    list.style.top = `${bottom + 6}px`;
  });
  return [opener, list];
}
