"""Every surface in every way of calling it: one true span, and for the program the same as without us.

The real clients talk real HTTP to a server on loopback. Each cell runs twice, untraced and traced: what the program
sees must be the same, and so must what the server got. The cells are what docs/coverage.md shows.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import openai
import pytest
from scripted import REQUEST_ID, Request, WireServer, json_answer
from surfaces import CASES
from surfaces.case import Case

from tracer import instrument
from tracer.span_row import SpanRow

pytestmark = [pytest.mark.filterwarnings("error"), pytest.mark.filterwarnings("ignore::DeprecationWarning")]

EVENTS = ("stream", "raw stream", "streaming response of events")
WAYS = ("plain", "raw", "streaming response", *EVENTS)
OUTCOMES = {"ok": "OK", "error": "ERROR", "early close": "CANCELLED"}
READ_BEFORE_IT_RETURNS = ("plain", "raw")
REFUSED = {"error": {"message": "The question is too deep.", "type": "invalid_request_error", "code": None}}


def ways(case: Case) -> tuple[str, ...]:
    if case.only_ways:
        return tuple(case.only_ways)
    if case.manager:
        return ("stream",)
    return WAYS if case.streaming is not None else WAYS[:3]


@dataclass(frozen=True)
class Cell:
    case: Case
    mode: str
    way: str
    outcome: str

    def method(self, client: Any, prefix: str = "") -> Callable[..., Any]:
        """The SDK's method with its arguments, or the one of its name under a prefix such as `with_raw_response`."""
        *path, name = self.case.method.split(".")
        owner = client
        for step in [*path, prefix] if prefix else path:
            owner = getattr(owner, step)
        streaming = self.case.streaming if self.way in EVENTS else None
        return partial(getattr(owner, name), *self.case.args, **self.case.request, **(streaming or {}))

    def is_left_at(self, event: Any) -> bool:
        return self.outcome == "early close" and self.case.first in str(event)


def marks(case: Case) -> list[pytest.MarkDecorator]:
    is_later = case.since and release(openai.__version__) < release(case.since)
    return [pytest.mark.skip(f"{case.method} came with openai {case.since}")] if is_later else []


def release(version: str) -> list[int]:
    return [int(number) for number in version.split(".")[:3]]


CELLS = [
    pytest.param(Cell(case, mode, way, outcome), id=f"{case.surface}-{mode}-{way}-{outcome}", marks=marks(case))
    for case in CASES
    for mode in ("sync", "async")
    for way in ways(case)
    for outcome in OUTCOMES
    if not (outcome == "early close" and way in READ_BEFORE_IT_RETURNS)
]


@dataclass
class Bench:
    """What all cells share: a server, a client of each kind, and the loop in which the asynchronous one lives."""

    server: WireServer
    client: openai.OpenAI
    async_client: openai.AsyncOpenAI
    loop: asyncio.AbstractEventLoop

    def run(self, cell: Cell) -> tuple[list[Any], list[Request]]:
        """Make the call; return all that the program gets to see, and what the server got."""
        self.server.requests.clear()
        self.server.answer = cell.case.stream_answer if cell.way in EVENTS else cell.case.answer
        if cell.outcome == "error":
            self.server.answer = json_answer(REFUSED, status=400)
        if cell.mode == "sync":
            seen = see(self.client, cell)
        else:
            seen = self.loop.run_until_complete(see_async(self.async_client, cell))
        return [plain_form(item) for item in seen], list(self.server.requests)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    loop = asyncio.new_event_loop()
    with WireServer() as server, openai.OpenAI(base_url=server.base_url, api_key="any") as client:
        async_client = openai.AsyncOpenAI(base_url=server.base_url, api_key="any")
        yield Bench(server, client, async_client, loop)
        loop.run_until_complete(async_client.close())
        loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


@pytest.mark.parametrize("cell", CELLS)
def test_each_call_is_one_true_span_and_nothing_changes_for_the_program(
    cell: Cell,
    bench: Bench,
    written: Callable[[], list[SpanRow]],
    record_property: Callable[[str, object], None],
) -> None:
    case, outcome, is_event_stream = cell.case, cell.outcome, cell.way in EVENTS
    record_property("covers", ("OpenAI", case.surface, cell.mode, cell.way, outcome))
    untraced = bench.run(cell)
    instrument("openai")
    traced = bench.run(cell)
    [request] = traced[1]
    asked = {**case.asked, "request_parameters": parameters(case, request)}

    assert traced == untraced
    [span] = written()
    assert span.status == OUTCOMES[outcome]
    assert (span.provider, span.request_id, span.retries) == ("openai", REQUEST_ID, 0)
    assert said(span, "http.response.status_code") == (400 if outcome == "error" else 200)
    assert said(span, "server.address") == "127.0.0.1"
    if outcome == "error":
        assert span.error_type == "openai.BadRequestError"
        assert "The question is too deep." in span.status_message
        assert_says(span, {**asked, "output": None, "counts": {}})
    elif outcome == "ok":
        assert_says(span, {**asked, **case.told})
        assert span.usage_source == ("api" if case.told["counts"] else None)
    elif is_event_stream:
        assert_says(span, {**asked, **case.broken, "counts": {}})
    else:
        assert_says(span, {**asked, "output": None, "counts": {}})
    if case.streaming is not None:
        assert span.stream == is_event_stream
        assert (span.ttft_ns is not None) == (is_event_stream and outcome != "error")


