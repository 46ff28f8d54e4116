"""All ways into the API lead to one span each: helpers, retries, other servers and clients, and frameworks above."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import openai
import pydantic
import pytest
from openai._base_client import AsyncAPIClient, SyncAPIClient

import tracer
from tracer import instrument, span, uninstrument
from tracer.demo.server import LoopbackServer, Reply, Usage
from tracer.integrations import model_calls
from tracer.recorder import start_span
from tracer.span_row import SpanRow
from tracer.store import Store

pytestmark = pytest.mark.filterwarnings("error")

Spans = Callable[[], list[SpanRow]]

QUESTION = [{"role": "user", "content": "How deep is the well?"}]
CHAT = {"model": "gpt-4o-mini", "messages": QUESTION}


class Depth(pydantic.BaseModel):
    metres: int


@pytest.fixture(autouse=True)
def recorded(spans: Spans) -> None:
    instrument("openai")


@pytest.fixture
def client(server: LoopbackServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.base_url, api_key="any") as client:
        yield client


def told(span: SpanRow) -> list[str]:
    return [part["content"] for part in span.output[0]["parts"]]


def test_the_tries_of_a_call_are_one_span(client: openai.OpenAI, server: LoopbackServer, spans: Spans) -> None:
    server.script(Reply(status=429), Reply(cut_after=0), Reply(text="Twelve metres."))
    client.with_options(max_retries=3).chat.completions.create(**CHAT)

    [recorded] = spans()
    assert (recorded.status, recorded.retries, recorded.request_id) == ("OK", 2, "req_000003")
    assert told(recorded) == ["Twelve metres."]


def test_a_call_that_never_succeeds_tells_its_last_try(
    client: openai.OpenAI, server: LoopbackServer, spans: Spans
) -> None:
    server.script(Reply(status=500), Reply(status=429))
    with pytest.raises(openai.RateLimitError):
        client.with_options(max_retries=1).chat.completions.create(**CHAT)

    [recorded] = spans()
    assert (recorded.status, recorded.error_type, recorded.retries) == ("ERROR", "openai.RateLimitError", 1)
    assert recorded.request_id == "req_000002"
    assert recorded.attributes["http.response.status_code"] == 429
    assert recorded.events[0]["attributes"]["exception.type"] == "openai.RateLimitError"


def test_a_server_that_is_not_there_is_an_error(server: LoopbackServer, spans: Spans) -> None:
    with (
        openai.OpenAI(base_url="http://127.0.0.1:9/v1", api_key="any", max_retries=0) as client,
        pytest.raises(openai.APIConnectionError),
    ):
        client.embeddings.create(model="text-embedding-3-small", input="well")

    [recorded] = spans()
    assert (recorded.status, recorded.error_type) == ("ERROR", "openai.APIConnectionError")
    assert "ConnectError" in recorded.events[0]["attributes"]["exception.stacktrace"]


def test_helpers_return_what_they_parse_and_record_the_schema(
    client: openai.OpenAI, server: LoopbackServer, spans: Spans
) -> None:
    server.script(*[Reply(text='{"metres": 12}')] * 4)
    parsed = client.chat.completions.parse(**CHAT, response_format=Depth)
    with client.chat.completions.stream(**CHAT, response_format=Depth) as events:
        streamed = events.get_final_completion()
    response = client.responses.parse(model="gpt-4o-mini", input="How deep?", text_format=Depth)
    with client.responses.stream(model="gpt-4o-mini", input="How deep?", text_format=Depth) as events:
        final = events.get_final_response()

    assert parsed.choices[0].message.parsed == streamed.choices[0].message.parsed == Depth(metres=12)
    assert response.output_parsed == final.output_parsed == Depth(metres=12)
    recorded = spans()
    assert [(row.status, row.stream, told(row)) for row in recorded] == [
        ("OK", False, ['{"metres": 12}']),
        ("OK", True, ['{"metres": 12}']),
        ("OK", False, ['{"metres": 12}']),
        ("OK", True, ['{"metres": 12}']),
    ]
    assert [row.attributes["openai.api.type"] for row in recorded] == ["chat_completions"] * 2 + ["responses"] * 2
    assert recorded[0].request_parameters["response_format"]["json_schema"]["name"] == "Depth"
    assert recorded[2].request_parameters["text"]["format"]["name"] == "Depth"


def test_an_answer_that_the_helper_refuses_is_an_error_with_its_tokens(
    client: openai.OpenAI, server: LoopbackServer, spans: Spans
) -> None:
    server.script(Reply(text='{"metr', finish_reason="length", usage=Usage(10, 5)))
    with pytest.raises(openai.LengthFinishReasonError):
        client.chat.completions.parse(**CHAT, response_format=Depth)

    [recorded] = spans()
    assert (recorded.status, recorded.error_type) == ("ERROR", "openai.LengthFinishReasonError")
    assert (recorded.output_tokens, recorded.finish_reasons, told(recorded)) == (5, ["length"], ['{"metr'])


def test_every_client_is_recorded_in_the_way_it_is_called(server: LoopbackServer, spans: Spans) -> None:
    server.script(*[Reply(text="Twelve metres.")] * 4)
    with (
        openai.OpenAI(base_url=server.base_url, api_key="any") as client,
        openai.AzureOpenAI(azure_endpoint=server.url, api_key="any", api_version="2024-10-21") as azure,
        openai.OpenAI(base_url=server.base_url, api_key="any", http_client=httpx.Client()) as legacy,
    ):
        client.copy(timeout=5).chat.completions.create(**CHAT)
        client.post("/chat/completions", body=CHAT, cast_to=object)
        azure.chat.completions.create(**CHAT)
        for _ in legacy.chat.completions.create(**CHAT, stream=True):
            pass

    assert [request.path for request in server.requests] == [
        "/v1/chat/completions",
        "/v1/chat/completions",
        "/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21",
        "/v1/chat/completions",
    ]
    assert [(row.provider, row.status, told(row)) for row in spans()] == [
        ("openai", "OK", ["Twelve metres."]),
        ("openai", "OK", ["Twelve metres."]),
        ("azure.ai.openai", "OK", ["Twelve metres."]),
        ("openai", "OK", ["Twelve metres."]),
    ]


async def test_a_legacy_http_client_streams_as_before(server: LoopbackServer, spans: Spans) -> None:
    server.script(Reply(text="Twelve metres."))
    legacy = httpx.AsyncClient()
    async with openai.AsyncOpenAI(base_url=server.base_url, api_key="any", http_client=legacy) as client:
        stream = await client.chat.completions.create(**CHAT, stream=True)
        said = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    [recorded] = spans()
    assert isinstance(stream.response, httpx.Response)
    assert stream.response.elapsed.total_seconds() > 0
    assert (recorded.status, told(recorded)) == ("OK", [said])


def test_a_request_inside_a_call_is_not_that_call(server: LoopbackServer, spans: Spans) -> None:
    """As when a token is fetched for it."""
    server.script(Reply(), Reply(text="Twelve metres."))

    def token() -> str:
        with openai.OpenAI(base_url=server.base_url, api_key="any") as other:
            return other.models.list().data[0].id

    with openai.OpenAI(base_url=server.base_url, api_key=token) as client:
        list(client.chat.completions.create(**CHAT, stream=True))

    recorded, inner = spans()
    assert (recorded.status, recorded.request_id, told(recorded)) == ("OK", "req_000002", ["Twelve metres."])
    assert (inner.name, inner.request_id, inner.parent_id) == ("GET /models", "req_000001", recorded.span_id)


def test_all_that_was_sent_is_there_to_be_sent_again(
    client: openai.OpenAI, server: LoopbackServer, spans: Spans, store: Store
) -> None:
    server.script(Reply(tool_calls=[("measure", {"unit": "m"})]), Reply(text="Twelve metres."))
    tool = {"type": "function", "function": {"name": "measure", "parameters": {"type": "object"}}}
    picture = f"data:image/png;base64,{base64.b64encode(b'well').decode()}"
    messages: list[Any] = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": picture}}]}]
    asked = {"model": "gpt-4o", "tools": [tool], "seed": 7, "stop": openai.NOT_GIVEN, "extra_body": {"top_k": 3}}
    answer = client.chat.completions.create(**asked, messages=messages).choices[0].message
    messages.append(answer)
    messages.append({"role": "tool", "tool_call_id": answer.tool_calls[0].id, "content": "12"})
    client.chat.completions.create(**asked, messages=messages)

    first, second = spans()
    assert first.request_parameters == {"seed": 7, "top_k": 3}
    assert first.tool_definitions == [{"type": "function", "name": "measure", "parameters": {"type": "object"}}]
    call = {"type": "tool_call", "id": answer.tool_calls[0].id, "name": "measure", "arguments": {"unit": "m"}}
    assert first.output == [{"role": "assistant", "parts": [call], "finish_reason": "tool_calls"}]
    hash = hashlib.sha256(b"well").hexdigest()
    assert store.attachment(hash).bytes == b"well"
    blob = {"type": "blob", "modality": "image", "mime_type": "image/png", "attachment": hash, "bytes": 4}
    assert second.input == [
        {"role": "user", "parts": [blob]},
        {"role": "assistant", "parts": [call]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": call["id"], "response": "12"}]},
    ]


def test_items_of_a_response_can_be_sent_back_as_they_came(
    client: openai.OpenAI, server: LoopbackServer, spans: Spans
) -> None:
    server.script(Reply(reasoning="Measure.", tool_calls=[("measure", {})]), Reply(text="Twelve metres."))
    first = client.responses.create(model="gpt-5", input="How deep?", instructions="Be brief.")
    output = {"type": "function_call_output", "call_id": first.output[-1].call_id, "output": "12"}
    client.responses.create(model="gpt-5", input=[*first.output, output])

    asked, answered = spans()
    assert asked.system_instructions == [{"type": "text", "content": "Be brief."}]
    assert answered.input[0] == {"role": "assistant", "parts": asked.output[0]["parts"]}
    assert answered.input[1]["parts"][0]["response"] == "12"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"choices": None},
        {"choices": [{"message": None}], "usage": "many"},
        {"error": {"message": "Dry.", "code": 502}},
    ],
    ids=repr,
)
def test_a_server_with_answers_of_its_own_disturbs_nothing(
    body: dict[str, Any], client: openai.OpenAI, server: LoopbackServer, spans: Spans
) -> None:
    server.script(Reply(body=body))
    client.chat.completions.create(**CHAT)

    [recorded] = spans()
    assert recorded.status == ("ERROR" if "error" in body else "OK")
    assert recorded.status_message == (body["error"]["message"] if "error" in body else None)
    assert recorded.input_tokens is None


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_call_that_a_framework_tells_is_told_once(
    stream: bool, client: openai.OpenAI, server: LoopbackServer, spans: Spans
) -> None:
    """The framework's span keeps its own words and gets what only the client knows. The next call has its own again."""
    server.script(Reply(text="Twelve metres.", usage=Usage(9, 3)), Reply(text="Why?"))
    framework = start_span("chat", kind="llm", input="as the framework tells it")
    model_calls.announce(framework, [{"role": "user", "parts": [{"type": "text", "content": "How deep is the well?"}]}])
    answer = client.chat.completions.create(**CHAT, stream=stream)
    if stream:
        list(answer)
    assert framework.is_recording()
    framework.end()
    client.chat.completions.create(**CHAT)

    enriched, own = spans()
    assert (enriched.name, enriched.input, enriched.output) == ("chat", "as the framework tells it", None)
    assert (enriched.request_id, enriched.retries) == ("req_000001", 0)
    assert (enriched.ttft_ns is not None) == stream
    assert enriched.input_tokens == (None if stream else 9)
    assert (own.name, own.request_id) == ("chat gpt-4o-mini", "req_000002")


