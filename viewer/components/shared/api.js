// Asks the viewer's own API, and keeps asking while someone looks.

/** What the API refused: `message` is written for the user, `kind` is the class of the error. */
export class Refused extends Error {
  constructor({ error, message }, status) {
    super(message);
    this.kind = error;
    this.status = status;
  }
}

let kept = null;

/** Answer from these texts by question, as a shared file does, and ask nobody. */
export function keepAnswers(answers) {
  kept = new Map(Object.entries(answers));
}

/** Return the answer, or null where nothing changed since the version that was asked with. */
export async function ask(path, query = {}, signal = undefined) {
  const text = await answer(path, query, signal);
  return text === null ? null : JSON.parse(text);
}

/** Return what an answer gives as columns, an object for each row. */
export function listed(columns) {
  const names = Object.keys(columns);
  return (columns[names[0]] ?? []).map((_, i) => Object.fromEntries(names.map((name) => [name, columns[name][i]])));
}

/**
 * Return one span: its `span` columns, its `content`, whose numbers stay as they were written, and of a model call what
 * was added since the `previous` one.
 */
export async function askSpan(traceId, spanId, isModelCall) {
  const question = `span/${traceId}/${spanId}`;
  const [text, previous] = await Promise.all([answer(question), isModelCall ? ask(`${question}/previous`) : null]);
  return { span: JSON.parse(text).span, content: parsed(text).content, previous };
}

/** Return where a content is to be had; null where a shared file lacks it. */
export function contentAddress(hash) {
  if (kept === null) return `/api/attachment/${hash}`;
  return JSON.parse(kept.get(`attachment/${hash}`) ?? "null");
}

/** Send a value to be written; return the answer. */
export async function send(path, value) {
  const body = JSON.stringify(value);
  return JSON.parse(await answer(path, {}, undefined, { method: "POST", headers: JSON_HEADERS, body }));
}

const JSON_HEADERS = { "Content-Type": "application/json" };

/**
 * Call `look(signal)` some times a second, less often where it takes long. Sleeps while the page is hidden.
 * What fails goes to `told(error)`; null goes there when all is well again.
 */
export class Poll {
  constructor(look, told) {
    this.look = look;
    this.told = told;
    this.onVisible = () => !document.hidden && this.start();
  }

  start({ now = false } = {}) {
    this.stop();
    this.abort = new AbortController();
    document.addEventListener("visibilitychange", this.onVisible);
    if (now) this.once(this.abort.signal);
    else this.wait(PAUSE_MS, this.abort.signal);
  }

  stop() {
    this.abort?.abort();
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.onVisible);
  }

  wait(pause, signal) {
    this.timer = setTimeout(() => document.hidden || this.once(signal), pause);
  }

  async once(signal) {
    const began = performance.now();
    let error = null;
    try {
      await this.look(signal);
    } catch (failure) {
      error = failure;
    }
    if (signal.aborted) return;
    this.told(error);
    const pause = error ? PAUSE_AFTER_ERROR_MS : Math.max(PAUSE_MS, performance.now() - began);
    if (!signal.aborted) this.wait(pause, signal);
  }
}

const PAUSE_MS = 300;
const PAUSE_AFTER_ERROR_MS = 1500;

async function answer(path, query = {}, signal = undefined, options = {}) {
  const known = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const question = `${path}${known.length ? "?" : ""}${new URLSearchParams(known)}`;
  if (kept) return query.since ? null : keptAnswer(question);
  let response;
  try {
    response = await fetch(`/api/${question}`, { signal, ...options });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refused({ error: "Unreachable", message: "The viewer does not answer. Is `tracer view` still running?" });
  }
  if (response.status === 204) return null;
  const text = await response.text();
  if (!response.ok) throw new Refused(refusal(text, response), response.status);
  return text;
}

function keptAnswer(question) {
  if (kept.has(question)) return kept.get(question);
  throw new Refused({ error: "NotInFile", message: "It was not put into this file when that was made." });
}

function refusal(text, response) {
  try {
    return JSON.parse(text);
  } catch {
    return { error: "ServerError", message: `The viewer answered ${response.status} ${response.statusText}.` };
  }
}

/** Return a value of JSON, whose numbers stay as they were written. */
export function parsed(text) {
  return JSON.parse(text, exactly);
}

/** Keep a number as text where this language would alter it: 1.0, or more digits than it can hold. */
function exactly(_key, value, context) {
  if (typeof value !== "number" || !context || !JSON.rawJSON || String(value) === context.source) return value;
  return JSON.rawJSON(context.source);
}
