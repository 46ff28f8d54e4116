// Two panes side by side, with a divider that the user moves; where it stands is kept in the browser.

import { el } from "./dom.js";

const KEY = "tracer.left-pane";
const USUAL = 57;

export function splitter(left, right) {
  const divider = el("div", { class: "t-divider-bar", role: "separator", "aria-orientation": "vertical" });
  const split = el("div", { class: "t-split" }, left, divider, right);
  const place = (percent) => split.style.setProperty("--t-left", `${percent}%`);

  const drag = (event) => {
    const box = split.getBoundingClientRect();
    const percent = Math.min(80, Math.max(25, (100 * (event.clientX - box.left)) / box.width));
    place(percent);
    localStorage.setItem(KEY, percent.toFixed(1));
  };
  divider.addEventListener("pointerdown", (event) => {
    divider.setPointerCapture(event.pointerId);
    divider.addEventListener("pointermove", drag);
    const end = () => divider.removeEventListener("pointermove", drag);
    divider.addEventListener("lostpointercapture", end, { once: true });
  });
  divider.addEventListener("dblclick", () => {
    localStorage.removeItem(KEY);
    place(USUAL);
  });

  place(Number(localStorage.getItem(KEY)) || USUAL);
  return split;
}
