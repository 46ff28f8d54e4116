// What someone takes away of one span: its text, its JSON, and a call of OpenAI's API as something to run again.

import { ask } from "../shared/api.js";
import { button, el } from "../shared/dom.js";
import { duration } from "../shared/format.js";
import { plain } from "../shared/json.js";
import { isMessages, textOf } from "./messages.js";

/** Return a button, and the list that it opens of ways in which the span of this answer can be copied. */
export function copyMenu(answer) {
  const { span } = answer;
  const menu = el("div", { class: "t-menu t-copy-menu", role: "menu", popover: "auto" });
  const opener = button({ class: "t-plain", "aria-haspopup": "menu" }, "copy as");
  opener.popoverTargetElement = menu;
  const entry = (label, hint, text) => {
    const title = el("b", {}, label);
    const copy = async () => {
      await navigator.clipboard.writeText(text());
      title.textContent = "Copied";
      setTimeout(() => (title.textContent = label), 1200);
    };
    return button({ role: "menuitem", onclick: copy }, title, el("span", { class: "t-dim" }, hint));
  };
  const usual = [
    entry("Text", "what was said, to paste anywhere", () => asText(answer)),
    entry("JSON", "all that was recorded", () => plain({ ...span, ...answer.content })),
  ];
  const fill = async () => {
    menu.replaceChildren(...usual);
    if (!isModelCall(span)) return;
    // A viewer that has ended, of which the page says so elsewhere, leaves what needs none.
    const request = await ask(`span/${span.trace_id}/${span.span_id}/request`).catch(() => null);
    if (!request) return;
    menu.append(
      entry("curl", "the call, for a shell with $OPENAI_API_KEY", () => request.curl),
      entry("Python", "the call, for the openai package", () => request.python));
  };
  menu.addEventListener("beforetoggle", ({ newState }) => {
    if (newState !== "open") return;
    const { right, bottom } = opener.getBoundingClientRect();
    menu.style.right = `${innerWidth - right}px`;
    menu.style.top = `${bottom + 4}px`;
    fill();
  });
  return [opener, menu];
}

function isModelCall({ kind }) {
  return kind === "llm" || kind === "embedding" || kind === "reranker";
}

function asText({ span, content }) {
  const { system_instructions: system, input, output } = content;
  const head = [span.name, span.kind, span.status, duration(span.duration_us), span.model].filter(Boolean).join(" · ");
  const error = [span.error_type, span.status_message].filter(Boolean).join(": ");
  const said = (title, value) => {
    if (value === undefined) return null;
    return isMessages(value) ? textOf(value) : `${title}:\n${plain(value)}`;
  };
  const instructions = Array.isArray(system) ? textOf([{ role: "system", parts: system }]) : said("system", system);
  return [head, error, instructions, said("input", input), said("output", output)].filter(Boolean).join("\n\n") + "\n";
}
