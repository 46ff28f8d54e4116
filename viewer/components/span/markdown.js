// Markdown as elements, for what models write in it. Of our own, so that it is safe by what it can make: no HTML is
// read, an address is shown and leads nowhere, no image is loaded.

import { copyButton, el } from "../shared/dom.js";

const MOST_NESTED = 8;

/** Return the elements of a text in Markdown; what is none stands as the text that it is. */
export function markdown(text) {
  return blocks(text.replace(/\r\n?/g, "\n").split("\n"), 0);
}

// ── blocks: each reads from line `i`, and returns its element and the line after it; null where it is none

const BLOCKS = [fence, heading, rule, quote, list, table];

function blocks(lines, depth) {
  const found = [];
  let i = 0;
  while (i < lines.length) {
    if (!lines[i].trim()) {
      i += 1;
      continue;
    }
    const [element, next] = block(lines, i, depth) ?? paragraph(lines, i, depth);
    found.push(element);
    i = next;
  }
  return found;
}

function block(lines, i, depth) {
  for (const read of BLOCKS) {
    const found = read(lines, i, depth);
    if (found) return found;
  }
  return null;
}

/** Whether something other than a paragraph begins here. */
function begins(lines, i) {
  const line = lines[i].trimStart();
  return /^(`{3}|~{3}|#{1,6}\s|>)/.test(line) || isRule(line) || marker(lines[i]) !== null || isTable(lines, i);
}

function paragraph(lines, i) {
  let end = i + 1;
  while (end < lines.length && lines[end].trim() && !begins(lines, end)) end += 1;
  return [el("p", { dir: "auto" }, inline(lines.slice(i, end).join("\n").trim())), end];
}

function fence(lines, i) {
  const [, indent, mark, language] = /^(\s{0,30})(`{3,20}|~{3,20})([^`]{0,200})$/.exec(lines[i]) ?? [];
  if (!mark) return null;
  let end = i + 1;
  const isEnd = (line) => line.trim().startsWith(mark) && line.trim().replaceAll(mark[0], "") === "";
  while (end < lines.length && !isEnd(lines[end])) end += 1;
  const unindented = (line) => (line.slice(0, indent.length).trim() ? line : line.slice(indent.length));
  return [codeBlock(lines.slice(i + 1, end).map(unindented).join("\n"), language.trim()), end + 1];
}

function codeBlock(code, language) {
  return el("section", { class: "t-md-code" },
    el("header", {}, el("span", { class: "t-role" }, language), el("span", { class: "t-grow" }), copyButton(() => code)),
    el("pre", {}, code));
}

function heading(lines, i) {
  const [, marks, text] = /^\s{0,3}(#{1,6})\s+(\S.*)$/.exec(lines[i]) ?? [];
  if (!marks) return null;
  // Below the headings of the page itself.
  const tag = `h${Math.min(6, marks.length + 2)}`;
  return [el(tag, { class: `t-md-h${marks.length}`, dir: "auto" }, inline(text.trimEnd().replace(/\s#{1,6}$/, ""))), i + 1];
}

function isRule(line) {
  const marks = line.trim().replaceAll(" ", "");
  return marks.length >= 3 && marks.length <= 200 && /^(-+|\*+|_+)$/.test(marks);
}

function rule(lines, i) {
  return isRule(lines[i]) ? [el("hr"), i + 1] : null;
}

function quote(lines, i, depth) {
  if (!lines[i].trimStart().startsWith(">") || depth >= MOST_NESTED) return null;
  let end = i;
  while (end < lines.length && lines[end].trimStart().startsWith(">")) end += 1;
  const inner = lines.slice(i, end).map((line) => line.trimStart().slice(1).replace(/^ /, ""));
  return [el("blockquote", {}, blocks(inner, depth + 1)), end];
}

/** Return what begins an item of a list: how far its text is indented, and its number. */
function marker(line) {
  const [all, indent, sign] = /^(\s{0,60})([-*+]|\d{1,9}[.)])(?:\s{1,4}|$)/.exec(line) ?? [];
  if (all === undefined || isRule(line)) return null;
  return { indent: indent.length, width: all.length, number: /\d/.test(sign) ? parseInt(sign, 10) : null };
}

function list(lines, i, depth) {
  const first = marker(lines[i]);
  if (!first || depth >= MOST_NESTED) return null;
  const isOrdered = first.number !== null;
  const items = [];
  let at = i;
  while (at < lines.length) {
    const mark = marker(lines[at]);
    if (!mark || mark.indent > first.indent + 3 || (mark.number !== null) !== isOrdered) break;
    const end = itemEnd(lines, at, mark);
    const inner = [lines[at].slice(mark.width), ...lines.slice(at + 1, end).map((line) => line.slice(indented(line, mark.width)))];
    items.push(item(inner, depth));
    at = end;
    while (at < lines.length && !lines[at].trim() && at + 1 < lines.length && marker(lines[at + 1])?.indent <= first.indent + 3) at += 1;
  }
  return [isOrdered ? el("ol", { start: first.number }, items) : el("ul", {}, items), at];
}

/** Return the line after an item: what follows belongs to it while it is indented, or goes on a paragraph. */
function itemEnd(lines, at, { indent }) {
  let end = at + 1;
  while (end < lines.length) {
    const line = lines[end];
    const isInside = indented(line, indent + 2) > indent + 1;
    const follows = lines[end - 1].trim() && line.trim() && !begins(lines, end);
    const leadsInside = !line.trim() && end + 1 < lines.length && indented(lines[end + 1], indent + 2) > indent + 1 && lines[end + 1].trim();
    if (!isInside && !follows && !leadsInside) break;
    end += 1;
  }
  return end;
}

/** Return how many characters of white space begin a line, up to `most`. */
function indented(line, most) {
  let n = 0;
  while (n < most && (line[n] === " " || line[n] === "\t")) n += 1;
  return n;
}

function item(lines, depth) {
  const [, box] = /^\[([ xX])\]\s/.exec(lines[0]) ?? [];
  if (box === undefined) return el("li", { dir: "auto" }, tight(blocks(lines, depth + 1)));
  const check = el("input", { type: "checkbox", disabled: true, checked: box !== " " });
  return el("li", { class: "t-md-task", dir: "auto" }, check, tight(blocks([lines[0].slice(4), ...lines.slice(1)], depth + 1)));
}

/** An item that begins with a paragraph needs none of the room around one. */
function tight(elements) {
  return elements[0]?.tagName === "P" ? [...elements[0].childNodes, ...elements.slice(1)] : elements;
}

function isTable(lines, i) {
  if (i + 1 >= lines.length || !lines[i].includes("|") || !lines[i + 1].includes("-")) return false;
  const marks = cells(lines[i + 1]);
  return marks.length === cells(lines[i]).length && marks.every((mark) => /^:?-+:?$/.test(mark));
}

function table(lines, i) {
  if (!isTable(lines, i)) return null;
  const sides = cells(lines[i + 1]).map((mark) => (mark.endsWith(":") ? (mark.startsWith(":") ? "center" : "end") : null));
  let end = i + 2;
  while (end < lines.length && lines[end].includes("|") && lines[end].trim()) end += 1;
  const row = (tag, line) => {
    const texts = cells(line);
    const all = Array.from({ length: Math.max(sides.length, texts.length) }, (_, c) => texts[c] ?? "");
    return el("tr", {}, all.map((text, c) => el(tag, { dir: "auto", class: sides[c] && `t-md-${sides[c]}` }, inline(text))));
  };
  const body = lines.slice(i + 2, end).map((line) => row("td", line));
  return [
    el("div", { class: "t-md-table" },
      el("table", {}, el("thead", {}, row("th", lines[i])), el("tbody", {}, body))),
    end,
  ];
}

function cells(line) {
  const inner = line.trim().replace(/^\|/, "").replace(/([^\\]|^)\|$/, "$1");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

// ── within a line

// Each of these looks no further than a bounded number of characters, so that no text takes long.
const INLINE = new RegExp(
  [
    /\\(?<escaped>[\\`*_{}[\]()#+\-.!|~<>])/,
    /(?<!`)(?<ticks>`{1,8})(?!`)(?<code>[^]{1,1000}?)(?<!`)\k<ticks>(?!`)/,
    /(?<bang>!?)\[(?<label>[^[\]\n]{0,300})\]\((?<address>[^()\s]{1,2000})(?<title>\s[^()\n]{0,300})?\)/,
    /(?<strong>\*\*|__)(?=\S)(?<stronger>[^]{0,600}?\S)\k<strong>/,
    /(?<![\w*])\*(?=[^\s*])(?<starred>[^*]{0,600}?[^\s*])\*(?!\*)/,
    /(?<![\w_])_(?=[^\s_])(?<lined>[^_]{0,600}?[^\s_])_(?!\w)/,
    /~~(?=\S)(?<struck>[^~]{0,600}?\S)~~/,
  ].map((part) => part.source).join("|"),
  "g",
);

function inline(text, depth = 0) {
  const found = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > from) found.push(text.slice(from, match.index));
    found.push(piece(match.groups, (inner) => (depth < MOST_NESTED ? inline(inner, depth + 1) : inner)));
    from = match.index + match[0].length;
  }
  found.push(text.slice(from));
  return found.flat();
}

function piece(groups, inner) {
  const { escaped, code, address, stronger, starred, lined, struck } = groups;
  if (escaped !== undefined) return escaped;
  if (code !== undefined) return el("code", {}, code);
  if (address !== undefined) return link(groups, inner);
  if (stronger !== undefined) return el("strong", {}, inner(stronger));
  if (struck !== undefined) return el("del", {}, inner(struck));
  return el("em", {}, inner(starred ?? lined));
}

/** A link or an image is its text and its address, of which nothing is fetched. */
function link({ bang, label, address, title = "" }, inner) {
  const isPlain = label === address && !title;
  return el("span", { class: "t-md-link" },
    bang && el("span", { class: "t-role" }, "image "),
    !isPlain && [inner(label), " "].flat(),
    el("span", { class: "t-md-address" }, isPlain ? address : `(${address}${title})`));
}
