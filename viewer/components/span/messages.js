// A model call as a chat: who said what, the tools that were called, and what they answered.

import { button, copyButton, el } from "../shared/dom.js";
import { jsonView, plain, textView } from "../shared/json.js";
import { folded } from "./folded.js";
import { likelihoods } from "./logprobs.js";
import { contentView, contentsOf, media } from "./media.js";
import { proseView, twoWays } from "./prose.js";
import { changedBelow, sinceBefore } from "./since.js";

const SHOWN = 12;
const LINES_OF_A_TOOL = 16;
const USUAL_ENDS = ["stop", "tool_calls", "tool_call"];

/** Return whether a value is a list of messages in the GenAI shape: `[{role, parts: […]}, …]`. */
export function isMessages(value) {
  const isMessage = (item) => typeof item?.role === "string" && Array.isArray(item.parts);
  return Array.isArray(value) && value.length > 0 && value.every(isMessage);
}

/**
 * Return the elements of a call: its instructions and tools in a line each, then the talk, then the answer. With
 * `previous`, what the API says of the call before it, the talk is what has come since.
 */
export function chat({ span, content, previous }) {
  const { system_instructions: system, tool_definitions: tools, input, output } = content;
  const said = isMessages(input) ? input : [];
  const answers = isMessages(output) ? output : [];
  const head = [...instructions(system), ...changedBelow("instructions", previous?.instructions)];
  const means = [...toolList(tools), ...changedBelow("tools", previous?.tools)];
  const tail = [...divider(answers.length), ...run(answers)];
  if (previous) {
    return [...head, ...means, ...sinceBefore(previous, span, (from, to) => run(said.slice(from, to))), ...tail];
  }
  let begin = 0;
  while (begin < said.length && isInstruction(said[begin])) begin += 1;
  return [...head, ...run(said.slice(0, begin)), ...means, ...run(said.slice(begin)), ...tail];
}

/** Return the elements of messages that follow each other. Results of tools are shown with the calls that are here. */
function run(messages) {
  const results = pairedResults(messages);
  const isShownWithItsCall = (message) => message.parts.every((part) => isResult(part) && results.has(part));
  return lastOf(messages.filter((message) => !isShownWithItsCall(message)), (message) => bubble(message, results));
}

/** Return the results of tools whose call is here, too, and the calls with their results: each shows its own there. */
function pairedResults(messages) {
  const parts = messages.flatMap((message) => message.parts);
  const byId = new Map(parts.filter((part) => isResult(part) && part.id).map((part) => [part.id, part]));
  const paired = new Map();
  for (const part of parts) {
    if (!isCall(part) || !byId.has(part.id)) continue;
    paired.set(part, byId.get(part.id));
    paired.set(byId.get(part.id), part);
  }
  return paired;
}

function lastOf(messages, draw) {
  if (messages.length <= SHOWN + 3) return messages.map(draw);
  const earlier = messages.slice(0, -SHOWN);
  const more = button({ class: "t-link t-earlier" }, `Show ${earlier.length} earlier messages`);
  more.addEventListener("click", () => more.replaceWith(...earlier.map(draw)));
  return [more, ...messages.slice(-SHOWN).map(draw)];
}

/** Return what was said in messages as one text. */
export function textOf(messages) {
  return messages.map(({ role, parts }) => `${role}:\n${parts.map(partText).join("\n")}`).join("\n\n");
}

/** Return one message by itself. */
export function messageView(message) {
  return bubble(message, new Map());
}

function bubble(message, results) {
  const text = message.parts.map(partText).join("\n");
  if (isInstruction(message)) return folded(message.role, text, () => legible(message.parts, results));
  const end = message.finish_reason;
  const { box, toggle } = spoken(message.parts, results);
  return el("article", { class: "t-message", "data-role": message.role },
    el("header", {},
      el("span", { class: "t-role" }, message.role),
      message.name && el("span", { class: "t-dim" }, message.name),
      end && !USUAL_ENDS.includes(end) && el("span", { class: "t-warning", title: "finish reason" }, end),
      el("span", { class: "t-grow" }),
      toggle,
      copyButton(() => text)),
    box,
    ...likelihoods(message.logprobs));
}

