// The axis of time beside the tree, and where on it a span lies: the whole trace, or a part that was zoomed to.

import { el } from "../shared/dom.js";
import { duration } from "../shared/format.js";

const TICK_WIDTH = 48;
const LABEL_WIDTH = 38;

export class Timeline {
  constructor() {
    this.axis = el("span", { class: "t-axis" });
    this.part = null;
  }

  get isZoomed() {
    return this.part !== null;
  }

  /** Show `{from, until}`, in microseconds after the trace's start; null is the whole. */
  zoom(part) {
    this.part = part && part.until > part.from ? part : null;
  }

  /** Draw the axis of a trace of so many microseconds. */
  draw(extent) {
    this.extent = extent;
    this.from = this.part?.from ?? 0;
    this.length = this.part ? this.part.until - this.part.from : extent;
    const width = Math.max(TICK_WIDTH, this.axis.clientWidth);
    const last = this.from + this.length * (1 - LABEL_WIDTH / width);
    const ticks = ticksOf(this.from, this.length, width / TICK_WIDTH).filter((us) => us <= last);
    this.axis.replaceChildren(...ticks.map((us) => el("span", { style: `left:${percent(this.at(us))}` }, roundTime(us))));
  }

  /** Put a bar where a span lies that took so many microseconds (null: to the end), until its first token otherwise. */
  place(bar, start, taken, ttft) {
    const [left, right] = [this.at(start), this.at(start + (taken ?? this.extent - start))];
    bar.hidden = right < 0 || left > 1;
    const shown = clamped(left);
    const width = clamped(right) - shown;
    bar.style.left = percent(shown);
    bar.style.width = percent(width);
    if (ttft !== null && taken && width > 0) {
      bar.style.setProperty("--ttft", percent((this.at(start + ttft) - shown) / width));
    }
  }

  /** Return where on the axis a time is: 0 at its left end, 1 at its right. */
  at(us) {
    return (us - this.from) / this.length;
  }
}

function clamped(part) {
  return Math.min(Math.max(part, 0), 1);
}

function percent(part) {
  return `${(clamped(part) * 100).toFixed(3)}%`;
}

/** 1.5s where a duration is 1.50s, and 2s where it is 2.00s. */
function roundTime(us) {
  return duration(us).replace(/(\.\d*?)0+(?=\D)/, "$1").replace(/\.(?=\D)/, "");
}

/** Return round times, in microseconds, that divide the axis into at most so many parts. */
function ticksOf(from, length, parts) {
  const rough = length / parts;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const first = Math.ceil(from / step);
  return Array.from({ length: Math.ceil(length / step) }, (_, i) => (first + i) * step);
}
