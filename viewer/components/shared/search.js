// The search box of the list, with the words of the filter language to choose from.

import { button, el } from "./dom.js";

const EXAMPLES = [
  ["error", "failed, or with a failed span"],
  ["status:running", "still running"],
  ["model:gpt-4o", "by model"],
  ["name:agent", "by name"],
  ["kind:tool", "with a span of this kind"],
  ["tag:beta", "by tag"],
  ["session:s1", "by session"],
  ["user:u1", "by user"],
  ["dur>2s", "slower than"],
  ["cost>0.1", "dearer than, in dollars"],
  ["tokens>10k", "with more tokens than"],
  ["score:helpful", "with this score or label; score<0.5 by its value"],
  ["since:1h", "in the last hour; until:… before a moment"],
  ["where len(models) > 1", "SQL over traces, as the last of it"],
  ['"refund policy"', "these words, anywhere in names, inputs, outputs and errors"],
];

const CHIPS = [
  ["error", "Errors"],
  ["status:running", "Running"],
];

const TYPING_MS = 150;

export class SearchBox {
  /** `changed(q)` is called with a new filter, a moment after the last key; `left()` when the user goes to the rows. */
  constructor({ changed, left }) {
    this.changed = changed;
    this.left = left;
    this.input = el("input", {
      type: "search",
      class: "t-search",
      placeholder: 'Search, or filter: error  model:gpt-4o  dur>2s  "refund"',
      "aria-label": "Search and filter traces",
      spellcheck: "false",
      autocomplete: "off",
      oninput: () => this.typed(),
      onkeydown: (event) => this.key(event),
      onfocus: () => this.suggest(),
      onblur: () => this.suggest(),
    });
    this.examples = el("div", { class: "t-examples", hidden: true }, EXAMPLES.map((words) => this.example(...words)));
    this.chips = CHIPS.map(([word, label]) => this.chip(word, label));
    this.elements = [el("div", { class: "t-search-box" }, this.input, this.examples), ...this.chips];
  }

  get value() {
    return this.input.value.trim();
  }

  /** Show this filter, and which of the chips are in it. */
  set(q) {
    if (this.value !== q) this.input.value = q;
    const words = q.split(/\s+/);
    for (const chip of this.chips) chip.setAttribute("aria-pressed", String(words.includes(chip.dataset.word)));
  }

  focus() {
    this.input.select();
  }

  example(filter, meaning) {
    // On mousedown, for on click the box would have lost the focus, and this would be gone.
    const take = (event) => {
      event.preventDefault();
      this.put(this.value ? `${this.value} ${filter}` : filter);
    };
    return button({ tabindex: "-1", onmousedown: take }, el("code", {}, filter), meaning);
  }

  chip(word, label) {
    const onclick = () => this.toggle(word);
    return button({ class: "t-chip", "data-word": word, title: `filter: ${word}`, onclick }, label);
  }

  toggle(word) {
    const words = this.value.split(/\s+/).filter(Boolean);
    const others = words.filter((other) => other !== word);
    this.put((others.length < words.length ? others : [...words, word]).join(" "));
  }

  put(q) {
    this.input.value = q;
    this.suggest();
    this.changed(q);
  }

  typed() {
    this.suggest();
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.changed(this.value), TYPING_MS);
  }

  suggest() {
    this.examples.hidden = this.input.value !== "" || document.activeElement !== this.input;
  }

  key(event) {
    if (event.key === "Escape" && this.input.value) this.put("");
    else if (["Escape", "Enter", "ArrowDown"].includes(event.key)) {
      this.input.blur();
      if (event.key !== "Escape") this.left();
    } else return;
    event.preventDefault();
  }
}
