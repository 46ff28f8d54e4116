// The list of conversations, the last active first.

import { ask, listed, Poll } from "../shared/api.js";
import { button, el } from "../shared/dom.js";
import { atLeast, cost, count, duration, fullTime, plural, sum, when } from "../shared/format.js";
import { statusIcon, statusTitle } from "../shared/icons.js";
import { help, listen } from "../shared/keys.js";
import { nav } from "../shared/nav.js";
import { moved, VirtualRows } from "../shared/rows.js";
import { failure, noSessions, nothingFound } from "../shared/screens.js";
import { SearchBox } from "../shared/search.js";

const ROW_HEIGHT = 28;
const HEADS = ["", "Active", "Session", "First input", "Last output", "User", "Turns", "Tokens", "Cost", "Lasted"];
const FIGURES = new Set(["Active", "Turns", "Tokens", "Cost", "Lasted"]);

const KEYS = [
  [
    "Sessions",
    [
      ["j k ↓ ↑", "next, previous session"],
      ["Enter", "read it"],
      ["PgUp PgDn Home End", "move faster"],
      ["/", "filter"],
      ["?", "this help"],
    ],
  ],
];

export class SessionList {
  constructor(app) {
    this.app = app;
    this.sessions = [];
    this.rows = new VirtualRows({
      rowHeight: ROW_HEIGHT,
      role: "rowgroup",
      label: "Sessions",
      draw: (index) => this.row(index),
      chosen: () => this.chosen(),
    });
    this.rows.body.addEventListener("click", (event) => this.clicked(event));
    this.poll = new Poll((signal) => this.refresh(signal), (error) => this.told(error));
    this.place = el("div", { class: "t-place" });
    this.element = el("section", { class: "t-page" }, this.bar(), this.table());
  }

  bar() {
    this.search = new SearchBox({ changed: (q) => this.change(q), left: () => this.moveTo(0) });
    this.problem = el("span", { class: "t-problem", role: "alert" });
    this.note = el("span", { class: "t-dim" });
    return el("header", { class: "t-bar" },
      nav("sessions", this.app.pages),
      this.search.elements,
      this.problem,
      el("span", { class: "t-grow" }),
      this.note,
      button({ class: "t-plain", title: "Keyboard (?)", onclick: () => this.key("?") }, "?"));
  }

  table() {
    const heads = HEADS.map((head) => el("span", { role: "columnheader", class: FIGURES.has(head) ? "t-right" : null }, head));
    return el("div", { class: "t-table", role: "grid", "aria-label": "Sessions" },
      el("div", { class: "t-list-row t-session-row t-list-head", role: "row" }, heads),
      this.rows.scroller,
      this.place);
  }

  row(index) {
    const session = this.sessions[index];
    const id = session.session_id;
    const cell = (className, content, title) => el("span", { role: "gridcell", class: className, title }, content);
    const prose = (className, content) => el("span", { role: "gridcell", class: className, dir: "auto" }, content);
    const called = session.model_call_count > 0;
    const tokens = count(sum(session.input_tokens, session.output_tokens));
    const failed = session.failed_turns > 0 && el("span", { class: "t-error-text" }, ` ${session.failed_turns}✗`);
    return el("div", {
      class: "t-list-row t-session-row",
      role: "row",
      "data-session-id": id,
      "data-status": session.status,
      "aria-rowindex": index + 1,
      "aria-selected": String(id === this.selected),
    },
    cell(null, statusIcon(session.status), statusTitle(session.status)),
    cell("t-num t-dim", when(session.last_ms), fullTime(session.last_ms)),
    cell("t-name", el("a", { href: `?session=${encodeURIComponent(id)}`, tabindex: "-1" }, id), id),
    prose("t-clip t-dim", session.first_input),
    prose("t-clip", session.last_output ?? session.status_message),
    cell("t-clip t-dim", session.user_id, session.user_id),
    cell("t-num", [count(session.turns), failed], plural(session.turns, "turn")),
    cell("t-num", called && atLeast(tokens, session.tokens_unknown_calls)),
    cell("t-num", called && atLeast(cost(session.cost_usd), session.cost_unknown_calls)),
    cell("t-num", duration(session.lasted_us)));
  }

  show({ q = "" }) {
    this.stopKeys ??= listen((key) => this.key(key));
    document.title = "Sessions · tracer";
    if (q !== this.q) Object.assign(this, { q, version: undefined, selected: null });
    this.search.set(q);
    this.poll.start({ now: true });
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
    const answer = await ask("sessions", { q: this.q, since: this.version }, signal);
    if (answer === null || signal.aborted) return;
    this.version = answer.version;
    if (!answer.sessions) return;
    this.sessions = listed(answer.sessions);
    this.note.textContent = answer.is_cut ? `the last ${this.sessions.length}` : "";
    this.rows.reset(this.sessions.length);
  }

  /** Show what went wrong, or what stands in the place of rows where there are none. Null when all is well. */
  told(error) {
    const isFilter = error?.kind === "QueryError";
    if (isFilter) this.poll.stop();
    const clear = button({ class: "t-link", onclick: () => this.change("") }, "Clear the filter");
    const isEmpty = !this.sessions.length;
    this.problem.textContent = this.problem.title = error && !isEmpty ? error.message : "";
    this.search.input.setAttribute("aria-invalid", String(isFilter));
    const empty = this.q ? nothingFound(this.q, clear) : noSessions();
    this.place.replaceChildren(...(isEmpty ? [error ? failure(error, isFilter && clear) : empty] : []));
  }

  change(q) {
    this.app.note({ view: "sessions", q });
    this.show({ q });
  }

  clicked(event) {
    const row = event.target.closest("[data-session-id]");
    if (!row || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.open(row.dataset.sessionId);
  }

  open(session) {
    this.selected = session;
    this.app.go({ session });
  }

  key(key) {
    const here = this.chosen();
    const to = moved(key, here, this.sessions.length, this.rows.pageRows);
    if (to !== null) this.moveTo(to);
    else if (key === "Enter" && here >= 0) this.open(this.selected);
    else if (key === "/") this.search.focus();
    else if (key === "?") help(this.element, KEYS);
    else return false;
    return true;
  }

  moveTo(index) {
    if (!this.sessions[index]) return;
    this.selected = this.sessions[index].session_id;
    this.rows.choose((row) => row.dataset.sessionId === this.selected);
    this.rows.reveal();
  }

  /** Return the place of the chosen session, -1 where none is. */
  chosen() {
    return this.sessions.findIndex((session) => session.session_id === this.selected);
  }
}
