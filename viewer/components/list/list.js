// The list of traces, newest first: search, more pages on scrolling, and new traces as they come.

import { ask, listed, Poll } from "../shared/api.js";
import { button, el } from "../shared/dom.js";
import { duration, fullTime } from "../shared/format.js";
import { help, listen } from "../shared/keys.js";
import { nav } from "../shared/nav.js";
import { moved, VirtualRows } from "../shared/rows.js";
import { failure, nothingFound, nothingRecorded } from "../shared/screens.js";
import { SearchBox } from "../shared/search.js";
import { cells, COLUMNS, headCell, roomFor, taken } from "./cells.js";
import { Summary } from "./summary.js";
import { columnsOf, ViewMenu } from "./views.js";

const PAGE = 100;
const ROW_HEIGHT = 28;

const KEYS = [
  [
    "List",
    [
      ["j k ↓ ↑", "next, previous trace"],
      ["Enter", "open the trace"],
      ["PgUp PgDn Home End", "move faster"],
      ["e", "next trace with an error"],
      ["c", "mark the trace, to compare it with another"],
      ["/", "search"],
      ["v", "columns, and saved views"],
      ["p", "pause or resume live"],
      ["?", "this help"],
    ],
  ],
];

export class TraceList {
  constructor(app) {
    this.app = app;
    this.traces = [];
    this.searchedMs = null;
    this.selected = null;
    this.marked = new Set();
    this.query = { q: "", tests: "", cols: "" };
    this.columns = columnsOf("");
    this.rows = new VirtualRows({
      rowHeight: ROW_HEIGHT,
      role: "rowgroup",
      label: "Traces",
      draw: (index) => this.row(index),
      chosen: () => this.placeOf(this.selected),
      onEnd: () => this.more(),
    });
    this.rows.body.addEventListener("click", (event) => this.clicked(event));
    this.poll = new Poll((signal) => this.refresh(signal), (error) => this.told(error));
    this.place = el("div", { class: "t-place" });
    this.further = el("div", { class: "t-further", role: "status", hidden: true });
    this.summary = new Summary({ chosen: (since, until) => this.change({ q: within(this.query.q, since, until) }) });
    this.element = el("section", { class: "t-page" }, this.bar(), this.summary.element, this.table());
    this.setLive(true);
  }

  // ── what is on the page

  bar() {
    this.search = new SearchBox({ changed: (q) => this.change({ q }), left: () => this.moveTo(0) });
    this.tests = button({
      class: "t-chip",
      title: "Show what was recorded under pytest, too",
      onclick: () => this.change({ tests: this.query.tests ? "" : "1" }),
    }, "pytest");
    const onclick = () => this.compare();
    this.comparing = button({ class: "t-chip t-comparing", hidden: true, title: "Put the marked traces side by side", onclick });
    this.problem = el("span", { class: "t-problem", role: "alert" });
    this.live = button({ class: "t-live", onclick: () => this.setLive(!this.isLive) });
    this.views = new ViewMenu({ chosen: (part) => this.change(part), current: () => this.query });
    return el("header", { class: "t-bar" },
      nav("traces", this.app.pages),
      this.search.elements,
      this.tests,
      this.comparing,
      this.problem,
      el("span", { class: "t-grow" }),
      this.views.element,
      this.live,
      button({ class: "t-plain", title: "Keyboard (?)", onclick: () => this.key("?") }, "?"));
  }

  table() {
    this.head = el("div", { class: "t-list-row t-list-head", role: "row" });
    this.grid = el("div", { class: "t-table", role: "grid", "aria-label": "Traces" },
      this.head,
      this.rows.scroller,
      this.place,
      this.further);
    return this.grid;
  }

  /** Lay out the columns that the address names. */
  layOut(cols) {
    this.columns = columnsOf(cols);
    const widths = (names) => ["14px", ...names.map((name) => COLUMNS[name][1])].join(" ");
    for (const width of ["wide", "narrow", "small"]) {
      this.grid.style.setProperty(`--t-columns-${width}`, widths(roomFor(this.columns, width)));
    }
    this.head.replaceChildren(el("span", { role: "columnheader" }), ...this.columns.map(headCell));
  }

