"""A trace as text for a terminal: the tree with durations, tokens, cost and errors.

What came from a model or a user is shown as it is, but for control characters: those would drive the terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from itertools import islice
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tracer.plain import plain
from tracer.references import references
from tracer.rows import CANCELLED, ERROR, INCOMPLETE, INTERRUPTED, LOST, MODEL_CALL_KINDS, OK, RUNNING
from tracer.span_row import SpanRow
from tracer.tree import Trace
from tracer.units import short_age, size

UNKNOWN = "–"
SHORT_ID = 16
"""Characters of a trace id that tell it from all others: the first 12 are the millisecond in which it began."""

_MOST_MISSED = 8
"""Lines about what a trace does not tell: integrations may write any number of them."""

_STATUS_STYLE = {
    OK: ("✓", "green"),
    ERROR: ("✗", "bold red"),
    CANCELLED: ("⊘", "yellow"),
    INTERRUPTED: ("⏸", "cyan"),
    INCOMPLETE: ("◐", "yellow"),
    RUNNING: ("●", "bold blue"),
    LOST: ("?", "magenta"),
}
_KIND_STYLE = {"llm": "magenta", "embedding": "magenta", "tool": "yellow", "retriever": "cyan", "agent": "blue"}


def trace_tree(trace: Trace, summary: Mapping[str, Any], width: int) -> RenderableType:
    """Return the whole trace as a tree, one span a line, and below it its errors and what it does not tell.

    `summary` is its row of `traces`; `width` is that of the terminal, in characters.
    """
    table = Table.grid(padding=(0, 2))
    # Where the terminal is narrow, remarks give way first, then names, and numbers never.
    table.add_column(min_width=min(36, width // 3))
    for justify in ("right", "left", "right", "right"):
        table.add_column(justify=justify, no_wrap=True)
    table.add_column()
    guides = _guides(trace)
    start_ns = min(row.start_ns for row in trace.rows)
    end_ns = max(row.end_ns or row.start_ns for row in trace.rows)
    for guide, (_, node) in zip(guides, trace.walk(), strict=True):
        row = node.row
        table.add_row(
            _name(guide, row),
            duration(row.duration_ns),
            _bar(row, start_ns, end_ns, width // 6),
            _tokens(row),
            cost(row.cost_usd) if row.kind in MODEL_CALL_KINDS or row.cost_usd is not None else "",
            _remark(row),
        )
    return Group(_headline(trace, summary), table, *_contents(trace), *_failures(trace), *_missed(trace))


def trace_list(traces: Iterable[Mapping[str, Any]], now_ns: int) -> Table:
    """Return the list of traces, in the order given; `now_ns` is what their age is counted from."""
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 1, 0, 0), expand=True)
    table.add_column("", no_wrap=True)
    table.add_column("trace", no_wrap=True, min_width=SHORT_ID)
    table.add_column("name", overflow="ellipsis", no_wrap=True, max_width=28)
    for right in ("age", "time", "spans", "tokens", "cost"):
        table.add_column(right, justify="right", no_wrap=True)
    table.add_column("error", overflow="ellipsis", no_wrap=True, ratio=1)
    for row in traces:
        table.add_row(
            _status_mark(row["status"]),
            plain(row["trace_id"][:SHORT_ID]),
            plain(row["name"]),
            short_age(now_ns - row["start_ns"]),
            duration(row["end_ns"] - row["start_ns"] if row["end_ns"] is not None else None),
            str(row["span_count"]),
            at_least(tokens(_sum(row["input_tokens"], row["output_tokens"])), row["tokens_unknown_calls"]),
            at_least(cost(row["cost_usd"]), row["cost_unknown_calls"]),
            Text(plain(row["status_message"] or "") if row["error_count"] else "", style="red"),
        )
    return table


def duration(ns: int | None) -> str:
    if ns is None:
        return UNKNOWN
    if ns < 1_000_000:
        return f"{ns / 1e3:.0f}µs"
    if ns < 1_000_000_000:
        return f"{ns / 1e6:.0f}ms"
    if ns < 60_000_000_000:
        return f"{ns / 1e9:.2f}s"
    minutes, seconds = divmod(ns // 1_000_000_000, 60)
    return f"{minutes}m{seconds:02}s"


def tokens(count: int | None) -> str:
    if count is None:
        return UNKNOWN
    return str(count) if count < 10_000 else f"{count / 1000:.1f}k"


def cost(usd: Any) -> str:
    if usd is None:
        return UNKNOWN
    amount = float(usd)
    if 0 < amount < 0.0001:
        return "<$0.0001"
    return f"${amount:.2f}" if amount >= 1 else f"${amount:.4f}"


def at_least(text: str, unknown_calls: int | None) -> str:
    """Return a sum as it is known: with "≥" where some calls gave no figure."""
    return f"≥{text}" if unknown_calls and text != UNKNOWN else text


def _headline(trace: Trace, summary: Mapping[str, Any]) -> Text:
    line = Text.assemble(_status_mark(summary["status"]), " ", (plain(summary["name"]), "bold"))
    line.append(f"  {at_least(_in_and_out(summary), summary['tokens_unknown_calls'])} tokens")
    line.append(f"  {at_least(cost(summary['cost_usd']), summary['cost_unknown_calls'])}")
    line.append(f"  {_moment(summary['start_ns'])}", "dim")
    tags = ", ".join(summary["tags"] or ())
    for label, value in (("session", summary["session_id"]), ("user", summary["user_id"]), ("tags", tags)):
        if value:
            line.append(f"  {label} {plain(value)}", "dim")
    line.append("  " + plain(trace.trace_id), "dim")
    return line


def _guides(trace: Trace) -> Iterable[str]:
    """Yield what stands before each name: the elbows that tie it to its parent."""
    walk = list(trace.walk())
    open_levels: set[int] = set()
    guides = []
    for depth, _ in reversed(walk):
        open_levels = {level for level in open_levels if level <= depth}
        stems = "".join("│  " if level in open_levels else "   " for level in range(1, depth))
        guides.append(stems + ("├─ " if depth in open_levels else "└─ ") if depth else "")
        open_levels.add(depth)
    return reversed(guides)


def _name(guide: str, row: SpanRow) -> Text:
    line = Text(guide, style="dim", no_wrap=True, overflow="ellipsis")
    line.append_text(_status_mark(row.status))
    line.append(" ")
    line.append(plain(row.name), _KIND_STYLE.get(row.kind, "default"))
    if row.kind not in ("chain", "other"):
        line.append(f" {plain(row.kind)}", "dim")
    return line


def _status_mark(status: str | None) -> Text:
    mark, style = _STATUS_STYLE.get(status or "", ("·", "dim"))
    return Text(mark, style=style)


def _bar(row: SpanRow, start_ns: int, end_ns: int, width: int) -> Text:
    """The span's place in the time of its trace; one that has no end fades out at the right."""
    total_ns = max(1, end_ns - start_ns)
    before = min(width - 1, (row.start_ns - start_ns) * width // total_ns)
    length = max(1, min(width - before, round(((row.end_ns or end_ns) - row.start_ns) * width / total_ns)))
    style = "red" if row.status == ERROR else "blue"
    return Text.assemble((" " * before, ""), ("━" * length, style) if row.end_ns is not None else ("┄" * length, "dim"))


def _tokens(row: SpanRow) -> str:
    if row.kind not in MODEL_CALL_KINDS:
        return ""
    mark = "" if row.usage_source in (None, "api") else "~"
    counts = {"input_tokens": row.input_tokens, "output_tokens": row.output_tokens}
    return mark + (_in_and_out(counts) if row.kind == "llm" else tokens(row.input_tokens))


def _in_and_out(counts: Mapping[str, Any]) -> str:
    if counts["input_tokens"] is None and counts["output_tokens"] is None:
        return UNKNOWN
    return f"{tokens(counts['input_tokens'])}→{tokens(counts['output_tokens'])}"


def _remark(row: SpanRow) -> Text:
    remark = Text(no_wrap=True, overflow="ellipsis")
    if row.status not in (OK, None):
        remark.append((row.status or "").lower(), _STATUS_STYLE.get(row.status or "", ("", "default"))[1])
    facts = [
        f"{row.model}" if row.model and row.model not in row.name else "",
        f"first token {duration(row.ttft_ns)}" if row.ttft_ns is not None else "",
        f"{row.cached_tokens} cached" if row.cached_tokens else "",
        f"{row.retries} {'retry' if row.retries == 1 else 'retries'}" if row.retries else "",
    ]
    facts += [f"[{found.mime_type} {size(found.bytes)}]" for found in islice(references(row), _SHOWN_CONTENTS)]
    for fact in filter(None, facts):
        remark.append(("  " if remark else "") + plain(fact), "dim")
    return remark


def _contents(trace: Trace) -> Sequence[RenderableType]:
    """The images, sounds and files of the trace, each once, with what gets it out."""
    found = {one.hash: one for row in trace.rows for one in references(row) if one.hash}
    lines = []
    for hash, one in islice(found.items(), _SHOWN_CONTENTS):
        way_out = f"not kept: {one.not_kept}" if one.not_kept else f"tracer attachment {hash[:SHORT_ID]} > FILE"
        lines.append(Text.assemble(plain(f"{one.mime_type} {size(one.bytes)}"), ("  " + plain(way_out), "dim")))
    if len(found) > _SHOWN_CONTENTS:
        lines.append(Text(f"and {len(found) - _SHOWN_CONTENTS} more", "dim"))
    return [Padding(Group(*lines), (1, 0, 0, 0))] if lines else []


_SHOWN_CONTENTS = 10


def _failures(trace: Trace) -> Sequence[RenderableType]:
    """The errors, each once: where the same error passed several spans, the innermost tells it."""
    told: set[tuple[str | None, str | None]] = set()
    lines = []
    for _, node in reversed(list(trace.walk())):
        row = node.row
        cause = (row.error_type, row.status_message)
        if row.status == ERROR and cause not in told:
            told.add(cause)
            text = Text.assemble(
                ("✗ ", "bold red"), (plain(row.name), "bold"), ("  " + plain(row.error_type or "error"), "red")
            )
            if row.status_message:
                text.append("\n  " + "\n  ".join(plain(line) for line in row.status_message.splitlines()[:10]))
            lines.append(Padding(text, (1, 0, 0, 0)))
    return lines[::-1]


def _missed(trace: Trace) -> Sequence[RenderableType]:
    """What the trace does not tell, each with the name of the span that it is about, or of the first of several."""
    names = {row.span_id: row.name for row in trace.rows}
    lines = []
    for note in trace.missed[:_MOST_MISSED]:
        text = Text.assemble(("! ", "yellow"), plain(note.text))
        text.append(f"  {plain(names[note.span_ids[0]])}", "dim")
        if len(note.span_ids) > 1:
            text.append(f" and {len(note.span_ids) - 1} more", "dim")
        lines.append(text)
    if (more := len(trace.missed) - len(lines)) > 0:
        lines.append(Text(f"  and {more} more: tracer show --json {trace.trace_id[:SHORT_ID]}", "dim"))
    return [Padding(Group(*lines), (1, 0, 0, 0))] if lines else []


def _moment(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, timezone.utc).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _sum(*counts: int | None) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
