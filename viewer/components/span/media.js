// Images, sounds and files that came with a trace: shown where that is safe, else to be downloaded.

import { contentAddress } from "../shared/api.js";
import { el } from "../shared/dom.js";
import { bytes } from "../shared/format.js";
import { textView } from "../shared/json.js";

const SAFE_IMAGE = /^image\/(png|jpeg|gif|webp|avif)$/;
const SAFE_INLINE_IMAGE = /^image\/(png|jpeg|gif|webp|svg\+xml)$/;
const MOST = 24;

/** Return whether a value refers to a content that is kept apart from its span. */
export function isReference(value) {
  const isOne = value?.type === "blob" || value?.$type === "bytes";
  return isOne && typeof value.mime_type === "string" && Number.isInteger(value.bytes);
}

/** Return the element of a part with a content: a reference, or base64 as older rows have it. */
export function contentView(part) {
  if (!isReference(part)) return media(part, `data:${part.mime_type};base64,${part.content}`);
  const type = part.mime_type;
  const caption = `${type} ${bytes(part.bytes)}`;
  const src = /^[0-9a-f]{64}$/.test(part.attachment) && !part.not_kept ? contentAddress(part.attachment) : null;
  if (src === null) {
    const why = part.not_kept ? `not kept: ${part.not_kept}` : part.attachment ? "not in this file" : "not recorded";
    return el("div", {}, el("span", { class: "t-role" }, caption), " ", el("span", { class: "t-dim" }, why));
  }
  return el("figure", { class: "t-content" },
    SAFE_IMAGE.test(type) && el("img", { class: "t-media", src, alt: part.modality ?? "image", loading: "lazy" }),
    type.startsWith("audio/") && el("audio", { class: "t-media", src, controls: true, preload: "metadata" }),
    type.startsWith("video/") && el("video", { class: "t-media", src, controls: true, preload: "metadata" }),
    el("figcaption", {}, el("a", { class: "t-link", href: src, download: fileName(part), title: "Download" }, caption)));
}

function fileName({ attachment, mime_type: type, filename }) {
  if (typeof filename === "string") return filename;
  return `${attachment.slice(0, 16)}.${type.split("/")[1].replace(/\W.*/, "")}`;
}

/** Show an image or a sound that stands in the span itself. An address is shown, and not fetched. */
export function media(part, source) {
  const type = source.startsWith("data:") ? source.slice(5).split(/[;,]/)[0] : "";
  if (SAFE_INLINE_IMAGE.test(type)) return el("img", { class: "t-media", src: source, alt: part.modality ?? "image" });
  if (type.startsWith("audio/")) return el("audio", { class: "t-media", src: source, controls: true });
  return el("div", {}, el("span", { class: "t-role" }, part.modality ?? part.type), textView(source.slice(0, 2000)));
}

/** Return the elements of what a value refers to, each content once, to stand below it. */
export function contentsOf(value) {
  const found = new Map();
  const waiting = [value];
  while (waiting.length && found.size < MOST) {
    const item = waiting.pop();
    if (item === null || typeof item !== "object") continue;
    if (isReference(item) && item.attachment) found.set(item.attachment, item);
    else for (const inner of Object.values(item).reverse()) waiting.push(inner);
  }
  return found.size ? [el("div", { class: "t-contents" }, [...found.values()].map(contentView))] : [];
}
