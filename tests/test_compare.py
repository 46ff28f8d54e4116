"""Traces side by side: which span is which, how they differ, where they first part, and what became of a text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journal_lines import call, span

from tracer.compare import Aligned, align, changes, divergences, readable
from tracer.span_row import span_row
from tracer.tree import Node, build_tree


def tree(*rows: dict[str, Any]) -> list[Node]:
    return build_tree(span_row({"parent_id": None, **row}) for row in rows)


def program(trace: int, *, tool: str = "search", model: str = "gpt-4o", then: str | None = None) -> list[Node]:
    rows = [
        span("agent", trace=trace, lasts=9),
        span(tool, trace=trace, parent="agent", at=1),
        call(f"chat {model}", trace=trace, parent="agent", at=2, request_model=model),
    ]
    return tree(*rows, *([span(then, trace=trace, parent="agent", at=4)] if then else []))


def outline(steps: list[Aligned]) -> list[tuple[int, list[str | None]]]:
    return [(step.depth, [node.row.name if node else None for node in step.nodes]) for step in steps]


def facts(traces: list[list[Node]], **other: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """All spans agree in all, but for those that are named with `facet=value`; a name is that of its span."""
    found: dict[str, dict[str, Any]] = {}
    for which, roots in enumerate(traces):
        for root in roots:
            for _, node in root.walk():
                found[node.row.span_id] = other.get(node.row.name.split()[0], {}) if which else {}
    return found


def test_a_step_is_found_by_its_place_and_a_model_call_by_its_operation() -> None:
    steps = align([program(0), program(1, model="gpt-4o-mini")])
    assert outline(steps) == [
        (0, ["agent", "agent"]),
        (1, ["search", "search"]),
        (1, ["chat gpt-4o", "chat gpt-4o-mini"]),
    ]


def test_what_only_one_has_stands_where_it_happened() -> None:
    assert outline(align([program(0, tool="search"), program(1, tool="look", then="check")])) == [
        (0, ["agent", "agent"]),
        (1, [None, "look"]),
        (1, ["search", None]),
        (1, ["chat gpt-4o", "chat gpt-4o"]),
        (1, [None, "check"]),
    ]


def test_siblings_of_one_name_are_told_by_their_number() -> None:
    steps = align([loop(0, 3), loop(1, 2)])
    assert outline(steps) == [
        (0, ["loop", "loop"]),
        (1, ["step", "step"]),
        (1, ["step", "step"]),
        (1, ["step", None]),
    ]


def loop(trace: int, times: int) -> list[Node]:
    steps = [{**span("step", trace=trace, parent="loop", at=i / 1000), "span_id": f"{trace}-{i}"} for i in range(times)]
    return tree(span("loop", trace=trace, lasts=9), *steps)


def chain(trace: int, depth: int) -> list[Node]:
    below = [span(str(i), trace=trace, parent=str(i - 1)) for i in range(1, depth)]
    return tree(span("0", trace=trace), *below)


@pytest.mark.parametrize(
    ("other", "step", "facets"),
    [
        ({"agent": {"output": "x"}, "chat": {"output": "x"}}, 2, ("output",)),
        ({"agent": {"input": "x"}, "chat": {"input": "x"}}, 0, ("input",)),
        ({"search": {"output": "x"}, "chat": {"input": "x", "output": "x"}, "agent": {"output": "x"}}, 1, ("output",)),
        ({"chat": {"model": "x", "parameters": "x", "output": "x"}}, 2, ("model", "parameters")),
        ({"agent": {"status": "ERROR", "output": "x"}}, 0, ("status", "output")),
    ],
)
def test_they_first_part_where_something_was_first_otherwise(
    other: dict[str, dict[str, Any]], step: int, facets: tuple[str, ...]
) -> None:
    traces = [program(0), program(1)]
    steps = align(traces)
    [_, found] = divergences(steps, facts(traces, **other))
    assert found is not None
    assert (found.step, found.facets) == (step, facets)
    assert steps[step].differences(facts(traces, **other))[0] == []


def test_a_step_that_only_one_took_is_where_they_part() -> None:
    traces = [program(0), program(1, then="check"), program(2)]
    told = divergences(align(traces), facts(traces))
    assert [at and (at.step, at.facets) for at in told] == [None, (3, ("missing",)), None]


def test_many_siblings_and_deep_chains_are_aligned() -> None:
    assert len(align([loop(0, 5_000), loop(1, 4_000)])) == 5_001
    assert len(align([chain(0, 3_000), chain(1, 3_000)])) == 3_000


def test_no_trace_has_no_steps() -> None:
    assert align([[], []]) == []
    assert divergences([], {}) == []


@given(st.text("ab \n.", max_size=60), st.text("ab \n.", max_size=60))
def test_changes_lead_from_one_text_to_the_other(before: str, after: str) -> None:
    found = changes(before, after)
    assert "".join(text for kind, text in found if kind != "+") == before
    assert "".join(text for kind, text in found if kind != "-") == after


def test_a_word_that_changed_is_told_alone_and_long_texts_by_their_lines() -> None:
    assert changes("90 % of it", "60 % of it") == [("-", "90"), ("+", "60"), ("=", " % of it")]
    long = "".join(f"line {i}\n" for i in range(5_000))
    assert changes(long + "end", long + "stop") == [("=", long), ("-", "end"), ("+", "stop")]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("as it is", "as it is"),
        ({"b": 1, "a": [2]}, '{\n  "a": [\n    2\n  ],\n  "b": 1\n}'),
        ([{"role": "user", "parts": [{"type": "text", "content": "Why?"}]}], "user:\nWhy?"),
        (
            [{"role": "tool", "parts": [{"type": "tool_call", "name": "f"}]}],
            'tool:\n{\n  "name": "f",\n  "type": "tool_call"\n}',
        ),
        ([{"parts": "odd"}], "None:\nodd"),
        ([{"type": "text", "content": "Be brief."}], "Be brief."),
    ],
)
def test_a_value_is_read_as_text(value: Any, text: str) -> None:
    assert readable(value) == text
