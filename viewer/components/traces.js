// What is mounted on the page of the traces: the list, or the trace that the address names.
//
//     /?q=error&tests=1           the list
//     /?trace=<id>&span=<id>&q=   a trace; the filter stays, for the way back

import { ask } from "./api.js";
import { el } from "./dom.js";
import { TraceList } from "./list.js";
import { TracePage } from "./trace.js";

const mounted = new WeakMap();

/** Called by Streamlit when the component appears, and again when its theme changes; returns what ends it. */
export function mount({ parentElement }) {
  if (!mounted.has(parentElement)) mounted.set(parentElement, new Traces(parentElement));
  return () => {
    mounted.get(parentElement)?.dispose();
    mounted.delete(parentElement);
  };
}

class Traces {
  constructor(parent) {
    this.root = el("main", { class: "tracer" });
    this.list = new TraceList({
      open: (traceId) => this.open(traceId),
      filtered: (query) => history.replaceState(history.state, "", listUrl(query)),
    });
    this.page = new TracePage({
      back: () => this.back(),
      step: (traceId, by) => this.step(traceId, by),
      moved: (traceId, spanId) => history.replaceState(history.state, "", traceUrl(traceId, spanId)),
      search: (q) => this.go(listUrl({ q })),
    });
    this.onPop = () => this.route();
    window.addEventListener("popstate", this.onPop);
    parent.append(this.root);
    this.route();
  }

  /** Show what the address names. */
  route() {
    const { trace, span, q = "", tests = "" } = address();
    this.place(trace ? this.page : this.list);
    if (trace) this.page.show(trace, span);
    else this.list.show({ q, tests });
  }

  place(shown) {
    if (this.shown === shown) return;
    this.shown?.hide();
    this.shown = shown;
    this.root.replaceChildren(shown.element);
  }

  go(url) {
    history.pushState(null, "", url);
    this.route();
  }

  open(traceId) {
    this.cameFromList = true;
    this.go(traceUrl(traceId));
  }

  back() {
    if (this.cameFromList) history.back();
    else this.go(listUrl(address()));
    this.cameFromList = false;
  }

  /** Go to the trace above or below; in the list as it is filtered, or among all where the list was never opened. */
  async step(traceId, by) {
    let to = this.list.neighbour(traceId, by);
    if (!to && !this.list.traces.length) {
      const { newer, older } = await ask(`trace/${traceId}/neighbours`);
      to = by < 0 ? newer : older;
    }
    if (!to) return;
    this.list.select(to);
    history.replaceState(history.state, "", traceUrl(to));
    this.route();
  }

  dispose() {
    window.removeEventListener("popstate", this.onPop);
    this.list.dispose();
    this.page.dispose();
    this.root.remove();
  }
}

function address() {
  return Object.fromEntries(new URLSearchParams(location.search));
}

function listUrl({ q, tests }) {
  return url({ q, tests });
}

function traceUrl(trace, span) {
  const { q, tests } = address();
  return url({ trace, span, q, tests });
}

function url(parts) {
  const query = new URLSearchParams(Object.entries(parts).filter(([, value]) => value));
  return query.size ? `/?${query}` : "/";
}
