"""Rows become trees, whatever is missing; views turn a node into another."""

from __future__ import annotations

from tracer.span_row import SpanRow
from tracer.tree import Node, Trace, build_tree, hide


def row(span_id: str, parent_id: str | None = None, start_ns: int = 0) -> SpanRow:
    return SpanRow("t" * 32, span_id, parent_id, name=span_id, kind="chain", start_ns=start_ns)


def drawn(roots: list[Node]) -> list[str]:
    return ["  " * depth + node.row.name for root in roots for depth, node in root.walk()]


def test_children_stand_under_their_parent_in_the_order_of_their_start() -> None:
    roots = build_tree([row("b", "a", 2), row("c", "a", 1), row("a"), row("d", "b", 3)])
    assert drawn(roots) == ["a", "  c", "  b", "    d"]


def test_a_span_whose_parent_is_missing_is_a_root() -> None:
    assert drawn(build_tree([row("late", "gone", 5), row("a", None, 1), row("early", "gone", 0)])) == [
        "early",
        "a",
        "late",
    ]


def test_circles_of_parents_are_broken() -> None:
    assert drawn(build_tree([row("a", "b", 1), row("b", "a", 2), row("self", "self", 3)])) == ["a", "  b", "self"]


def test_a_chain_of_ten_thousand_spans_is_no_problem() -> None:
    rows = [row("0"), *(row(str(n), str(n - 1), n) for n in range(1, 10_000))]
    trace = Trace("t" * 32, rows)
    assert [depth for depth, _ in trace.walk()] == list(range(10_000))


def test_hiding_a_node_lifts_its_children() -> None:
    (root,) = build_tree([row("a"), row("wrapper", "a", 1), row("b", "wrapper", 2), row("c", "b", 3)])
    assert drawn(hide(root, lambda node: node.row.name == "wrapper")) == ["a", "  b", "    c"]
