// Traces side by side: their sums, their steps aligned, where they first part, and what became of each step.

import { urlOf } from "../shared/address.js";
import { ask, Poll } from "../shared/api.js";
import { button, el } from "../shared/dom.js";
import { atLeast, cost, count, duration, sum, UNKNOWN, when } from "../shared/format.js";
import { kindIcon, statusIcon, statusTitle } from "../shared/icons.js";
import { help, listen } from "../shared/keys.js";
import { moved, VirtualRows } from "../shared/rows.js";
import { failure } from "../shared/screens.js";
import { shareMenu } from "../shared/share.js";
import { splitter } from "../shared/splitter.js";
import { Changes } from "./changes.js";

const ROW_HEIGHT = 26;
const INDENT = 14;
const NAMES = "ABCDEF";

const KEYS = [
  [
    "Compare",
    [
      ["j k ↓ ↑", "next, previous step"],
      ["n", "next step that differs"],
      ["d", "show only what differs"],
      ["f", "where they first part"],
      ["Esc", "back"],
      ["?", "this help"],
    ],
  ],
];

export class ComparePage {
  constructor(app) {
    this.app = app;
    this.shown = [];
    this.onlyDifferent = false;
    this.rows = new VirtualRows({
      rowHeight: ROW_HEIGHT,
      role: "rowgroup",
      label: "Steps",
      draw: (at) => this.row(this.shown[at]),
      chosen: () => this.shown.indexOf(this.selected),
    });
    this.rows.body.addEventListener("click", (event) => this.clicked(event));
    this.poll = new Poll((signal) => this.refresh(signal), (error) => this.told(error));
    this.changes = new Changes();
    this.sums = el("div", { class: "t-compare-sums" });
    this.verdict = el("div", { class: "t-verdict" });
    this.head = el("div", { class: "t-compare-row t-compare-head" });
    this.place = el("div", { class: "t-place" });
    const steps = el("section", { class: "t-table", role: "grid", "aria-label": "Steps" },
      this.head, this.rows.scroller);
    this.split = splitter(steps, this.changes.element);
    this.element = el("section", { class: "t-page t-compare" },
      this.bar(), this.sums, this.verdict, this.split, this.place);
  }

  bar() {
    const onclick = () => this.toggle();
    this.only = button({ class: "t-chip", "aria-pressed": "false", title: "Only what differs (d)", onclick },
      "Different only");
    return el("header", { class: "t-bar" },
      button({ class: "t-plain t-asks", title: "Back (Esc)", onclick: () => this.app.back() }, "‹ traces"),
      el("h1", { class: "t-name" }, "Compare"),
      this.only,
      el("span", { class: "t-grow" }),
      shareMenu(() => `compare/${this.compare}`),
      button({ class: "t-plain", title: "Keyboard (?)", onclick: () => this.key("?") }, "?"));
  }

  // ── what it shows

  show({ compare }) {
    this.stopKeys ??= listen((key) => this.key(key));
    document.title = "Compare · tracer";
    if (compare !== this.compare) this.forget(compare);
    this.poll.start({ now: true });
  }

  /** Show nothing until these are told of. */
  forget(compare) {
    Object.assign(this, { compare, version: undefined, answer: null, selected: null });
    this.sums.replaceChildren();
    this.verdict.replaceChildren();
    this.split.hidden = true;
  }

  hide() {
    this.stopKeys?.();
    this.stopKeys = null;
    this.poll.stop();
  }

  dispose() {
    this.hide();
    this.rows.dispose();
  }

  async refresh(signal) {
    const answer = await ask("compare", { traces: this.compare, since: this.version }, signal);
    if (answer === null || signal.aborted) return;
    this.version = answer.version;
    if (answer.steps) this.took(answer);
  }

  took(answer) {
    this.answer = answer;
    this.split.hidden = false;
    this.element.style.setProperty("--t-sides", answer.traces.length);
    this.sums.replaceChildren(...answer.traces.map((trace, side) => this.sum(trace, side)));
    this.verdict.replaceChildren(...answer.divergences.slice(1).map((at, i) => this.parting(at, i + 1)));
    const names = answer.traces.map((_, side) => el("span", { class: "t-num" }, NAMES[side]));
    this.head.replaceChildren(el("span", {}, "Step"), el("span", {}, "Differs in"), ...names);
    this.layOut();
    this.choose(this.selected ?? answer.divergences.find((at) => at)?.step ?? 0);
  }

