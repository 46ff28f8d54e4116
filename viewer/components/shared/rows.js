// Rows of one height, of which only those in sight exist as elements.

import { el } from "./dom.js";

const SPARE = 6;

export class VirtualRows {
  /**
   * `draw(index)` returns the element of a row, `chosen()` the index of the row that is chosen, -1 where none is.
   * `role` is that of the element that holds them. `onEnd` is called when the last row comes near.
   */
  constructor({ rowHeight, draw, chosen, role, label, onEnd = () => {} }) {
    Object.assign(this, { rowHeight, draw, chosen, onEnd });
    this.count = 0;
    this.owesReveal = false;
    this.drawn = new Map();
    this.body = el("div", { class: "t-rows", role, "aria-label": label, tabindex: "0" });
    this.scroller = el("div", { class: "t-scroller" }, this.body);
    this.scroller.addEventListener("scroll", () => this.show(), { passive: true });
    this.resizing = new ResizeObserver(() => (this.owesReveal ? this.reveal() : this.show()));
    this.resizing.observe(this.scroller);
  }

  /** Draw what is in sight anew, for these rows are not what they were. */
  reset(count) {
    this.count = count;
    this.body.style.height = `${count * this.rowHeight}px`;
    for (const row of this.drawn.values()) row.remove();
    this.drawn.clear();
    this.show();
  }

  show() {
    const top = this.scroller.scrollTop;
    const first = Math.max(0, Math.floor(top / this.rowHeight) - SPARE);
    const last = Math.min(this.count, Math.ceil((top + this.scroller.clientHeight) / this.rowHeight) + SPARE);
    for (const [index, row] of this.drawn) {
      if (index >= first && index < last) continue;
      row.remove();
      this.drawn.delete(index);
    }
    for (let index = first; index < last; index++) {
      if (this.drawn.has(index)) continue;
      const row = this.draw(index);
      row.style.top = `${index * this.rowHeight}px`;
      this.drawn.set(index, row);
      this.body.append(row);
    }
    if (last >= this.count - SPARE) this.onEnd();
  }

  /**
   * Scroll as little as brings the chosen row into sight; to the middle, where it was far away. Rows that are hidden
   * cannot be scrolled: theirs is brought into sight when they are shown.
   */
  reveal() {
    const { scrollTop, clientHeight } = this.scroller;
    this.owesReveal = clientHeight === 0;
    const index = this.chosen();
    if (this.owesReveal || index < 0) return;
    const top = index * this.rowHeight;
    const above = scrollTop - top;
    const below = top + this.rowHeight - scrollTop - clientHeight;
    if (Math.max(above, below) > 2 * this.rowHeight) this.scroller.scrollTop = top - clientHeight / 2;
    else if (above > 0) this.scroller.scrollTop = top;
    else if (below > 0) this.scroller.scrollTop += below;
    this.show();
  }

  /** Mark the rows in sight that are chosen: those of which `is(row)` is true. */
  choose(is) {
    for (const row of this.drawn.values()) row.setAttribute("aria-selected", String(is(row)));
  }

  get pageRows() {
    return Math.max(1, Math.floor(this.scroller.clientHeight / this.rowHeight) - 1);
  }

  dispose() {
    this.resizing.disconnect();
  }
}

/** Return where a key leads from row `index` of `count`, or null where it leads nowhere. */
export function moved(key, index, count, pageRows) {
  const to = { j: index + 1, ArrowDown: index + 1, k: index - 1, ArrowUp: index - 1, Home: 0, End: count - 1,
    PageDown: index + pageRows, PageUp: index - pageRows }[key];
  return to === undefined || count === 0 ? null : Math.max(0, Math.min(count - 1, to));
}
