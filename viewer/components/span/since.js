// A model call's prompt beside that of the call before it: what both begin with is one line, and what is new is marked.

import { urlOf } from "../shared/address.js";
import { diffView } from "../shared/diff.js";
import { button, el } from "../shared/dom.js";
import { exact, plural, when } from "../shared/format.js";
import { textView } from "../shared/json.js";

/** Fewer are shown: their fold would take as much room. */
const FEWEST = 2;

/**
 * Return the elements of the messages of a prompt, run by run, and how it came about.
 * `previous` is what the API says of the call before, and `draw(from, to)` returns the elements of a run of messages.
 */
export function sinceBefore(previous, span, draw) {
  return [head(previous, span), ...previous.parts.flatMap((part) => RUNS[part[0]](part, draw))];
}

const RUNS = {
  same: ([, from, to], draw) =>
    to - from < FEWEST ? draw(from, to) : [fold(`${plural(to - from, "message")} as in the call before`, () => draw(from, to))],
  new: ([, from, to], draw) => draw(from, to).map(marked),
  changed: ([, from, , became]) => became.map((changes, i) => changed(`message ${from + i + 1}`, changes)),
  gone: ([, , texts]) => [
    fold(`${plural(texts.length, "message")} of the call before left out here`, () =>
      texts.map((text) => el("article", { class: "t-message", "data-gone": true }, textView(text)))),
  ],
};

function head(previous, span) {
  const count = (kind) => previous.parts.filter(([one]) => one === kind).reduce((n, [, from, to]) => n + to - from, 0);
  const isElsewhere = previous.trace_id !== span.trace_id;
  const link = el("a", {
    class: `t-link ${isElsewhere ? "t-asks" : ""}`, href: urlOf({ trace: previous.trace_id, span: previous.span_id }),
    "data-view": "trace", title: `${previous.name}, ${when(previous.start_ms)}${isElsewhere ? ", in another trace" : ""}`,
  }, "the call before");
  const news = `${plural(count("new"), "new message")}${count("changed") ? `, ${count("changed")} changed` : ""} since `;
  return el("div", { class: "t-since" }, el("p", {}, news, link), broke(previous, span));
}

/** Name what the provider's cache could not read beyond. */
function broke(previous, span) {
  if (!previous.broke) return null;
  const read = `${exact(span.cached_tokens)} of ${exact(span.input_tokens)} tokens came from the provider's cache: the first that differs is `;
  return el("p", {}, read, el("b", {}, previous.broke));
}

/** Return what became of the instructions or the tools, to stand below them. */
export function changedBelow(name, changes) {
  return changes ? [changed(name, changes)] : [];
}

function changed(name, changes) {
  return el("article", { class: "t-message", "data-changed": true },
    el("header", {}, el("span", { class: "t-role" }, name), el("span", { class: "t-warning" }, "changed since the call before")),
    diffView(changes));
}

function marked(element) {
  element.dataset.new = "";
  return element;
}

function fold(label, draw) {
  const line = button({ class: "t-fold-line" }, el("span", {}, label, el("span", { class: "t-link" }, " · show")));
  line.addEventListener("click", () => line.replaceWith(...draw()));
  return line;
}
