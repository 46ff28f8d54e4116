// The tree of a trace with its waterfall. It knows spans, folds, a filter and a selection; not what a span says.

import { button, el } from "../shared/dom.js";
import { atLeast, cost, count, duration, estimated, sum, UNKNOWN } from "../shared/format.js";
import { kindIcon, statusIcon, statusTitle } from "../shared/icons.js";
import { moved, VirtualRows } from "../shared/rows.js";
import { guides } from "./guides.js";
import { ONLY, Shown } from "./shown.js";
import { Timeline } from "./timeline.js";
import { criticalPath, selfTime } from "./timing.js";

const ROW_HEIGHT = 24;

export class Tree {
  /**
   * `onSelect(spanId)` is called when the user chooses a span, `onPoint(spanId)` when the pointer comes to one, and
   * `onShown()` when other spans are shown or marked than before.
   */
  constructor({ onSelect, onPoint, onShown }) {
    Object.assign(this, { onSelect, onShown });
    this.shown = new Shown();
    this.timeline = new Timeline();
    this.rows = new VirtualRows({
      rowHeight: ROW_HEIGHT,
      role: "tree",
      label: "Spans",
      draw: (at) => this.row(this.visible[at]),
      chosen: () => this.visible.indexOf(this.spans.index.get(this.selected)),
    });
    this.rows.body.addEventListener("click", (event) => this.clicked(event));
    this.rows.body.addEventListener("dblclick", (event) => this.clickedTwice(event));
    this.rows.body.addEventListener("pointerover", (event) => onPoint(spanIdAt(event)));
    this.element = el("section", { class: "t-tree" }, this.tools(), this.heads(), this.rows.scroller);
  }

  tools() {
    this.filter = el("input", {
      type: "search",
      class: "t-search",
      placeholder: "Filter spans",
      "aria-label": "Filter spans",
      spellcheck: "false",
      autocomplete: "off",
      oninput: () => this.filtered(),
      onkeydown: (event) => this.keyInFilter(event),
    });
    this.matches = el("span", { class: "t-dim" });
    this.chips = Object.entries(ONLY).map(([name, [label, key]]) =>
      button({ class: "t-chip", "data-only": name, title: `Only these (${key})`, onclick: () => this.only(name) }, label));
    const waited = "Mark what the end of the trace waited for (p)";
    this.pathButton = button({ class: "t-plain", title: waited, onclick: () => this.togglePath() }, "critical path");
    const hides = "Spans that only join steps (h)";
    this.hides = button({ class: "t-plain", title: hides, hidden: true, onclick: () => this.togglePlumbing() });
    return el("div", { class: "t-tree-tools" },
      this.filter,
      this.chips,
      this.matches,
      this.hides,
      el("span", { class: "t-grow" }),
      this.pathButton,
      button({ class: "t-plain", title: "Unfold all", onclick: () => this.foldAll(false) }, "⊞"),
      button({ class: "t-plain", title: "Fold all", onclick: () => this.foldAll(true) }, "⊟"));
  }

  heads() {
    const heads = ["Span", "Tokens", "Cost", "Duration"].map((head) => el("span", {}, head));
    return el("div", { class: "t-tree-row t-tree-head" }, heads, this.timeline.axis);
  }

  // ── what it shows

  /** Show these spans. What is folded, selected and in sight stays. */
  set(spans) {
    this.shown.set(spans);
    this.shown.unfoldTo(this.selected);
    this.layOut();
  }

  /** The spans that rows are of. */
  get spans() {
    return this.shown.spans;
  }

  /** Those that have a row, in drawing order. */
  get visible() {
    return this.shown.rows;
  }

  /** Time has passed, and what runs has become longer. */
  tick() {
    this.scale();
    for (const [at, row] of this.rows.drawn) this.time(row, this.visible[at]);
  }

  select(spanId, { reveal = true } = {}) {
    this.selected = spanId;
    if (reveal && this.shown.unfoldTo(spanId)) this.layOut();
    const i = this.spans.index.get(spanId);
    this.path = new Set(this.spans.ancestors(i));
    for (const [at, row] of this.rows.drawn) this.mark(row, this.visible[at]);
    if (reveal) this.rows.reveal();
  }

  /** Return the span in the row below that of a span; undefined where there is none. */
  below(spanId) {
    return this.spans.ids[this.visible[this.visible.indexOf(this.spans.index.get(spanId)) + 1]];
  }

  layOut() {
    const { spans } = this;
    this.path = new Set(spans.ancestors(spans.index.get(this.selected)));
    this.critical = this.showsPath ? criticalPath(spans) : null;
    this.element.classList.toggle("t-shows-critical", this.critical !== null);
    this.tell();
    this.scale();
    this.rows.reset(this.visible.length);
    this.onShown();
  }

  // ── for what is drawn in its place

  /** Whether a span is left out, for it is in one that is folded. */
  leavesOut(i) {
    return this.shown.isInFolded(i);
  }

