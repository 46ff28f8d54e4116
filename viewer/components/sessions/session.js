// One conversation as a thread: what was asked and answered, turn by turn, and the trace of each.

import { urlOf } from "../shared/address.js";
import { ask, Poll } from "../shared/api.js";
import { button, el } from "../shared/dom.js";
import { atLeast, cost, count, duration, fullTime, plural, sum, when } from "../shared/format.js";
import { statusIcon, statusTitle } from "../shared/icons.js";
import { jsonView, textView } from "../shared/json.js";
import { help, listen } from "../shared/keys.js";
import { moved } from "../shared/rows.js";
import { failure } from "../shared/screens.js";
import { messageView } from "../span/messages.js";

const KEYS = [
  [
    "Session",
    [
      ["j k ↓ ↑", "next, previous turn"],
      ["Enter", "open its trace"],
      ["Home End", "first, last turn"],
      ["Esc", "back to the sessions"],
      ["?", "this help"],
    ],
  ],
];

export class SessionPage {
  constructor(app) {
    this.app = app;
    this.turns = [];
    this.poll = new Poll((signal) => this.refresh(signal), (error) => this.told(error));
    this.head = el("div", { class: "t-trace-head" });
    this.problem = el("span", { class: "t-problem", role: "alert" });
    this.place = el("div", { class: "t-place" });
    this.thread = el("div", { class: "t-thread" });
    this.scroller = el("div", { class: "t-scroller t-thread-scroller" }, this.thread);
    this.element = el("section", { class: "t-page" }, this.bar(), this.scroller, this.place);
  }

  bar() {
    return el("header", { class: "t-bar" },
      button({ class: "t-plain", title: "All sessions (Esc)", onclick: () => this.back() }, "‹ sessions"),
      this.head,
      el("span", { class: "t-grow" }),
      this.problem,
      button({ class: "t-plain", title: "Keyboard (?)", onclick: () => this.key("?") }, "?"));
  }

  show({ session }) {
    this.stopKeys ??= listen((key) => this.key(key));
    document.title = `${session} · tracer`;
    if (session !== this.session) {
      Object.assign(this, { session, version: undefined, turns: [], selected: -1 });
      this.thread.replaceChildren();
    }
    this.poll.start({ now: true });
  }

  hide() {
    this.stopKeys?.();
    this.stopKeys = null;
    this.poll.stop();
  }

  dispose() {
    this.hide();
  }

  async refresh(signal) {
    const answer = await ask("session", { id: this.session, since: this.version }, signal);
    if (answer === null || signal.aborted) return;
    this.version = answer.version;
    if (answer.turns) this.took(answer);
  }

  /** Show the turns. Who reads at the end stays at the end when there is more. */
  took({ turns, is_cut: isCut }) {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    const wasAtEnd = this.turns.length > 0 && scrollTop + clientHeight > scrollHeight - 40;
    this.turns = turns;
    this.head.replaceChildren(...this.heading());
    const cut = isCut && el("p", { class: "t-dim" }, `The last ${turns.length} turns; earlier ones are in the list.`);
    this.thread.replaceChildren(...[cut, ...turns.map((turn, i) => this.turn(turn, i))].filter(Boolean));
    if (wasAtEnd) this.scroller.scrollTop = this.scroller.scrollHeight;
    this.mark();
  }

  heading() {
    const { turns } = this;
    const figure = (text, title) => el("span", { class: "t-figure", title }, text);
    const total = (name) => sum(...turns.map((turn) => turn[name]));
    const tokens = count(sum(total("input_tokens"), total("output_tokens")));
    const failed = turns.filter((turn) => turn.error_count > 0).length;
    const user = turns.find((turn) => turn.user_id)?.user_id;
    return [
      el("h1", { title: this.session }, this.session),
      figure(plural(turns.length, "turn")),
      total("model_call_count") > 0 && figure(`${atLeast(tokens, total("tokens_unknown_calls"))} tokens`),
      total("cost_usd") !== null && figure(atLeast(cost(total("cost_usd")), total("cost_unknown_calls")), "cost"),
      failed > 0 && el("span", { class: "t-figure t-error-text" }, `${plural(failed, "turn")} with errors`),
      user && figure(user, "user"),
    ].filter(Boolean);
  }

  turn(turn, i) {
    const called = turn.model_call_count > 0;
    const tokens = atLeast(count(sum(turn.input_tokens, turn.output_tokens)), turn.tokens_unknown_calls);
    const facts = [
      when(turn.start_ms),
      duration(turn.duration_us),
      called && `${tokens} tokens`,
      called && turn.cost_usd !== null && atLeast(cost(turn.cost_usd), turn.cost_unknown_calls),
    ];
    const isBad = turn.status !== "OK" && turn.status !== "RUNNING";
    const message = isBad && (turn.status_message || statusTitle(turn.status));
    return el("article", { class: "t-turn", "data-trace-id": turn.trace_id, onclick: () => this.choose(i) },
      el("header", {},
        el("span", { title: statusTitle(turn.status) }, statusIcon(turn.status)),
        el("a", { href: urlOf({ trace: turn.trace_id }), "data-view": "trace" }, turn.name),
        el("span", { class: "t-dim", title: fullTime(turn.start_ms) }, facts.filter(Boolean).join(" · "))),
      said(turn.input, "user"),
      said(turn.output, "assistant"),
      message && el("p", { class: `t-turn-end t-status-${turn.status}` }, message));
  }

  told(error) {
    const isEmpty = !this.turns.length;
    const way = button({ class: "t-link", onclick: () => this.back() }, "All sessions");
    const none = { kind: "SessionNotFound", message: `Nothing was recorded with the session id ${this.session}.` };
    this.problem.textContent = error && !isEmpty ? error.message : "";
    this.place.replaceChildren(...(isEmpty ? [failure(error ?? none, way)] : []));
  }

  back() {
    this.app.go({ view: "sessions" });
  }

  choose(i) {
    this.selected = i;
    this.mark();
  }

  mark() {
    for (const turn of this.thread.querySelectorAll(".t-turn")) {
      turn.setAttribute("aria-selected", String(turn.dataset.traceId === this.turns[this.selected]?.trace_id));
    }
  }

  key(key) {
    const to = moved(key, this.selected, this.turns.length, 1);
    if (to !== null) {
      this.choose(to);
      this.thread.querySelectorAll(".t-turn")[to].scrollIntoView({ block: "nearest" });
    } else if (key === "Enter" && this.selected >= 0) this.app.open(this.turns[this.selected].trace_id);
    else if (key === "Escape") this.back();
    else if (key === "?") help(this.element, KEYS);
    else return false;
    return true;
  }
}

/** What one side said: a message, a text, or a value as it is. */
function said(value, role) {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value.parts)) return messageView({ ...value, role });
  const view = typeof value === "string" ? textView(value) : jsonView(value, 12);
  return el("article", { class: "t-message", "data-role": role },
    el("header", {}, el("span", { class: "t-role" }, role)), view);
}