/** Return a box with the parts of a message, and what toggles how its texts are read; that is null where it has none. */
function spoken(parts, results) {
  const texts = parts.filter((part) => TEXTS.includes(part?.type)).map((part) => plain(part.content ?? ""));
  return twoWays(texts, (isRead) => parts.map((part) => partView(part, results, isRead)));
}

/** Return what a line that was folded shows: its parts below a line of what can be done with them. */
function legible(parts, results) {
  const { box, toggle } = spoken(parts, results);
  const text = () => parts.map(partText).join("\n");
  return [el("header", { class: "t-folded-head" }, el("span", { class: "t-grow" }), toggle, copyButton(text)), box];
}

function instructions(system) {
  if (!system) return [];
  const parts = Array.isArray(system) ? system : [{ type: "text", content: plain(system) }];
  return [folded("system", parts.map(partText).join("\n"), () => legible(parts, new Map()))];
}

function toolList(tools) {
  if (!Array.isArray(tools) || !tools.length) return [];
  const nameOf = (tool) => tool?.name ?? tool?.function?.name ?? tool?.type ?? "?";
  const one = (tool) => folded(nameOf(tool), tool?.description ?? "", () => [jsonView(tool)]);
  const title = tools.length === 1 ? "1 tool" : `${tools.length} tools`;
  return [folded(title, tools.map(nameOf).join(", "), () => tools.map(one))];
}

function divider(answers) {
  return answers ? [el("div", { class: "t-divider" }, answers > 1 ? `${answers} answers` : "answer")] : [];
}

// ── the parts of a message

const TEXTS = ["text", "reasoning", "refusal"];

const PART_VIEWS = {
  text: (part, _results, isRead) => proseView(plain(part.content ?? ""), isRead),
  reasoning: (part, _results, isRead) => labelled("reasoning", part, isRead),
  refusal: (part, _results, isRead) => labelled("refusal", part, isRead),
  tool_call: callView,
  server_tool_call: callView,
  tool_call_response: (part) => resultView(part),
  server_tool_call_response: (part) => resultView(part),
  blob: contentView,
  uri: (part) => media(part, String(part.uri)),
  file: (part) => media(part, String(part.file_id)),
};

function partView(part, results, isRead) {
  return Object.hasOwn(PART_VIEWS, part?.type) ? PART_VIEWS[part.type](part, results, isRead) : jsonView(part);
}

function labelled(label, part, isRead) {
  const text = proseView(plain(part.content ?? ""), isRead);
  return el("div", { class: `t-${label}` }, el("span", { class: "t-role" }, label), text);
}

function callView(part, results) {
  const result = results.get(part);
  return el("div", { class: "t-call" },
    el("header", {},
      el("span", { class: "t-role" }, "tool call"),
      el("b", {}, part.name ?? "?"),
      el("span", { class: "t-grow" }),
      copyButton(() => plain(part.arguments ?? null))),
    part.arguments !== undefined && valueView(part.arguments),
    contentsOf(part.arguments),
    result && resultView(result, "result", "t-call-result"));
}

function resultView(part, label = "tool result", className = "t-call") {
  const value = resultOf(part);
  return el("div", { class: className }, el("span", { class: "t-role" }, label), valueView(value), contentsOf(value));
}

function valueView(value) {
  return typeof value === "string" ? textView(value, "t-text t-mono") : jsonView(value, LINES_OF_A_TOOL);
}

function isInstruction({ role }) {
  return role === "system" || role === "developer";
}

function isCall(part) {
  return part?.type === "tool_call" || part?.type === "server_tool_call";
}

function isResult(part) {
  return part?.type === "tool_call_response" || part?.type === "server_tool_call_response";
}

function resultOf(part) {
  return part.response ?? part.result ?? null;
}

function partText(part) {
  if (typeof part?.content === "string" && part.type !== "blob") return part.content;
  if (isCall(part)) return `${part.name ?? "?"}(${plain(part.arguments ?? {})})`;
  return isResult(part) ? plain(resultOf(part)) : plain(part);
}
