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
    });
    this.rows.body.addEventListener("click", (event) => {
      const spanId = event.target.closest("[data-of]")?.dataset.of;
      if (spanId) onSelect(spanId);
    });
    this.element = el("div", { class: "t-log" }, this.rows.scroller);
  }

  /** Show these spans, and their events as soon as these are told. */
  async set(spans) {
    if (this.spans === spans) return;
    this.spans = spans;
    this.layOut([]);
    const { events } = await ask(`trace/${spans.trace.trace_id}/events`);
    if (this.spans === spans) this.layOut(listed(events));
  }

  layOut(events) {
    const { columns, ids, index } = this.spans;
    const begins = ids.map((id, i) => ({ us: columns.start_us[i], i }));
    const told = events.map((event) => ({ us: event.at_us, i: index.get(event.span_id), event }));
    this.lines = [...begins, ...told.filter(({ i }) => i !== undefined)].sort((a, b) => a.us - b.us || a.i - b.i);
    this.rows.reset(this.lines.length);
  }

  line({ us, i, event }) {
    const { spans } = this;
    const id = spans.ids[i];
    const status = spans.status(i);
    const message = event ? event.message : spans.message(i);
    return el("div", { class: "t-log-line", "data-of": id, "aria-current": id === this.selected },
      el("span", { class: "t-num t-dim" }, us === 0 ? "0" : `+${duration(us)}`),
      event ? el("span", { class: "t-log-event", title: `event of ${spans.name(i)}` }, "•") : kindIcon(spans.kind(i)),
      el("span", { class: "t-name" }, event ? event.name : spans.name(i)),
      !event && status !== "OK" && statusIcon(status),
      message && el("span", { class: "t-clip t-dim", title: message }, message));
  }

  select(spanId) {
    this.selected = spanId;
    for (const [at, row] of this.rows.drawn) {
      row.toggleAttribute("aria-current", this.spans.ids[this.lines[at].i] === spanId);
    }
    const at = this.lines.findIndex(({ i }) => this.spans.ids[i] === spanId);
    if (at >= 0) this.rows.reveal(at);
  }

  dispose() {
    this.rows.dispose();
  }
}
