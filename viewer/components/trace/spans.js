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
    this.findRuns();
  }

  /** Return these without those that `hidden(i)` names; what is below one of them moves up. */
  without(hidden) {
    const kept = [];
    const depths = [];
    const above = new Int32Array(this.count);
    for (let i = 0; i < this.count; i++) {
      const parent = this.parent[i];
      above[i] = parent < 0 ? 0 : above[parent] + Number(hidden(parent));
      if (hidden(i)) continue;
      kept.push(i);
      depths.push(this.depth[i] - above[i]);
    }
    if (kept.length === this.count) return this;
    const columns = Object.entries(this.columns).map(([name, column]) => [name, picked(column, kept)]);
    return new Spans({ trace: this.trace, spans: { ...Object.fromEntries(columns), depth: depths } });
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

  /**
   * Find the runs of siblings with one name and kind in which nothing failed or still goes on: `runs` has their number
   * at the first of them, `runOf` the first for each.
   */
  findRuns() {
    const isBroken = new Uint8Array(this.count);
    const last = [];
    for (let i = this.count - 1; i >= 0; i--) {
      if (this.status(i) !== "OK") isBroken[i] = 1;
      if (isBroken[i] && this.parent[i] >= 0) isBroken[this.parent[i]] = 1;
    }
    this.runs = new Int32Array(this.count).fill(1);
    this.runOf = Int32Array.from({ length: this.count }, (_, i) => i);
    for (let i = 0; i < this.count; i++) {
      const depth = this.depth[i];
      last.length = depth + 1;
      const before = last[depth];
      last[depth] = i;
      if (before === undefined || !this.isAlike(before, i) || isBroken[before] || isBroken[i]) continue;
      this.runOf[i] = this.runOf[before];
      this.runs[this.runOf[i]] += 1;
    }
  }

  isAlike(a, b) {
    const { name, kind } = this.columns;
    return name.index[a] === name.index[b] && kind.index[a] === kind.index[b];
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

  /** Whether it only joins steps: what failed in it stays in sight. */
  isPlumbing(i) {
    return this.columns.plumbing[i] === 1 && this.status(i) === "OK";
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

  *children(i) {
    for (let at = i + 1; at < this.end[i]; at = this.end[at]) yield at;
  }

  *roots() {
    for (let at = 0; at < this.count; at = this.end[at]) yield at;
  }

  /** Return the ancestors of a span, the nearest first; none of a span that is not here. */
  *ancestors(i) {
    if (i === undefined) return;
    for (let at = this.parent[i]; at >= 0; at = this.parent[at]) yield at;
  }
}

/** Return a column with only these rows: a list, words with their index, or what only some rows have. */
function picked(column, kept) {
  if (Array.isArray(column)) return kept.map((i) => column[i]);
  if (column.words) return { words: column.words, index: picked(column.index, kept) };
  return Object.fromEntries(kept.map((i, at) => [at, column[i]]).filter(([, value]) => value !== undefined));
}

function word(column, i) {
  return column.words[column.index[i]];
}
