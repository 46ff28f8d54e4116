"""The row of a trace: made from its spans, the same before and after they are absorbed."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from journal_lines import START_NS, Process, call, span, trace_id, written

from tracer.store import Store
from tracer.store.absorb import absorb


def summary(path: Path, *lines: dict[str, Any]) -> dict[str, Any]:
    """The one trace of these lines; it must be told the same live and stored, all at once and line by line."""
    written(path, *(call(model, trace=10**6, request_model=model) for model in ("gpt-4o", "gpt-4o-mini")))
    absorb(path)
    for line in lines:
        written(path, line)
    told = {}
    for moment in ("live", "stored"):
        (told[moment],) = Store(path).traces(where=f"trace_id = '{lines[0]['trace_id']}'", include_tests=True)
        absorb(path)
    one_by_one = path.with_name(lines[0]["trace_id"])
    for line in lines:
        written(one_by_one, line)
        absorb(one_by_one)
    (told["one by one"],) = Store(one_by_one).traces(include_tests=True)
    for row in told.values():
        del row["process_id"]
    assert told["live"] == told["stored"] == told["one by one"]
    return told["stored"]


def usage(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["model_call_count"], row["input_tokens"], row["output_tokens"], row["tokens_unknown_calls"]


def test_a_trace_is_told_from_its_root_and_all_its_spans(path: Path) -> None:
    row = summary(
        path,
        span("answer", lasts=3, input={"question": "Why?"}, output="Because.", session_id="s1", tags=["b"]),
        call(at=0.5, parent="answer", cached_tokens=400, user_id="u1"),
        call("second", at=1, parent="answer", response_model="gpt-4o-2024-08-06"),
        span("search", at=2, lasts=2, parent="answer", tags=["a", "b"], status="ERROR", status_message="no index"),
    )
    assert row == {
        "trace_id": trace_id(0),
        "name": "answer",
        "start_ns": START_NS,
        "end_ns": START_NS + 4_000_000_000,
        "status": "OK",
        "status_message": "no index",
        "span_count": 4,
        "error_count": 1,
        "model_call_count": 2,
        "input_tokens": 2000,
        "output_tokens": 200,
        "cached_tokens": 400,
        "cost_usd": pytest.approx(0.0065),
        "tokens_unknown_calls": 0,
        "cost_unknown_calls": 0,
        "models": ["gpt-4o", "gpt-4o-2024-08-06"],
        "session_id": "s1",
        "user_id": "u1",
        "tags": ["a", "b"],
        "input_preview": "Why?",
        "output_preview": "Because.",
    }


def test_a_trace_without_model_calls_has_no_tokens(path: Path) -> None:
    row = summary(path, span("answer"))
    assert usage(row) == (0, None, None, 0)
    assert (row["cost_usd"], row["models"], row["tags"]) == (None, None, None)


def test_a_trace_whose_root_never_came_is_named_by_its_earliest_span(path: Path) -> None:
    row = summary(path, span("late", at=1, parent="missing"), span("early", parent="missing", status="ERROR"))
    assert (row["name"], row["status"]) == ("early", "ERROR")


def test_a_root_that_comes_after_its_children_takes_their_place(path: Path) -> None:
    row = summary(path, span("child", at=1, parent="root", input="inner"), span("root", lasts=5, input="outer"))
    assert (row["name"], row["input_preview"]) == ("root", "outer")


@pytest.mark.parametrize(
    ("recorded", "shown"),
    [
        ("Why?", "Why?"),
        ({"question": "Why?"}, "Why?"),
        ({"question": {"text": "Why?"}}, '{"text":"Why?"}'),
        ({"question": "Why?", "k": 3}, '{"question":"Why?","k":3}'),
        ({"messages": [{"role": "user", "parts": [{"type": "text", "content": "Why?"}]}], "step": 1}, "Why?"),
        ([{"role": "user", "parts": [{"type": "refusal", "content": "No."}]}], "No."),
        ({"messages": "none"}, "none"),
        ([1, 2], "[1,2]"),
        ({}, "{}"),
    ],
)
def test_a_preview_is_what_somebody_said_where_that_can_be_told(path: Path, recorded: Any, shown: str) -> None:
    assert summary(path, span(input=recorded))["input_preview"] == shown


def test_an_agent_that_repeats_the_totals_of_its_calls_adds_nothing(path: Path) -> None:
    row = summary(
        path,
        span("agent", kind="agent", input_tokens=2000, output_tokens=200, cost_usd=9),
        call("one", parent="agent"),
        call("two", parent="agent", at=0.1),
    )
    assert usage(row) == (2, 2000, 200, 0)
    assert row["cost_usd"] == pytest.approx(0.007)


def test_a_call_inside_a_call_is_the_same_call_field_by_field(path: Path) -> None:
    row = summary(
        path,
        call("outer", output_tokens=None, request_model="unpriced"),
        span("between", parent="outer"),
        call("inner", parent="between", input_tokens=990, output_tokens=90, cached_tokens=10),
        call("innermost", parent="inner", input_tokens=980, output_tokens=80),
    )
    assert usage(row) == (1, 1000, 90, 0)
    assert row["cached_tokens"] == 10
    assert row["cost_usd"] == pytest.approx((980 * 2.5 + 10 * 1.25 + 90 * 10) / 1e6)


def test_two_spans_of_one_response_are_one_call(path: Path) -> None:
    proxy = call("proxy", parent="root", response_id="r1")
    client = call("client", parent="root", response_id="r1", at=0.1, lasts=0.5)
    assert usage(summary(path, span("root"), proxy, client)) == (1, 1000, 100, 0)


@pytest.mark.parametrize(
    "difference", [{"at": 2}, {"response_id": "r2"}, {"output_tokens": 99}, {"request_model": "gpt-4o-mini"}]
)
def test_a_response_id_alone_does_not_make_two_calls_one(path: Path, difference: dict[str, Any]) -> None:
    other = call("other", **{"response_id": "r1", "at": 0.1, **difference})
    assert usage(summary(path, call("one", response_id="r1"), other))[0] == 2


def test_an_instrumentor_tells_no_call_twice_though_its_server_reuses_ids(path: Path) -> None:
    one, other = (call(name, response_id="r1", scope_name="an.instrumentor") for name in ("one", "other"))
    assert usage(summary(path, one, other)) == (2, 2000, 200, 0)


@pytest.mark.parametrize("source", ["api", "tokenizer"])
def test_an_estimate_gives_way_to_what_is_known_of_the_call_inside(path: Path, source: str) -> None:
    guess = {"usage_source": "estimate", "input_tokens": 5, "output_tokens": 5}
    inner = call("inner", parent="outer", usage_source=source)
    assert usage(summary(path, call("outer", **guess), inner)) == (1, 1000, 100, 0)


def test_of_an_estimate_and_a_count_of_one_response_the_count_is_summed(path: Path) -> None:
    guess = call("guess", response_id="r1", usage_source="estimate", output_tokens=5)
    told = call("told", response_id="r1", at=0.1, lasts=0.5, usage_source="api")
    assert usage(summary(path, guess, told)) == (1, 1000, 100, 0)


NO_USAGE = {"input_tokens": None, "output_tokens": None}


def test_calls_of_which_nothing_is_known_are_counted(path: Path) -> None:
    row = summary(
        path, span("root"), call("known"), call("unknown", at=0.1, **NO_USAGE), call("open", lasts=None, **NO_USAGE)
    )
    assert (row["tokens_unknown_calls"], row["cost_unknown_calls"]) == (2, 2)


def test_a_call_whose_other_half_knows_is_not_unknown(path: Path) -> None:
    inside = summary(path, call("outer", **NO_USAGE), call("inner", parent="outer"))
    assert (usage(inside), inside["cost_unknown_calls"]) == ((1, 1000, 100, 0), 0)
    around = summary(path, call("outer", trace=1), call("inner", trace=1, parent="outer", **NO_USAGE))
    assert (usage(around), around["cost_unknown_calls"]) == ((1, 1000, 100, 0), 0)
    neither = summary(path, call("outer", trace=2, **NO_USAGE), call("inner", trace=2, parent="outer", **NO_USAGE))
    assert (usage(neither), neither["cost_unknown_calls"]) == ((1, None, None, 1), 1)


def test_a_call_that_failed_before_any_answer_used_nothing(path: Path) -> None:
    refused = call("refused", status="ERROR", **NO_USAGE)
    broken = call("broken off", at=0.1, status="ERROR", output="The capital", **NO_USAGE)
    assert summary(path, refused, broken)["tokens_unknown_calls"] == 1


def test_parents_in_a_circle_are_still_a_trace(path: Path) -> None:
    row = summary(path, call("a", parent="b"), call("b", at=0.1, parent="a"), call("self", at=0.2, parent="self"))
    assert (row["name"], row["span_count"]) == ("a", 3)


def text(role: str, *texts: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": content} for content in texts]}


@pytest.mark.parametrize(
    ("value", "preview"),
    [
        (
            [text("system", "Be brief."), text("user", "First?"), text("assistant", "Yes."), text("user", "Sure?")],
            "Sure?",
        ),
        ([text("user", "two", "parts")], "two parts"),
        ([text("user", "spaces\n\n  and\tlines")], "spaces and lines"),
        ([{"role": "user", "parts": [{"type": "blob", "content": "iVBORw0KGgo="}]}], '[{"role":"user","parts":[{"'),
        ("x" * 1000, "x" * 200),
        ({"question": "Why?", "k": 3}, '{"question":"Why?","k":3}'),
        ([1, 2], "[1,2]"),
        (0, "0"),
        ("", ""),
        (None, None),
    ],
)
def test_a_preview_is_what_was_said_last_or_else_the_value(path: Path, value: Any, preview: str | None) -> None:
    shown = summary(path, span("root", input=value))["input_preview"]
    assert (shown and shown[:200]) == preview or (shown.startswith(preview) and "parts" in preview)


def test_of_an_answer_the_assistants_words_are_shown(path: Path) -> None:
    answer = [text("assistant", "Paris."), {"role": "tool", "parts": []}]
    assert summary(path, span("root", output=answer))["output_preview"] == "Paris."


def test_a_trace_is_running_while_the_process_of_its_root_lives(path: Path) -> None:
    process = Process(path)
    process.segment(span("root", lasts=None, process_id=process.process_id), span("child", parent="root"))
    for _ in "before and after absorbing":
        (row,) = Store(path).traces()
        assert (row["status"], row["end_ns"], row["process_id"]) == ("RUNNING", None, process.process_id)
        absorb(path)
    process.die()
    (row,) = Store(path).traces()
    assert row["status"] == "LOST"


def test_random_traces_are_told_the_same_in_whatever_portions_they_are_absorbed(path: Path) -> None:
    numbers = random.Random(5)
    rows = [
        (call if number % 3 else span)(
            f"s{number}",
            trace=number % 7,
            at=numbers.random(),
            parent=f"s{numbers.randrange(40) * 7 + number % 7}",
            lasts=numbers.choice([None, 0.5]),
            response_id=numbers.choice([None, "r1", "r2"]),
            output=numbers.choice([None, "text"]),
        )
        for number in range(280)
    ]
    at_once = path.with_name("at once.duckdb")
    written(at_once, *rows)
    absorb(at_once)
    numbers.shuffle(rows)
    while rows:
        portion, rows = rows[:40], rows[40:]
        written(path, *portion)
        if numbers.random() < 0.7:
            absorb(path)
    columns = "select * exclude (process_id) from traces order by trace_id"
    expected = list(Store(at_once).sql(columns))
    assert list(Store(path).sql(columns)) == expected
    absorb(path)
    assert list(Store(path).sql(columns)) == expected
    assert len(expected) == 7
