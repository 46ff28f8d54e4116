// The icons, as strokes in a box of 16 by 16.

import { svg } from "./dom.js";

const KINDS = {
  llm: "M8 1.800l1.700 4.500L14.200 8l-4.500 1.700L8 14.200 6.300 9.700 1.800 8l4.500-1.700z",
  embedding: "M3 3h2v2H3zM7 3h2v2H7zM11 3h2v2h-2zM3 7h2v2H3zM7 7h2v2H7zM11 7h2v2h-2zM3 11h2v2H3zM7 11h2v2H7zM11 11h2v2h-2z",
  tool: "M13.800 4.200a3.600 3.600 0 0 1-4.800 4.500L4.700 13a1.400 1.400 0 0 1-2-2L7 6.700a3.600 3.600 0 0 1 4.600-4.700L9.500 4.200l2 2z",
  retriever: "M7 2.500a4.500 4.500 0 1 0 0 9a4.500 4.500 0 0 0 0-9M10.300 10.300l3.500 3.500",
  reranker: "M2.500 3.500h7M2.500 8h5M2.500 12.500h3M12 3v10M9.800 10.800L12 13l2.200-2.200",
  agent: "M3 6h10v7H3zM8 6V3M6.200 9v1M9.800 9v1M1.500 8.500v2M14.500 8.500v2",
  workflow: "M2 3h4v3H2zM10 6.500h4v3h-4zM2 10h4v3H2zM6 4.500h2v7H6M8 8h2",
  chain: "M6.500 9.500l3-3M7.500 4.700L9 3.200a2.700 2.700 0 0 1 3.800 3.800l-1.500 1.500M8.500 11.300L7 12.800A2.700 2.700 0 0 1 3.200 9l1.500-1.500",
  guardrail: "M8 1.800l5 2v4c0 3.200-2.200 5.400-5 6.400c-2.800-1-5-3.200-5-6.400v-4zM5.800 8l1.600 1.600l2.900-3",
  evaluator: "M2.500 12a5.700 5.700 0 1 1 11 0M8 11l2.600-4",
  memory: "M3 4c0-1.200 2.200-2 5-2s5 .8 5 2v8c0 1.200-2.200 2-5 2s-5-.8-5-2zM3 4c0 1.200 2.200 2 5 2s5-.8 5-2M3 8c0 1.200 2.200 2 5 2s5-.8 5-2",
  mcp: "M5.500 2v3.500M10.500 2v3.500M3.500 5.500h9v2a4.500 4.500 0 0 1-9 0zM8 12v2.500",
  http: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2M2 8h12M8 2c-4 4-4 8 0 12c4-4 4-8 0-12",
  other: "M8 4.500a3.500 3.500 0 1 0 0 7a3.500 3.500 0 0 0 0-7",
};

const STATUSES = {
  OK: "M3.500 8.500l3 3l6-7",
  ERROR: "M4 4l8 8M12 4l-8 8",
  CANCELLED: "M8 2.500a5.500 5.500 0 1 0 0 11a5.500 5.500 0 0 0 0-11M4.200 4.200l7.600 7.600",
  INTERRUPTED: "M5.500 3.500v9M10.500 3.500v9",
  INCOMPLETE: "M8 2.500a5.500 5.500 0 1 0 5.500 5.500M11.500 3.800l.1.100M13.300 6l.1.100M8 5v3.500l2.200 1.300",
  RUNNING: "M8 2.500a5.500 5.500 0 1 1-5.500 5.500",
  LOST: "M5.500 6a2.500 2.500 0 1 1 3.600 2.200c-.8.400-1.100.9-1.100 1.800M8 12.600v.2",
};

const STATUS_TITLES = {
  OK: "ended well",
  ERROR: "failed",
  CANCELLED: "cancelled: its consumer or its task stopped early",
  INTERRUPTED: "interrupted, and may be resumed",
  INCOMPLETE: "incomplete: the stream ended too soon",
  RUNNING: "running",
  LOST: "lost: its process died before it ended",
};

export function kindIcon(kind) {
  const known = kind in KINDS ? kind : "other";
  return drawn(`t-icon t-kind-${known}`, KINDS[known], kind);
}

export function statusIcon(status) {
  const known = status in STATUSES ? status : "OK";
  const icon = drawn(`t-icon t-status-${known}`, STATUSES[known], STATUS_TITLES[known]);
  // Drawn anew, it turns on from where it was.
  if (status === "RUNNING") icon.style.animationDelay = `-${Math.round(performance.now()) % 1000}ms`;
  return icon;
}

/** The mark of the tool: a small tree. */
export function brand() {
  return drawn("t-icon t-mark", "M2.5 3h6M4.500 3v10h3M4.500 8h3M9.500 8h4.500M9.500 13h2.500", "");
}

export function statusTitle(status) {
  return STATUS_TITLES[status] ?? "";
}

function drawn(className, path, title) {
  const facts = { viewBox: "0 0 16 16", class: className, role: "img", "aria-label": title };
  return svg("svg", facts, svg("path", { d: path }));
}