  row(index) {
    const trace = this.traces[index];
    return el("div", {
      class: "t-list-row",
      role: "row",
      "data-trace-id": trace.trace_id,
      "data-status": trace.status,
      "aria-rowindex": index + 1,
      "aria-selected": String(trace.trace_id === this.selected),
      "data-marked": this.marked.has(trace.trace_id),
    }, cells(trace, this.columns));
  }

  // ── what it shows

  /** Show the page, with the filter that the address has. */
  show({ q = "", tests = "", cols = "" }) {
    const query = { q, tests, cols };
    this.stopKeys ??= listen((key) => this.key(key));
    document.title = "tracer";
    const isNew = this.version === undefined || ["q", "tests", "cols"].some((part) => query[part] !== this.query[part]);
    if (isNew) this.load(query);
    else this.rows.scroller.scrollTop = this.scrollTop;
    if (this.isLive) this.poll.start();
  }

  hide() {
    this.scrollTop = this.rows.scroller.scrollTop;
    this.stopKeys?.();
    this.stopKeys = null;
    this.poll.stop();
  }

  dispose() {
    this.hide();
    this.rows.dispose();
  }

  async load(query) {
    this.query = query;
    this.layOut(query.cols);
    this.search.set(query.q);
    this.tests.setAttribute("aria-pressed", String(query.tests === "1"));
    this.loading?.abort();
    this.loading = new AbortController();
    const { signal } = this.loading;
    try {
      const answer = await ask("traces", { ...asked(query), limit: PAGE }, signal);
      this.selected = null;
      this.rows.scroller.scrollTop = 0;
      this.took(answer, listed(answer.traces));
      this.told(null);
      await this.summary.load(query, signal);
    } catch (error) {
      if (!signal.aborted) this.told(error);
    }
  }

  /** Ask for the page after the last trace, when it comes near; after a search whose time was up, only when told to. */
  async more({ isTold = false } = {}) {
    const { query, next } = this;
    if (!next || this.asking || (this.searchedMs !== null && !isTold)) return;
    this.asking = true;
    try {
      const answer = await ask("traces", { ...asked(query), limit: PAGE, before: next });
      if (next !== this.next || query !== this.query) return;
      this.took({ ...answer, version: this.version }, [...this.traces, ...listed(answer.traces)]);
    } catch (error) {
      this.told(error);
    } finally {
      this.asking = false;
    }
  }

  /** Ask what is new: traces on the top, and what became of those that ran. What is in sight stays where it is. */
  async refresh(signal) {
    const answer = await ask("traces", { ...asked(this.query), limit: PAGE, since: this.version }, signal);
    if (!answer?.traces) {
      this.version = answer?.version ?? this.version;
      return this.tick();
    }
    const fresh = listed(answer.traces);
    const place = this.traces.findIndex((trace) => trace.trace_id === fresh.at(-1)?.trace_id);
    const older = place < 0 ? [] : this.traces.slice(place + 1);
    const { scrollTop } = this.rows.scroller;
    const top = this.traces[Math.floor(scrollTop / ROW_HEIGHT)];
    const was = this.traces.indexOf(top);
    const { next, searchedMs } = older.length ? this : { next: answer.next, searchedMs: answer.searched_ms };
    this.took({ ...answer, next, searched_ms: searchedMs }, [...fresh, ...older]);
    const is = this.traces.findIndex((trace) => trace.trace_id === top?.trace_id);
    if (scrollTop > 0 && is > was) this.rows.scroller.scrollTop = scrollTop + (is - was) * ROW_HEIGHT;
    await this.summary.load(this.query, signal);
  }

  took({ version, store, next, searched_ms: searchedMs }, traces) {
    Object.assign(this, { version, next, searchedMs, traces });
    this.rows.reset(traces.length);
    this.further.hidden = searchedMs === null;
    if (searchedMs !== null) this.further.replaceChildren(...this.searchedTo(searchedMs));
    if (traces.length || searchedMs !== null) this.place.replaceChildren();
    else if (this.query.q) this.place.replaceChildren(nothingFound(this.query.q, this.clearButton()));
    else this.place.replaceChildren(nothingRecorded(store));
  }

  /** Nothing was recorded; yet what runs has become older. */
  tick() {
    for (const [index, row] of this.rows.drawn) {
      const time = this.traces[index].status === "RUNNING" && row.querySelector("[data-column=duration]");
      if (time) time.textContent = duration(taken(this.traces[index]));
    }
  }

