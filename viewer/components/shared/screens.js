// What stands in place of rows: nothing recorded yet, nothing found, and errors with their next step.

import { el } from "./dom.js";

const TITLES = {
  TraceNotFound: "No such trace",
  SessionNotFound: "No such session",
  QueryError: "This filter is not understood",
  NotInFile: "This file does not hold that",
  StoreLocked: "The store is in use",
  StoreTooNew: "The store is newer than this viewer",
  StoreDamaged: "The store cannot be read",
  StoreUnavailable: "The store cannot be reached",
  Unreachable: "The viewer has stopped",
};

const EXAMPLE = `from tracer import instrument, trace

instrument()   # OpenAI, LangChain, …

@trace
def answer(question): ...`;

/** `way` is a button that leads on. */
export function failure(error, way) {
  const lines = (error.message || String(error)).split("\n");
  return screen("t-failure", TITLES[error.kind] ?? "Something went wrong", lines.map((line) => el("p", {}, line)), way);
}

export function nothingRecorded(store) {
  return screen("t-empty", "Nothing recorded yet", [
    el("p", {}, "Traces appear here as soon as a program records one. Try it without a key:"),
    el("pre", {}, "tracer demo"),
    el("p", {}, "Or record a program of your own, with no line changed, or from within:"),
    el("pre", {}, "tracer run your_script.py"),
    el("pre", {}, EXAMPLE),
    el("p", { class: "t-dim" }, "Watching ", el("code", {}, store)),
  ]);
}

const SESSION = `from tracer import using

with using(session_id="chat-17"):
    answer(question)`;

export function noSessions() {
  return screen("t-empty", "No sessions yet", [
    el("p", {}, "Traces that share a session id are read here as one conversation. LangGraph's `thread_id` is one; else:"),
    el("pre", {}, SESSION),
  ]);
}

export function nothingFound(query, way) {
  return screen("t-empty", "No trace matches", [el("p", {}, "The filter is ", el("code", {}, query))], way);
}

function screen(className, title, content, way) {
  const role = className === "t-failure" ? "alert" : "status";
  return el("div", { class: `t-screen ${className}`, role }, el("h2", {}, title), content, way);
}
