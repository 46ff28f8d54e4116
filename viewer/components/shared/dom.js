// Elements made without a single string of HTML: whatever came from a trace enters the page as text.

/**
 * Make an element. `on…` attributes are listeners, true is an attribute without a value, null and false leave it out.
 * Children are nodes or text; null and false are left out.
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Make an element of a drawing, like `el`. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A button that looks like what it holds. One that holds a sign alone is called by its title. */
export function button(attributes, ...children) {
  const isSign = children.length === 1 && SIGN.test(children[0]);
  return el("button", { type: "button", "aria-label": isSign ? attributes.title : null, ...attributes }, ...children);
}

const SIGN = /^[^\p{Letter}]$/u;

/** A button that copies what `text` returns, and says that it did. */
export function copyButton(text, label = "Copy") {
  const copy = button({ class: "t-copy", title: `${label} to the clipboard` }, "copy");
  copy.addEventListener("click", async (event) => {
    event.stopPropagation();
    await navigator.clipboard.writeText(text());
    copy.textContent = "copied";
    setTimeout(() => (copy.textContent = "copy"), 1200);
  });
  return copy;
}
