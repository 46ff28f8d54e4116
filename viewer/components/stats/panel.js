// One panel: its title, its rows as a drawing or a table, and its SQL.

import { ask } from "../shared/api.js";
import { button, copyButton, el } from "../shared/dom.js";
import { Bars, Figures, Table } from "./rows.js";
import { TimeChart } from "./timechart.js";

const DRAWINGS = { figures: Figures, bars: Bars, table: Table, columns: TimeChart, lines: TimeChart };

export class Panel {
  constructor({ name, title, chart }) {
    this.body = el("div", { class: "t-panel-body" });
    this.note = el("span", { class: "t-dim t-panel-note" });
    this.sql = el("div", { class: "t-panel-sql", hidden: true });
    const onclick = () => this.toggle();
    this.opener = button({ class: "t-opener", title: "The SQL of this panel", "aria-expanded": "false", onclick }, "SQL");
    this.element = el("section", { class: `t-card t-card-${chart}`, "data-panel": name, hidden: true },
      el("header", {},
        el("h2", {}, title),
        el("span", { class: "t-grow" }),
        this.note,
        this.opener),
      this.body,
      this.sql);
  }

  async load({ q, bucket }, signal) {
    try {
      const answer = await ask(`panel/${encodeURIComponent(this.element.dataset.panel)}`, { q, bucket }, signal);
      this.took(answer, { q, bucket });
    } catch (error) {
      if (signal.aborted) return;
      this.put(el("p", { class: "t-error-text t-panel-problem", role: "alert" }, error.message));
    }
  }

  took(answer, asked) {
    const Drawing = answer.values[0]?.length ? DRAWINGS[answer.chart] : null;
    this.drawing?.dispose?.();
    this.drawing = Drawing && new Drawing(answer, asked);
    this.put(this.drawing?.element ?? el("p", { class: "t-dim" }, "Nothing of this kind was recorded."));
    this.note.textContent = answer.is_cut ? `the first ${answer.values[0].length} rows` : "";
    this.sql.replaceChildren(
      el("header", {},
        el("span", { class: "t-dim" }, `took ${answer.took_ms} ms`), el("span", { class: "t-grow" }),
        copyButton(() => answer.sql)),
      el("pre", {}, answer.sql.trim()));
  }

  put(element) {
    this.body.replaceChildren(element);
  }

  toggle() {
    this.sql.hidden = !this.sql.hidden;
    this.opener.setAttribute("aria-expanded", String(!this.sql.hidden));
  }

  dispose() {
    this.drawing?.dispose?.();
  }
}