def test_a_framework_ends_and_fails_its_span_itself(
    client: openai.OpenAI, server: LoopbackServer, spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    server.script(Reply(status=400), Reply(text="Twelve metres."))
    framework = start_span("chat", kind="llm")
    model_calls.announce(framework, [])
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(**CHAT)
    framework.end()
    abandoned = start_span("chat", kind="llm")
    model_calls.announce(abandoned, [])
    events = client.chat.completions.create(**CHAT, stream=True)
    abandoned.end()
    events.close()

    failed, _ = spans()
    assert (failed.status, failed.error_type) == ("OK", None)
    assert failed.attributes["http.response.status_code"] == 400
    assert not caplog.records


def test_requests_made_below_nest_under_the_call(
    server: LoopbackServer, outline: Callable[[], list[str]], spans: Spans
) -> None:
    def sent(request: httpx.Request) -> None:
        with span("POST", kind="http"):
            pass

    server.script(Reply(text="Twelve metres."))
    http_client = httpx.Client(event_hooks={"request": [sent]})
    with (
        openai.OpenAI(base_url=server.base_url, api_key="any", http_client=http_client) as client,
        span("answer"),
    ):
        client.chat.completions.create(**CHAT)
        with span("after"):
            pass

    assert outline() == ["answer", "  chat gpt-4o-mini", "    POST", "  after"]


def test_nothing_is_recorded_while_recording_is_off(client: openai.OpenAI, spans: Spans) -> None:
    tracer.configure(enabled=False)
    client.chat.completions.create(**CHAT)
    tracer.configure(enabled=True)

    assert spans() == []


def test_a_coroutine_that_is_given_up_leaves_nothing_behind(server: LoopbackServer, spans: Spans) -> None:
    server.script(Reply(latency_s=5))

    async def give_up() -> None:
        async with openai.AsyncOpenAI(base_url=server.base_url, api_key="any") as client:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.chat.completions.create(**CHAT), 0.2)
            with span("after"):
                pass

    asyncio.run(give_up())

    call, after = spans()
    assert (call.status, after.parent_id) == ("CANCELLED", None)


OWNERS = (SyncAPIClient, AsyncAPIClient)


def test_uninstrument_puts_back_exactly_what_was_there() -> None:
    uninstrument()
    before = [dict(vars(owner)) for owner in OWNERS]
    instrument("openai")
    wrapped = [dict(vars(owner)) for owner in OWNERS]
    instrument("openai")
    assert [dict(vars(owner)) for owner in OWNERS] == wrapped != before
    uninstrument()
    uninstrument()

    assert [dict(vars(owner)) for owner in OWNERS] == before