  /** Whether a span is of what is looked for: it matches the filter, and lies on the path where that is marked. */
  isLit(i) {
    return this.shown.matches(i) && (this.critical?.has(i) ?? true);
  }

  // ── rows

  row(i) {
    const { spans, shown } = this;
    const isParent = spans.hasChildren(i) || shown.runs.has(i);
    const row = el("div", {
      class: "t-tree-row",
      role: "treeitem",
      "data-span-id": spans.ids[i],
      "data-status": spans.status(i),
      "aria-level": spans.depth[i] + 1,
      "aria-expanded": isParent ? String(!shown.isFolded(i)) : null,
    },
    this.label(i, isParent),
    ...this.figures(i),
    el("span", { class: "t-num" }),
    el("span", { class: "t-lane" }, el("span", { class: `t-time t-kind-${spans.kind(i)}` })));
    row.classList.toggle("t-run", shown.runs.has(i));
    this.time(row, i);
    this.mark(row, i);
    return row;
  }

  label(i, isParent) {
    const { spans } = this;
    const status = spans.status(i);
    const message = spans.isBad(i) && (spans.message(i) || statusTitle(status));
    return el("span", { class: "t-span", style: guides(spans, i) },
      el("span", { class: isParent ? "t-twisty" : "t-no-twisty" }),
      kindIcon(spans.kind(i)),
      this.shown.beginsRun(i) && !this.shown.isFiltered && this.times(i),
      el("span", { class: "t-name", title: spans.name(i) }, spans.name(i)),
      status !== "OK" && statusIcon(status),
      message && el("span", { class: `t-message-line t-status-${status}`, title: message }, message));
  }

  /** How many siblings follow each other with this name: one row for all of them, or a way back to that. */
  times(i) {
    const title = this.shown.runs.has(i) ? "One row for all of them (→ unfolds)" : "Fold them into one row";
    return el("span", { class: "t-times", title }, `×${this.spans.runs[i]}`);
  }

  /** Tokens and cost: of a model call its own; of all else, and of siblings in one row, the sum. */
  figures(i) {
    const { columns } = this.spans;
    const members = this.shown.runs.has(i) ? [...this.shown.members(i)] : [i];
    const isOwn = this.spans.isModelCall(i) && members.length === 1;
    const figure = (values, lacking, text) => {
      const lacks = members.some((at) => lacking[at]);
      const shown = text(sum(...members.map((at) => values[at])));
      if (shown === UNKNOWN && !lacks) return el("span", { class: "t-num" });
      const isSum = !isOwn && shown !== UNKNOWN;
      return el("span", { class: isOwn ? "t-num" : "t-num t-sum", title: isSum ? "the sum of its model calls" : null },
        isSum && el("span", { class: "t-sigma" }, "∑"), atLeast(shown, lacks));
    };
    const isEstimate = isOwn && columns.estimated[i];
    return [
      figure(columns.tokens, columns.tokens_lacking, (n) => estimated(count(n), isEstimate)),
      figure(columns.cost_usd, columns.cost_lacking, cost),
    ];
  }

  /** Set what changes with time: the duration, and the bar in the waterfall. */
  time(row, i) {
    const { start_us: starts, ttft_us: ttfts } = this.spans.columns;
    const taken = this.taken(i);
    const [length, lane] = [row.children[3], row.lastChild];
    length.textContent = duration(taken);
    if (this.spans.hasChildren(i)) length.title = lane.title = `${duration(selfTime(this.spans, i))} of it outside its children`;
    this.timeline.place(lane.firstChild, starts[i], taken, this.shown.runs.has(i) ? null : ttfts[i]);
  }

  /** How long a span took; siblings in one row, from the first start to the last end. */
  taken(i) {
    if (!this.shown.runs.has(i)) return this.spans.duration(i, this.now);
    const { start_us: starts, duration_us: durations } = this.spans.columns;
    return Math.max(...[...this.shown.members(i)].map((at) => starts[at] + durations[at])) - starts[i];
  }

  mark(row, i) {
    row.setAttribute("aria-selected", String(this.spans.ids[i] === this.selected));
    row.classList.toggle("t-on-path", this.path.has(i));
    row.classList.toggle("t-found", this.found?.has(this.spans.ids[i]) ?? false);
    row.classList.toggle("t-critical", this.isCritical(i));
  }

  /** Whether the trace's end waited for this row, or for one of the siblings in it. */
  isCritical(i) {
    if (this.critical === null) return false;
    return this.shown.runs.has(i) ? [...this.shown.members(i)].some((at) => this.critical.has(at)) : this.critical.has(i);
  }

  scale() {
    this.now = this.spans.now();
    this.timeline.draw(this.spans.extent(this.now));
  }

  /** Show the time of one span alone, or of the whole trace. */
  zoom(i = null) {
    const from = i === null ? 0 : this.spans.columns.start_us[i];
    this.timeline.zoom(i === null ? null : { from, until: from + this.taken(i) });
    this.tick();
  }

