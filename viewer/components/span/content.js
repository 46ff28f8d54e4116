// What was recorded of a span beside its head, as tabs: messages, input and output, attributes, events.

import { copyButton, el } from "../shared/dom.js";
import { duration } from "../shared/format.js";
import { jsonView, plain } from "../shared/json.js";
import { contentsOf } from "./media.js";
import { chat, isMessages } from "./messages.js";
import { processView, sourceView } from "./origin.js";
import { proseView, twoWays } from "./prose.js";

const COLUMNS = [
  "provider", "operation", "request_model", "response_model", "response_id", "request_id", "finish_reasons", "stream",
  "retries", "usage_source", "session_id", "user_id", "tags", "prompt_name", "prompt_version", "scope_name", "dialect",
  "trace_id", "span_id", "parent_id", "process_id", "function_id",
];

/** Return the tabs that have something to show, as `{title: () => elements}`, that to open first. */
export function tabsOf(answer) {
  const { span, content } = answer;
  const tabs = {};
  const { input, output, events } = content;
  if (isMessages(input) || isMessages(output)) tabs.Messages = () => chat(answer);
  if (input !== undefined || output !== undefined) {
    tabs["Input / Output"] = () => [...section("Input", input), ...section("Output", output)];
  }
  tabs.Attributes = () => attributes(span, content);
  if (events?.length) tabs.Events = () => events.map((event) => eventView(event, span));
  if (span.function_id) tabs.Source = () => sourceView(answer);
  if (span.process_id) tabs.Process = () => processView(answer);
  return tabs;
}

function attributes(span, content) {
  const known = COLUMNS.filter((name) => span[name] !== undefined);
  const groups = {
    "Request parameters": content.request_parameters,
    "Prompt variables": content.prompt_variables,
    Metadata: content.metadata,
    Attributes: content.attributes,
    Links: content.links,
    Span: Object.fromEntries(known.map((name) => [name, span[name]])),
  };
  return Object.entries(groups)
    .filter(([, value]) => value && Object.keys(value).length)
    .flatMap(([title, value]) => section(title, value));
}

function eventView({ name, time_ns: time, attributes: facts, ...rest }, span) {
  const offset_us = (Number(plain(time ?? null)) / 1e6 - span.start_ms) * 1000;
  return el("section", { class: "t-value" },
    el("header", {},
      el("h3", {}, name ?? "event"),
      time !== undefined && el("span", { class: "t-num t-dim" }, `+${duration(Math.max(0, offset_us))}`)),
    jsonView({ ...rest, ...facts }));
}

function section(title, value) {
  if (value === undefined) return [];
  const { box, toggle } = twoWays(textsOf(value), (isRead) => valueView(value, isRead));
  return [
    el("section", { class: "t-value" },
      el("header", {},
        el("h3", {}, title),
        el("span", { class: "t-grow" }),
        toggle,
        copyButton(() => plain(value))),
      box,
      contentsOf(value)),
  ];
}

function textsOf(value) {
  if (typeof value === "string") return [value];
  return isDocuments(value) ? value.map(textOf) : [];
}

function valueView(value, isRead) {
  if (typeof value === "string") return proseView(value, isRead);
  return isDocuments(value) ? value.map((item, i) => documentCard(item, i, isRead)) : jsonView(value);
}

/** Whether this is what a retriever returns: `[{content | page_content | text, …}, …]`. */
function isDocuments(value) {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof textOf(item) === "string");
}

function textOf(item) {
  return item?.content ?? item?.page_content ?? item?.text;
}

function documentCard(item, i, isRead) {
  const { content, page_content, text, id, score, ...rest } = item;
  return el("article", { class: "t-document" },
    el("header", {},
      el("span", { class: "t-role" }, String(id ?? i + 1)),
      score !== undefined && el("span", { class: "t-num t-dim" }, `score ${plain(score)}`)),
    proseView(content ?? page_content ?? text, isRead),
    Object.keys(rest).length > 0 && jsonView(rest, 8));
}
