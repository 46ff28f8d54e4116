"""What a trace does not tell, or not for certain: gathered from its rows and from those of its processes.

Pure, and the one place that decides it: the terminal, the viewer and `Trace.missed` show what is found here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracer.rows import CANCELLED, ERROR, INCOMPLETE, LOST, MODEL_CALL_KINDS
from tracer.span_row import SpanRow
from tracer.units import counted

NOTES = ("tracer.missed", "tracer.cut", "tracer.redacted")
"""The attributes in which a span says itself what is not in it."""


@dataclass(frozen=True, slots=True)
class Missed:
    """One thing that a trace does not tell, or not for certain.

    `what` is a word for programs, `text` a short sentence, which may quote what a program wrote. `count` is how many
    there are of what the sentence speaks of, and `span_ids` are the spans that it is about: of a whole program,
    its first span in the trace.
    """

    what: str
    text: str
    count: int
    span_ids: tuple[str, ...]


def missed(rows: Sequence[SpanRow], processes: Iterable[Mapping[str, Any]] = ()) -> list[Missed]:
    """Return what is missed in a trace, the worst first; nothing if it is complete.

    `processes` are rows of the table `processes`; of those that are not given, nothing is known. Spans that still run
    may yet become complete, and are left out.
    """
    return [
        *_of_processes(rows, processes),
        *_spans("lost", rows, lambda row: row.status == LOST, "{} never ended: the process died or was killed"),
        *_spans(
            "parent",
            rows,
            _lacks_parent(rows),
            "{} has a parent that is not stored here: it was recorded elsewhere, not at all, or not yet",
            "{} have a parent that is not stored here: it was recorded elsewhere, not at all, or not yet",
        ),
        *_unrecorded(rows),
        *_spans("incomplete", rows, lambda row: row.status == INCOMPLETE, "{} broke off: the stream had no end"),
        *_spans(
            "cancelled", rows, lambda row: row.status == CANCELLED, "{} stopped early: there is what came until then"
        ),
        *_cut(rows),
        *_redacted(rows),
        *_unknown(rows),
    ]


def _of_processes(rows: Sequence[SpanRow], processes: Iterable[Mapping[str, Any]]) -> Iterator[Missed]:
    first: dict[str | None, str] = {}
    for row in rows:
        first.setdefault(row.process_id, row.span_id)
    for process in processes:
        if (span_id := first.get(process["process_id"])) is None:
            continue
        if dropped := process.get("dropped_spans") or 0:
            reason = f" ({process['drop_reason']})" if process.get("drop_reason") else ""
            yield Missed(
                "dropped", f"{counted(dropped, 'span')} of this program were lost{reason}", dropped, (span_id,)
            )
        if failures := process.get("recording_failures") or 0:
            text = f"{counted(failures, 'time')} something of this program could not be recorded: its log says what"
            yield Missed("failed", text, failures, (span_id,))
        if process.get("capture_content") is False:
            yield Missed("content", "texts were not recorded: capture_content is off", 1, (span_id,))


def _spans(
    what: str, rows: Iterable[SpanRow], is_meant: Callable[[SpanRow], bool], one: str, many: str = ""
) -> Iterator[Missed]:
    """Yield one sentence about all spans that are meant, if there are any; `{}` in it becomes `2 spans`."""
    ids = tuple(row.span_id for row in rows if is_meant(row))
    if ids:
        text = many if many and len(ids) > 1 else one
        yield Missed(what, text.format(counted(len(ids), "span")), len(ids), ids)


def _lacks_parent(rows: Iterable[SpanRow]) -> Callable[[SpanRow], bool]:
    known = {row.span_id for row in rows}
    return lambda row: row.parent_id is not None and row.parent_id not in known


def _unrecorded(rows: Iterable[SpanRow]) -> Iterator[Missed]:
    """Yield what integrations say that they saw and did not record, each sentence once."""
    ids: dict[str, list[str]] = {}
    for row in rows:
        told = _note(row, "tracer.missed")
        for sentence in [told] if isinstance(told, str) else told if isinstance(told, list) else []:
            ids.setdefault(str(sentence), []).append(row.span_id)
    for sentence, spans in ids.items():
        text = sentence if len(spans) == 1 else f"{sentence} ({counted(len(spans), 'time')})"
        yield Missed("unrecorded", text, len(spans), tuple(dict.fromkeys(spans)))


def _cut(rows: Iterable[SpanRow]) -> Iterator[Missed]:
    spans = [(row.span_id, sizes) for row in rows if (sizes := _counts(row, "tracer.cut"))]
    total = sum(len(sizes) for _, sizes in spans)
    if total:
        columns = ", ".join(sorted({column for _, sizes in spans for column in sizes}))
        verb = "was" if total == 1 else "were"
        text = f"{counted(total, 'value')} {verb} too long and {'is' if total == 1 else 'are'} cut ({columns})"
        yield Missed("cut", text, total, tuple(span_id for span_id, _ in spans))


def _redacted(rows: Iterable[SpanRow]) -> Iterator[Missed]:
    spans = [(row.span_id, counts) for row in rows if (counts := _counts(row, "tracer.redacted"))]
    kinds: Counter[str] = Counter()
    for _, counts in spans:
        kinds.update(counts)
    if total := sum(kinds.values()):
        told = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        text = f"{counted(total, 'text')} {'is' if total == 1 else 'are'} redacted ({told})"
        yield Missed("redacted", text, total, tuple(span_id for span_id, _ in spans))


def _note(row: SpanRow, name: str) -> Any:
    return row.attributes.get(name) if isinstance(row.attributes, dict) else None


def _counts(row: SpanRow, name: str) -> dict[str, int]:
    """Return a note that counts by name; whatever else stands there counts nothing."""
    note = _note(row, name)
    return {key: n for key, n in note.items() if isinstance(n, int)} if isinstance(note, dict) else {}


def _unknown(rows: Sequence[SpanRow]) -> Iterator[Missed]:
    """Yield what is not known of model calls, or only estimated. As in the sums, spans inside each other are one call,
    and one that failed before anything came back used nothing."""
    calls = [row for row in rows if row.kind in MODEL_CALL_KINDS]
    ended = [row for row in calls if row.end_ns is not None and not (row.status == ERROR and row.response_id is None)]
    above = _calls_above(rows, calls)

    def lacking(value: Callable[[SpanRow], Any]) -> Callable[[SpanRow], bool]:
        known = {row.span_id for row in calls if value(row) is not None}
        known |= {other for id_ in known for other in above[id_]}
        return lambda row: row.span_id not in known and known.isdisjoint(above[row.span_id])

    outer = {other for row in calls for other in above[row.span_id]}
    innermost = [row for row in ended if row.span_id not in outer]
    yield from _spans("tokens", innermost, lacking(lambda row: row.total_tokens), "the tokens of {} are not known")
    yield from _spans("cost", innermost, lacking(lambda row: row.cost_usd), "the cost of {} is not known")
    yield from _spans(
        "estimated",
        calls,
        lambda row: row.usage_source in ("tokenizer", "estimate"),
        "the tokens of {} are estimated, for the API told none",
    )


def _calls_above(rows: Iterable[SpanRow], calls: Iterable[SpanRow]) -> dict[str, set[str]]:
    """Return, for each model call, the model calls that it lies in."""
    by_id = {row.span_id: row for row in rows}
    ids = {row.span_id for row in calls}
    above: dict[str, set[str]] = {}
    for id_ in ids:
        around: set[str] = set()
        seen = {id_}
        parent = by_id[id_].parent_id
        while parent in by_id and parent not in seen:
            seen.add(parent)
            if parent in ids:
                around.add(parent)
            parent = by_id[parent].parent_id
        above[id_] = around
    return above
