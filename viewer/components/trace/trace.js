// The page of one trace: its sums above, its tree on the left, the selected span on the right.

import { address } from "../shared/address.js";
import { ask, Poll } from "../shared/api.js";
import { button, el } from "../shared/dom.js";
import { atLeast, cost, count, duration, exact, fullTime, plural, sum, when } from "../shared/format.js";
import { statusIcon, statusTitle } from "../shared/icons.js";
import { help, listen } from "../shared/keys.js";
import { failure } from "../shared/screens.js";
import { shareMenu } from "../shared/share.js";
import { splitter } from "../shared/splitter.js";
import { Detail } from "../span/detail.js";
import { Find } from "./find.js";
import { Flame } from "./flame.js";
import { Log } from "./log.js";
import { missedNotes } from "./missed.js";
import { Spans } from "./spans.js";
import { selfTime } from "./timing.js";
import { Tree } from "./tree.js";

const MODES = ["tree", "flame", "log"];
const TICK_MS = 200;
const PREFETCH_MS = 60;
const NOTICE_MS = 6000;

const KEYS = [
  [
    "Spans",
    [
      ["j k ↓ ↑", "next, previous span"],
      ["← →", "fold, unfold; to the parent, to the first child"],
      ["PgUp PgDn Home End", "move faster"],
      ["e", "next span that failed"],
      ["n", "next model call"],
      ["/", "filter the spans"],
      ["f", "find in inputs and outputs; Enter and shift+Enter: next, previous"],
      ["! m", "only what failed, only model calls"],
      ["v", "as a tree, over time, as a log"],
      ["p", "what the end of the trace waited for"],
      ["z 0", "the time of this span alone (or two clicks on its bar), of all"],
      ["h", "also what only joins steps"],
    ],
  ],
  [
    "Trace",
    [
      ["[ ]", "previous, next trace of the list"],
      ["c", "compare with the one of this name before it"],
      ["Esc", "back to the list"],
      ["?", "this help"],
    ],
  ],
];

export class TracePage {
  constructor(app) {
    this.app = app;
    this.tree = new Tree({
      onSelect: () => this.selected(),
      onPoint: (spanId) => this.prefetch(spanId),
      onShown: () => this.shownAnew(),
    });
    this.find = new Find({
      onFound: (spanIds) => this.tree.setFound(spanIds),
      onGo: (spanId) => this.choose(spanId),
    });
    this.tree.element.firstChild.after(this.find.element);
    this.flame = new Flame({ onSelect: (spanId) => this.choose(spanId) });
    this.log = new Log({ onSelect: (spanId) => this.choose(spanId) });
    this.tree.element.append(this.flame.element, this.log.element);
    this.modes = el("span", { class: "t-modes", role: "group", "aria-label": "Mode" }, MODES.map((mode) =>
      button({ class: "t-plain", "data-mode": mode, title: "v: the next", onclick: () => this.setMode(mode) }, mode)));
    this.tree.element.firstChild.append(this.modes);
    this.setMode(MODES[0]);
    this.detail = new Detail();
    this.poll = new Poll((signal) => this.refresh(signal), (error) => this.told(error));
    this.head = el("div", { class: "t-trace-head" });
    this.problem = el("span", { class: "t-problem", role: "alert" });
    this.notice = el("span", { class: "t-problem", role: "status" });
    this.place = el("div", { class: "t-place" });
    this.split = splitter(this.tree.element, this.detail.element);
    this.element = el("section", { class: "t-page" }, this.bar(), this.split, this.place);
  }

  bar() {
    const plain = (label, title, onclick) => button({ class: "t-plain t-asks", title, onclick }, label);
    return el("header", { class: "t-bar" },
      plain("‹ traces", "All traces (Esc)", () => this.app.back()),
      el("span", { class: "t-steps" },
        plain("↑", "Previous trace of the list ([)", () => this.step(-1)),
        plain("↓", "Next trace of the list (])", () => this.step(1))),
      this.head,
      el("span", { class: "t-grow" }),
      this.problem,
      this.notice,
      plain("find", "In inputs and outputs (f)", () => this.find.open()),
      plain("link", "Copy the address of this span", (event) => this.copyLink(event.target)),
      plain("compare", "With the trace of this name before it (c)", () => this.compare()),
      shareMenu(() => `trace/${this.traceId}`),
      button({ class: "t-plain", title: "Keyboard (?)", onclick: () => this.key("?") }, "?"));
  }

