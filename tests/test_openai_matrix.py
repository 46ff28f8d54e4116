"""Every surface in every way of calling it: one true span, and for the program the same as without us.

The real client talks real HTTP to the loopback server. Each cell runs twice, untraced and traced, against servers
that answer alike.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import openai
import pytest

from tracer import instrument
from tracer.demo.server import LoopbackServer, Reply, Usage
from tracer.span_row import SpanRow

pytestmark = pytest.mark.filterwarnings("error")

QUESTION = "Where does the water of a well come from?"
ANSWER = "From the ground, where rain has gathered."
USAGE = Usage(120, 30, cached_tokens=64, reasoning_tokens=10)


@dataclass(frozen=True)
class Case:
    resource: Callable[[Any], Any]
    request: dict[str, Any]
    input: list[Any]
    streams: bool = True


CASES = {
    "chat": Case(
        lambda client: client.chat.completions,
        {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": QUESTION}], "temperature": 0.5},
        [{"role": "user", "parts": [{"type": "text", "content": QUESTION}]}],
    ),
    "responses": Case(
        lambda client: client.responses,
        {"model": "gpt-4o-mini", "input": QUESTION, "temperature": 0.5},
        [{"role": "user", "parts": [{"type": "text", "content": QUESTION}]}],
    ),
    "embeddings": Case(
        lambda client: client.embeddings,
        {"model": "text-embedding-3-small", "input": [QUESTION, ANSWER]},
        [QUESTION, ANSWER],
        streams=False,
    ),
}
WAYS = ["plain", "stream", "raw", "raw stream", "streaming response", "streaming response of events"]
OUTCOMES = ["ok", "error", "early close"]
READ_BEFORE_IT_RETURNS = ("plain", "raw")

CELLS = [
    pytest.param(surface, is_async, way, outcome, id=f"{surface}-{'async' if is_async else 'sync'}-{way}-{outcome}")
    for surface, case in CASES.items()
    for is_async in (False, True)
    for way in WAYS
    for outcome in OUTCOMES
    if (case.streams or "stream" not in way or way == "streaming response")
    and not (outcome == "early close" and way in READ_BEFORE_IT_RETURNS)
]


@pytest.mark.parametrize(("surface", "is_async", "way", "outcome"), CELLS)
def test_each_call_is_one_true_span_and_nothing_changes_for_the_program(
    surface: str, is_async: bool, way: str, outcome: str, spans: Callable[[], list[SpanRow]]
) -> None:
    case = CASES[surface]
    untraced, _ = run(case, is_async, way, outcome)
    instrument("openai")
    traced, server = run(case, is_async, way, outcome)

    assert traced == untraced
    [span] = spans()
    [request] = server.requests
    is_event_stream = way in ("stream", "raw stream", "streaming response of events")
    assert span.status == {"ok": "OK", "error": "ERROR", "early close": "CANCELLED"}[outcome]
    assert span.name == f"{span.operation} {case.request['model']}"
    assert span.kind == ("llm" if case.streams else "embedding")
    assert span.operation == ("chat" if case.streams else "embeddings")
    assert span.provider == "openai"
    assert span.request_model == request.body["model"]
    assert span.request_id == "req_000001"
    assert span.retries == 0
    assert span.stream == (is_event_stream if case.streams else None)
    assert span.input == case.input
    told = {"model", "messages", "input", "stream"}
    assert span.request_parameters == {name: value for name, value in request.body.items() if name not in told}
    assert span.attributes["http.response.status_code"] == (400 if outcome == "error" else 200)
    assert span.attributes["server.address"] == "127.0.0.1"
    assert (span.ttft_ns is not None) == (is_event_stream and outcome != "error")
    if outcome == "error":
        assert span.error_type == "openai.BadRequestError"
        assert "The question is too deep." in span.status_message
        assert span.output is None
    elif outcome == "early close":
        assert span.input_tokens is None
        assert told_text(span) == ("From" if is_event_stream else None)
    elif case.streams:
        assert told_text(span) == ANSWER
        assert span.finish_reasons == ["stop"]
        assert tokens(span) == (120, 30, 64, 10)
        assert span.usage_source == "api"
        assert span.response_model == "gpt-4o-mini-2024-07-18"
    else:
        assert span.output == {"count": 2, "dimensions": 1536}
        assert span.input_tokens == 120


def told_text(span: SpanRow) -> str | None:
    return span.output[0]["parts"][0]["content"] if span.output else None


def tokens(span: SpanRow) -> tuple[int | None, ...]:
    return span.input_tokens, span.output_tokens, span.cached_tokens, span.reasoning_tokens


def run(case: Case, is_async: bool, way: str, outcome: str) -> tuple[list[Any], LoopbackServer]:
    """Make the call against a new server; return all that the program gets to see, and the server."""
    reply = Reply(text=ANSWER, usage=USAGE)
    if outcome == "error":
        reply = Reply(status=400, error="The question is too deep.")
    with LoopbackServer() as server:
        server.script(reply)
        seen = asyncio.run(see_async(server, case, way, outcome)) if is_async else see(server, case, way, outcome)
    return [without_times(item) for item in seen], server


def see(server: LoopbackServer, case: Case, way: str, outcome: str) -> list[Any]:
    with openai.OpenAI(base_url=server.base_url, api_key="any") as client:
        try:
            return list(CALLS[way](case.resource(client), request(case, way), outcome))
        except openai.APIError as error:
            return [type(error), error]


async def see_async(server: LoopbackServer, case: Case, way: str, outcome: str) -> list[Any]:
    async with openai.AsyncOpenAI(base_url=server.base_url, api_key="any") as client:
        try:
            return [seen async for seen in ASYNC_CALLS[way](case.resource(client), request(case, way), outcome)]
        except openai.APIError as error:
            return [type(error), error]


def request(case: Case, way: str) -> dict[str, Any]:
    if way not in ("stream", "raw stream", "streaming response of events"):
        return case.request
    options = {"stream_options": {"include_usage": True}} if "messages" in case.request else {}
    return {**case.request, "stream": True, **options}


def plain(resource, request, outcome):
    result = resource.create(**request)
    yield from (type(result), result, result._request_id)


def stream(resource, request, outcome):
    with resource.create(**request) as events:
        yield from (type(events), type(events.response))
        for event in events:
            yield from (type(event), event)
            if outcome == "early close" and "From" in str(event):
                break


def raw(resource, request, outcome):
    response = resource.with_raw_response.create(**request)
    yield from (type(response), response.retries_taken, response.http_response.is_closed, response.parse())


def raw_stream(resource, request, outcome):
    response = resource.with_raw_response.create(**request)
    yield from (type(response), response.http_response.is_closed)
    for event in (events := response.parse()):
        yield from (type(events), event)
        if outcome == "early close" and "From" in str(event):
            events.close()
            break


def streaming_response(resource, request, outcome):
    with resource.with_streaming_response.create(**request) as response:
        yield from (type(response), response.http_response.is_closed)
        if outcome == "ok":
            yield from (response.parse(), response.read() == response.http_response.content)
    yield response.http_response.elapsed.total_seconds() > 0


def streaming_response_of_events(resource, request, outcome):
    with resource.with_streaming_response.create(**request) as response:
        yield type(response)
        for line in response.iter_lines():
            yield line
            if outcome == "early close" and '"From"' in line:
                break


async def plain_async(resource, request, outcome):
    result = await resource.create(**request)
    for seen in (type(result), result, result._request_id):
        yield seen


async def stream_async(resource, request, outcome):
    async with await resource.create(**request) as events:
        yield type(events)
        async for event in events:
            yield type(event)
            yield event
            if outcome == "early close" and "From" in str(event):
                break


async def raw_async(resource, request, outcome):
    response = await resource.with_raw_response.create(**request)
    for seen in (type(response), response.retries_taken, response.http_response.is_closed, response.parse()):
        yield seen


async def raw_stream_async(resource, request, outcome):
    response = await resource.with_raw_response.create(**request)
    yield type(response)
    async for event in (events := response.parse()):
        yield event
        if outcome == "early close" and "From" in str(event):
            await events.close()
            break


async def streaming_response_async(resource, request, outcome):
    async with resource.with_streaming_response.create(**request) as response:
        yield type(response)
        if outcome == "ok":
            yield await response.parse()
    yield response.http_response.elapsed.total_seconds() > 0


async def streaming_response_of_events_async(resource, request, outcome):
    async with resource.with_streaming_response.create(**request) as response:
        yield type(response)
        async for line in response.iter_lines():
            yield line
            if outcome == "early close" and '"From"' in line:
                break


CALLS = dict(zip(WAYS, [plain, stream, raw, raw_stream, streaming_response, streaming_response_of_events], strict=True))
ASYNC_CALLS = dict(
    zip(
        WAYS,
        [
            plain_async,
            stream_async,
            raw_async,
            raw_stream_async,
            streaming_response_async,
            streaming_response_of_events_async,
        ],
        strict=True,
    )
)


def without_times(seen: Any) -> Any:
    return seen if isinstance(seen, type) else re.sub(r"created(_at)?\W+[\d.]+", "created", repr(seen))