  /** The sums of a trace, and how they stand to those of the first. */
  sum(trace, side) {
    const base = this.answer.traces[0];
    const tokens = (one) => sum(one.input_tokens, one.output_tokens);
    const figure = (text, ratio) => el("span", { class: "t-figure" }, text, side > 0 && change(ratio));
    const href = urlOf({ trace: trace.trace_id });
    return el("div", { class: "t-side" },
      el("b", { class: "t-side-name" }, NAMES[side]),
      el("span", { title: statusTitle(trace.status) }, statusIcon(trace.status)),
      el("a", { class: "t-name", href, "data-view": "trace", title: trace.name }, trace.name),
      el("span", { class: "t-dim" }, when(trace.start_ms)),
      figure(duration(trace.duration_us), ratio(trace.duration_us, base.duration_us)),
      figure(`${atLeast(count(tokens(trace)), trace.tokens_unknown_calls)} tokens`, ratio(tokens(trace), tokens(base))),
      figure(atLeast(cost(trace.cost_usd), trace.cost_unknown_calls), ratio(trace.cost_usd, base.cost_usd)));
  }

  parting(at, side) {
    const pair = `${NAMES[0]} and ${NAMES[side]}`;
    if (!at) return el("p", {}, `${pair}: no step differs.`);
    const { spans } = this.answer.steps[at.step];
    const onclick = () => this.choose(at.step);
    return el("p", {}, `${pair} first part at `,
      button({ class: "t-link", title: "Go there (f)", onclick }, (spans[0] ?? spans[side]).name),
      `, which ${at.how}.`);
  }

  layOut() {
    const { steps } = this.answer;
    this.shown = steps.map((_, i) => i).filter((i) => !this.onlyDifferent || this.differs(i));
    this.rows.reset(this.shown.length);
  }

  differs(i) {
    const { spans, differs } = this.answer.steps[i];
    return spans.includes(null) || differs.some((facets) => facets.length > 0);
  }

  row(i) {
    const { depth, spans, differs } = this.answer.steps[i];
    const known = spans.find((span) => span);
    const facets = [...new Set(differs.flat())];
    const isMissing = spans.includes(null);
    const words = isMissing ? [`only in ${NAMES.split("").filter((_, side) => spans[side]).join(", ")}`, ...facets] : facets;
    return el("div", {
      class: "t-compare-row",
      role: "row",
      "data-step": i,
      "aria-selected": String(i === this.selected),
      "data-same": !this.differs(i),
    },
    el("span", { class: "t-span", style: `padding-left:${depth * INDENT}px` },
      kindIcon(known.kind), el("span", { class: "t-name", title: known.name }, known.name)),
    el("span", { class: "t-clip t-facets" }, words.join(" · ")),
    ...spans.map((span) => el("span", { class: "t-num" },
      span ? [span.status !== "OK" && statusIcon(span.status), duration(span.duration_us)] : UNKNOWN)));
  }

  told(error) {
    const way = button({ class: "t-link", onclick: () => this.app.back() }, "All traces");
    this.place.replaceChildren(...(error && !this.answer ? [failure(error, way)] : []));
  }

  // ── what the user does

  clicked(event) {
    const row = event.target.closest("[data-step]");
    if (row) this.choose(Number(row.dataset.step));
  }

  choose(i) {
    this.selected = i;
    this.rows.choose((row) => Number(row.dataset.step) === i);
    this.rows.reveal();
    const { spans, differs } = this.answer.steps[i];
    this.changes.show(this.answer.traces.map((trace, side) => ({
      name: NAMES[side], traceId: trace.trace_id, span: spans[side], differs: differs[side],
    })));
  }

  toggle() {
    this.onlyDifferent = !this.onlyDifferent;
    this.only.setAttribute("aria-pressed", String(this.onlyDifferent));
    this.layOut();
  }

  key(key) {
    const to = moved(key, this.shown.indexOf(this.selected), this.shown.length, this.rows.pageRows);
    if (to !== null) this.choose(this.shown[to]);
    else if (key === "n") this.next();
    else if (key === "d") this.toggle();
    else if (key === "f") this.verdict.querySelector("button")?.click();
    else if (key === "Escape") this.app.back();
    else if (key === "?") help(this.element, KEYS);
    else return false;
    return true;
  }

  next() {
    const next = this.shown.find((i) => i > this.selected && this.differs(i));
    if (next !== undefined) this.choose(next);
  }
}

function ratio(value, base) {
  return value === null || !base ? null : value / base - 1;
}

/** "+12%" or "−40%", green where there is less; nothing where it is alike or not known. */
function change(part) {
  if (part === null || Math.abs(part) < 0.005) return null;
  const text = `${part > 0 ? "+" : "−"}${Math.abs(100 * part).toFixed(0)}%`;
  return el("span", { class: part > 0 ? "t-more" : "t-less" }, text);
}
