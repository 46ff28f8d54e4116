// What of the list is shown, and how: the columns, and filters that were saved in this browser.

import { button, el } from "../shared/dom.js";
import { COLUMNS, USUAL } from "./cells.js";

const SAVED = "tracer.views";

/** Return the columns that an address names in `cols`, or the usual ones. */
export function columnsOf(cols) {
  const known = (cols ?? "").split(",").filter((name) => Object.hasOwn(COLUMNS, name));
  return known.length ? known : USUAL;
}

/** Return how an address names these columns: not at all where they are the usual ones. */
export function colsOf(columns) {
  return columns.join() === USUAL.join() ? "" : columns.join();
}

/** A button with the columns to choose from, and the saved views. */
export class ViewMenu {
  /** `chosen({q, tests, cols})` is called with a part of them; `current()` returns what is shown. */
  constructor({ chosen, current }) {
    Object.assign(this, { chosen, current });
    this.menu = el("div", { class: "t-menu t-view-menu", hidden: true });
    this.opener = button({ class: "t-plain", "aria-haspopup": "menu", "aria-expanded": "false",
      title: "Columns, and saved views (v)", onclick: () => this.toggle() }, "view");
    this.element = el("div", { class: "t-menu-box" }, this.opener, this.menu);
    this.element.addEventListener("focusout", () => setTimeout(() => this.left()));
  }

  /** Close when the focus went elsewhere; while the menu is drawn anew it is nowhere, for a moment. */
  left() {
    const { activeElement } = document;
    if (!this.menu.hidden && activeElement !== document.body && !this.element.contains(activeElement)) this.toggle(false);
  }

  toggle(isOpen = this.menu.hidden) {
    if (isOpen) this.draw();
    this.menu.hidden = !isOpen;
    this.opener.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) this.menu.querySelector("button")?.focus();
  }

  draw() {
    const saved = Object.entries(read());
    const view = ([name, parts]) => el("div", { class: "t-view" },
      button({ class: "t-view-name", onclick: () => this.take(parts) }, name),
      button({ class: "t-plain", title: `Forget ${name}`, "aria-label": `Forget ${name}`, onclick: () => this.forget(name) }, "✕"));
    const form = el("form", { class: "t-view-form" },
      el("input", { class: "t-search", name: "name", placeholder: "Name for this filter", required: true, "aria-label": "Name" }),
      el("button", { class: "t-chip" }, "Save"));
    form.addEventListener("submit", (event) => this.save(event));
    const columns = columnsOf(this.current().cols);
    const column = (name) => button({ class: "t-chip", "aria-pressed": String(columns.includes(name)),
      onclick: () => this.switchColumn(name) }, COLUMNS[name][0]);
    this.menu.replaceChildren(
      el("h3", {}, "Saved views"), ...saved.map(view), form,
      el("h3", {}, "Columns"), el("div", { class: "t-view-columns" }, Object.keys(COLUMNS).map(column)));
  }

  take(parts) {
    this.toggle(false);
    this.chosen({ q: "", tests: "", cols: "", ...parts });
  }

  save(event) {
    event.preventDefault();
    const name = new FormData(event.target).get("name").trim();
    if (name) localStorage.setItem(SAVED, JSON.stringify({ ...read(), [name]: this.current() }));
    this.redraw();
  }

  forget(name) {
    const { [name]: _, ...others } = read();
    localStorage.setItem(SAVED, JSON.stringify(others));
    this.redraw();
  }

  /** Show or hide a column; they stand in the order in which the menu names them. */
  switchColumn(name) {
    const shown = new Set(columnsOf(this.current().cols));
    if (!shown.delete(name)) shown.add(name);
    if (shown.size) this.chosen({ cols: colsOf(Object.keys(COLUMNS).filter((one) => shown.has(one))) });
    this.redraw();
  }

  redraw() {
    this.draw();
    this.menu.querySelector("button")?.focus();
  }
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(SAVED)) ?? {};
  } catch {
    return {};
  }
}