  /** Mark the spans that determined when the trace ended, or no longer. */
  togglePath() {
    this.showsPath = !this.showsPath;
    this.pathButton.setAttribute("aria-pressed", String(this.showsPath));
    this.layOut();
  }

  // ── folding and filtering

  fold(i, folded) {
    this.shown.fold(i, folded);
    this.layOut();
  }

  foldAll(folded) {
    this.shown.foldAll(folded);
    this.shown.unfoldTo(this.selected);
    this.layOut();
  }

  filtered() {
    this.shown.lookFor(this.filter.value);
    this.refilter();
  }

  only(name) {
    const { only } = this.shown;
    if (!only.delete(name)) only.add(name);
    this.refilter();
  }

  togglePlumbing() {
    this.shown.hidesPlumbing = !this.shown.hidesPlumbing;
    if (!this.spans.index.has(this.selected)) this.choose(0);
    this.refilter();
  }

  refilter() {
    this.shown.layOut();
    this.layOut();
    this.rows.reveal();
  }

  /** Say beside the filter what is found and what is hidden. */
  tell() {
    const { shown } = this;
    if (this.filter.value !== shown.text) this.filter.value = shown.text;
    this.matches.textContent = shown.isFiltered ? `${shown.matched.size} of ${this.spans.count}` : "";
    for (const chip of this.chips) chip.setAttribute("aria-pressed", String(shown.only.has(chip.dataset.only)));
    this.hides.hidden = shown.plumbing === 0;
    this.hides.textContent = `${shown.plumbing} ${shown.hidesPlumbing ? "hidden" : "of plumbing"}`;
    this.hides.setAttribute("aria-pressed", String(!shown.hidesPlumbing));
  }

  /** Mark these spans as found; null: none. */
  setFound(spanIds) {
    this.found = spanIds;
    for (const [at, row] of this.rows.drawn) this.mark(row, this.visible[at]);
  }

  // ── what the user does

  clicked(event) {
    const i = this.spans.index.get(spanIdAt(event));
    if (i === undefined) return;
    if (event.target.closest(".t-twisty")) this.fold(i, !this.shown.isFolded(i));
    else if (event.target.closest(".t-times")) this.foldRun(i);
    else this.choose(i, { reveal: false });
  }

  /** On a bar: its time alone. */
  clickedTwice(event) {
    const i = this.spans.index.get(spanIdAt(event));
    if (i !== undefined && event.target.closest(".t-lane")) this.zoom(i);
  }

  foldRun(i) {
    if (this.shown.runs.has(i)) return this.fold(i, false);
    this.shown.foldRun(i);
    this.layOut();
    this.choose(i);
  }

  choose(i, options) {
    this.select(this.spans.ids[i], options);
    this.onSelect(this.spans.ids[i]);
  }

  keyInFilter(event) {
    if (event.key === "Escape" && this.filter.value) this.filter.value = "";
    else if (["Escape", "Enter", "ArrowDown"].includes(event.key)) this.filter.blur();
    else return;
    this.filtered();
    event.preventDefault();
  }

  key(key) {
    const { spans } = this;
    const i = spans.index.get(this.selected);
    const to = moved(key, this.visible.indexOf(i), this.visible.length, this.rows.pageRows);
    if (to !== null) this.choose(this.visible[to]);
    else if (key === "/") this.filter.select();
    else if (key === "h" && this.shown.plumbing) this.togglePlumbing();
    else if (key === "p") this.togglePath();
    else if (key === "!") this.only("errors");
    else if (key === "m") this.only("models");
    else if (key === "e") this.next((at) => spans.isBad(at));
    else if (key === "n") this.next((at) => spans.isModelCall(at));
    else if (key === "ArrowLeft") this.left(i);
    else if (key === "ArrowRight") this.right(i);
    else return false;
    return true;
  }

  /** Go to the next span, in drawing order and from the top again at the end, for which this is true. */
  next(is) {
    const { count: total, index } = this.spans;
    const here = index.get(this.selected);
    for (let step = 1; step <= total; step++) {
      const at = (here + step) % total;
      if (is(at)) return this.choose(at);
    }
  }

  left(i) {
    const { shown, spans } = this;
    const canFold = spans.hasChildren(i) || shown.beginsRun(i);
    if (canFold && !shown.isFiltered && !this.isAllFolded(i)) this.fold(i, true);
    else if (spans.parent[i] >= 0) this.choose(spans.parent[i]);
  }

  /** Whether there is nothing left to fold of this row: the subtree first, then the run that it begins. */
  isAllFolded(i) {
    return this.shown.beginsRun(i) ? this.shown.runs.has(i) : this.shown.isFolded(i);
  }

  right(i) {
    if (this.shown.isFolded(i)) this.fold(i, false);
    else if (this.spans.hasChildren(i)) this.choose(i + 1);
  }

  dispose() {
    this.rows.dispose();
  }
}

function spanIdAt(event) {
  return event.target.closest("[data-span-id]")?.dataset.spanId;
}
