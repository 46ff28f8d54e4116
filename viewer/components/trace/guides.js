// The lines that lead to a row of the tree from its ancestors.

const INDENT = 14;
const MAX_INDENTED = 24;

/** Return the indent of a row and, as layers of its background, the lines that lead to it from its ancestors. */
export function guides(spans, i) {
  const depth = Math.min(spans.depth[i], MAX_INDENTED);
  const layers = [];
  const line = (level, y, size) => {
    const x = (level - 1) * INDENT + 7;
    layers.push(`linear-gradient(var(--t-guide),var(--t-guide)) ${x}px ${y}/${size} no-repeat`);
  };
  if (depth > 0) {
    line(depth, "0", `1px ${spans.hasNext[i] ? "100%" : "50%"}`);
    line(depth, "50%", `${spans.hasChildren(i) ? 7 : 17}px 1px`);
  }
  for (const at of spans.ancestors(i)) {
    const level = spans.depth[at];
    if (level > 0 && level <= MAX_INDENTED && spans.hasNext[at]) line(level, "0", "1px 100%");
  }
  return `padding-left:${depth * INDENT}px;background:${layers.join(",") || "none"}`;
}
