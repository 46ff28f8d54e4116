// Where a span came from: the function whose source was stored with it, and the process that ran it.

import { ask } from "../shared/api.js";
import { copyButton, el } from "../shared/dom.js";
import { jsonView, textView } from "../shared/json.js";
import { failure } from "../shared/screens.js";
import { failedAt } from "./error.js";

/** Return the source of a span's function, once it has been asked for. */
export function sourceView(answer) {
  return later(`function/${answer.span.function_id}`, (known) => functionView(known, answer));
}

/** Return what is known of a span's process, once it has been asked for. */
export function processView({ span }) {
  return later(`process/${span.process_id}`, aboutProcess);
}

/** Return an element that holds what `draw` makes of the answer when that is there. */
function later(question, draw) {
  const place = el("div", { "aria-busy": "true" });
  ask(question)
    .then(draw, (error) => [failure(error)])
    .then((elements) => {
      place.replaceChildren(...elements);
      place.removeAttribute("aria-busy");
    });
  return [place];
}

const NOTHING = "Nothing of it was stored.";

function functionView(known, answer) {
  if (known === null) return [el("p", { class: "t-dim" }, NOTHING)];
  const { module, qualname, file, line, source } = known;
  const where = file === null ? "" : `${file}:${line}`;
  return [
    el("section", { class: "t-value" },
      el("header", {},
        el("h3", {}, `${module}.${qualname}`),
        el("span", { class: "t-grow" }),
        source !== null && copyButton(() => source)),
      where && el("p", { class: "t-origin" }, where, copyButton(() => where, "Copy the place")),
      source === null
        ? el("p", { class: "t-dim" }, "Its source is not known for certain, and was not stored.")
        : numbered(source, line ?? 1, failedAt(answer, file))),
  ];
}

/** Return lines with their numbers, that which failed marked. */
function numbered(source, first, failed) {
  const line = (text, i) =>
    el("span", { class: "t-source-line", "data-line": first + i, "aria-current": first + i === failed ? "true" : null }, `${text}\n`);
  return el("pre", { class: "t-source" }, source.replace(/\n$/, "").split("\n").map(line));
}

function aboutProcess(known) {
  if (known === null) return [el("p", { class: "t-dim" }, NOTHING)];
  const { git_diff: diff, git_untracked: untracked, packages, git, ...rest } = known;
  const parts = {
    Command: known.argv?.map(quoted).join(" "),
    Git: git && { ...git, dirty: known.git_dirty, untracked, note: known.git_note },
    "Uncommitted changes": diff,
    Process: Object.fromEntries(SHOWN.map((name) => [name, rest[name]])),
    Packages: packages && Object.entries(packages).map(([name, version]) => `${name}==${version}`).join("\n"),
  };
  return Object.entries(parts).filter(([, value]) => value).map(([title, value]) => section(title, withoutUnknown(value)));
}

const SHOWN = ["pid", "executable", "python", "platform", "cwd"];

function section(title, value) {
  const isText = typeof value === "string";
  return el("section", { class: "t-value" },
    el("header", {}, el("h3", {}, title), el("span", { class: "t-grow" }),
      copyButton(() => (isText ? value : JSON.stringify(value, null, 2)))),
    isText ? textView(value, "t-text t-mono") : jsonView(value));
}

function withoutUnknown(value) {
  if (typeof value === "string") return value;
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null && one !== undefined));
}

/** Return an argument as a shell would have to be given it. */
function quoted(argument) {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'"'"'`)}'`;
}
