// One span in full: what it is, what it cost, how it failed, what went in and what came out.

import { askSpan } from "../shared/api.js";
import { button, el } from "../shared/dom.js";
import { exact } from "../shared/format.js";
import { failure } from "../shared/screens.js";
import { tabsOf } from "./content.js";
import { errorBox } from "./error.js";
import { heading } from "./head.js";
import { Scores } from "./scores.js";

const KEPT = 60;

export class Detail {
  constructor() {
    this.kept = new Map();
    this.tab = null;
    this.scores = new Scores();
    this.body = el("div", { class: "t-detail-body" });
    this.element = el("section", { class: "t-detail", "data-testid": "span-detail", "aria-label": "Span" }, this.body);
  }

  /**
   * Show the span `{traceId, spanId, isModelCall, ended, isFirst, place}`; `place` is `{trace_us, self_us}`, as far as known. While
   * one is being asked for, of those that are wanted meanwhile only the last is, so that someone who runs down the tree
   * is not ahead of what is shown.
   */
  async show(wanted) {
    this.wanted = wanted;
    if (this.isShowing) return;
    this.isShowing = true;
    let shown = null;
    while (shown !== this.wanted) {
      shown = this.wanted;
      await this.showOne(shown);
    }
    this.isShowing = false;
  }

  /** Ask for a span that will probably be wanted next. */
  prefetch(traceId, spanId, isModelCall) {
    this.ask({ traceId, spanId, isModelCall, ended: true });
  }

  async showOne(wanted) {
    try {
      this.draw(`${wanted.traceId}/${wanted.spanId}`, await this.ask(wanted), wanted);
    } catch (error) {
      this.body.replaceChildren(failure(error));
    }
  }

  /** Return the promise of a span. One that has ended is asked for once. */
  ask({ traceId, spanId, isModelCall, ended }) {
    const key = `${traceId}/${spanId}`;
    if (this.kept.has(key)) return this.kept.get(key);
    const answer = askSpan(traceId, spanId, isModelCall);
    if (ended) this.keep(key, answer);
    return answer;
  }

  keep(key, answer) {
    this.kept.set(key, answer);
    answer.catch(() => this.kept.delete(key));
    if (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value);
  }

  draw(key, answer, { isFirst, place }) {
    const isAgain = key === this.drawn;
    const scrollTop = isAgain ? this.body.scrollTop : 0;
    this.drawn = key;
    if (!isAgain) this.scores.show(answer.span, isFirst);
    this.body.replaceChildren(
      ...heading(answer, place), this.scores.element, ...notes(answer), ...errorBox(answer), ...this.tabs(answer));
    this.body.scrollTop = scrollTop;
    this.element.dataset.spanId = answer.span.span_id;
  }

  /** The tabs, of which that which was last chosen stays open from span to span. */
  tabs(answer) {
    const tabs = tabsOf(answer);
    const names = Object.keys(tabs);
    const panel = el("div", { class: "t-panel", role: "tabpanel" });
    const open = (name) => {
      for (const tab of strip.children) tab.setAttribute("aria-selected", String(tab.textContent === name));
      panel.replaceChildren(...tabs[name]());
    };
    const choose = (name) => {
      this.tab = name;
      open(name);
    };
    const strip = el("div", { class: "t-tabs", role: "tablist" },
      names.map((name) => button({ role: "tab", onclick: () => choose(name) }, name)));
    open(names.includes(this.tab) ? this.tab : names[0]);
    return [strip, panel];
  }
}

/** What is not shown as it was: secrets that were taken out, values that were cut. */
function notes({ content }) {
  const { "tracer.redacted": redacted = {}, "tracer.cut": cut = {} } = content.attributes ?? {};
  const texts = [
    ...Object.entries(redacted).map(([kind, n]) => `${n} × [redacted:${kind}]`),
    ...Object.entries(cut).map(([column, bytes]) => `${column} was cut, ${exact(bytes)} bytes in full`),
  ];
  return texts.length ? [el("p", { class: "t-note" }, texts.join(" · "))] : [];
}
