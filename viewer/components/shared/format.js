// Figures as text. Unknown is "–", never 0; "≥" stands before a sum that lacks calls, "~" before an estimate.

export const UNKNOWN = "–";

/** Microseconds: 400µs, 335ms, 1.24s, 12.3s, 2m05s, 1h02m. */
export function duration(us) {
  if (us === null || us === undefined) return UNKNOWN;
  if (us === 0) return "0";
  if (us < 999.5) return `${Math.round(us)}µs`;
  if (us < 999_500) return `${Math.round(us / 1000)}ms`;
  const seconds = us / 1e6;
  if (seconds < 9.995) return `${seconds.toFixed(2)}s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)}s`;
  const minutes = Math.floor(Math.round(seconds) / 60);
  if (minutes < 60) return `${minutes}m${pad(Math.round(seconds) % 60)}s`;
  return `${Math.floor(minutes / 60)}h${pad(minutes % 60)}m`;
}

/** A count, short enough for a column: 842, 9.4k, 28k, 1.3M. */
export function count(n) {
  if (n === null || n === undefined) return UNKNOWN;
  if (n < 1000) return String(n);
  const [scaled, unit] = n < 999_500 ? [n / 1000, "k"] : [n / 1e6, "M"];
  return `${scaled.toFixed(scaled < 9.95 ? 1 : 0)}${unit}`;
}

/** A count in full: 28,123. */
export function exact(n) {
  return n === null || n === undefined ? UNKNOWN : n.toLocaleString("en-US");
}

/** Bytes as people read them: 30.0 kB. */
export function bytes(n) {
  const units = ["B", "kB", "MB", "GB"];
  let unit = 0;
  for (; n >= 1000 && unit < units.length - 1; unit += 1) n /= 1000;
  return `${unit ? n.toFixed(1) : n} ${units[unit]}`;
}

/** Dollars to two significant digits below a cent, so that a cheap call does not look free. */
export function cost(usd) {
  if (usd === null || usd === undefined) return UNKNOWN;
  const value = Number(usd);
  if (value === 0) return "$0";
  if (value < 0.0001) return "<$0.0001";
  if (value < 0.01) return `$${value.toFixed(4)}`;
  return `$${value.toFixed(value < 1 ? 3 : 2)}`;
}

/** A sum of which some parts are not known: "≥1.2k", or "–" when none is. */
export function atLeast(text, lacking) {
  if (!lacking || text === UNKNOWN) return text;
  return text.startsWith("<") ? "≥$0" : `≥${text}`;
}

export function estimated(text, is) {
  return is && text !== UNKNOWN ? `~${text}` : text;
}

/** Unix milliseconds as the time of day, with the date before it unless it is today. */
export function when(ms) {
  const time = new Date(ms);
  const clock = `${pad(time.getHours())}:${pad(time.getMinutes())}:${pad(time.getSeconds())}`;
  if (time.toDateString() === new Date().toDateString()) return clock;
  return `${pad(time.getDate())} ${MONTHS[time.getMonth()]} ${clock.slice(0, 5)}`;
}

export function fullTime(ms) {
  const time = new Date(ms);
  return `${time.toDateString()} ${time.toTimeString().slice(0, 8)}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}

/** The sum of what is known; null where nothing is. */
export function sum(...parts) {
  const known = parts.filter((part) => part !== null && part !== undefined);
  return known.length ? known.reduce((a, b) => a + b) : null;
}

export function plural(n, noun) {
  return `${exact(n)} ${noun}${n === 1 ? "" : "s"}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function pad(n) {
  return String(n).padStart(2, "0");
}
