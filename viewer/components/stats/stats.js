// The page of statistics: panels over the traces that a filter finds. Each shows the SQL that it asks.

import { ask } from "../shared/api.js";
import { button, el } from "../shared/dom.js";
import { help, listen } from "../shared/keys.js";
import { nav } from "../shared/nav.js";
import { failure } from "../shared/screens.js";
import { SearchBox } from "../shared/search.js";
import { Panel } from "./panel.js";

const TIMES = [["1h", "1 hour"], ["24h", "24 hours"], ["7d", "7 days"], ["30d", "30 days"], ["", "all"]];
const PATIENCE_MS = 1000;
const SINCE = /(^|\s)since:\S+/;

const KEYS = [["Statistics", [["/", "filter"], ["r", "ask again"], ["?", "this help"]]]];

export class StatsPage {
  constructor(app) {
    this.app = app;
    this.panels = new Map();
    this.grid = el("div", { class: "t-panels" });
    this.place = el("div", { class: "t-place" });
    this.element = el("section", { class: "t-page" }, this.bar(), this.grid, this.place);
  }

  bar() {
    this.search = new SearchBox({ changed: (q) => this.change(q), left: () => this.grid.focus() });
    this.times = TIMES.map(([time, label]) =>
      button({ class: "t-chip", "data-time": time, onclick: () => this.change(since(this.q, time)) }, label));
    return el("header", { class: "t-bar" },
      nav("stats", this.app.pages),
      this.search.elements,
      el("span", { class: "t-grow" }),
      el("span", { class: "t-periods" }, this.times),
      button({ class: "t-plain", title: "Keyboard (?)", onclick: () => this.key("?") }, "?"));
  }

  show({ q = "" }) {
    this.stopKeys ??= listen((key) => this.key(key));
    document.title = "Stats · tracer";
    this.load(q);
  }

  hide() {
    this.stopKeys?.();
    this.stopKeys = null;
    this.asking?.abort();
  }

  dispose() {
    this.hide();
    for (const panel of this.panels.values()) panel.dispose();
  }

  /** Ask every panel anew. One that is there stays as it is until it has its answer, so that nothing jumps. */
  async load(q) {
    this.q = q;
    this.search.set(q);
    const time = q.match(SINCE)?.[0].trim().slice("since:".length) ?? "";
    for (const chip of this.times) chip.setAttribute("aria-pressed", String(chip.dataset.time === time));
    this.asking?.abort();
    this.asking = new AbortController();
    const { signal } = this.asking;
    try {
      const { panels, problems, bucket } = await ask("panels", { q }, signal);
      this.told(null);
      this.took(panels, problems);
      await this.reveal(panels.map(({ name }) => this.panels.get(name)), { q, bucket }, signal);
    } catch (error) {
      if (!signal.aborted) this.told(error);
    }
  }

  took(panels, problems) {
    const names = panels.map((panel) => panel.name);
    for (const [name, panel] of this.panels) {
      if (names.includes(name)) continue;
      panel.dispose();
      this.panels.delete(name);
    }
    for (const panel of panels) {
      if (!this.panels.has(panel.name)) this.panels.set(panel.name, new Panel(panel));
    }
    const wrong = problems.map((problem) => el("p", { class: "t-panel-problem", role: "alert" }, problem));
    const shown = [...wrong, ...names.map((name) => this.panels.get(name).element)];
    if (shown.some((element, i) => this.grid.children[i] !== element)) this.grid.replaceChildren(...shown);
  }

  /** Ask for these panels; of those that are new each is shown below the ones before it, unless that takes long. */
  async reveal(panels, asked, signal) {
    const patience = new Promise((end) => setTimeout(end, PATIENCE_MS));
    for (const [panel, loading] of panels.map((one) => [one, one.load(asked, signal)])) {
      await Promise.race([loading, patience]);
      panel.element.hidden = false;
    }
  }

  told(error) {
    this.search.input.setAttribute("aria-invalid", String(error?.kind === "QueryError"));
    this.grid.hidden = error !== null;
    const clear = button({ class: "t-link", onclick: () => this.change("") }, "Clear the filter");
    this.place.replaceChildren(...(error ? [failure(error, this.q && clear)] : []));
  }

  change(q) {
    this.app.note({ view: "stats", q });
    this.load(q);
  }

  key(key) {
    if (key === "/") this.search.focus();
    else if (key === "r") this.load(this.q);
    else if (key === "?") help(this.element, KEYS);
    else return false;
    return true;
  }
}

/** Return a filter with another time in it. */
function since(q, time) {
  const rest = q.replace(SINCE, "").trim();
  return [time && `since:${time}`, rest].filter(Boolean).join(" ");
}
