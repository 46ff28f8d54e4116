// The spans of a trace as columns in drawing order, and what follows from their order: parents, subtrees, guides.

export class Spans {
  /** `answer` is what the API says of a trace. */
  constructor({ trace, spans }) {
    this.trace = trace;
    this.columns = spans;
    this.ids = spans.span_id;
    this.depth = spans.depth;
    this.count = this.ids.length;
    this.index = new Map(this.ids.map((id, i) => [id, i]));
    this.parent = new Int32Array(this.count).fill(-1);
    this.end = new Int32Array(this.count);
    this.hasNext = new Uint8Array(this.count);
    this.link();
  }

  /** Find each span's parent, the end of its subtree (exclusive), and whether a sibling follows. */
  link() {
    const open = [];
    const close = (depth, i) => {
      while (open.length > depth) this.end[open.pop()] = i;
    };
    for (let i = 0; i < this.count; i++) {
      const depth = this.depth[i];
      const elder = open[depth];
      if (elder !== undefined) this.hasNext[elder] = 1;
      close(depth, i);
      if (depth > 0) this.parent[i] = open[depth - 1];
      open.push(i);
    }
    close(0, this.count);
  }

  name(i) {
    return word(this.columns.name, i);
  }

  kind(i) {
    return word(this.columns.kind, i);
  }

  status(i) {
    return word(this.columns.status, i);
  }

  model(i) {
    return word(this.columns.model, i);
  }

  message(i) {
    return this.columns.message[i];
  }

  /** What the filter of the tree looks in. */
  text(i) {
    const words = [this.name(i), this.kind(i), this.model(i), this.status(i), this.message(i)];
    return words.filter(Boolean).join(" ").toLowerCase();
  }

  hasChildren(i) {
    return this.end[i] > i + 1;
  }

  isModelCall(i) {
    return this.kind(i) === "llm" || this.kind(i) === "embedding" || this.kind(i) === "reranker";
  }

  isBad(i) {
    const status = this.status(i);
    return status !== "OK" && status !== "RUNNING";
  }

  get isRunning() {
    return this.columns.status.words.includes("RUNNING");
  }

  /** Microseconds that the span took, or has taken so far; null where its process died. */
  duration(i, now) {
    const known = this.columns.duration_us[i];
    if (known !== null) return known;
    return this.status(i) === "RUNNING" ? Math.max(0, now - this.columns.start_us[i]) : null;
  }

  /** Microseconds from the trace's start to now. */
  now() {
    return (Date.now() - this.trace.start_ms) * 1000;
  }

  /** Microseconds from the trace's start to its last end, or to now while it runs. */
  extent(now) {
    let extent = this.isRunning ? now : 1;
    for (let i = 0; i < this.count; i++) {
      extent = Math.max(extent, this.columns.start_us[i] + (this.columns.duration_us[i] ?? 0));
    }
    return extent;
  }

  /** Return how a span lies in its trace: `trace_us` is how long that took, `self_us` how long nothing in the span ran. */
  place(i) {
    const { start_us: starts, duration_us: lasted } = this.columns;
    if (lasted[i] === null) return {};
    let own = lasted[i];
    let until = starts[i];
    for (let child = i + 1; child < this.end[i]; child = this.end[child]) {
      const to = Math.min(starts[i] + lasted[i], starts[child] + (lasted[child] ?? Infinity));
      own -= Math.max(0, to - Math.max(until, starts[child]));
      until = Math.max(until, to);
    }
    return { trace_us: this.trace.duration_us, self_us: own };
  }

  /** Return the ancestors of a span, the nearest first; none of a span that is not here. */
  *ancestors(i) {
    if (i === undefined) return;
    for (let at = this.parent[i]; at >= 0; at = this.parent[at]) yield at;
  }
}

function word(column, i) {
  return column.words[column.index[i]];
}