def parameters(case: Case, request: Request) -> dict[str, Any] | None:
    """What is to be known of a model call beside its model and what it says: all else that went over the wire."""
    if case.asked["kind"] in ("http", "agent"):
        return None
    sent = request.json if request.content_type == "application/json" else {}
    elsewhere = ("model", "stream", "messages", "input", "tools", "instructions", "prompt", "query")
    return case.asked.get("request_parameters", {}) | {key: sent[key] for key in sent if key not in elsewhere}


def assert_says(span: SpanRow, facts: dict[str, Any]) -> None:
    assert {name: with_hashes(said(span, name)) for name in facts} == with_hashes(facts)


def said(span: SpanRow, name: str) -> Any:
    """What a span says under the name of a column or of an attribute, or of all its counts of tokens."""
    if name == "counts":
        counted = {column: getattr(span, column) for column in SpanRow.__slots__ if column.endswith("_tokens")}
        counted |= {key: value for key, value in span.attributes.items() if key.startswith("gen_ai.usage.")}
        return {name: count for name, count in counted.items() if count is not None}
    return getattr(span, name) if name in SpanRow.__slots__ else span.attributes.get(name)


def with_hashes(value: Any) -> Any:
    """The value with the hash of each blob in the place of its content, whether that stands in it or beside it."""
    if isinstance(value, list):
        return [with_hashes(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") == "blob":
        facts = {name: fact for name, fact in value.items() if name not in ("content", "attachment", "bytes")}
        content = value.get("content")
        digest = hashlib.sha256(base64.b64decode(content)).hexdigest() if content else value["attachment"]
        return {**facts, "sha256": digest}
    return {name: with_hashes(item) for name, item in value.items()}


def plain_form(seen: Any) -> Any:
    """What a program saw, in a form that two runs can be compared by."""
    if isinstance(seen, type | bytes | str | int):
        return seen
    return type(seen), seen.content if hasattr(seen, "iter_bytes") else repr(seen)


def see(client: openai.OpenAI, cell: Cell) -> list[Any]:
    try:
        return list(CALLS[cell.way](client, cell))
    except openai.APIError as error:
        return [type(error), error]


async def see_async(client: openai.AsyncOpenAI, cell: Cell) -> list[Any]:
    try:
        return [seen async for seen in ASYNC_CALLS[cell.way](client, cell)]
    except openai.APIError as error:
        return [type(error), error]


def plain(client, cell):
    result = cell.method(client)()
    yield from (type(result), result, getattr(result, "_request_id", ""))


def stream(client, cell):
    with cell.method(client)() as events:
        yield type(events)
        for event in events:
            yield from (type(event), event)
            if cell.is_left_at(event):
                break


def raw(client, cell):
    response = cell.method(client, "with_raw_response")()
    yield from (type(response), response.retries_taken, response.http_response.is_closed, response.parse())


def raw_stream(client, cell):
    response = cell.method(client, "with_raw_response")()
    yield from (type(response), response.http_response.is_closed)
    for event in (events := response.parse()):
        yield from (type(events), event)
        if cell.is_left_at(event):
            events.close()
            break


def streaming_response(client, cell):
    with cell.method(client, "with_streaming_response")() as response:
        yield from (type(response), response.http_response.is_closed)
        if cell.outcome == "ok":
            yield from (response.read(), response.parse())
    yield response.http_response.elapsed.total_seconds() > 0


def streaming_response_of_events(client, cell):
    with cell.method(client, "with_streaming_response")() as response:
        yield type(response)
        for line in response.iter_lines():
            yield line
            if line.startswith("data") and cell.is_left_at(line):
                break


async def plain_async(client, cell):
    result = await cell.method(client)()
    for seen in (type(result), result, getattr(result, "_request_id", "")):
        yield seen


async def stream_async(client, cell):
    made = cell.method(client)()
    async with made if cell.case.manager else await made as events:
        yield type(events)
        async for event in events:
            yield type(event)
            yield event
            if cell.is_left_at(event):
                break


async def raw_async(client, cell):
    response = await cell.method(client, "with_raw_response")()
    for seen in (type(response), response.retries_taken, response.http_response.is_closed, response.parse()):
        yield seen


async def raw_stream_async(client, cell):
    response = await cell.method(client, "with_raw_response")()
    yield type(response)
    async for event in (events := response.parse()):
        yield event
        if cell.is_left_at(event):
            await events.close()
            break


async def streaming_response_async(client, cell):
    async with cell.method(client, "with_streaming_response")() as response:
        yield type(response)
        if cell.outcome == "ok":
            yield await response.read()
            yield await response.parse()
    yield response.http_response.elapsed.total_seconds() > 0


async def streaming_response_of_events_async(client, cell):
    async with cell.method(client, "with_streaming_response")() as response:
        yield type(response)
        async for line in response.iter_lines():
            yield line
            if line.startswith("data") and cell.is_left_at(line):
                break


CALLS = {
    "plain": plain,
    "raw": raw,
    "streaming response": streaming_response,
    "stream": stream,
    "raw stream": raw_stream,
    "streaming response of events": streaming_response_of_events,
}
ASYNC_CALLS = {
    "plain": plain_async,
    "raw": raw_async,
    "streaming response": streaming_response_async,
    "stream": stream_async,
    "raw stream": raw_stream_async,
    "streaming response of events": streaming_response_of_events_async,
}
