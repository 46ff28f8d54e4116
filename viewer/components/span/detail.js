// One span in full: what it is, what it cost, how it failed, what went in and what came out.

import { askSpan } from "../shared/api.js";
import { tabsOf } from "./content.js";
import { copyMenu } from "./copy.js";
import { button, copyButton, el } from "../shared/dom.js";
import { cost, duration, estimated, exact, fullTime, UNKNOWN } from "../shared/format.js";
import { kindIcon, statusIcon, statusTitle } from "../shared/icons.js";
import { textView } from "../shared/json.js";
import { failure } from "../shared/screens.js";
import { Scores } from "./scores.js";

const KEPT = 60;

export class Detail {
  constructor() {
    this.kept = new Map();
    this.tab = null;
    this.scores = new Scores();
    this.body = el("div", { class: "t-detail-body" });
    this.element = el("section", { class: "t-detail", "data-testid": "span-detail", "aria-label": "Span" }, this.body);
  }

  /**
   * Show the span `{traceId, spanId, ended, isFirst}`. While one is being asked for, of those that are wanted meanwhile only
   * the last is, so that someone who runs down the tree is not ahead of what is shown.
   */
  async show(wanted) {
    this.wanted = wanted;
    if (this.isShowing) return;
    this.isShowing = true;
    let shown = null;
    while (shown !== this.wanted) {
      shown = this.wanted;
      await this.showOne(shown);
    }
    this.isShowing = false;
  }

  /** Ask for a span that will probably be wanted next. */
  prefetch(traceId, spanId) {
    this.ask({ traceId, spanId, ended: true });
  }

  async showOne(wanted) {
    try {
      this.draw(`${wanted.traceId}/${wanted.spanId}`, await this.ask(wanted), wanted.isFirst);
    } catch (error) {
      this.body.replaceChildren(failure(error));
    }
  }

  /** Return the promise of a span. One that has ended is asked for once. */
  ask({ traceId, spanId, ended }) {
    const key = `${traceId}/${spanId}`;
    if (this.kept.has(key)) return this.kept.get(key);
    const answer = askSpan(traceId, spanId);
    if (ended) this.keep(key, answer);
    return answer;
  }

  keep(key, answer) {
    this.kept.set(key, answer);
    answer.catch(() => this.kept.delete(key));
    if (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value);
  }

  draw(key, answer, isFirst) {
    const isAgain = key === this.drawn;
    const scrollTop = isAgain ? this.body.scrollTop : 0;
    this.drawn = key;
    if (!isAgain) this.scores.show(answer.span, isFirst);
    this.body.replaceChildren(
      ...heading(answer), this.scores.element, ...notes(answer), ...errorBox(answer), ...this.tabs(answer));
    this.body.scrollTop = scrollTop;
    this.element.dataset.spanId = answer.span.span_id;
  }

  /** The tabs, of which that which was last chosen stays open from span to span. */
  tabs(answer) {
    const tabs = tabsOf(answer);
    const names = Object.keys(tabs);
    const panel = el("div", { class: "t-panel", role: "tabpanel" });
    const open = (name) => {
      for (const tab of strip.children) tab.setAttribute("aria-selected", String(tab.textContent === name));
      panel.replaceChildren(...tabs[name]());
    };
    const choose = (name) => {
      this.tab = name;
      open(name);
    };
    const strip = el("div", { class: "t-tabs", role: "tablist" },
      names.map((name) => button({ role: "tab", onclick: () => choose(name) }, name)));
    open(names.includes(this.tab) ? this.tab : names[0]);
    return [strip, panel];
  }
}

function heading(answer) {
  const { span } = answer;
  const facts = [
    ["Duration", span.status === "RUNNING" ? null : duration(span.duration_us)],
    ["Started", fullTime(span.start_ms).slice(-12), fullTime(span.start_ms)],
    ["Model", span.model, span.request_model !== span.model && `asked for ${span.request_model}`],
    ["Tokens", tokens(span), usageTitle(span)],
    ["Cost", span.cost_usd === undefined ? null : cost(span.cost_usd), costTitle(span)],
    ["First token", span.ttft_us === undefined ? null : duration(span.ttft_us), "time to the first token of content"],
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
      copyMenu(answer)),
    el("dl", { class: "t-facts" }, facts.filter(([, value]) => value).map(fact)),
  ];
}

function tokens(span) {
  if (span.input_tokens === undefined && span.output_tokens === undefined) return null;
  const isEstimate = span.usage_source !== undefined && span.usage_source !== "api";
  const figure = (n) => estimated(exact(n), isEstimate);
  const share = Math.round((100 * span.cached_tokens) / span.input_tokens);
  const cached = span.cached_tokens ? ` (${share}% cached)` : "";
  const hasOutput = span.output_tokens !== undefined || span.kind === "llm";
  const output = hasOutput ? ` → ${figure(span.output_tokens)} out` : "";
  return `${figure(span.input_tokens)} in${cached}${output}`;
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

/** What is not shown as it was: secrets that were taken out, values that were cut. */
function notes({ content }) {
  const { "tracer.redacted": redacted = {}, "tracer.cut": cut = {} } = content.attributes ?? {};
  const texts = [
    ...Object.entries(redacted).map(([kind, n]) => `${n} × [redacted:${kind}]`),
    ...Object.entries(cut).map(([column, bytes]) => `${column} was cut, ${exact(bytes)} bytes in full`),
  ];
  return texts.length ? [el("p", { class: "t-note" }, texts.join(" · "))] : [];
}

function errorBox({ span, content }) {
  const exceptions = (content.events ?? []).filter((event) => event?.name === "exception");
  const { "exception.type": thrown, "exception.message": said, "exception.stacktrace": traceback } =
    exceptions.at(-1)?.attributes ?? {};
  const type = span.error_type ?? thrown;
  const message = span.status_message ?? said;
  if (!type && !message) return [];
  return [
    el("div", { class: "t-error-box", "data-status": span.status, role: "group", "aria-label": "Error" },
      el("header", {},
        type && el("b", {}, type),
        el("span", { class: "t-grow" }),
        copyButton(() => traceback ?? [type, message].filter(Boolean).join(": "))),
      message && textView(message),
      traceback && el("pre", { class: "t-traceback" }, traceback)),
  ];
}
