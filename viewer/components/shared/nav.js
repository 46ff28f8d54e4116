// The way between the views: the mark of the tool, and a link to each.

import { urlOf } from "./address.js";
import { el } from "./dom.js";
import { brand } from "./icons.js";

const PLACES = [
  ["traces", "Traces"],
  ["sessions", "Sessions"],
  ["stats", "Stats"],
];

/** Return what stands first in the bar of a view: the way to all views, this one marked, and to the user's pages. */
export function nav(current, pages) {
  const link = ([view, label]) =>
    el("a", {
      href: urlOf({ view: view === "traces" ? "" : view }),
      "data-view": view,
      "aria-current": view === current ? "page" : null,
    }, label);
  return el("nav", { class: "t-nav", "aria-label": "Views" }, brand(), PLACES.map(link),
    pages.map((page) => el("a", { href: `/${encodeURIComponent(page)}` }, page.replaceAll("_", " "))));
}
