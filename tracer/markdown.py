"""A trace, or several side by side, as Markdown for an issue: the tree, the errors, and what was said, folded."""

from __future__ import annotations

import difflib
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console

from tracer.compare import Change, readable
from tracer.plain import plain, plain_lines
from tracer.render import at_least, cost, duration, tokens, trace_tree
from tracer.rows import ERROR, MODEL_CALL_KINDS
from tracer.span_row import SpanRow
from tracer.tree import Trace

_MOST = 60_000
"""Characters in all: an issue takes some 65,000."""

_MOST_OF_ONE = 4_000
_WIDTH = 110


def trace(trace: Trace, summary: Mapping[str, Any]) -> str:
    """Return a trace: its tree, its errors, and the input and output of its root and of its model calls."""
    text = io.StringIO()
    Console(file=text, width=_WIDTH, color_system=None).print(trace_tree(trace, summary, _WIDTH))
    tree = "\n".join(line.rstrip() for line in text.getvalue().splitlines())
    rows = [node.row for _, node in trace.walk()]
    told = [row for i, row in enumerate(rows) if i == 0 or row.kind in MODEL_CALL_KINDS or row.status == ERROR]
    return _joined([_block(tree, "text"), *(_span(row) for row in told)])


def compared(
    traces: Sequence[Mapping[str, Any]],
    parted: Iterable[tuple[Mapping[str, Any] | None, str, Mapping[str, Any] | None]],
) -> str:
    """Return traces side by side: their sums, and for each but the first where it parts from that.

    `parted` has, for each, the divergence (None: there is none), the name of its step, and what became of that.
    """
    names = "ABCDEF"
    lines = ["| | trace | status | duration | tokens | cost |", "|---|---|---|---|---|---|"]
    for name, row in zip(names, traces, strict=False):
        used = [n for n in (row["input_tokens"], row["output_tokens"]) if n is not None]
        figures = [
            name,
            _cell(f"{row['name']} {row['trace_id'][:16]}"),
            row["status"],
            duration(None if row["duration_us"] is None else row["duration_us"] * 1000),
            at_least(tokens(sum(used) if used else None), row["tokens_unknown_calls"]),
            at_least(cost(row["cost_usd"]), row["cost_unknown_calls"]),
        ]
        lines.append(f"| {' | '.join(map(str, figures))} |")
    blocks = ["\n".join(lines)]
    for name, (at, step, changed) in zip(names[1:], parted, strict=False):
        if at is None:
            blocks.append(f"A and {name}: no step differs.")
            continue
        blocks.append(f"A and {name} first part at {_code(step)}, which {at['how']}.")
        if changed:
            blocks += [f"`{parameter}`: {_code(old)} → {_code(new)}" for parameter, old, new in changed["parameters"]]
            blocks += [f"**{title}**\n\n{_block(_diff(text), 'diff')}" for title, text in changed["texts"].items()]
    return _joined(blocks)


def _span(row: SpanRow) -> str:
    lines = [f"<details><summary>{_html(plain(row.name))} {row.status.lower() if row.status else 'open'}</summary>"]
    if row.status == ERROR:
        lines.append(_block(_traceback(row) or f"{row.error_type}: {row.status_message}", "text"))
    for title, value in (("Instructions", row.system_instructions), ("Input", row.input), ("Output", row.output)):
        if value is not None:
            lines.append(f"**{title}**\n\n{_block(_shortened(readable(value)), '')}")
    return "\n\n".join([*lines, "</details>"])


def _traceback(row: SpanRow) -> str | None:
    for event in row.events or ():
        facts = event.get("attributes") if isinstance(event, dict) else None
        if isinstance(facts, dict) and isinstance(facts.get("exception.stacktrace"), str):
            return _shortened(facts["exception.stacktrace"])
    return None


def _shortened(text: str) -> str:
    if len(text) <= _MOST_OF_ONE:
        return text
    left = len(text) - _MOST_OF_ONE
    return f"{text[: _MOST_OF_ONE // 2]}\n… {left:,} characters …\n{text[-_MOST_OF_ONE // 2 :]}"


def _diff(changes: Sequence[Change]) -> str:
    """Return what became of a text as lines that went and came, each with its neighbours."""
    before, after = ("".join(text for kind, text in changes if kind != other).splitlines() for other in "+-")
    _, _, *lines = difflib.unified_diff(before, after, lineterm="", n=2)
    return _shortened("\n".join(lines))


def _block(text: str, language: str) -> str:
    """Return a block of code, whose fence nothing in it can end."""
    runs = re.findall(r"`{3,}", text)
    fence = "`" * (max(map(len, runs), default=2) + 1)
    return f"{fence}{language}\n{plain_lines(text)}\n{fence}"


def _code(value: Any) -> str:
    text = " ".join(plain(readable(value)).split()).replace("`", "'")
    return f"`{text[:200]}`" if text else "nothing"


def _cell(text: str) -> str:
    return _html(" ".join(plain(text).split())).replace("|", "\\|")


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _joined(blocks: Sequence[str]) -> str:
    """Return as many blocks as an issue takes, and say how many there are beyond."""
    kept: list[str] = []
    room = _MOST
    for block in blocks:
        room -= len(block) + 2
        if room < 0:
            kept.append(f"… and {len(blocks) - len(kept)} more")
            break
        kept.append(block)
    return "\n\n".join(kept) + "\n"