  heading(trace) {
    const figure = (text, title) => el("span", { class: "t-figure", title }, text);
    const chip = (text, title, to) => button({ class: "t-chip", title, onclick: () => this.app.go(to) }, text);
    const tokens = atLeast(count(sum(trace.input_tokens, trace.output_tokens)), trace.tokens_unknown_calls);
    const called = trace.model_call_count > 0;
    const dollars = atLeast(cost(trace.cost_usd), trace.cost_unknown_calls);
    const failed = { class: "t-figure t-error-text", title: "Go to the next (e)", onclick: () => this.key("e") };
    this.taken = figure(duration(trace.duration_us), "duration");
    return [
      el("span", { title: statusTitle(trace.status) }, statusIcon(trace.status)),
      el("h1", { title: trace.name }, trace.name),
      this.taken,
      figure(plural(trace.span_count, "span")),
      called && figure(`${tokens} tokens`, `${exact(trace.input_tokens)} in, ${exact(trace.output_tokens)} out`),
      called && figure(trace.cost_usd === null ? "cost unknown" : dollars, "cost"),
      trace.error_count > 0 && button(failed, plural(trace.error_count, "error")),
      figure(when(trace.start_ms), fullTime(trace.start_ms)),
      ...missedNotes(trace.missed, { isRunning: this.spans.isRunning, choose: (spanId) => this.choose(spanId) }),
      trace.session_id && chip(trace.session_id, "The conversation of this trace", { session: trace.session_id }),
      ...(trace.tags ?? []).map((tag) => chip(tag, "All traces with this tag", { q: `tag:${quoted(tag)}` })),
    ].filter(Boolean);
  }

  // ── what it shows

  /** Show a trace, by its id or how that begins, and one of its spans; the first if none is named. */
  show({ trace: traceId, span: spanId, mode, ...filters }) {
    if (MODES.includes(mode)) this.setMode(mode);
    this.tree.shown.take(filters);
    this.stopKeys ??= listen((key) => this.key(key));
    this.ticking ??= setInterval(() => this.spans?.isRunning && this.tick(), TICK_MS);
    if (this.spans && this.traceId === traceId) {
      if (spanId && spanId !== this.tree.selected) this.choose(spanId);
      return;
    }
    Object.assign(this, { traceId, wanted: spanId, version: undefined });
    this.tree.timeline.zoom(null);
    this.poll.start({ now: true });
  }

  hide() {
    this.stopKeys?.();
    this.stopKeys = null;
    clearInterval(this.ticking);
    this.ticking = null;
    this.poll.stop();
    this.spans = null;
  }

  dispose() {
    this.hide();
    this.tree.dispose();
    this.flame.dispose();
    this.log.dispose();
  }

  /** Ask for the trace, or what has become of it. Folds, selection and scrolling stay. */
  async refresh(signal) {
    const { traceId } = this;
    const answer = await ask(`trace/${traceId}`, { since: this.version }, signal);
    if (answer === null || signal.aborted) return;
    this.version = answer.version;
    if (!answer.spans) return;
    const before = this.spans?.trace.trace_id === traceId ? this.state() : null;
    this.took(new Spans(answer));
    if (before === null) this.choose(this.spans.index.has(this.wanted) ? this.wanted : this.spans.ids[0]);
    else if (this.state() !== before) this.showDetail();
  }

  took(spans) {
    this.spans = spans;
    this.traceId = spans.trace.trace_id;
    document.title = `${spans.trace.name} · tracer`;
    this.head.replaceChildren(...this.heading(spans.trace));
    this.tree.set(spans);
    this.find.in({ traceId: this.traceId, order: (spanId) => spans.index.get(spanId) ?? spans.count });
    this.split.hidden = false;
    this.tick();
  }

  /** Show what went wrong: beside the trace, or in its place. Null when all is well. */
  told(error) {
    this.problem.textContent = this.problem.title = error && this.spans ? error.message : "";
    if (!error) return this.place.replaceChildren();
    if (this.spans) return;
    this.split.hidden = true;
    this.place.replaceChildren(failure(error, button({ class: "t-link", onclick: () => this.app.back() }, "All traces")));
  }

  /** Time has passed, and what runs has become longer. */
  tick() {
    this.tree.tick();
    if (this.mode === "flame") this.flame.tick();
    if (this.spans.trace.status === "RUNNING") this.taken.textContent = duration(this.spans.now());
  }

  /** What must change for the selected span to be asked for again. */
  state() {
    const i = this.spans.index.get(this.tree.selected);
    return `${this.spans.status(i)} ${this.spans.columns.duration_us[i]}`;
  }

