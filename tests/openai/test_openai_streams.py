"""A streamed answer is recorded as it was: whole, or as far as it came and why, and at its own pace."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest

from tracer import instrument, span
from tracer.demo.server import LoopbackServer, Reply, Usage
from tracer.recorder import now_ns
from tracer.span_row import SpanRow

pytestmark = pytest.mark.filterwarnings("error")

Spans = Callable[[], list[SpanRow]]

# The first releases of openai 2 pass on what breaks in the middle of a stream as it comes from httpx.
BROKEN = (openai.APIConnectionError, httpx.ReadError)
TIMED_OUT = (openai.APITimeoutError, httpx.ReadTimeout)

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "How deep is the well?"}]}
RESPONSES = {"model": "gpt-4o-mini", "input": "How deep is the well?"}
ANSWER = "Twelve metres, when the summer was dry."


@pytest.fixture(autouse=True)
def recorded(spans: Spans) -> None:
    instrument("openai")


def told(span: SpanRow) -> list[str]:
    return [part["content"] for part in span.output[0]["parts"]] if span.output else []


@pytest.mark.parametrize(
    "reply",
    [
        Reply(text=ANSWER),
        Reply(text=ANSWER, compressed=True),
        Reply(refusal="I cannot measure wells."),
        Reply(text="I look.", tool_calls=[("measure", {"unit": "m"}), ("measure", '{"unit":')]),
        Reply(text="Twelve", finish_reason="length"),
        Reply(text=ANSWER, alternatives=["Eleven metres.", "Who knows?"]),
        Reply(text="Tief: 12 m – “ziemlich” 🪣", usage=Usage(9, 8, cached_tokens=7, reasoning_tokens=6)),
    ],
    ids=["text", "compressed", "refusal", "tool calls", "length", "choices", "usage"],
)
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_stream_is_recorded_like_the_whole_answer(
    api: str, reply: Reply, client: openai.OpenAI, server: LoopbackServer, spans: Spans
) -> None:
    server.script(reply, reply)
    if api == "chat":
        request = {**CHAT, "n": 1 + len(reply.alternatives)}
        client.chat.completions.create(**request)
        for _ in client.chat.completions.create(**request, stream=True, stream_options={"include_usage": True}):
            pass
    else:
        client.responses.create(**RESPONSES)
        for _ in client.responses.create(**RESPONSES, stream=True):
            pass

    whole, streamed = spans()
    assert (whole.stream, streamed.stream) == (False, True)
    assert without_number(streamed.output) == without_number(whole.output)
    for name in ("status", "finish_reasons", "response_model", "usage_source", "input_tokens", "output_tokens"):
        assert getattr(streamed, name) == getattr(whole, name) is not None, name
    assert (streamed.cached_tokens, streamed.reasoning_tokens) == (whole.cached_tokens, whole.reasoning_tokens)


def without_number(output: Any) -> Any:
    """The loopback server puts the number of the request in the ids of tool calls."""
    for message in output:
        for part in message["parts"]:
            part.pop("id", None)
    return output


def test_nothing_is_read_ahead_and_the_first_content_is_timed_when_it_comes(
    client: openai.OpenAI, server: LoopbackServer, spans: Spans
) -> None:
    """The server sends nothing after the first event until the program has had it."""
    released = threading.Event()
    server.script(Reply(text=ANSWER, hold=released, hold_after=1))
    events = iter(client.chat.completions.create(**CHAT, stream=True))
    assert next(events).choices[0].delta.role == "assistant"
    released_at = now_ns()
    released.set()
    assert next(events).choices[0].delta.content == "Twelve"
    seen_at = now_ns()
    for _ in events:
        pass

    [recorded] = spans()
    assert recorded.ttft_ns is not None
    assert released_at < recorded.start_ns + recorded.ttft_ns < seen_at


def test_what_the_program_does_between_events_is_not_inside_the_call(
    client: openai.OpenAI, server: LoopbackServer, outline: Callable[[], list[str]]
) -> None:
    server.script(Reply(text="Twelve metres."))
    with span("answer"):
        for chunk in client.chat.completions.create(**CHAT, stream=True):
            if chunk.choices[0].delta.content:
                with span("show"):
                    pass

    assert outline() == ["answer", "  chat gpt-4o-mini", "  show", "  show"]


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_stream_that_is_dropped_unfinished_is_cancelled(
    api: str, client: openai.OpenAI, server: LoopbackServer, spans: Spans
) -> None:
    server.script(Reply(text=ANSWER))
    if api == "chat":
        events = iter(client.chat.completions.create(**CHAT, stream=True))
    else:
        events = iter(client.responses.create(**RESPONSES, stream=True))
    while "Twelve" not in str(next(events)):
        pass
    del events
    gc.collect()

    [recorded] = spans()
    assert recorded.status == "CANCELLED"
    assert told(recorded) == ["Twelve"]
    assert recorded.finish_reasons is None


def test_a_stream_that_nobody_looks_at_is_cancelled(client: openai.OpenAI, spans: Spans) -> None:
    client.chat.completions.create(**CHAT, stream=True).close()
    client.chat.completions.with_raw_response.create(**CHAT, stream=True).http_response.close()
    client.chat.completions.create(**CHAT, stream=True)
    gc.collect()

    assert [recorded.status for recorded in spans()] == ["CANCELLED", "CANCELLED", "CANCELLED"]


def test_an_answer_that_comes_whole_though_a_stream_was_asked_for_is_recorded(
    client: openai.OpenAI, server: LoopbackServer, spans: Spans
) -> None:
    message = {"role": "assistant", "content": ANSWER}
    server.script(Reply(body={"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}))
    assert list(client.chat.completions.create(**CHAT, stream=True)) == []

    [recorded] = spans()
    assert (recorded.status, recorded.stream, told(recorded)) == ("OK", True, [ANSWER])


def test_a_stream_that_the_programs_http_client_has_read_already_is_recorded(
    server: LoopbackServer, spans: Spans
) -> None:
    server.script(Reply(text=ANSWER))
    http_client = httpx.Client(event_hooks={"response": [lambda response: response.read()]})
    with openai.OpenAI(base_url=server.base_url, api_key="any", http_client=http_client) as client:
        said = [chunk.choices[0].delta.content or "" for chunk in client.chat.completions.create(**CHAT, stream=True)]

    [recorded] = spans()
    assert (recorded.status, recorded.ttft_ns, told(recorded)) == ("OK", None, ["".join(said)])


def test_who_stops_at_the_finish_reason_has_the_whole_answer(
    client: openai.OpenAI, server: LoopbackServer, spans: Spans
) -> None:
    server.script(Reply(text=ANSWER))
    with client.chat.completions.create(**CHAT, stream=True) as events:
        for event in events:
            if event.choices[0].finish_reason:
                break

    [recorded] = spans()
    assert (recorded.status, recorded.finish_reasons, told(recorded)) == ("OK", ["stop"], [ANSWER])


def test_a_connection_that_breaks_is_an_error_with_what_had_come(
    client: openai.OpenAI, server: LoopbackServer, spans: Spans
) -> None:
    server.script(Reply(text=ANSWER, cut_after=3), Reply(text=ANSWER, cut_after=0))
    with pytest.raises(BROKEN):
        list(client.chat.completions.create(**CHAT, stream=True))
    with pytest.raises(openai.APIConnectionError):
        client.chat.completions.create(**CHAT, stream=True)

    broken, refused = spans()
    assert (broken.status, told(broken)) == ("ERROR", ["Twelve metres,"])
    assert "Connection reset" in broken.status_message
    assert (refused.status, refused.error_type, refused.output) == ("ERROR", "openai.APIConnectionError", None)


def test_an_error_in_the_middle_of_a_stream_is_an_error(
    client: openai.OpenAI, server: LoopbackServer, spans: Spans
) -> None:
    failing = Reply(text=ANSWER, error_after=3, error={"message": "The well is dry.", "code": "dry_well"})
    server.script(failing, failing)
    with pytest.raises(openai.APIError, match=r"The well is dry."):
        list(client.chat.completions.create(**CHAT, stream=True))
    list(client.responses.create(**RESPONSES, stream=True))
    gc.collect()  # the first releases of openai 2 leave a stream open that had an error in it

    chat, responses = spans()
    assert (chat.status, chat.error_type, chat.status_message) == ("ERROR", "dry_well", "The well is dry.")
    assert told(chat) == ["Twelve metres,"]
    assert (responses.status, responses.status_message) == ("ERROR", "The well is dry.")
    assert responses.finish_reasons == ["error"]


@pytest.mark.parametrize("compressed", [False, True], ids=["as it is", "compressed"])
def test_a_stream_that_ends_before_its_end_is_incomplete(
    compressed: bool, client: openai.OpenAI, server: LoopbackServer, spans: Spans
) -> None:
    server.script(*[Reply(text=ANSWER, end_after=count, compressed=compressed) for count in (3, 6)])
    list(client.chat.completions.create(**CHAT, stream=True))
    list(client.responses.create(**RESPONSES, stream=True))

    assert [(recorded.status, told(recorded)) for recorded in spans()] == [
        ("INCOMPLETE", ["Twelve metres,"]),
        ("INCOMPLETE", ["Twelve metres,"]),
    ]


def test_a_timeout_is_an_error_before_the_answer_and_in_it(
    client: openai.OpenAI, server: LoopbackServer, spans: Spans
) -> None:
    never = threading.Event()
    server.script(Reply(text=ANSWER, hold=never), Reply(text=ANSWER, hold=never, hold_after=3))
    impatient = client.with_options(timeout=0.2)
    with pytest.raises(openai.APITimeoutError):
        impatient.chat.completions.create(**CHAT)
    with pytest.raises(TIMED_OUT):
        list(impatient.chat.completions.create(**CHAT, stream=True))
    never.set()

    before, during = spans()
    assert (before.status, before.error_type) == ("ERROR", "openai.APITimeoutError")
    assert (during.status, told(during)) == ("ERROR", ["Twelve metres,"])
    assert during.error_type.endswith("ReadTimeout")


@pytest.mark.parametrize("sent", [0, 3], ids=["before the answer", "in the answer"])
async def test_a_cancelled_task_cancels_its_call(sent: int, server: LoopbackServer, spans: Spans) -> None:
    never = threading.Event()
    server.script(Reply(text=ANSWER, hold=never, hold_after=sent))
    seen: asyncio.Queue[None] = asyncio.Queue()

    async def answer() -> None:
        async with openai.AsyncOpenAI(base_url=server.base_url, api_key="any") as client:
            async for _ in await client.chat.completions.create(**CHAT, stream=True):
                seen.put_nowait(None)

    task = asyncio.create_task(answer())
    for _ in range(sent):
        await seen.get()
    while not server.requests:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    never.set()

    [recorded] = spans()
    assert recorded.status == "CANCELLED"
    assert told(recorded) == (["Twelve metres,"] if sent else [])


def test_an_async_stream_that_outlives_its_loop_is_cancelled(server: LoopbackServer, spans: Spans) -> None:
    server.script(Reply(text=ANSWER))

    async def begin() -> None:
        client = openai.AsyncOpenAI(base_url=server.base_url, api_key="any")
        async for _ in await client.chat.completions.create(**CHAT, stream=True):
            break
        await client.close()

    asyncio.run(begin())
    gc.collect()

    assert [recorded.status for recorded in spans()] == ["CANCELLED"]


async def test_streams_that_run_at_once_do_not_mix(server: LoopbackServer, spans: Spans) -> None:
    texts = [f"Well {number} is {number} metres deep." for number in range(8)]
    async with openai.AsyncOpenAI(base_url=server.base_url, api_key="any") as client:

        async def answer(text: str) -> str:
            with span(text):
                stream = await client.chat.completions.create(
                    model="gpt-4o-mini", messages=[{"role": "user", "content": text}], stream=True
                )
                return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

        answers = await asyncio.gather(*map(answer, texts))

    recorded = spans()
    names = {row.span_id: row.name for row in recorded}
    calls = {names[row.parent_id]: row for row in recorded if row.kind == "llm"}
    assert [told(calls[text]) for text in texts] == [[answer] for answer in answers]
    assert [calls[text].input[0]["parts"][0]["content"] for text in texts] == texts
