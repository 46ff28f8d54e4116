"""A trace as a tree: rows in, nodes out, and views that turn a node into another node.

Knows only rows: where they came from and how they are drawn is nobody's business here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from tracer.missed import Missed, missed
from tracer.span_row import SpanRow


@dataclass(frozen=True, slots=True)
class Node:
    """A span in its tree. `children` are in the order in which they started."""

    row: SpanRow
    children: tuple[Node, ...] = ()

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Node]]:
        """Yield this node and all below it in drawing order, each with its depth (this node's is `depth`)."""
        waiting = [(depth, self)]
        while waiting:
            level, node = waiting.pop()
            yield level, node
            waiting.extend((level + 1, child) for child in reversed(node.children))


@dataclass(frozen=True)
class Trace:
    """All spans of one trace, in the order in which they started.

    `processes` are the rows of those that recorded them, without their diffs, which `Store.process` gives.
    """

    trace_id: str
    rows: list[SpanRow]
    processes: Sequence[Mapping[str, Any]] = ()

    @cached_property
    def roots(self) -> list[Node]:
        """The trees of this trace, oldest first: one, unless spans came in whose parent never did."""
        return build_tree(self.rows)

    @cached_property
    def missed(self) -> list[Missed]:
        """What this trace does not tell, or not for certain, the worst first; empty if it is complete."""
        return missed(self.rows, self.processes)

    def walk(self) -> Iterator[tuple[int, Node]]:
        """Yield every node with its depth, in drawing order."""
        for root in self.roots:
            yield from root.walk()


def build_tree(rows: Iterable[SpanRow]) -> list[Node]:
    """Return the roots of a trace, oldest first.

    A span whose parent is missing (still open, or never recorded) becomes a root, so that a partial
    trace still shows everything that was recorded. So does the oldest span of a circle of parents.
    """
    ordered = sorted(rows, key=lambda row: (row.start_ns, row.span_id))
    known = {row.span_id for row in ordered}
    children: dict[str | None, list[SpanRow]] = {}
    for row in ordered:
        parent = row.parent_id if row.parent_id in known and row.parent_id != row.span_id else None
        children.setdefault(parent, []).append(row)

    reached: set[str] = set()
    roots = [_grow(row, children, reached) for row in children.get(None, [])]
    roots += [_grow(row, children, reached) for row in ordered if row.span_id not in reached]
    return sorted(roots, key=lambda node: node.row.start_ns)


def hide(node: Node, hidden: Callable[[Node], bool]) -> list[Node]:
    """Return the node without those that `hidden` names; the children of a hidden node take its place."""
    children = tuple(kept for child in node.children for kept in hide(child, hidden))
    return list(children) if hidden(node) else [replace(node, children=children)]


def _grow(root: SpanRow, children: dict[str | None, list[SpanRow]], reached: set[str]) -> Node:
    """Build the tree under `root` from the leaves up, with no recursion: a chain may be thousands of spans deep."""
    order = []
    waiting = [root]
    reached.add(root.span_id)
    while waiting:
        row = waiting.pop()
        order.append(row)
        for child in children.get(row.span_id, []):
            if child.span_id not in reached:
                reached.add(child.span_id)
                waiting.append(child)

    built: dict[str, Node] = {}
    for row in reversed(order):
        nodes = (built.pop(child.span_id, None) for child in children.get(row.span_id, []))
        built[row.span_id] = Node(row, tuple(node for node in nodes if node is not None))
    return built[root.span_id]