  async showDetail() {
    const spanId = this.tree.selected;
    const isFirst = spanId === this.spans.ids[0];
    await this.detail.show({
      traceId: this.traceId,
      spanId,
      isModelCall: this.isModelCall(spanId),
      ended: this.hasEnded(spanId),
      isFirst,
      place: this.placeOf(spanId),
    });
    this.prefetch(this.tree.below(this.tree.selected));
  }

  /** Ask for what will probably be wanted next: the row below, or that under the pointer. */
  prefetch(spanId) {
    clearTimeout(this.prefetching);
    this.prefetching = setTimeout(() => {
      if (!spanId || !this.spans || !this.hasEnded(spanId)) return;
      this.detail.prefetch(this.traceId, spanId, this.isModelCall(spanId));
    }, PREFETCH_MS);
  }

  isModelCall(spanId) {
    return this.spans.kind(this.spans.index.get(spanId)) === "llm";
  }

  /** How a span lies in its trace: how long that took, and how long nothing in the span ran. */
  placeOf(spanId) {
    return { trace_us: this.spans.trace.duration_us, self_us: selfTime(this.spans, this.spans.index.get(spanId)) };
  }

  hasEnded(spanId) {
    return this.spans.status(this.spans.index.get(spanId)) !== "RUNNING";
  }

  // ── what the user does

  choose(spanId) {
    this.tree.select(spanId);
    this.selected();
  }

  selected() {
    this.note();
    if (this.mode !== "tree") this[this.mode].select(this.tree.selected);
    this.showDetail();
  }

  /** Other spans are shown or marked than before: say so in the address, too. */
  shownAnew() {
    if (this.tree.selected && address().trace === this.traceId) this.note();
    this.drawMode();
  }

  /** Show the spans as a tree, over time, or as lines in the order of time. */
  setMode(mode) {
    this.mode = mode;
    for (const choice of this.modes.children) choice.setAttribute("aria-pressed", String(choice.dataset.mode === mode));
    for (const other of ["flame", "log"]) {
      this.tree.element.classList.toggle(`t-mode-${other}`, mode === other);
      this[other].element.hidden = mode !== other;
    }
    if (!this.spans) return;
    this.note();
    this.drawMode();
  }

  /** Bring what stands in the place of the tree up to date. */
  drawMode() {
    if (this.mode === "tree") return;
    Promise.resolve(this[this.mode].set(this.tree)).catch((error) => this.told(error));
    this[this.mode].select(this.tree.selected);
  }

  /** Say in the address what is shown; the usual mode needs no word. */
  note() {
    const mode = this.mode === MODES[0] ? "" : this.mode;
    this.app.note({ ...address(), trace: this.traceId, span: this.tree.selected, mode, ...this.tree.shown.inAddress });
  }

  async copyLink(button) {
    await navigator.clipboard.writeText(location.href);
    button.textContent = "copied";
    setTimeout(() => (button.textContent = "link"), 1200);
  }

  async compare() {
    if (this.app.isFile) return;
    try {
      const { same } = await ask(`trace/${this.traceId}/neighbours`);
      if (same) this.app.compare([same, this.traceId]);
      else this.say("No trace of this name before it: mark two in the list (c).");
    } catch (error) {
      this.say(error.message);
    }
  }

  /** Go to the trace above or below. */
  async step(by) {
    try {
      await this.app.step(this.traceId, by);
    } catch (error) {
      this.say(error.message);
    }
  }

  /** Say why nothing came of what the user asked for; the next answer of the poll does not wipe it away. */
  say(text) {
    this.notice.textContent = this.notice.title = text;
    clearTimeout(this.saying);
    this.saying = setTimeout(() => (this.notice.textContent = ""), NOTICE_MS);
  }

  /** What shows the time: the tree beside its waterfall, or the drawing. */
  get overTime() {
    return this.mode === "flame" ? this.flame : this.tree;
  }

  key(key) {
    if (key === "?") help(this.element, KEYS);
    else if (this.spans && key === "z") this.overTime.zoom(this.tree.spans.index.get(this.tree.selected));
    else if (this.spans && (key === "0" || (key === "Escape" && this.overTime.timeline.isZoomed))) this.overTime.zoom();
    else if (key === "v") this.setMode(MODES[(MODES.indexOf(this.mode) + 1) % MODES.length]);
    else if (key === "Escape") this.app.back();
    else if (key === "[") this.step(-1);
    else if (key === "]") this.step(1);
    else if (key === "c") this.compare();
    else if (key === "f" && !this.app.isFile) this.find.open();
    else return this.spans ? this.tree.key(key) : false;
    return true;
  }
}

function quoted(text) {
  return /\s/.test(text) ? `"${text}"` : text;
}
