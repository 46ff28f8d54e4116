"""A trace, or several side by side, as one HTML file with the viewer's own page in it, or as Markdown for an issue.

The file holds the page's modules, its styles, and the answers to all that it will ask. It needs no network and no
viewer, and loads nothing: its policy forbids it. What was redacted when it was recorded is not in it.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Sequence
from functools import partial

import orjson

from tracer import markdown
from tracer.errors import AttachmentNotFound
from tracer.references import references
from tracer.rows import MODEL_CALL_KINDS
from tracer.span_row import SpanRow
from tracer.store import Store
from tracer.viewer import answers
from tracer.viewer.columns import Json, encoded, span_json
from tracer.viewer.contents import given_type
from tracer.viewer.modules import MODULES, styles, with_imports
from tracer.viewer.request import request_json
from tracer.viewer.theme import css

_BOOT = """
import { mount } from "tracer/app.js";
const file = JSON.parse(document.getElementById("recorded").textContent);
mount({ parentElement: document.body, data: { pages: [], file } });
"""


def file(store: Store, trace_ids: Sequence[str]) -> tuple[str, bytes]:
    """Return a name for the file and what it holds: one trace, or several side by side.

    Raises TraceNotFound, and UsageError where they are too many.
    """
    if len(trace_ids) == 1:
        trace = store.trace(trace_ids[0])
        answer = answers.trace(store, trace.trace_id)
        summary = answer["trace"]
        told = {f"trace/{trace.trace_id}": {**answer, "version": "file"}}
        told[f"trace/{trace.trace_id}/events"] = answers.events(store, trace.trace_id)
        told |= _spans(store, trace.rows)
        told |= _contents(store, trace.rows)
        address = {"trace": trace.trace_id}
    else:
        told, summary, address = _compared(store, trace_ids)
    name = re.sub(r"[^\w.-]+", "-", summary["name"] or "trace", flags=re.ASCII).strip("-.")[:60] or "trace"
    return f"{name}-{summary['trace_id'][:16]}.html", _page(summary["name"] or "trace", told, address)


def _spans(store: Store, rows: Sequence[SpanRow]) -> Json:
    """Return all that the page asks of the spans of a trace, and of what they come from."""
    functions = dict.fromkeys(row.function_id for row in rows if row.function_id)
    processes = dict.fromkeys(row.process_id for row in rows if row.process_id)
    told: Json = {f"function/{id_}": store.function(id_) for id_ in functions}
    told |= {f"process/{id_}": store.process(id_) for id_ in processes}
    before = answers.previous_within(store, rows)
    for row in rows:
        place = f"span/{row.trace_id}/{row.span_id}"
        told[place] = span_json(row)
        if row.span_id in before:
            told[f"{place}/previous"] = before[row.span_id]
        if row.kind in MODEL_CALL_KINDS:
            told[f"{place}/request"] = request_json(row, partial(answers.content, store))
    return told


def text(store: Store, trace_ids: Sequence[str]) -> str:
    """Return one trace, or several side by side, as Markdown. Raises TraceNotFound."""
    if len(trace_ids) == 1:
        trace = store.trace(trace_ids[0])
        return markdown.trace(trace, store.summary(trace.trace_id))
    told = answers.compared(store, trace_ids)
    parted = [_parted(store, told, which) for which in range(1, len(trace_ids))]
    return markdown.compared(told["traces"], parted)


def _parted(store: Store, told: Json, which: int) -> tuple[Json | None, str, Json | None]:
    """Return where trace number `which` first parts from the first, the name of that step, and what became of it."""
    at = told["divergences"][which]
    if at is None:
        return None, "", None
    spans = told["steps"][at["step"]]["spans"]
    before, after = spans[0], spans[which]
    if before is None or after is None:
        return at, (before or after)["name"], None
    rows = [store.span(told["traces"][i]["trace_id"], spans[i]["span_id"]) for i in (0, which)]
    return at, before["name"], answers.changed(rows[0], rows[1])


def _compared(store: Store, trace_ids: Sequence[str]) -> tuple[Json, Json, Json]:
    ids = ",".join(trace_ids)
    side_by_side = answers.compared(store, trace_ids)
    told = {f"compare?traces={ids.replace(',', '%2C')}": {**side_by_side, "version": "file"}}
    rows = {}
    for trace_id in trace_ids:
        trace = store.trace(trace_id)
        told[f"trace/{trace.trace_id}/events"] = answers.events(store, trace.trace_id)
        told[f"trace/{trace.trace_id}"] = {**answers.trace(store, trace.trace_id), "version": "file"}
        for row in trace.rows:
            rows[row.span_id] = row
        told |= _spans(store, trace.rows)
        told |= _contents(store, trace.rows)
    for step in side_by_side["steps"]:
        base, *others = step["spans"]
        for span in others:
            if base and span:
                before, after = rows[base["span_id"]], rows[span["span_id"]]
                place = [f"{row.trace_id}.{row.span_id}" for row in (before, after)]
                told[f"compare/span?a={place[0]}&b={place[1]}"] = answers.changed(before, after)
    return told, side_by_side["traces"][0], {"compare": ids}


def _contents(store: Store, rows: Sequence[SpanRow]) -> Json:
    """Return the images, sounds and files that rows refer to as `data:` URIs, as far as there is room."""
    told: Json = {}
    room = _MOST_CONTENT_BYTES
    for one in (reference for row in rows for reference in references(row)):
        if one.hash is None or f"attachment/{one.hash}" in told or one.not_kept or one.bytes > room:
            continue
        try:
            found = store.attachment(one.hash)
        except AttachmentNotFound:
            continue
        room -= len(found.bytes)
        data = base64.b64encode(found.bytes).decode()
        told[f"attachment/{one.hash}"] = f"data:{given_type(found.mime_type)};base64,{data}"
    return told


_MOST_CONTENT_BYTES = 20_000_000


def _page(title: str, told: Json, address: Json) -> bytes:
    as_text = {question: encoded(answer).decode() for question, answer in told.items()}
    recorded = {"address": address, "answers": as_text}
    imports = orjson.dumps({"imports": {f"tracer/{name}": _module(name) for name in MODULES}}).decode()
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {_hash(imports)} {_hash(_BOOT)} data:",
            "style-src 'unsafe-inline'",
            "img-src data:",
            "media-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width">
<title>{html.escape(title)} · tracer</title>
<style>{css()}{styles()}</style>
<body>
<script type="application/json" id="recorded">{_inert(recorded)}</script>
<script type="importmap">{imports}</script>
<script type="module">{_BOOT}</script>
""".encode()


def _module(name: str) -> str:
    """Return the address that is a module itself. A path means nothing there, so modules import each other by name."""
    source = with_imports(name, lambda path: f"tracer/{path}")
    return f"data:text/javascript;base64,{base64.b64encode(source.encode()).decode()}"


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _inert(value: Json) -> str:
    """Return JSON in which nothing can end the element that it stands in."""
    return orjson.dumps(value).decode().replace("<", "\\u003c")
