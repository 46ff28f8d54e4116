"""With capture_content=False no text of the program's is on the disk: shapes, numbers and names are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import programs
import tracer
from tracer.capture import encode
from tracer.capture.shapes import shape_only
from tracer.span_row import SpanRow
from tracer.store import Store
from tracer.store.absorb import absorb

EVERYWHERE = """
    import sys
    import tracer
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Status, StatusCode

    text = sys.argv[1]
    tracer.configure(max_value_bytes=500)

    @tracer.trace
    def answer(question, role, type, **more):
        return {"said": text, text: "as a key", "content": [text], "role": text, "$type": text, "mime_type": text}

    @tracer.trace
    def pieces():
        yield text
        return {"two": [text]}

    @tracer.trace
    def fail(question):
        raise ValueError(f"cannot use {text}")

    provider = TracerProvider()
    provider.add_span_processor(tracer.TracerSpanProcessor())
    foreign = provider.get_tracer("scope")
    prompt = tracer.Prompt("greet", version="3", variables={"v": text, text: 1})
    with tracer.using(session_id="s1", tags=["beta"], metadata={"m": text, text: text}, prompt=prompt):
        answer(text, role=text, type=text, more=text * 100)
        list(pieces())
        try:
            fail(text)
        except ValueError:
            pass
        message = {"role": "user", "parts": [{"type": "text", "content": text}]}
        with tracer.span("block", kind="llm", input=[message]) as span:
            span.set(output=text, system_instructions=[text], tool_definitions=[{"d": text}], status_message=text)
            span.set(attribute=text, listed=[text], nested={text: text}, request_parameters={"stop": text, "n": 2})
            span.attribute(f"a {text}", text)
            span.event("happened", text=text, data=text.encode())
            span.add_link(span.get_span_context(), {"l": text})
            span.record_exception(RuntimeError(text))
        tracer.score(span, "helpful", 1, label="good", comment=f"because of {text}")
        attributes = {"a": text, "gen_ai.request.model": "gpt-4o"}
        with foreign.start_as_current_span("foreign", attributes=attributes) as inner:
            inner.add_event("e", {"x": text})
            inner.set_status(Status(StatusCode.ERROR, f"no {text}"))
"""

TEXT = "The quick brown fox jumps"


def test_no_text_is_on_the_disk_wherever_it_was(tmp_path: Path) -> None:
    store = tmp_path / "traces.duckdb"
    programs.run(
        EVERYWHERE, store, TEXT, "--question", TEXT, f"--question={TEXT}", TRACER_ABSORB="0", TRACER_CAPTURE_CONTENT="0"
    )
    journal = b"".join(path.read_bytes() for path in store.with_name(store.name + ".journal").rglob("*.ndjson"))
    absorb(store)
    database = Store(store)
    tables = ("spans", "traces", "scores", "processes", "functions")
    rows = {table: json.dumps(list(database.sql(f"from store.{table}")), default=str) for table in tables}
    for piece in (TEXT, "quick", "brown", "jumps"):
        assert piece.encode() not in journal
        assert piece.encode() not in store.read_bytes()
        for table, text in rows.items():
            assert piece not in text, (table, piece)

    (process,) = database.sql("select argv from processes")
    length = f"[{len(TEXT)} characters]"
    assert process["argv"][-4:] == [length, "--question", length, f"--question={length}"]
    (score,) = database.sql("from scores")
    assert (score["name"], score["value"], score["label"]) == ("helpful", 1, "good")


def test_shapes_numbers_and_names_stay(store_path: Path, spans: Callable[[], list[SpanRow]]) -> None:
    tracer.configure(capture_content=False)
    message = {"role": "user", "parts": [{"type": "text", "content": "hello"}]}
    with (
        tracer.using(session_id="s1", user_id="ada", tags=["beta"], metadata={"plan": "pro", "seats": 3}),
        tracer.span("chat", kind="llm", input=[message], request_model="gpt-4o", score=0.5) as span,
    ):
        span.set(input_tokens=3, request_parameters={"temperature": 0.2, "stop": "END", "tool_choice": "auto"})
        span.event("cache miss", key="k", hits=2)
    (row,) = spans()
    assert row.input == [{"role": "user", "parts": [{"type": "text", "content": "[5 characters]"}]}]
    assert row.request_parameters == {"temperature": 0.2, "stop": "[3 characters]", "tool_choice": "auto"}
    assert (row.name, row.request_model, row.input_tokens) == ("chat", "gpt-4o", 3)
    assert (row.session_id, row.user_id, row.tags) == ("s1", "ada", ["beta"])
    assert row.metadata == {"plan": "[3 characters]", "seats": 3}
    assert row.attributes == {"score": 0.5}
    assert row.events[0]["name"] == "cache miss"
    assert row.events[0]["attributes"] == {"key": "[1 characters]", "hits": 2}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"role": "user", "type": "tool_call"}, {"role": "user", "type": "tool_call"}),
        ({"role": "the king", "type": "my text"}, {"role": "[8 characters]", "type": "[7 characters]"}),
        ({"$type": "app.Client", "repr": "<x>"}, {"$type": "app.Client", "repr": "[3 characters]"}),
        ({"Ada Lovelace": 1, "Bob Lovelace": 2}, {"[12 characters]": 1, "[12 characters] 2": 2}),
        (["a", 1, None, True, 2.5], ["[1 characters]", 1, None, True, 2.5]),
        ("[5 characters]", "[5 characters]"),
    ],
)
def test_a_text_becomes_its_length(value: Any, expected: Any) -> None:
    assert json.loads(shape_only(encode(value))) == expected
    assert json.loads(shape_only(shape_only(encode(value)))) == expected
