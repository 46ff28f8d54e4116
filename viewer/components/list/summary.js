// What the traces of the list are as a whole, in one line: when they ran and failed, how long they took, what they cost.

import { ask } from "../shared/api.js";
import { el, svg } from "../shared/dom.js";
import { atLeast, cost, duration, exact, fullTime, plural } from "../shared/format.js";

const HEIGHT = 26;
const AGAIN_MS = 2000;
const GIVEN_UP_MS = 60_000;

export class Summary {
  /** `chosen(since, until)` is called with Unix milliseconds when the user drags over a time. */
  constructor({ chosen }) {
    this.chosen = chosen;
    this.drawing = svg("svg", { class: "t-history", height: HEIGHT, preserveAspectRatio: "none" });
    this.figures = el("div", { class: "t-summary-figures" });
    this.element = el("div", { class: "t-summary" }, this.figures, this.drawing);
    this.drawing.addEventListener("pointerdown", (event) => this.dragged(event));
  }

  /** Ask for the traces of this filter; of one that was asked already not more often than every other second. */
  async load({ q, tests }, signal) {
    const question = `${q} ${tests}`;
    const isNew = question !== this.question;
    if (!isNew && performance.now() - this.askedAt < AGAIN_MS) return;
    Object.assign(this, { question, askedAt: performance.now() });
    if (isNew) this.version = undefined;
    const answer = await ask("summary", { q, tests, since: this.version }, signal);
    if (answer === null || signal?.aborted) return;
    this.version = answer.version;
    if (answer.traces === null) this.giveUp();
    else if (answer.traces !== undefined) this.draw(answer);
  }

  /** Too many would have to be searched: it is not asked again soon. */
  giveUp() {
    this.askedAt += GIVEN_UP_MS;
    this.answer = null;
    this.figures.replaceChildren(el("span", { class: "t-figure t-dim" }, "too many to search through for sums"));
    this.drawing.replaceChildren();
  }

  draw(answer) {
    this.answer = answer;
    const figure = (text, title) => el("span", { class: "t-figure", title }, text);
    const share = answer.traces ? answer.failed / answer.traces : 0;
    const failed = el("span", { class: `t-figure ${answer.failed ? "t-error-text" : ""}`, title: plural(answer.failed, "trace") },
      `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)}% errors`);
    this.figures.replaceChildren(...[
      figure(plural(answer.traces, "trace")),
      answer.traces > 0 && failed,
      answer.p50_us !== null && figure(`p50 ${duration(answer.p50_us)}`, "half of them took no longer"),
      answer.p95_us !== null && figure(`p95 ${duration(answer.p95_us)}`, "19 of 20 took no longer"),
      answer.cost_usd !== null && figure(atLeast(cost(answer.cost_usd), answer.cost_unknown_calls), exact(answer.cost_usd)),
    ].filter(Boolean));
    this.drawing.replaceChildren(...this.columns());
  }

  /** A column for each part of the time: how many began then, and in red how many of them failed. */
  columns() {
    const { parts } = this.answer;
    if (!parts) return [];
    const count = Math.max(...parts.part) + 1;
    const most = Math.max(...parts.traces);
    this.drawing.setAttribute("viewBox", `0 0 ${count} ${HEIGHT}`);
    this.count = count;
    const tall = (n) => (n ? Math.max(1.5, (n / most) * HEIGHT) : 0);
    return parts.part.map((at, i) => {
      const title = `${plural(parts.traces[i], "trace")}, ${parts.failed[i]} failed\n${fullTime(this.time(at)).slice(4, -4)}`;
      const column = (height, name) => svg("rect", { class: name, x: at + 0.08, width: 0.84, y: HEIGHT - height, height });
      return svg("g", {}, svg("title", {}, title),
        svg("rect", { class: "t-history-room", x: at, width: 1, y: 0, height: HEIGHT }),
        column(tall(parts.traces[i]), "t-history-ok"), column(tall(parts.failed[i]), "t-history-failed"));
    });
  }

  /** Unix milliseconds at which a part begins. */
  time(part) {
    return this.answer.first_ms + part * this.answer.width_ms;
  }

  /** Choose the time from here to where the pointer is let go. */
  dragged(event) {
    if (!this.answer?.parts) return;
    const box = this.drawing.getBoundingClientRect();
    const partAt = ({ clientX }) => Math.min(this.count, Math.max(0, ((clientX - box.left) / box.width) * this.count));
    const from = partAt(event);
    const choice = svg("rect", { class: "t-history-choice", y: 0, height: HEIGHT, x: from, width: 0 });
    this.drawing.append(choice);
    const span = (end) => [Math.min(from, partAt(end)), Math.max(from, partAt(end))];
    const move = (moved) => {
      const [first, last] = span(moved);
      choice.setAttribute("x", first);
      choice.setAttribute("width", last - first);
    };
    const end = (ended) => {
      this.drawing.removeEventListener("pointermove", move);
      choice.remove();
      const [first, last] = span(ended);
      this.chosen(this.time(Math.floor(first)), this.time(Math.ceil(last === first ? last + 0.01 : last)));
    };
    this.drawing.setPointerCapture(event.pointerId);
    this.drawing.addEventListener("pointermove", move);
    this.drawing.addEventListener("pointerup", end, { once: true });
  }
}
