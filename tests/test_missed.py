"""A trace knows what it does not tell: what was cut, lost, dropped, estimated or never seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from journal_lines import Process, call, span, trace_id, written

import programs
import tracer
from tracer.missed import Missed, missed
from tracer.span_row import SpanRow, span_row
from tracer.store import Store
from tracer.store.absorb import absorb


def rows(*given: dict[str, Any]) -> list[SpanRow]:
    return [span_row({"parent_id": None, **row}) for row in given]


def told(*given: dict[str, Any], processes: Any = ()) -> dict[str, str]:
    """What is missed in a trace of these spans, by its word."""
    return {note.what: note.text for note in missed(rows(*given), processes)}


PRICED = {"cost_usd": 0.01, "usage_source": "api"}


def test_a_complete_trace_misses_nothing() -> None:
    assert told(span("answer"), call("chat", parent="answer", **PRICED)) == {}


@pytest.mark.parametrize(
    ("given", "what", "text"),
    [
        ({"status": "INCOMPLETE"}, "incomplete", "1 span broke off: the stream had no end"),
        ({"status": "CANCELLED"}, "cancelled", "1 span stopped early: there is what came until then"),
        ({"status": "LOST", "lasts": None}, "lost", "1 span never ended: the process died or was killed"),
        (
            {"attributes": {"tracer.cut": {"input": 10_000_000, "output": 2_000_000}}},
            "cut",
            "2 values were too long and are cut (input, output)",
        ),
        (
            {"attributes": {"tracer.redacted": {"api-key": 1, "email": 2}}},
            "redacted",
            "3 texts are redacted (2 email, 1 api-key)",
        ),
        (
            {"attributes": {"tracer.missed": ["POST /v1/foo: only its status is recorded"]}},
            "unrecorded",
            "POST /v1/foo: only its status is recorded",
        ),
        ({"usage_source": "estimate"}, "estimated", "the tokens of 1 span are estimated, for the API told none"),
        ({"input_tokens": None, "output_tokens": None}, "tokens", "the tokens of 1 span are not known"),
        ({"cost_usd": None}, "cost", "the cost of 1 span is not known"),
    ],
)
def test_a_call_tells_what_is_not_in_it(given: dict[str, Any], what: str, text: str) -> None:
    row = call("chat", **{**PRICED, **given})
    row = {**row, **{name: value for name, value in given.items() if value is None and name != "lasts"}}
    assert told(row)[what] == text


def test_a_parent_that_is_not_stored_is_told() -> None:
    note = told(span("answer", parent="gone"), span("write", parent="gone"))["parent"]
    assert note.startswith("2 spans have a parent that is not stored here")


def test_what_a_process_lost_is_told_of_its_first_span() -> None:
    of = {"process_id": "p"}
    lost = {"process_id": "p", "dropped_spans": 3, "drop_reason": "No space left on device", "recording_failures": 1}
    (dropped, failed) = missed(rows(span("answer", **of), span("write", **of)), [lost, {"process_id": "other"}])
    assert dropped == Missed(
        "dropped", "3 spans of this program were lost (No space left on device)", 3, (span("answer")["span_id"],)
    )
    assert failed.what == "failed"


def test_spans_that_are_one_call_miss_nothing_if_one_of_them_knows() -> None:
    outer = call("model of a framework", cost_usd=None)
    inner = call("chat", parent="model of a framework", **PRICED) | {"input_tokens": None, "output_tokens": None}
    assert told(outer, inner) == {}
    assert told({**outer, "input_tokens": None, "output_tokens": None}, inner)["tokens"].startswith("the tokens of 1 ")


def test_a_call_that_failed_before_anything_came_back_used_nothing() -> None:
    failed = call("chat", status="ERROR") | {"input_tokens": None, "output_tokens": None}
    assert told(failed) == {}


def test_what_is_no_note_of_ours_is_no_reason_to_fail() -> None:
    odd = {"tracer.cut": [1], "tracer.redacted": "many", "tracer.missed": {"a": 1}}
    assert told(span(attributes=odd), span("b", attributes=["no object"])) == {}
    assert told(span(attributes={"tracer.missed": "one"}), span("b", attributes={"tracer.missed": ["one"]})) == {
        "unrecorded": "one (2 times)"
    }


def test_a_trace_in_a_circle_of_parents_is_looked_at_once() -> None:
    a, b = call("a", parent="b", **PRICED), call("b", parent="a", **PRICED)
    assert told(a, b) == {}


def test_what_was_cut_and_redacted_is_found_without_the_content_too(store: Store) -> None:
    with tracer.span("answer", input="x" * 2_000_000, key="sk-proj-" + "a1" * 20) as current:
        pass
    for content in (True, False):
        trace = store.trace(current.trace_id, content=content)
        assert [(note.what, note.span_ids) for note in trace.missed] == [
            ("cut", (current.span_id,)),
            ("redacted", (current.span_id,)),
        ]


def test_the_terminal_shows_it_below_the_tree_and_json_at_the_spans(tmp_path: Path) -> None:
    path = tmp_path / "traces.duckdb"
    process = Process(path)
    lost = {"process_id": process.process_id, "dropped_spans": 3, "drop_reason": "disk \x1b[31m full"}
    process.segment(
        {"record": "process", "data": lost},
        span("answer", process_id=process.process_id),
        call("chat", parent="answer", status="INCOMPLETE", process_id=process.process_id),
    )
    process.die()
    for _ in "live and stored":
        shown = [line.rstrip() for line in programs.tracer(path, "show").stdout.splitlines()]
        assert "! 3 spans of this program were lost (disk �[31m full)  answer" in shown
        assert "! 1 span broke off: the stream had no end  chat" in shown
        answer, chat = json.loads(programs.tracer(path, "show", "--json").stdout)
        assert ["of this program were lost" in answer["missed"][0], len(answer["missed"])] == [True, 1]
        assert chat["missed"][0] == "1 span broke off: the stream had no end"
        absorb(path)


FAILING = """
    import os, time, tracer
    from tracer.recorder import RECORDER

    with tracer.span("well"):
        pass
    RECORDER.capture = None
    with tracer.span("ill", input={"question": "?"}):
        pass
    if not os.fork():
        with tracer.span("of a child"):
            pass
        raise SystemExit
    os.wait()
"""


def test_what_failed_while_recording_reaches_the_store_and_is_not_told_of_a_child(tmp_path: Path) -> None:
    path = tmp_path / "traces.duckdb"
    done = programs.run(FAILING, path, TRACER_RAISE="0")
    assert "could not record the fields of a span" in done.stderr
    told_of = {row["name"]: Store(path).trace(row["trace_id"]).missed for row in Store(path).traces()}
    assert [note.text for note in told_of["ill"]] == [
        "1 time something of this program could not be recorded: its log says what"
    ]
    assert told_of["of a child"] == []


def test_a_trace_without_texts_says_so(tmp_path: Path) -> None:
    path = tmp_path / "traces.duckdb"
    programs.run("import tracer; tracer.span('answer', input='?').end()", path, TRACER_CAPTURE_CONTENT="0")
    (row,) = Store(path).traces()
    assert [note.what for note in Store(path).trace(row["trace_id"]).missed] == ["content"]


def test_a_complete_trace_is_shown_with_no_word_more(tmp_path: Path) -> None:
    path = tmp_path / "traces.duckdb"
    written(path, span("answer"))
    shown = programs.tracer(path, "show").stdout
    assert "!" not in shown
    assert Store(path).trace(trace_id(0)).missed == []
