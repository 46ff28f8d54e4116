"""Anthropic's SDK through an instrumentor that `instrument()` finds: no provider code of ours."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import anthropic
import pytest
from conftest import through
from opentelemetry import trace as otel
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import tracer

USAGE = {"input_tokens": 10, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20, "output_tokens": 7}
ASKED = {"model": "claude-x", "max_tokens": 50, "messages": [{"role": "user", "content": "secret hello"}]}


class Messages(BaseHTTPRequestHandler):
    """Answers each request with the same words, streamed if so asked."""

    protocol_version = "HTTP/1.1"
    numbers = count(1)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        message = {"id": f"msg_{next(self.numbers)}", "type": "message", "role": "assistant", "model": body["model"]}
        message |= {"content": [], "stop_reason": None, "stop_sequence": None, "usage": {**USAGE, "output_tokens": 0}}
        text = {"type": "text", "text": "secret answer"}
        if body.get("stream"):
            events = [
                {"type": "message_start", "message": message},
                {"type": "content_block_start", "index": 0, "content_block": {**text, "text": ""}},
                {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text["text"]}},
                {"type": "content_block_stop", "index": 0},
                {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}},
                {"type": "message_stop"},
            ]
            data = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()
        else:
            data = json.dumps({**message, "content": [text], "stop_reason": "end_turn", "usage": USAGE}).encode()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if body.get("stream") else "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def made(store_path):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Messages)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield {"base_url": f"http://127.0.0.1:{server.server_port}", "api_key": "k"}
    server.shutdown()


async def call(made, mode: str, way: str) -> None:
    options = {**ASKED, "stream": True} if way == "stream" else ASKED
    if mode == "sync":
        answer = anthropic.Anthropic(**made).messages.create(**options)
        _ = [*answer] if way == "stream" else answer
    else:
        async with anthropic.AsyncAnthropic(**made) as client:
            answer = await client.messages.create(**options)
            _ = [event async for event in answer] if way == "stream" else answer


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize("way", ["whole", "stream"])
async def test_a_call_is_told_in_full(made, model_calls, outline, record_property, mode, way) -> None:
    record_property("covers", (through("anthropic"), "messages.create", mode, way, "ok"))
    assert "anthropic" in tracer.instrument()
    with tracer.span("mine"):
        await call(made, mode, way)
    (row,) = model_calls()
    assert outline() == ["mine", f"  {row.name}"]
    assert (row.provider, row.request_model, row.operation) == ("anthropic", "claude-x", "chat")
    assert (row.input_tokens, row.cached_tokens, row.cache_write_tokens, row.output_tokens) == (130, 100, 20, 7)
    assert row.response_id.startswith("msg_")
    assert [message["parts"] for message in row.input] == [[{"type": "text", "content": "secret hello"}]]
    assert row.output[0]["parts"] == [{"type": "text", "content": "secret answer"}]


async def test_parallel_calls_lie_where_they_were_made(made, outline) -> None:
    tracer.instrument("anthropic")

    async def one(name: str) -> None:
        with tracer.span(name):
            await call(made, "async", "whole")

    with tracer.span("mine"):
        await asyncio.gather(*map(one, "abc"))
    lines = outline()
    assert lines[:1] + lines[1::2] == ["mine", "  a", "  b", "  c"]
    assert len({line for line in lines[2::2] if line.startswith("    ")}) == 1


async def test_without_content_none_is_told(made, spans) -> None:
    tracer.configure(capture_content=False)
    tracer.instrument("anthropic")
    await call(made, "sync", "whole")
    assert "secret" not in repr(spans())


async def test_the_programs_own_telemetry_stays_as_it_is(made, spans) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    otel.set_tracer_provider(provider)
    environ = dict(os.environ)

    class Client(anthropic.DefaultHttpxClient):
        def send(self, *args, **kwargs):
            with provider.get_tracer("theirs").start_as_current_span("http"):
                return super().send(*args, **kwargs)

    def exported() -> list[tuple[str, str | None]]:
        """The program's spans of one call, each with the name of its parent."""
        exporter.clear()
        with provider.get_tracer("theirs").start_as_current_span("request"):
            anthropic.Anthropic(**made, http_client=Client()).messages.create(**ASKED)
        done = exporter.get_finished_spans()
        names = {span.context.span_id: span.name for span in done}
        return [(span.name, span.parent and names[span.parent.span_id]) for span in done]

    without = exported()
    tracer.instrument("anthropic")
    assert exported() == without
    assert os.environ == environ
    assert [row.kind for row in spans()] == ["llm"]


async def test_it_can_be_switched_off(made, spans) -> None:
    tracer.instrument("anthropic")
    tracer.uninstrument("anthropic")
    await call(made, "sync", "whole")
    assert spans() == []
