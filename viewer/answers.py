"""What the page asks of a store, answered: by the API while the viewer runs, and ahead of time for a shared file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tracer.compare import align, changes, divergences, readable
from tracer.errors import AttachmentNotFound, UsageError
from tracer.span_row import SpanRow
from tracer.store import Store
from tracer.store.filters import said
from tracer.viewer.columns import Json, compared_json, trace_json
from tracer.viewer.previous import Call, previous_json

MOST_COMPARED = 6

_FACTS = """
    select span_id, function_id as code, request_model as model, status,
        md5(system_instructions::varchar) as instructions, md5(tool_definitions::varchar) as tools,
        md5(request_parameters::varchar) as parameters, md5(input::varchar) as input,
        md5(output::varchar) as output
    from spans where list_contains(?, trace_id)
"""

_EARLIER = """
    with near as (
        select span_id, start_ns from spans
        where kind = 'llm' and start_ns between $at - $within and $at - 1
            and (trace_id = $trace or session_id = $session)
        order by start_ns desc limit $most
    )
    select trace_id, span_id, name, start_ns, request_model, input, system_instructions, tool_definitions
    from spans
    where span_id in (select span_id from near) and start_ns between (select min(start_ns) from near) and $at - 1
    order by start_ns
"""

_MOST_EARLIER = 12
"""How many of the last model calls, in its trace or its session, one is held against: others may lie between."""

_WITHIN_NS = 86_400 * 1_000_000_000
"""A day: what no provider's cache remembers, and few readers do."""

_EVENTS = """
    select span_id, start_ns, min(start_ns) over () as begin_ns, events
    from spans where trace_id = ? order by start_ns, span_id
"""

_MESSAGE_LENGTH = 300

_TEXTS = ("system_instructions", "tool_definitions", "input", "output", "status_message")


def trace(store: Store, trace_id: str) -> Json:
    """Return a trace without its content. Raises TraceNotFound."""
    recorded = store.trace(trace_id, content=False)
    return trace_json(recorded, store.summary(recorded.trace_id))


def events(store: Store, trace_id: str) -> Json:
    """Return the events of all spans of a trace: of which span, when after the trace's start, and what they say."""
    told: Json = {name: [] for name in ("span_id", "at_us", "name", "message")}
    rows = list(store.sql(_EVENTS, [trace_id]))
    start_ns = rows[0]["begin_ns"] if rows else 0
    for row in rows:
        for event in row["events"] or ():
            attributes = event.get("attributes") or {}
            told["span_id"].append(row["span_id"])
            told["at_us"].append((event.get("time_ns", row["start_ns"]) - start_ns) // 1000)
            told["name"].append(event["name"])
            told["message"].append(_message(attributes))
    return {"events": told}


def _message(attributes: Mapping[str, Any]) -> str:
    """Return what an event says in a line: its exception, or its attributes."""
    said = attributes.get("exception.message") or ", ".join(f"{name}={value}" for name, value in attributes.items())
    return str(said)[:_MESSAGE_LENGTH]


def find(store: Store, trace_id: str, sought: str) -> list[str]:
    """Return the ids of the spans of a trace in whose name, error, input or output a text stands."""
    condition = said(sought)
    query = f"select span_id from spans where trace_id = ? and ({condition.sql}) order by start_ns, span_id"
    return [row["span_id"] for row in store.sql(query, [trace_id, *condition.parameters])]


def previous(store: Store, row: SpanRow) -> Json | None:
    """Return what became of the prompt of a model call since the one before it; None where there is none."""
    return previous_json(row, _calls_before(store, row)) if row.kind == "llm" else None


def previous_within(store: Store, rows: Sequence[SpanRow]) -> dict[str, Json | None]:
    """Return the same of all model calls of one trace, by span id, with one question to the store."""
    calls = sorted((row for row in rows if row.kind == "llm"), key=lambda row: row.start_ns)
    known = _calls_before(store, calls[0]) if calls else []
    found = {}
    for row in calls:
        found[row.span_id] = previous_json(row, known[-_MOST_EARLIER:])
        known.append(Call.of(row))
    return found


def _calls_before(store: Store, row: SpanRow) -> list[Call]:
    asked = {"at": row.start_ns, "within": _WITHIN_NS, "trace": row.trace_id, "session": row.session_id}
    return [Call(**call) for call in store.sql(_EARLIER, {**asked, "most": _MOST_EARLIER})]


def content(store: Store, hash: str) -> bytes | None:
    """Return the content of an attachment; None where it was not kept."""
    try:
        return store.attachment(hash).bytes
    except AttachmentNotFound:
        return None


def compared(store: Store, trace_ids: Sequence[str]) -> Json:
    """Return traces side by side. Raises UsageError for too few or too many, and TraceNotFound."""
    if not 2 <= len(trace_ids) <= MOST_COMPARED:
        raise UsageError(f"from 2 to {MOST_COMPARED} traces can be compared, not {len(trace_ids)}")
    traces = [store.trace(trace_id, content=False) for trace_id in trace_ids]
    summaries = [store.summary(found.trace_id) for found in traces]
    facts = {row["span_id"]: row for row in store.sql(_FACTS, [[found.trace_id for found in traces]])}
    steps = align([found.roots for found in traces])
    return compared_json(summaries, steps, facts, divergences(steps, facts))


def changed(before: SpanRow, after: SpanRow) -> Json:
    """Return what became of a span: its texts as changes, and the parameters that are not alike."""
    texts = {name: (readable(getattr(before, name)), readable(getattr(after, name))) for name in _TEXTS}
    return {
        "texts": {name: changes(*pair) for name, pair in texts.items() if pair[0] != pair[1]},
        "parameters": _parameters(before, after),
    }


def _parameters(before: SpanRow, after: SpanRow) -> list[tuple[str, Any, Any]]:
    """Return name, value before and value after of each parameter that one has otherwise than the other."""
    old, new = ({"model": row.request_model, **(row.request_parameters or {})} for row in (before, after))
    names = dict.fromkeys([*old, *new])
    return [(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)]
