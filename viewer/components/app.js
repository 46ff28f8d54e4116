// What is mounted on the page: the view that the address names.
//
//     /?q=error&tests=1           the list of traces
//     /?trace=<id>&span=<id>&q=   a trace; the filter stays, for the way back
//     /?view=sessions&q=          conversations
//     /?session=<id>              one of them
//     /?compare=<id>,<id>         traces side by side
//     /?view=stats&q=             figures of the traces that a filter finds

import { address, goBack, keepAddress, pushAddress, replaceAddress } from "./shared/address.js";
import { ask, keepAnswers } from "./shared/api.js";
import { el } from "./shared/dom.js";

const mounted = new WeakMap();

/** Called by Streamlit when the component appears, and again when its theme changes; returns what ends it. */
export function mount({ parentElement, data }) {
  if (!mounted.has(parentElement)) mounted.set(parentElement, new App(parentElement, data));
  return () => {
    mounted.get(parentElement)?.dispose();
    mounted.delete(parentElement);
  };
}

/**
 * The views by their names in the address, each loaded when it is first shown. One is made as `new View(app)`, and has
 * `element`, `show(address)` (also called when it is shown already and the address has changed), `hide()` and
 * `dispose()`.
 */
const VIEWS = {
  traces: async () => (await import("./list/list.js")).TraceList,
  trace: async () => (await import("./trace/trace.js")).TracePage,
  sessions: async () => (await import("./sessions/sessions.js")).SessionList,
  session: async () => (await import("./sessions/session.js")).SessionPage,
  compare: async () => (await import("./compare/compare.js")).ComparePage,
  stats: async () => (await import("./stats/stats.js")).StatsPage,
};

/** The views that most go to: loaded once the first is shown, so that no click waits for them. */
const LIKELY = ["traces", "trace"];
const LIKELY_AFTER_MS = 1000;

/** Return the name of the view that an address means. */
function nameOf({ trace, session, compare, view }) {
  if (trace) return "trace";
  if (session) return "session";
  if (compare) return "compare";
  return Object.hasOwn(VIEWS, view) ? view : "traces";
}

class App {
  /**
   * `pages` are the names of the user's own pages, which are Streamlit's to show. In a shared file, `file` has the
   * `address` to begin with and the `answers` of the API by question; nothing else can be shown there.
   */
  constructor(parent, { pages, file = null }) {
    this.pages = pages;
    this.isFile = file !== null;
    if (file) {
      keepAddress(file.address);
      keepAnswers(file.answers);
    }
    this.root = el("main", { class: `tracer ${this.isFile ? "t-file" : ""}`.trim() });
    this.views = new Map();
    this.onPop = () => this.route();
    this.onClick = (event) => this.followed(event);
    window.addEventListener("popstate", this.onPop);
    this.root.addEventListener("click", this.onClick);
    parent.append(this.root);
    this.route();
    // What cannot be had now is asked for again when it is wanted.
    this.ahead = setTimeout(() => LIKELY.forEach((name) => VIEWS[name]().catch(() => {})), LIKELY_AFTER_MS);
  }

  /** Show what the address names. */
  async route() {
    const here = address();
    const name = nameOf(here);
    this.wanted = here;
    const View = await VIEWS[name]();
    if (this.wanted !== here) return;
    if (!this.views.has(name)) this.views.set(name, new View(this));
    this.place(this.views.get(name));
    this.shown.show(here);
  }

  place(view) {
    if (this.shown === view) return;
    this.shown?.hide();
    this.shown = view;
    this.root.replaceChildren(view.element);
  }

  /** Go to an address `{trace, span, q, …}`; the browser's back button returns. */
  go(to) {
    if (this.isFile && !to.trace && !to.compare) return;
    pushAddress(to);
    this.route();
  }

  /** Say in the address what is shown already. */
  note(to) {
    replaceAddress(to);
  }

  /** Go to a trace; the filter of the list stays in the address, for the way back. */
  open(trace) {
    this.cameFrom = this.shown;
    const { q, tests, cols } = address();
    this.go({ trace, q, tests, cols });
  }

  /** Put traces side by side, the oldest first. */
  compare(traces) {
    this.cameFrom = this.shown;
    this.go({ compare: traces.join(",") });
  }

  /** Return to where a trace was opened from, or to the list. */
  back() {
    const { q, tests, cols } = address();
    if (this.cameFrom || this.isFile) goBack(() => this.route());
    else this.go({ q, tests, cols });
    this.cameFrom = null;
  }

  /** Go to the trace above or below; in the list as it is filtered, or among all where the list was never opened. */
  async step(trace, by) {
    const list = this.views.get("traces");
    let to = list?.neighbour(trace, by);
    if (!to && !list?.traces.length) {
      const { newer, older } = await ask(`trace/${trace}/neighbours`);
      to = by < 0 ? newer : older;
    }
    if (!to) return;
    list?.select(to);
    const { q, tests, cols } = address();
    this.note({ trace: to, q, tests, cols });
    this.route();
  }

  /** A link to another view was followed: no page is loaded for that. */
  followed(event) {
    const link = event.target.closest("a[data-view]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.go(address(link.search));
  }

  dispose() {
    window.removeEventListener("popstate", this.onPop);
    clearTimeout(this.ahead);
    for (const view of this.views.values()) view.dispose();
    this.root.remove();
  }
}
