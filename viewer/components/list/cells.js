// The columns of the list: what each shows of a trace, and which are shown.

import { el } from "../shared/dom.js";
import { atLeast, cost, count, duration, exact, fullTime, plural, sum, UNKNOWN, when } from "../shared/format.js";
import { statusIcon, statusTitle } from "../shared/icons.js";

const number = (content, title) => el("span", { role: "gridcell", class: "t-num", title }, content);
const dim = (content, title) => el("span", { role: "gridcell", class: "t-num t-dim", title }, content);
const clip = (content, title) => el("span", { role: "gridcell", class: "t-clip t-dim", title }, content);
const prose = (content, className = "t-clip") => el("span", { role: "gridcell", class: className, dir: "auto" }, content);
const called = (trace, content, title) => number(trace.model_call_count > 0 && content, title);

/** By name: the head, the width in the grid, and the cell of a trace. Those of `USUAL` are shown if nobody chooses. */
export const COLUMNS = {
  started: ["Started", "84px", (trace) => dim(when(trace.start_ms), fullTime(trace.start_ms))],
  name: ["Name", "minmax(110px, 200px)", (trace) =>
    el("span", { role: "gridcell", class: "t-name", title: trace.name },
      el("a", { href: `?trace=${trace.trace_id}`, tabindex: "-1" }, trace.name))],
  input: ["Input", "minmax(80px, 1fr)", (trace) => prose(trace.input_preview, "t-clip t-dim")],
  output: ["Output", "minmax(80px, 1fr)", (trace) => prose(outcome(trace))],
  model: ["Model", "140px", (trace) => clip(models(trace.models), trace.models?.join(", "))],
  session: ["Session", "100px", (trace) => clip(trace.session_id, trace.session_id)],
  user: ["User", "90px", (trace) => clip(trace.user_id, trace.user_id)],
  tags: ["Tags", "110px", (trace) => clip(trace.tags?.join(", "), trace.tags?.join(", "))],
  spans: ["Spans", "44px", (trace) => dim(count(trace.span_count), plural(trace.span_count, "span"))],
  calls: ["Calls", "44px", (trace) => dim(trace.model_call_count || null, plural(trace.model_call_count, "model call"))],
  errors: ["Errors", "48px", (trace) => number(trace.error_count > 0 && el("span", { class: "t-error-text" }, count(trace.error_count)))],
  tokens: ["Tokens", "52px", (trace) =>
    called(trace, atLeast(count(tokens(trace)), trace.tokens_unknown_calls), tokensTitle(trace))],
  cached: ["Cached", "52px", (trace) => called(trace, trace.cached_tokens === null ? UNKNOWN : count(trace.cached_tokens),
    `${exact(trace.cached_tokens)} tokens read from the cache`)],
  cost: ["Cost", "66px", (trace) => called(trace, atLeast(cost(trace.cost_usd), trace.cost_unknown_calls))],
  duration: ["Duration", "62px", (trace) => number(duration(taken(trace)))],
};

export const USUAL = ["started", "name", "input", "output", "model", "spans", "tokens", "cost", "duration"];

/** The width below which a column gives way to the others. */
const SPARED = {
  narrow: ["model", "spans", "calls", "cached", "tags", "user"],
  small: ["started", "input", "session", "errors", "tokens"],
};

/** Return those of these columns that a window of this width has room for: `wide`, `narrow` or `small`. */
export function roomFor(names, width) {
  const spared = { wide: [], narrow: SPARED.narrow, small: [...SPARED.narrow, ...SPARED.small] }[width];
  return names.filter((name) => !spared.includes(name));
}

/** Return the width below which a column is not shown, null where it always is. */
function sparedBelow(name) {
  return Object.keys(SPARED).find((width) => SPARED[width].includes(name)) ?? null;
}

const RIGHT = new Set(["started", "spans", "calls", "errors", "tokens", "cached", "cost", "duration"]);

export function headCell(name) {
  return el("span", { role: "columnheader", class: RIGHT.has(name) ? "t-right" : null, "data-column": name, "data-spared": sparedBelow(name) },
    COLUMNS[name][0]);
}

/** The cells of a row: its status, and what the columns show. */
export function cells(trace, names) {
  const title = `${statusTitle(trace.status)}. Click to mark it, and compare (c)`;
  const shown = names.map((name) => {
    const cell = COLUMNS[name][2](trace);
    cell.dataset.column = name;
    if (sparedBelow(name)) cell.dataset.spared = sparedBelow(name);
    return cell;
  });
  return [el("span", { role: "gridcell", class: "t-mark-cell", title }, statusIcon(trace.status)), ...shown];
}

/** Microseconds that a trace took, or has taken so far; null where its process died. */
export function taken({ status, start_ms, duration_us }) {
  return duration_us ?? (status === "RUNNING" ? (Date.now() - start_ms) * 1000 : null);
}

/** How a trace ended: its error, in the colour of its status, before its output. */
function outcome(trace) {
  const isBad = trace.status !== "OK" && trace.status !== "RUNNING";
  const output = trace.output_preview;
  if (!isBad && !trace.error_count) return output;
  const text = trace.status_message || (isBad ? statusTitle(trace.status) : plural(trace.error_count, "error"));
  const error = el("bdi", { class: `t-status-${isBad ? trace.status : "ERROR"}`, title: text }, text);
  return output ? [error, " → ", el("bdi", {}, output)] : error;
}

function models(names) {
  if (!names?.length) return null;
  return names.length === 1 ? names[0] : `${names[0]} +${names.length - 1}`;
}

function tokens({ input_tokens: input, output_tokens: output }) {
  return sum(input, output);
}

function tokensTitle(trace) {
  if (!trace.model_call_count) return "no model was called";
  const lacking = trace.tokens_unknown_calls ? `; ${plural(trace.tokens_unknown_calls, "call")} with no figure` : "";
  return `${exact(trace.input_tokens)} in, ${exact(trace.output_tokens)} out${lacking}`;
}
