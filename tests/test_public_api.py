"""What a program asks of the tracer as a whole: scores, flushing, integrations, settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

import programs
import tracer
from tracer.errors import IntegrationNotInstalled, UnknownIntegration, UsageError
from tracer.span_row import SpanRow
from tracer.store import Store


def test_scores_are_kept_with_their_span_or_trace(store: Store) -> None:
    with tracer.span("answer") as answer:
        tracer.score(answer, "helpful", 1, comment="cites the policy")
    tracer.score(answer.trace_id, "correct", False, label="wrong")
    tracer.score((answer.trace_id, answer.span_id), "tone", label="warm")
    found = [(row["name"], row["span_id"], row["value"], row["label"]) for row in store.scores(answer.trace_id)]
    assert sorted(found) == [
        ("correct", None, 0.0, "wrong"),
        ("helpful", answer.span_id, 1.0, None),
        ("tone", answer.span_id, None, "warm"),
    ]
    with pytest.raises(UsageError, match="not 42"):
        tracer.score(42, "x", 1)  # type: ignore[arg-type]


def test_flush_brings_the_duckdb_file_up_to_date(store_path: Path) -> None:
    with tracer.span("s"):
        pass
    assert tracer.flush(timeout=60)
    with duckdb.connect(str(store_path), read_only=True) as plain_client:
        assert plain_client.execute("select name from spans").fetchall() == [("s",)]


def test_instrument_tells_what_is_on_and_refuses_what_is_none() -> None:
    assert tracer.instrument("langchain") == ["langchain"]
    assert set(tracer.instrument()) == {"openai", "langchain"} == set(tracer.instrument())
    tracer.uninstrument("openai")
    assert tracer.instrument("langchain") == ["langchain"]
    with pytest.raises(UnknownIntegration, match="there are openai"):
        tracer.instrument("opanai")


def test_a_library_that_is_missing_is_told_only_if_it_was_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from tracer import integrations

    monkeypatch.setitem(integrations.LIBRARIES, "openai", "no_such_library")
    assert "openai" not in tracer.instrument()
    with pytest.raises(IntegrationNotInstalled, match=r"pip install 'llm-tracer\[openai\]'"):
        tracer.instrument("openai")


def test_content_can_be_switched_off(spans: Callable[[], list[SpanRow]]) -> None:
    tracer.configure(capture_content=False)
    with tracer.span("s", input={"question": "secret"}, input_tokens=3):
        pass
    (row,) = spans()
    assert (row.input, row.input_tokens) == ({"question": "[6 characters]"}, 3)


def test_values_that_are_too_long_are_cut_and_say_so(spans: Callable[[], list[SpanRow]]) -> None:
    tracer.configure(max_value_bytes=1_000)
    with tracer.span("s", input={"text": "x" * 5_000}):
        pass
    (row,) = spans()
    assert "…[cut: " in row.input["text"]
    assert row.attributes["tracer.cut"] == {"input": 5_011}


@pytest.mark.parametrize("folder", ["", "src/deep"])
def test_the_store_lies_in_the_projects_root(tmp_path: Path, folder: str) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    program = f"""
        import os
        del os.environ["TRACER_STORE"]
        os.chdir({str(tmp_path / folder)!r})
        import tracer
        tracer.span("s").end()
        os.chdir("/")
        tracer.span("s").end()
    """
    programs.run(program, tmp_path / "unused")
    assert len(Store(tmp_path / ".tracer" / "traces.duckdb").traces()) == 2
    assert (tmp_path / ".tracer" / ".gitignore").read_text() == "*\n"
