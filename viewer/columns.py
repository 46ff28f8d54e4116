"""What the store answers, as compact JSON for the page: one list a column instead of one object a row.

Pure: no store, no web. Times leave here as Unix milliseconds and as microseconds after the trace's
start, for Unix nanoseconds do not fit the numbers of a browser. None means unknown, never zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import orjson

from tracer.compare import Aligned, Divergence, Facts
from tracer.rows import ERROR, JSON_COLUMNS, MODEL_CALL_KINDS
from tracer.span_row import SpanRow
from tracer.store import Rows
from tracer.store.newest import Newest
from tracer.tree import Trace

Json = dict[str, Any]

LIST_COLUMNS = (
    "trace_id",
    "name",
    "status",
    "status_message",
    "span_count",
    "error_count",
    "model_call_count",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "cost_usd",
    "tokens_unknown_calls",
    "cost_unknown_calls",
    "models",
    "session_id",
    "user_id",
    "tags",
    "input_preview",
    "output_preview",
)
"""The columns of a trace that the page gets as they are; its times are added to them."""

_MESSAGE_LENGTH = 300
"""Characters of an error that a row of the tree can ever show."""


def encoded(answer: Any) -> bytes:
    return orjson.dumps(answer, option=orjson.OPT_NON_STR_KEYS)


def list_json(found: Newest, *, limit: int) -> Json:
    """Return one page of the list; `next` is the key of the page after it, None when this is the last.

    `searched_ms` is how far back it was searched, where the time for that was up before the page was full.
    """
    rows = found.rows
    listed: Json = {column: [row[column] for row in rows] for column in LIST_COLUMNS}
    listed["start_ms"] = [row["start_ns"] / 1e6 for row in rows]
    listed["duration_us"] = [micros(row["start_ns"], row["end_ns"]) for row in rows]
    if found.searched_to_ns is not None:
        return {"traces": listed, "next": f"{found.searched_to_ns}.", "searched_ms": found.searched_to_ns / 1e6}
    return {"traces": listed, "next": page_key(rows[-1]) if len(rows) == limit else None, "searched_ms": None}


def listed_json(rows: Sequence[Mapping[str, Any]]) -> Json:
    """Return rows as columns, their Unix nanoseconds as milliseconds and their other nanoseconds as microseconds."""
    listed: Json = {}
    for name in rows[0] if rows else ():
        values = [row[name] for row in rows]
        if name in ("start_ns", "last_ns"):
            listed[name.replace("_ns", "_ms")] = [value / 1e6 for value in values]
        elif name.endswith("_ns"):
            listed[name.replace("_ns", "_us")] = [None if value is None else value // 1000 for value in values]
        else:
            listed[name] = values
    return listed


def page_key(row: Mapping[str, Any]) -> str:
    """Return the place of a trace in the list, as the page hands it back to ask for what follows."""
    return f"{row['start_ns']}.{row['trace_id']}"


def trace_json(trace: Trace, summary: Mapping[str, Any]) -> Json:
    """Return a trace without its content: the sums of its row in the list, and its spans in drawing order."""
    walked = list(trace.walk())
    depths = [depth for depth, _ in walked]
    rows = [node.row for _, node in walked]
    start_ns = min(row.start_ns for row in rows)
    tokens, tokens_lacking = rolled_up(depths, [_call_value(row, row.total_tokens) for row in rows])
    cost, cost_lacking = rolled_up(depths, [_call_value(row, row.cost_usd) for row in rows])
    return {
        "trace": {
            **{column: summary[column] for column in LIST_COLUMNS},
            "start_ms": start_ns / 1e6,
            "duration_us": micros(summary["start_ns"], summary["end_ns"]),
            "missed": [{"text": note.text, "spans": note.span_ids[:1]} for note in trace.missed],
        },
        "spans": {
            "span_id": [row.span_id for row in rows],
            "depth": depths,
            "name": coded(row.name for row in rows),
            "kind": coded(row.kind for row in rows),
            "status": coded(row.status for row in rows),
            "model": coded(row.model for row in rows),
            "start_us": [(row.start_ns - start_ns) // 1000 for row in rows],
            "duration_us": [micros(row.start_ns, row.end_ns) for row in rows],
            "ttft_us": [row.ttft_ns // 1000 if row.ttft_ns is not None else None for row in rows],
            "tokens": tokens,
            "tokens_lacking": tokens_lacking,
            "cost_usd": cost,
            "cost_lacking": cost_lacking,
            "estimated": [int(row.usage_source in ("tokenizer", "estimate")) for row in rows],
            "plumbing": [_is_plumbing(row) for row in rows],
            "message": {i: said for i, row in enumerate(rows) if (said := _message(row))},
        },
    }


def _message(row: SpanRow) -> str:
    """Return how a span ended in a line, of a failed one with what was thrown: "KeyError: 'price'"."""
    thrown = (row.error_type or "").rpartition(".")[2] if row.status == ERROR else ""
    return ": ".join(filter(None, (thrown, row.status_message)))[:_MESSAGE_LENGTH]


def compared_json(
    summaries: Sequence[Mapping[str, Any]],
    steps: Sequence[Aligned],
    facts: Facts,
    parting: Sequence[Divergence | None],
) -> Json:
    """Return traces side by side: their sums, the steps in drawing order, and where each parts from the first."""
    return {
        "traces": [
            {
                **{column: summary[column] for column in LIST_COLUMNS},
                "start_ms": summary["start_ns"] / 1e6,
                "duration_us": micros(summary["start_ns"], summary["end_ns"]),
            }
            for summary in summaries
        ],
        "steps": [
            {
                "depth": step.depth,
                "spans": [None if node is None else _compared_span(node.row) for node in step.nodes],
                "differs": step.differences(facts),
            }
            for step in steps
        ],
        "divergences": [at and {"step": at.step, "how": at.how} for at in parting],
    }


def _compared_span(row: SpanRow) -> Json:
    return {
        "span_id": row.span_id,
        "name": row.name,
        "kind": row.kind,
        "status": row.status,
        "duration_us": micros(row.start_ns, row.end_ns),
        "tokens": row.total_tokens,
        "cost_usd": row.cost_usd,
    }


def span_json(row: SpanRow) -> Json:
    """Return a span with all that is known of it; what only programs read, such as `rev`, is left out."""
    known = {field.name: getattr(row, field.name) for field in fields(SpanRow)}
    content = {name: known.pop(name) for name in sorted(JSON_COLUMNS)}
    for name in ("start_ns", "end_ns", "ttft_ns", "rev"):
        del known[name]
    known |= {
        "model": row.model,
        "start_ms": row.start_ns / 1e6,
        "duration_us": micros(row.start_ns, row.end_ns),
        "ttft_us": row.ttft_ns // 1000 if row.ttft_ns is not None else None,
    }
    return {"span": _known(known), "content": _known(content)}


def table_json(rows: Rows, unit: str) -> Json:
    """Return the rows of a question as columns. A name may end in its own unit, as in `p95:ns`; else that is `unit`."""
    named = [name.rpartition(":") if ":" in name else (name, "", unit) for name in rows.columns]
    listed = list(rows)
    return {
        "columns": [{"name": name, "unit": own} for name, _, own in named],
        "values": [[row[column] for row in listed] for column in rows.columns],
    }


def coded(values: Iterable[str | None]) -> Json:
    """Return a column of few distinct words as `words` and, for each row, the `index` of its word."""
    codes: dict[str | None, int] = {}
    index = [codes.setdefault(value, len(codes)) for value in values]
    return {"words": list(codes), "index": index}


Call = tuple[bool, float | None]
"""Whether a span is a model call, and its figure if it has one."""


def rolled_up(depths: Sequence[int], calls: Sequence[Call]) -> tuple[list[float | None], list[int]]:
    """Return, for each span, the sum of what the model calls in it used, and 1 where some of them have no figure.

    As in the list, the topmost call that has a figure counts and those below it do not, for agents repeat
    the totals of their calls. `depths` are in drawing order. None where no call is known.
    """
    sums: list[float | None] = [None] * len(calls)
    lacking = [0] * len(calls)
    below: dict[int, tuple[float | None, int]] = {}
    for i in range(len(calls) - 1, -1, -1):
        known, lacks = below.pop(depths[i] + 1, (None, 0))
        is_call, value = calls[i]
        if is_call and value is not None:
            known, lacks = value, 0
        elif is_call and known is None:
            lacks = 1
        sums[i], lacking[i] = known, lacks
        sibling, sibling_lacks = below.get(depths[i], (None, 0))
        below[depths[i]] = (_sum(known, sibling), lacks | sibling_lacks)
    return sums, lacking


def _is_plumbing(row: SpanRow) -> int:
    """Return 1 for a span that only joins steps."""
    return int(isinstance(row.attributes, dict) and row.attributes.get("tracer.plumbing") in (True, "true"))


def _call_value(row: SpanRow, value: Any) -> Call:
    return row.kind in MODEL_CALL_KINDS, None if value is None else float(value)


def _sum(a: float | None, b: float | None) -> float | None:
    return a + b if a is not None and b is not None else a if b is None else b


def micros(start_ns: int, end_ns: int | None) -> int | None:
    """Return how many microseconds lie between; None where there is no end."""
    return None if end_ns is None else (end_ns - start_ns) // 1000


def _known(values: Mapping[str, Any]) -> Json:
    return {name: value for name, value in values.items() if value is not None}
