// What a figure of a panel looks like, by its unit.

import { cost, count, duration, exact, UNKNOWN, when } from "../shared/format.js";

const FORMATS = {
  count: (value) => (Number.isInteger(value) ? (value < 100_000 ? exact(value) : count(value)) : value.toPrecision(3)),
  tokens: (value) => count(Math.round(value)),
  usd: cost,
  ns: (value) => duration(value / 1000),
  share: (value) => `${(100 * value).toFixed(value > 0 && value < 0.1 ? 1 : 0)}%`,
  time: (value) => when(value / 1e6),
};

export function isNumber(value) {
  return typeof value === "number";
}

/** Return a value of a panel as text: a number by its unit, "–" for what is not known, all else as it is. */
export function figure(value, unit) {
  if (value === null || value === undefined) return UNKNOWN;
  if (isNumber(value)) return FORMATS[unit](value);
  return typeof value === "string" ? value : JSON.stringify(value);
}