  /** Show what went wrong: beside the rows, or in their place if there are none. Null when all is well. */
  told(error) {
    const isFilter = error?.kind === "QueryError";
    if (isFilter) this.poll.stop();
    this.problem.textContent = this.problem.title = error && this.traces.length ? error.message : "";
    this.search.input.setAttribute("aria-invalid", String(isFilter));
    this.element.toggleAttribute("data-stale", error !== null);
    if (error && !this.traces.length) this.place.replaceChildren(failure(error, isFilter && this.clearButton()));
    else if (this.traces.length) this.place.replaceChildren();
  }

  /** Say how far back the search came, and lead on. */
  searchedTo(ms) {
    const label = "Search further back";
    const onclick = () => this.more({ isTold: true });
    return [`Searched back to ${fullTime(ms)}. `, button({ class: "t-link", onclick }, label)];
  }

  clearButton() {
    return button({ class: "t-link", onclick: () => this.change({ q: "" }) }, "Clear the filter");
  }

  // ── what the user does

  change(part) {
    const query = { ...this.query, ...part };
    this.app.note(query);
    this.load(query);
    if (this.isLive) this.poll.start();
  }

  setLive(isLive) {
    this.isLive = isLive;
    this.live.setAttribute("aria-pressed", String(isLive));
    this.live.title = isLive ? "New traces appear as they come. Pause (p)" : "Show new traces as they come (p)";
    this.live.replaceChildren(el("i"), isLive ? "live" : "paused");
    if (!isLive) this.poll.stop();
    else if (this.element.isConnected) this.poll.start();
  }

  clicked(event) {
    const row = event.target.closest("[data-trace-id]");
    if (!row || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (event.target.closest(".t-mark-cell")) return this.mark(row.dataset.traceId);
    this.select(row.dataset.traceId);
    this.app.open(row.dataset.traceId);
  }

  select(traceId) {
    this.selected = traceId;
    this.rows.choose((row) => row.dataset.traceId === traceId);
  }

  /** Mark a trace to be compared, or no longer. */
  mark(traceId) {
    if (!this.marked.delete(traceId)) this.marked.add(traceId);
    for (const row of this.rows.drawn.values()) {
      row.toggleAttribute("data-marked", this.marked.has(row.dataset.traceId));
    }
    this.comparing.hidden = this.marked.size === 0;
    this.comparing.textContent = this.marked.size === 1 ? "mark another to compare" : `Compare ${this.marked.size}`;
  }

  /** Put the marked traces side by side, in the order of time: an id begins with it. */
  compare() {
    if (this.marked.size > 1) this.app.compare([...this.marked].sort());
  }

  key(key) {
    const here = this.placeOf(this.selected);
    const to = moved(key, here, this.traces.length, this.rows.pageRows);
    if (to !== null) this.moveTo(to);
    else if (key === "Enter" && here >= 0) this.app.open(this.selected);
    else if (key === "c" && here >= 0) this.mark(this.selected);
    else if (key === "e") this.moveTo(this.traces.findIndex((trace, index) => index > here && trace.error_count > 0));
    else if (key === "/") this.search.focus();
    else if (key === "v") this.views.toggle();
    else if (key === "p") this.setLive(!this.isLive);
    else if (key === "?") help(this.element, KEYS);
    else return false;
    return true;
  }

  moveTo(index) {
    if (!this.traces[index]) return;
    this.select(this.traces[index].trace_id);
    this.rows.reveal();
  }

  /** Return the trace that stands `by` rows below this one, or null where the list does not know. */
  neighbour(traceId, by) {
    const here = this.placeOf(traceId);
    return here < 0 ? null : (this.traces[here + by]?.trace_id ?? null);
  }

  placeOf(traceId) {
    return this.traces.findIndex((trace) => trace.trace_id === traceId);
  }
}

/** What of the address is asked of the store. */
function asked({ q, tests }) {
  return { q, tests };
}

/** Return a filter that finds the traces of a time only. */
function within(q, since, until) {
  const rest = q.replace(/(^|\s)(since|until):\S+/g, "").trim();
  const moment = (ms) => new Date(ms).toISOString();
  return `since:${moment(since)} until:${moment(until)} ${rest}`.trim();
}
