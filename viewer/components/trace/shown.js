// Which spans of a trace have a row: all but plumbing, what is folded, and what a filter leaves out.

const MANY = 8;

/** What can be shown alone, by name: its label, its key, and which spans it means. */
export const ONLY = {
  errors: ["Errors", "!", (spans, i) => spans.isBad(i)],
  models: ["Model calls", "m", (spans, i) => spans.isModelCall(i)],
};

export class Shown {
  constructor() {
    this.folded = new Set();
    this.opened = new Set();
    this.lookFor("");
    this.only = new Set();
    this.hidesPlumbing = true;
  }

  /** Take these spans. What is folded and filtered stays. */
  set(all) {
    this.all = all;
    this.plain = all.without((i) => all.isPlumbing(i));
    this.layOut();
  }

  /** The spans that rows are of. */
  get spans() {
    return this.hidesPlumbing ? this.plain : this.all;
  }

  get plumbing() {
    return this.all.count - this.plain.count;
  }

  /** Leave the spans in which all words of this text stand. */
  lookFor(text) {
    this.text = text;
    this.words = text.toLowerCase().split(/\s+/).filter(Boolean);
  }

  /** What of this stands in the address; what is usual needs no word. */
  get inAddress() {
    return { spans: this.text.trim(), only: [...this.only].join(","), plumbing: this.hidesPlumbing ? "" : "1" };
  }

  /** Filter as an address says, if it does. */
  take({ spans, only, plumbing }) {
    if (!spans && !only && !plumbing) return;
    this.lookFor(spans ?? "");
    this.only = new Set((only ?? "").split(",").filter((name) => Object.hasOwn(ONLY, name)));
    this.hidesPlumbing = !plumbing;
  }

  get isFiltered() {
    return this.words.length > 0 || this.only.size > 0;
  }

  /** Decide which rows there are, in drawing order; `runs` has the end of those that stand for a run of siblings. */
  layOut() {
    const { spans } = this;
    this.matched = this.isFiltered ? this.matching() : null;
    const kept = this.matched && this.withAncestors(this.matched);
    this.rows = [];
    this.runs = new Map();
    for (let i = 0; i < spans.count; i++) {
      if (kept && !kept.has(i)) continue;
      this.rows.push(i);
      if (kept) continue;
      if (this.isRunFolded(i)) {
        this.runs.set(i, this.runEnd(i));
        i = this.runEnd(i) - 1;
      } else if (this.folded.has(spans.ids[i])) i = spans.end[i] - 1;
    }
  }

  /** Return the spans that match the filter. */
  matching() {
    const { spans } = this;
    const wanted = [...this.only].map((name) => ONLY[name][2]);
    const matched = new Set();
    for (let i = 0; i < spans.count; i++) {
      if (wanted.length && !wanted.some((is) => is(spans, i))) continue;
      const text = this.words.length ? spans.text(i) : "";
      if (!this.words.every((word) => text.includes(word))) continue;
      matched.add(i);
    }
    return matched;
  }

  withAncestors(matched) {
    const kept = new Set(matched);
    for (const i of matched) for (const ancestor of this.spans.ancestors(i)) kept.add(ancestor);
    return kept;
  }

  matches(i) {
    return this.matched?.has(i) ?? true;
  }

  /** Whether a span is in one that is folded. A run is not: that is a matter of rows. */
  isInFolded(i) {
    if (this.isFiltered || !this.folded.size) return false;
    return [...this.spans.ancestors(i)].some((at) => this.folded.has(this.spans.ids[at]));
  }

  // ── runs: many siblings in a row of one name and kind, none of which failed

  /** Whether many alike begin with this span. */
  beginsRun(i) {
    return this.spans.runs[i] >= MANY;
  }

  isRunFolded(i) {
    return this.beginsRun(i) && !this.opened.has(this.spans.ids[i]);
  }

  /** Return where the subtree of the last of a run ends (exclusive). */
  runEnd(i) {
    let end = i;
    for (let member = 0; member < this.spans.runs[i]; member++) end = this.spans.end[end];
    return end;
  }

  /** Yield the siblings of a run. */
  *members(i) {
    for (let at = i, member = 0; member < this.spans.runs[i]; member++, at = this.spans.end[at]) yield at;
  }

  // ── folding

  fold(i, folded) {
    const id = this.spans.ids[i];
    if (!folded && this.isRunFolded(i)) this.opened.add(id);
    else if (folded && this.beginsRun(i) && (!this.spans.hasChildren(i) || this.folded.has(id))) this.opened.delete(id);
    else if (!this.spans.hasChildren(i)) return;
    else if (folded) this.folded.add(id);
    else this.folded.delete(id);
    this.layOut();
  }

  foldRun(i) {
    this.opened.delete(this.spans.ids[i]);
    this.layOut();
  }

  foldAll(folded) {
    const { spans } = this;
    this.folded.clear();
    this.opened.clear();
    for (let i = 0; i < spans.count; i++) {
      if (!folded && this.beginsRun(i)) this.opened.add(spans.ids[i]);
      if (folded && spans.hasChildren(i) && spans.depth[i] > 0) this.folded.add(spans.ids[i]);
    }
    this.layOut();
  }

  isFolded(i) {
    return !this.isFiltered && (this.isRunFolded(i) || this.folded.has(this.spans.ids[i]));
  }

  /** Open all that keeps a span from having a row; return whether anything did. */
  unfoldTo(spanId) {
    const isPlumbing = this.hidesPlumbing && !this.plain.index.has(spanId) && this.all.index.has(spanId);
    if (isPlumbing) this.hidesPlumbing = false;
    const i = this.spans.index.get(spanId);
    if (i === undefined) return isPlumbing;
    const hiding = [...this.spans.ancestors(i)].map((at) => this.spans.ids[at]).filter((id) => this.folded.has(id));
    for (const id of hiding) this.folded.delete(id);
    const runs = [i, ...this.spans.ancestors(i)].flatMap((at) => this.hidingRun(at, at === i));
    for (const id of runs) this.opened.add(id);
    if (!isPlumbing && !hiding.length && !runs.length) return false;
    this.layOut();
    return true;
  }

  /** Return the id of the folded run that a span is in, unless it is the row of that run: none, or one. */
  hidingRun(at, isWanted) {
    const first = this.spans.runOf[at];
    return this.isRunFolded(first) && !(isWanted && first === at) ? [this.spans.ids[first]] : [];
  }
}
