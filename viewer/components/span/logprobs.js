// How likely each token of an answer was, where the API told it: a line that opens to the tokens, shaded.

import { el } from "../shared/dom.js";
import { plural } from "../shared/format.js";
import { plain } from "../shared/json.js";
import { folded } from "./folded.js";

const MOST = 5000;

/** Return the line below an answer with `logprobs`, as chat completions have them; nothing for any other. */
export function likelihoods(logprobs) {
  const tokens = [logprobs?.content, logprobs?.refusal].flatMap((list) => (Array.isArray(list) ? list : [])).filter(isToken);
  if (!tokens.length) return [];
  const least = tokens.reduce((a, b) => (likelihood(b) < likelihood(a) ? b : a));
  const summary = `${plural(tokens.length, "token")}, the least likely ${JSON.stringify(least.token)} with ${percent(least)}`;
  const cut = tokens.length > MOST && el("p", { class: "t-dim" }, `The first ${plural(MOST, "token")}.`);
  return [folded("likelihood", summary, () => [el("div", { class: "t-text t-tokens" }, tokens.slice(0, MOST).map(tokenView)), cut].filter(Boolean))];
}

function isToken(one) {
  return typeof one?.token === "string" && Number.isFinite(likelihood(one));
}

/** A token, the darker the less likely it was, with what else it might have been. */
function tokenView(one) {
  const others = (Array.isArray(one.top_logprobs) ? one.top_logprobs : []).filter(isToken);
  const title = [one, ...others.filter(({ token }) => token !== one.token)]
    .map((choice) => `${JSON.stringify(choice.token)} ${percent(choice)}`).join("\n");
  const drawn = el("span", { title }, one.token);
  drawn.style.setProperty("--t-doubt", `${Math.round(60 * (1 - likelihood(one)))}%`);
  return drawn;
}

function likelihood({ logprob }) {
  return Math.min(1, Math.exp(Number(plain(logprob ?? null))));
}

function percent(one) {
  const share = 100 * likelihood(one);
  return `${share >= 10 ? Math.round(share) : share.toPrecision(1)} %`;
}
