"""Traces side by side: which span of one is which of the other, how they differ, and where they first part.

Pure: nodes and facts in, plain data out. The first of the traces is the one that the others are held against.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from tracer.rows import MODEL_CALL_KINDS
from tracer.tree import Node

AT_START = ("code", "model", "instructions", "tools", "parameters", "input")
AT_END = ("status", "output")
FACETS = (*AT_START, *AT_END)
"""What two spans may differ in: what is known when they begin, and when they have ended."""

Facts = Mapping[str, Mapping[str, Any]]
"""By span id, for each of FACETS something that is equal if and only if the spans agree in it."""


@dataclass(frozen=True, slots=True)
class Aligned:
    """One step of the program: its span in each of the traces, None in those that did not take it."""

    depth: int
    nodes: tuple[Node | None, ...]

    def differences(self, facts: Facts) -> list[list[str]]:
        """Return, for each trace, in which of FACETS its span is not as that of the first; none where one lacks."""
        base, *_ = self.nodes
        return [[facet for facet in FACETS if _differ(facts, base, node, facet)] for node in self.nodes]


@dataclass(frozen=True, slots=True)
class Divergence:
    """Where a trace first parts from the first one: at which step, and in what (`missing`: only one has the step)."""

    step: int
    facets: tuple[str, ...]

    @property
    def how(self) -> str:
        """What is said of the step: "gives another output"."""
        return " and ".join(_SAID[facet] for facet in self.facets)


_SAID = {
    "missing": "only one of them has",
    "code": "runs other code",
    "model": "asks another model",
    "instructions": "has other instructions",
    "tools": "has other tools",
    "parameters": "has other parameters",
    "input": "has another input",
    "status": "ends otherwise",
    "output": "gives another output",
}


def align(traces: Sequence[Sequence[Node]]) -> list[Aligned]:
    """Return the steps of these traces, each given by its roots, in drawing order.

    Spans are the same step if their parents are and they have the same place among the siblings of their name. A model
    call is found by its operation, for its name holds the model.
    """
    steps = []
    waiting = [(0, nodes) for nodes in reversed(_siblings(traces))]
    while waiting:
        depth, nodes = waiting.pop()
        steps.append(Aligned(depth, nodes))
        below = _siblings([node.children if node else () for node in nodes])
        waiting.extend((depth + 1, nodes) for nodes in reversed(below))
    return steps


def divergences(steps: Sequence[Aligned], facts: Facts) -> list[Divergence | None]:
    """Return where each trace first parts from the first one, None where it never does.

    In the order in which a program that does one thing at a time works: a step begins, then those in it, then it ends.
    """
    count = len(steps[0].nodes) if steps else 0
    return [_first(steps, facts, which) if which else None for which in range(count)]


def _first(steps: Sequence[Aligned], facts: Facts, which: int) -> Divergence | None:
    for step, facets in _events(steps):
        base, node = steps[step].nodes[0], steps[step].nodes[which]
        if (base is None) != (node is None):
            return Divergence(step, ("missing",))
        if differing := tuple(facet for facet in facets if _differ(facts, base, node, facet)):
            return Divergence(step, differing)
    return None


def _events(steps: Sequence[Aligned]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield the steps as they begin and end, each with the facets that are known then."""
    open_steps: list[int] = []
    for i, step in enumerate(steps):
        while open_steps and steps[open_steps[-1]].depth >= step.depth:
            yield open_steps.pop(), AT_END
        yield i, AT_START
        open_steps.append(i)
    while open_steps:
        yield open_steps.pop(), AT_END


def _differ(facts: Facts, base: Node | None, node: Node | None, facet: str) -> bool:
    if base is None or node is None or base is node:
        return False
    return facts[base.row.span_id].get(facet) != facts[node.row.span_id].get(facet)


_Key = tuple[str, int]


def _siblings(groups: Sequence[Sequence[Node]]) -> list[tuple[Node | None, ...]]:
    """Return which of the siblings belong together. One that the first trace lacks stands after that before it."""
    found: dict[_Key, list[Node | None]] = {}
    after: dict[_Key | None, list[_Key]] = {}
    for which, nodes in enumerate(groups):
        met: Counter[str] = Counter()
        before: _Key | None = None
        for node in nodes:
            label = _label(node)
            key = (label, met[label])
            met[label] += 1
            if key not in found:
                found[key] = [None] * len(groups)
                after.setdefault(before, []).insert(0, key)
            found[key][which] = node
            before = key
    ordered: list[tuple[Node | None, ...]] = []
    waiting = list(reversed(after.get(None, [])))
    while waiting:
        key = waiting.pop()
        ordered.append(tuple(found[key]))
        waiting.extend(reversed(after.get(key, [])))
    return ordered


def _label(node: Node) -> str:
    row = node.row
    return f"{row.kind} {row.operation}" if row.kind in MODEL_CALL_KINDS and row.operation else row.name or ""


# ── texts

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
_MOST_WORDS = 4_000
"""Beyond so many on a side, lines are compared: the time grows with the square."""

Change = tuple[str, str]
"""`=`, `-` or `+`, and the text that stayed, went or came."""


def changes(before: str, after: str) -> list[Change]:
    """Return what became of a text, word by word; line by line where it is long."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if max(len(old), len(new)) > _MOST_WORDS:
        old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    found: list[Change] = []
    for kind, i, j, k, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append(("=", "".join(old[i:j])))
            continue
        found += [(sign, text) for sign, text in (("-", "".join(old[i:j])), ("+", "".join(new[k:m]))) if text]
    return found


def readable(value: Any) -> str:
    """Return a recorded value as text to read and to compare: messages by their roles, all else as indented JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        if all("parts" in item for item in value):
            return "\n\n".join(f"{item.get('role')}:\n{_parts(item['parts'])}" for item in value)
        if all(item.keys() == {"type", "content"} for item in value):
            return _parts(value)
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()


def _parts(parts: Any) -> str:
    if not isinstance(parts, list):
        return readable(parts)
    return "\n".join(
        part["content"] if isinstance(part, dict) and isinstance(part.get("content"), str) else readable(part)
        for part in parts
    )
