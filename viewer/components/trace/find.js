// Find in a trace: the spans in whose input, output, name or error a text stands, one after the other.

import { ask } from "../shared/api.js";
import { button, el } from "../shared/dom.js";

export class Find {
  /** `onFound(spanIds)` is called with what is found, null when no longer; `onGo(spanId)` to go to one of them. */
  constructor({ onFound, onGo }) {
    this.onFound = onFound;
    this.onGo = onGo;
    this.input = el("input", {
      type: "search",
      class: "t-search",
      placeholder: "Find in inputs and outputs",
      "aria-label": "Find in inputs and outputs",
      spellcheck: "false",
      autocomplete: "off",
      onkeydown: (event) => this.key(event),
    });
    this.told = el("span", { class: "t-dim", role: "status" });
    this.element = el("div", { class: "t-find t-asks", hidden: true },
      this.input,
      this.told,
      el("span", { class: "t-grow" }),
      button({ class: "t-plain", title: "Previous (shift+Enter)", onclick: () => this.go(-1) }, "↑"),
      button({ class: "t-plain", title: "Next (Enter)", onclick: () => this.go(1) }, "↓"),
      button({ class: "t-plain", title: "Close (Esc)", onclick: () => this.close() }, "✕"));
  }

  open() {
    this.element.hidden = false;
    this.input.select();
  }

  close() {
    this.element.hidden = true;
    this.input.value = "";
    this.forget();
  }

  /** Find in this trace from now on. `order` gives the place of a span in the drawing, to tell which comes next. */
  in({ traceId, order }) {
    this.order = order;
    if (this.traceId === traceId) return;
    this.traceId = traceId;
    this.forget();
  }

  forget() {
    this.asked = null;
    this.at = -1;
    this.found = [];
    this.told.textContent = "";
    this.onFound(null);
  }

  key(event) {
    if (event.key === "Enter") this.go(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
  }

  /** Ask, where the text is another than before, and go to the next span that was found, or the one before. */
  async go(by) {
    const q = this.input.value.trim();
    if (!q) return this.forget();
    if (q !== this.asked && !(await this.look(q))) return;
    const { length } = this.found;
    if (length) this.at = this.at < 0 && by < 0 ? length - 1 : (this.at + by + length) % length;
    this.told.textContent = length ? `${this.at + 1} of ${length}` : "not found";
    if (length) this.onGo(this.found[this.at]);
  }

  /** Return whether it was answered, and not overtaken by another question. */
  async look(q) {
    this.forget();
    this.asked = q;
    this.told.textContent = "…";
    try {
      const { span_ids: ids } = await ask(`trace/${this.traceId}/find`, { q });
      if (this.asked !== q) return false;
      this.found = ids.sort((a, b) => this.order(a) - this.order(b));
      this.onFound(new Set(ids));
      return true;
    } catch (error) {
      this.forget();
      this.told.textContent = error.message;
      return false;
    }
  }
}
