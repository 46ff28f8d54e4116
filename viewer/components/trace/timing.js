// What the times of a trace's spans say together: the time of a span itself, and what the trace waited for.

/** Return the microseconds of a span in which none of its children ran; null where it has no end. */
export function selfTime(spans, i) {
  const total = spans.columns.duration_us[i];
  if (total === null) return null;
  const begin = spans.columns.start_us[i];
  const end = begin + total;
  let covered = 0;
  let until = begin;
  // Children are in the order of their starts.
  for (const child of spans.children(i)) {
    const from = Math.max(spans.columns.start_us[child], until);
    const to = Math.min(endOf(spans, child) ?? end, end);
    if (to <= from) continue;
    covered += to - from;
    until = to;
  }
  return total - covered;
}

/**
 * Return the spans that determined when the trace ended: that which ended last, and within each the child that it
 * waited for last, the child that ended last before that one began, and so on.
 */
export function criticalPath(spans) {
  const path = new Set();
  const roots = [...spans.roots()].filter((i) => endOf(spans, i) !== null);
  if (!roots.length) return path;
  const waiting = [roots.reduce((a, b) => (endOf(spans, b) > endOf(spans, a) ? b : a))];
  while (waiting.length) {
    const i = waiting.pop();
    path.add(i);
    let before = endOf(spans, i);
    const ended = [...spans.children(i)].filter((child) => endOf(spans, child) !== null);
    for (const child of ended.sort((a, b) => endOf(spans, b) - endOf(spans, a))) {
      if (endOf(spans, child) > before + ROUNDING_US) continue;
      waiting.push(child);
      before = spans.columns.start_us[child];
    }
  }
  return path;
}

const ROUNDING_US = 1;

function endOf(spans, i) {
  const taken = spans.columns.duration_us[i];
  return taken === null ? null : spans.columns.start_us[i] + taken;
}
