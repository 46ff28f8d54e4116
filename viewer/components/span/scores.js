// The scores of a span, or of the trace where it is the first: thumbs, and any name with a number, a label, a comment.

import { ask, send } from "../shared/api.js";
import { button, el } from "../shared/dom.js";
import { fullTime } from "../shared/format.js";

const THUMBS = [["good", 1], ["bad", 0]];
const THUMB = "thumb";

export class Scores {
  constructor() {
    this.list = el("span", { class: "t-scores-list" });
    this.thumbs = THUMBS.map(([label, value]) =>
      button({ class: "t-thumb", title: `This is ${label}`, "aria-pressed": "false",
        onclick: () => this.give({ name: THUMB, value, label }) }, label));
    this.form = this.makeForm();
    const onclick = () => this.open(this.form.hidden);
    this.opener = button({ class: "t-plain", title: "Give a score", "aria-expanded": "false", onclick }, "score…");
    this.element = el("div", { class: "t-scores t-asks" }, this.thumbs, this.list, this.opener, this.form);
  }

  makeForm() {
    const field = (name, attributes) => el("input", { class: "t-search", name, placeholder: name, ...attributes });
    const form = el("form", { class: "t-score-form", hidden: true },
      field("name", { required: true, "aria-label": "name" }),
      field("value", { type: "number", step: "any", "aria-label": "value" }),
      field("label", { "aria-label": "label" }),
      field("comment", { "aria-label": "comment" }),
      el("button", { class: "t-chip" }, "Save"),
      el("span", { class: "t-error-text", role: "alert" }));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const { name, value, label, comment } = Object.fromEntries(new FormData(form));
      this.give({ name, value: value === "" ? null : Number(value), label: label || null, comment: comment || null });
    });
    form.addEventListener("keydown", (event) => event.key === "Escape" && this.open(false));
    return form;
  }

  open(isOpen) {
    this.form.hidden = !isOpen;
    this.opener.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) this.form.elements.name.focus();
  }

  /** Show those of a span; `isFirst` adds those of its trace, of which a new one is then. */
  async show({ trace_id: traceId, span_id: spanId }, isFirst) {
    this.target = { trace_id: traceId, span_id: isFirst ? null : spanId };
    this.shown = isFirst ? [null, spanId] : [spanId];
    this.open(false);
    this.draw([]);
    await this.load();
  }

  async load() {
    const { target } = this;
    try {
      const scores = await ask(`scores/${target.trace_id}`);
      if (target !== this.target) return;
      this.draw(scores.filter((score) => this.shown.includes(score.span_id ?? null)));
    } catch (error) {
      this.tell(error);
    }
  }

  /** Of scores with one name and source the last holds. */
  draw(scores) {
    const last = new Map(scores.map((score) => [`${score.source} ${score.name}`, score]));
    const thumb = [...last.values()].findLast((score) => score.name === THUMB);
    this.thumbs.forEach((one, i) => one.setAttribute("aria-pressed", String(thumb?.value === THUMBS[i][1])));
    this.list.replaceChildren(...[...last.values()].filter((score) => score.name !== THUMB).map(chip));
  }

  async give(score) {
    try {
      await send("scores", { ...this.target, ...score });
      this.form.reset();
      this.open(false);
      this.tell(null);
      await this.load();
    } catch (error) {
      this.tell(error);
    }
  }

  tell(error) {
    this.form.lastChild.textContent = error?.message ?? "";
    if (error) this.open(true);
  }
}

function chip({ name, value, label, comment, source, time_ns: time }) {
  const said = [value, label].filter((one) => one !== null && one !== undefined).join(" ");
  const title = `${comment ?? ""}\n${source}, ${fullTime(time / 1e6)}`.trim();
  return el("span", { class: "t-pill", title }, `${name} ${said}`.trim(), comment && el("span", { class: "t-dim" }, ` “${comment}”`));
}
