// How a span failed: what was thrown, and where in the user's own code.

import { button, copyButton, el } from "../shared/dom.js";
import { plural } from "../shared/format.js";
import { textView } from "../shared/json.js";

/** Return the elements of an error; none for a span that did not fail. */
export function errorBox({ span, content }) {
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
      typeof traceback === "string" && el("div", { class: "t-traceback" }, tracebackView(traceback))),
  ];
}

const FRAME = /^\s*File "(.+)", line (\d+)(?:, in (.+))?$/;
const OF_OTHERS = /[\\/](site-packages|dist-packages|lib[\\/]python\d[^\\/]*)[\\/]|^<frozen /;

/** Return the elements of a traceback: of its frames the last of the user's own code is open, the others are one line. */
export function tracebackView(text) {
  const blocks = framed(text.split("\n"));
  const own = blocks.findLast((block) => block.frame && !OF_OTHERS.test(block.frame.file)) ?? blocks.findLast((block) => block.frame);
  const elements = [];
  let folded = [];
  const flush = () => {
    if (folded.length) elements.push(foldedFrames(folded));
    folded = [];
  };
  for (const block of blocks) {
    if (block.frame && block !== own) {
      folded.push(block);
      continue;
    }
    flush();
    elements.push(block === own ? frameView(block) : el("pre", {}, block.lines.join("\n")));
  }
  flush();
  return elements;
}

/** Return runs of lines: each frame by itself, with the lines of source that Python printed below it. */
function framed(lines) {
  const blocks = [];
  for (const line of lines) {
    const [, file, number, name] = FRAME.exec(line) ?? [];
    const last = blocks.at(-1);
    if (file !== undefined) blocks.push({ frame: { file, line: Number(number), name }, lines: [line] });
    else if (last?.frame && /^\s{4}/.test(line)) last.lines.push(line);
    else if (last && !last.frame) last.lines.push(line);
    else blocks.push({ frame: null, lines: [line] });
  }
  return blocks;
}

function foldedFrames(blocks) {
  const names = blocks.map(({ frame }) => frame.name).filter(Boolean).join(" › ");
  const fold = button({ class: "t-frames", title: names }, `${plural(blocks.length, "frame")} · ${names}`);
  fold.addEventListener("click", () => fold.replaceWith(el("pre", {}, blocks.flatMap(({ lines }) => lines).join("\n"))));
  return fold;
}

function frameView({ lines: [head, ...source] }) {
  return el("pre", { class: "t-frame" }, head, source.length > 0 && el("mark", {}, `\n${source.join("\n")}`));
}

/** Return where in a file a traceback of a span passed through it last; null where it did not. */
export function failedAt({ content }, file) {
  const exceptions = (content.events ?? []).filter((event) => event?.name === "exception");
  const { "exception.stacktrace": traceback } = exceptions.at(-1)?.attributes ?? {};
  if (typeof traceback !== "string") return null;
  return framed(traceback.split("\n")).findLast(({ frame }) => frame?.file === file)?.frame.line ?? null;
}
