// The head of a span: what it is, how long it took, what it used and what that cost.

import { el } from "../shared/dom.js";
import { cost, duration, estimated, exact, fullTime, plural, UNKNOWN } from "../shared/format.js";
import { kindIcon, statusIcon, statusTitle } from "../shared/icons.js";
import { copyMenu } from "./copy.js";

/** Return the elements of the head. `place` is how the span lies in its trace: `{trace_us, self_us}`. */
export function heading(answer, place) {
  const { span } = answer;
  const facts = [
    ["Duration", ...took(span, place)],
    ["Started", fullTime(span.start_ms).slice(-12), fullTime(span.start_ms)],
    ["Model", span.model, span.request_model !== span.model && `asked for ${span.request_model}`],
    ["Tokens", tokens(span), usageTitle(span)],
    ["Cost", span.cost_usd === undefined ? null : `${cost(span.cost_usd)}${costParts(span)}`, costTitle(span)],
    ["First token", span.ttft_us === undefined ? null : duration(span.ttft_us), "time to the first token of content"],
    ["Speed", speed(span), "output tokens per second after the first"],
    ["Retries", span.retries || null],
    ["Finished", span.finish_reasons?.join(", "), "finish reasons"],
    ["Session", span.session_id],
    ["Prompt", span.prompt_name && [span.prompt_name, span.prompt_version].filter(Boolean).join(" v")],
  ];
  const fact = ([name, value, title]) => el("div", { title }, el("dt", {}, name), el("dd", {}, String(value)));
  return [
    el("header", { class: "t-detail-head" },
      kindIcon(span.kind),
      el("h2", { title: span.name }, span.name),
      el("span", { class: "t-pill" }, span.kind),
      el("span", { class: `t-pill t-status-${span.status}`, title: statusTitle(span.status) },
        statusIcon(span.status), span.status),
      el("span", { class: "t-grow" }),
      ...copyMenu(answer)),
    el("dl", { class: "t-facts" }, facts.filter(([, value]) => value).map(fact)),
    usage(span),
  ].filter(Boolean);
}

/** Return how long a span took, with its part of the trace, and what of it was its own. */
function took({ status, duration_us: us }, { trace_us: whole, self_us: own } = {}) {
  if (status === "RUNNING" || us === undefined) return [status === "RUNNING" ? null : UNKNOWN];
  const share = whole > us ? ` (${percent(us, whole)} of the trace)` : "";
  const self = own === undefined || own >= us ? "" : `, ${duration(own)} self`;
  return [`${duration(us)}${self}${share}`, self && "self: while none of the spans in it ran"];
}

/** Return the output tokens per second of generation; null where the first token's time is not known. */
function speed({ output_tokens: n, duration_us: us, ttft_us: first, status }) {
  if (status !== "OK" || !n || first === undefined || us === undefined || us - first < 1000) return null;
  const rate = n / ((us - first) / 1e6);
  return `${rate < 10 ? rate.toFixed(1) : exact(Math.round(rate))}/s`;
}

function tokens(span) {
  if (span.input_tokens === undefined && span.output_tokens === undefined) return null;
  const isEstimate = span.usage_source !== undefined && span.usage_source !== "api";
  const figure = (n) => estimated(exact(n), isEstimate);
  const cached = span.cached_tokens ? ` (${percent(span.cached_tokens, span.input_tokens)} cached)` : "";
  const hasOutput = span.output_tokens !== undefined || span.kind === "llm";
  const output = hasOutput ? ` → ${figure(span.output_tokens)} out` : "";
  return `${figure(span.input_tokens)} in${cached}${output}`;
}

/** Draw what was used: input from the cache and not, output of reasoning and of the answer; nothing where a total is unknown. */
function usage(span) {
  const { input_tokens: input, output_tokens: output = 0, cached_tokens: cached = 0, reasoning_tokens: reasoning = 0 } = span;
  if (!input || cached > input || reasoning > output) return null;
  const parts = [
    ["cached", cached, "read from the cache"],
    ["input", input - cached, cached ? "of input beside them" : "of input"],
    ["reasoning", reasoning, "of reasoning"],
    ["output", output - reasoning, reasoning ? "of the answer" : "of output"],
  ].filter(([, n]) => n > 0);
  const title = parts.map(([, n, label]) => `${plural(n, "token")} ${label}`).join(", ");
  const bar = el("div", { class: "t-usage", role: "img", "aria-label": title, title },
    parts.map(([name, n]) => part(name, n)));
  return bar;
}

function part(name, n) {
  const drawn = el("span", { class: `t-usage-${name}` });
  drawn.style.flexGrow = String(n);
  return drawn;
}

const USAGE = {
  cached_tokens: "read from the cache",
  cache_write_tokens: "written to the cache",
  reasoning_tokens: "of reasoning",
  audio_input_tokens: "of audio in",
  audio_output_tokens: "of audio out",
};

const USAGE_SOURCES = { tokenizer: "counted by a tokenizer", estimate: "estimated" };

function usageTitle(span) {
  const parts = Object.entries(USAGE).filter(([name]) => span[name] !== undefined);
  return [...parts.map(([name, label]) => `${exact(span[name])} ${label}`), USAGE_SOURCES[span.usage_source]]
    .filter(Boolean).join("; ");
}

function costTitle({ input_cost_usd: input, output_cost_usd: output }) {
  const dollars = (usd) => (usd === undefined ? UNKNOWN : `$${usd}`);
  return input === undefined && output === undefined ? null : `${dollars(input)} in, ${dollars(output)} out`;
}

function costParts({ input_cost_usd: input, output_cost_usd: output }) {
  return input === undefined || output === undefined ? "" : ` (${cost(input)} in + ${cost(output)} out)`;
}

function percent(part, whole) {
  const share = (100 * part) / whole;
  return share > 0 && share < 1 ? "<1%" : `${Math.round(share)}%`;
}
