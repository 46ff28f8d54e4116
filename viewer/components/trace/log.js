// The spans of a trace and their events as lines, in the order of time: a line where each begins, and one an event.

import { ask, listed } from "../shared/api.js";
import { el } from "../shared/dom.js";
import { duration } from "../shared/format.js";
import { kindIcon, statusIcon } from "../shared/icons.js";
import { VirtualRows } from "../shared/rows.js";

const ROW_HEIGHT = 22;

export class Log {
  /** `onSelect(spanId)` is called when the user chooses a line. */
  constructor({ onSelect }) {
    this.lines = [];
    this.rows = new VirtualRows({
      rowHeight: ROW_HEIGHT,
      role: "log",
      label: "Spans and events in order of time",
      draw: (at) => this.line(this.lines[at]),
      chosen: () => this.lines.findIndex(({ i }) => this.spans.ids[i] === this.selected),
    });
    this.rows.body.addEventListener("click", (event) => {
      const spanId = event.target.closest("[data-of]")?.dataset.of;
      if (spanId) onSelect(spanId);
    });
    this.element = el("div", { class: "t-log" }, this.rows.scroller);
  }

  /** Show the spans that this tree looks for and has not folded, and their events as soon as these are told. */
  async set(tree) {
    const { trace } = tree.spans;
    const isOther = this.trace?.trace_id !== trace.trace_id;
    const isKnown = this.trace === trace;
    Object.assign(this, { tree, trace, spans: tree.spans, events: isOther ? [] : this.events });
    this.layOut();
    if (isKnown) return;
    const { events } = await ask(`trace/${trace.trace_id}/events`);
    if (this.trace !== trace) return;
    this.events = listed(events);
    this.layOut();
    if (isOther) this.rows.reveal();
  }

  layOut() {
    const { columns, ids, index } = this.spans;
    const begins = ids.map((id, i) => ({ us: columns.start_us[i], i }));
    const told = this.events.map((event) => ({ us: event.at_us, i: index.get(event.span_id), event }));
    const isShown = ({ i }) => i !== undefined && !this.tree.leavesOut(i) && this.tree.isLit(i);
    this.lines = [...begins, ...told].filter(isShown).sort((a, b) => a.us - b.us || a.i - b.i);
    this.rows.reset(this.lines.length);
  }

  line({ us, i, event }) {
    const { spans } = this;
    const id = spans.ids[i];
    const status = spans.status(i);
    const message = event ? event.message : spans.message(i);
    return el("div", { class: "t-log-line", "data-of": id, "aria-current": id === this.selected },
      el("span", { class: "t-num t-dim" }, us === 0 ? "0" : `+${duration(us)}`),
      el("span", { class: "t-num" }, event ? null : duration(spans.duration(i, spans.now()))),
      event ? el("span", { class: "t-log-event", title: `event of ${spans.name(i)}` }, "•") : kindIcon(spans.kind(i)),
      el("span", { class: "t-name" }, event ? event.name : spans.name(i)),
      !event && status !== "OK" && statusIcon(status),
      message && el("span", { class: "t-clip t-dim", title: message }, message));
  }

  select(spanId) {
    const isOther = spanId !== this.selected;
    this.selected = spanId;
    for (const [at, row] of this.rows.drawn) {
      row.toggleAttribute("aria-current", this.spans.ids[this.lines[at].i] === spanId);
    }
    if (isOther) this.rows.reveal();
  }

  dispose() {
    this.rows.dispose();
  }
}
