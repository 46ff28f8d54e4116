// The spans of a trace over time, each below the one that it is part of: a drawing, for ten thousand of them.

import { el } from "../shared/dom.js";
import { duration } from "../shared/format.js";
import { Timeline } from "./timeline.js";

const ROW = 18;
const FONT_WIDTH = 6.5;
const LEAST_WIDTH = 1;
const LEAST_NAMED = 30;
const PALE = 0.15;
const NOWHERE = -1;

export class Flame {
  /** `onSelect(spanId)` is called when the user chooses a span. */
  constructor({ onSelect }) {
    this.onSelect = onSelect;
    this.timeline = new Timeline();
    this.canvas = el("canvas", { class: "t-flame-canvas", role: "img", "aria-label": "The spans over time" });
    this.space = el("div", { class: "t-flame-space" }, this.canvas);
    this.scroller = el("div", { class: "t-flame-scroller" }, this.space);
    this.element = el("div", { class: "t-flame" },
      el("div", { class: "t-tree-row t-tree-head t-flame-head" }, this.timeline.axis), this.scroller);
    this.scroller.addEventListener("scroll", () => this.draw(), { passive: true });
    this.canvas.addEventListener("click", (event) => this.chosen(event, (i) => onSelect(this.spans.ids[i])));
    this.canvas.addEventListener("dblclick", (event) => this.chosen(event, (i) => this.zoom(i)));
    this.canvas.addEventListener("pointermove", (event) => this.pointed(event));
    this.resizing = new ResizeObserver(() => this.draw());
    this.resizing.observe(this.scroller);
  }

  /** Show the spans of this tree: without those in folded ones, and pale where they are not what it looks for. */
  set(tree) {
    if (this.spans?.trace.trace_id !== tree.spans.trace.trace_id) this.timeline.zoom(null);
    Object.assign(this, { tree, spans: tree.spans });
    this.tick();
  }

  /** Time has passed, and what runs has become longer. */
  tick() {
    this.now = this.spans.now();
    this.extent = this.spans.extent(this.now);
    this.layOut();
    this.draw();
  }

  select(spanId) {
    this.selected = spanId;
    this.draw();
  }

  /** Show the time of one span alone, or of the whole trace. */
  zoom(i = null) {
    this.timeline.zoom(i === null ? null : { from: this.spans.columns.start_us[i], until: this.endOf(i) });
    this.draw();
  }

  endOf(i) {
    return this.spans.columns.start_us[i] + (this.spans.duration(i, this.now) ?? 0);
  }

  /** Give each span the first row below its parent that is free when it begins, so that no two lie upon each other. */
  layOut() {
    const { spans } = this;
    const busyUntil = [];
    this.row = new Int32Array(spans.count);
    for (let i = 0; i < spans.count; i++) {
      if (this.tree.leavesOut(i)) {
        this.row[i] = NOWHERE;
        continue;
      }
      let row = spans.parent[i] < 0 ? 0 : this.row[spans.parent[i]] + 1;
      while (busyUntil[row] > spans.columns.start_us[i]) row += 1;
      this.row[i] = row;
      busyUntil[row] = this.endOf(i);
    }
    this.space.style.height = `${busyUntil.length * ROW}px`;
  }

  /** Draw the rows in sight. */
  draw() {
    const { clientWidth: width, clientHeight: height, scrollTop } = this.scroller;
    if (!this.spans || !width || !height) return;
    this.timeline.draw(this.extent);
    const scale = devicePixelRatio || 1;
    Object.assign(this.canvas, { width: width * scale, height: height * scale });
    this.canvas.style.height = `${height}px`;
    const pen = this.canvas.getContext("2d");
    pen.scale(scale, scale);
    const look = this.look();
    pen.font = look.font;
    pen.textBaseline = "middle";
    const drawnTo = {};
    for (let i = 0; i < this.spans.count; i++) {
      const top = this.row[i] * ROW - scrollTop;
      if (this.row[i] === NOWHERE || top < -ROW || top > height) continue;
      const box = this.boxOf(i, width);
      const isChosen = this.spans.ids[i] === this.selected;
      const isLit = this.tree.isLit(i);
      const lane = isLit ? this.row[i] : `pale ${this.row[i]}`;
      if (box.right < 0 || box.left > width || (box.right < drawnTo[lane] && !isChosen)) continue;
      drawnTo[lane] = box.right;
      this.drawSpan(pen, look, i, { ...box, top, isChosen, isLit });
    }
  }

  drawSpan(pen, look, i, { left, right, top, isChosen, isLit }) {
    const isBad = this.spans.isBad(i);
    pen.fillStyle = isBad ? look.bad : look.kind(this.spans.kind(i));
    pen.globalAlpha = isLit ? 1 : PALE;
    pen.fillRect(left, top + 1, right - left, ROW - 2);
    pen.globalAlpha = 1;
    if (isChosen) {
      pen.strokeStyle = look.text;
      pen.strokeRect(left + 0.5, top + 1.5, Math.max(1, right - left - 1), ROW - 3);
    }
    const begin = Math.max(0, left);
    const room = right - begin - 8;
    if (room < LEAST_NAMED) return;
    pen.fillStyle = isLit ? look.back : look.text;
    pen.fillText(this.spans.name(i).slice(0, Math.floor(room / FONT_WIDTH)), begin + 4, top + ROW / 2 + 0.5);
  }

  boxOf(i, width) {
    const left = this.timeline.at(this.spans.columns.start_us[i]) * width;
    return { left, right: Math.max(left + LEAST_WIDTH, this.timeline.at(this.endOf(i)) * width) };
  }

  /** Return the colours and the font of the page as they are now, light or dark. */
  look() {
    const known = new Map();
    const probe = el("span");
    this.element.append(probe);
    const { color: text, fontFamily } = getComputedStyle(this.element);
    const colour = (className) => {
      probe.className = className;
      return getComputedStyle(probe).color;
    };
    for (const kind of this.spans.columns.kind.words) known.set(kind, colour(`t-kind-${kind} t-flame-kind`));
    const look = { text, back: colour("t-flame-back"), bad: colour("t-error-text"), font: `12px ${fontFamily}` };
    probe.remove();
    return { ...look, kind: (kind) => known.get(kind) };
  }

  // ── what the user does

  /** Return the span under the pointer; undefined where there is none. */
  spanAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const row = Math.floor((event.clientY - box.top + this.scroller.scrollTop) / ROW);
    const x = event.clientX - box.left;
    for (let i = 0; i < this.spans.count; i++) {
      if (this.row[i] !== row) continue;
      const { left, right } = this.boxOf(i, box.width);
      if (x >= left && x < right) return i;
    }
    return undefined;
  }

  chosen(event, act) {
    const i = this.spanAt(event);
    if (i !== undefined) act(i);
  }

  pointed(event) {
    const i = this.spanAt(event);
    const title = i === undefined ? "" : `${this.spans.name(i)} · ${duration(this.spans.duration(i, this.now))}`;
    if (this.canvas.title !== title) this.canvas.title = title;
  }

  dispose() {
    this.resizing.disconnect();
  }
}
