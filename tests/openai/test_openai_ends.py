"""However a call ends, its span says so truly, and the program sees what it would have seen without us.

Each way of ending is played twice by a server of bare sockets, untraced and traced: the same values, the same
exceptions with their causes, and as many requests.
"""

from __future__ import annotations

import asyncio
import gc
import re
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import openai
import pytest
from misbehaving import CLOSE, HANG, LAST_CHUNK, RESET, Step, Wire, answer, event, stream_head

from tracer import instrument
from tracer.span_row import SpanRow

pytestmark = pytest.mark.filterwarnings("error")

Spans = Callable[[], list[SpanRow]]

HTTP: Any = getattr(openai._base_client, "httpx2", None) or openai._base_client.httpx
"""The library that this version of the SDK is built on."""

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "How deep is the well?"}]}

WHOLE = answer(
    {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-mini",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "Twelve metres."}, "finish_reason": "stop"}
        ],
    }
)


def delta(content: str | None = None, finish_reason: str | None = None) -> bytes:
    said = {} if content is None else {"role": "assistant", "content": content}
    choice = {"index": 0, "delta": said, "finish_reason": finish_reason}
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini"}
    return event({**head, "choices": [choice]})


BEGUN = [stream_head(), delta("Twelve "), delta("metres")]
WHOLE_STREAM = [*BEGUN, delta(finish_reason="stop"), event(b"[DONE]"), LAST_CHUNK]
NOW: dict[str, str] = {"retry_after_ms": "1"}


def refused(status: str, **headers: str) -> bytes:
    return answer({"error": {"message": "The well is dry.", "code": "dry"}}, status=status, **headers)


@dataclass(frozen=True)
class End:
    """How a server answers, how the client asks, and what its span has to say of that."""

    scripts: list[list[Step]]
    status: str
    error_type: str | None = None
    stream: bool = False
    said: str | None = None
    retries: int | None = 0
    options: dict[str, Any] = field(default_factory=dict)
    message: str | None = None
    stops_after: int | None = None


COVERED = {"OK": "ok", "ERROR": "error", "CANCELLED": "early close", "INCOMPLETE": "incomplete"}
"""A status in the words of the page of what is covered."""

IMPATIENT = {"timeout": HTTP.Timeout(5, read=0.5)}
PERSISTENT = {"max_retries": 2}

ENDS = {
    "a whole answer": End([[WHOLE]], "OK", said="Twelve metres."),
    "a whole stream": End([WHOLE_STREAM], "OK", stream=True, said="Twelve metres"),
    "400": End([[refused("400 Bad Request")]], "ERROR", "openai.BadRequestError", options=PERSISTENT),
    "404 of a stream": End([[refused("404 Not Found")]], "ERROR", "openai.NotFoundError", stream=True),
    "500 with no tries left": End([[refused("500 Oops")]], "ERROR", "openai.InternalServerError"),
    "the third try succeeds": End(
        [[refused("429 Slow down", **NOW)], [refused("503 Busy", **NOW)], [WHOLE]],
        "OK",
        said="Twelve metres.",
        retries=2,
        options=PERSISTENT,
    ),
    "the third try of a stream succeeds": End(
        [[refused("429 Slow down", **NOW)], [refused("503 Busy", **NOW)], WHOLE_STREAM],
        "OK",
        stream=True,
        said="Twelve metres",
        retries=2,
        options=PERSISTENT,
    ),
    "all tries fail": End(
        [[refused("429 Slow down", **NOW)]], "ERROR", "openai.RateLimitError", retries=2, options=PERSISTENT
    ),
    "429 that is not to be tried again": End(
        [[refused("429 Slow down", x_should_retry="false")]],
        "ERROR",
        "openai.RateLimitError",
        options=PERSISTENT,
    ),
    "a timeout of the answer": End([[HANG]], "ERROR", "openai.APITimeoutError", options=IMPATIENT),
    "a timeout in a stream": End(
        [[*BEGUN, HANG]], "ERROR", "httpx2.ReadTimeout", stream=True, said="Twelve metres", options=IMPATIENT
    ),
    "a reset before the answer": End([[RESET]], "ERROR", "openai.APIConnectionError"),
    "a reset that a second try overcomes": End(
        [[RESET], [WHOLE]], "OK", said="Twelve metres.", retries=1, options={"max_retries": 1}
    ),
    "a reset in a whole answer": End([[WHOLE[:-40], RESET]], "ERROR", "openai.APIConnectionError"),
    "a reset in a stream": End([[*BEGUN, RESET]], "ERROR", "httpx2.ReadError", stream=True, said="Twelve metres"),
    "a close before the answer": End([[CLOSE]], "ERROR", "openai.APIConnectionError"),
    "a whole answer cut short": End([[WHOLE[:-40], CLOSE]], "ERROR", "openai.APIConnectionError"),
    "a stream cut between its chunks": End(
        [[*BEGUN, CLOSE]], "ERROR", "httpx2.RemoteProtocolError", stream=True, said="Twelve metres"
    ),
    "a stream cut in a chunk": End(
        [[*BEGUN, delta(" and more")[:-30], CLOSE]],
        "ERROR",
        "httpx2.RemoteProtocolError",
        stream=True,
        said="Twelve metres",
    ),
    "a stream that ends before its end": End(
        [[*BEGUN, LAST_CHUNK]],
        "INCOMPLETE",
        stream=True,
        said="Twelve metres",
        message="the stream ended without its last event",
    ),
    "a stream of nothing": End([[stream_head(), LAST_CHUNK]], "INCOMPLETE", stream=True),
    "an error in a stream": End(
        [[*BEGUN, event({"error": {"message": "The well is dry.", "code": "dry"}}), LAST_CHUNK]],
        "ERROR",
        "dry",
        stream=True,
        said="Twelve metres",
        message="The well is dry.",
    ),
    "an event of a stream that is no JSON": End(
        [[*BEGUN, event(b'{"id": '), LAST_CHUNK]],
        "ERROR",
        "json.decoder.JSONDecodeError",
        stream=True,
        said="Twelve metres",
    ),
    "bytes in a stream that are no UTF-8": End(
        [[*BEGUN, event(b'{"id": "\xff"}'), LAST_CHUNK]],
        "ERROR",
        "UnicodeDecodeError",
        stream=True,
        said="Twelve metres",
    ),
    "a stream that is left early": End([[*BEGUN, HANG]], "CANCELLED", stream=True, said="Twelve ", stops_after=1),
    "a stream that is left at its finish reason": End(
        [[*BEGUN, delta(finish_reason="stop"), HANG]], "OK", stream=True, said="Twelve metres", stops_after=3
    ),
    "a page in place of an answer": End(
        [[answer(b"<html>Sign in</html>", content_type="text/html; charset=utf-8")]],
        "ERROR",
        "unexpected_content_type",
        said="<html>Sign in</html>",
        message="the server answered with text/html, not with JSON",
    ),
    "a page in place of a stream": End(
        [[answer(b"<html>Sign in</html>", content_type="text/html")]],
        "ERROR",
        "unexpected_content_type",
        stream=True,
        said="<html>Sign in</html>",
        message="the server answered with text/html, not with JSON",
    ),
    "an answer in place of a stream": End([[WHOLE]], "OK", stream=True, said="Twelve metres."),
    "an empty body": End([[answer()]], "ERROR", "json.decoder.JSONDecodeError"),
    "a body that is no JSON": End([[answer(b'{"id": ')]], "ERROR", "json.decoder.JSONDecodeError"),
    "JSON that is no object": End([[answer(["Twelve metres."])]], "OK"),
    "JSON of another shape": End([[answer({"answer": "Twelve metres."})]], "OK"),
    "a redirect": End(
        [[answer(status="307 Elsewhere", location="/v2/chat/completions")], [WHOLE]], "OK", said="Twelve metres."
    ),
    "a redirect without end": End(
        [[answer(status="307 Elsewhere", location="/v1/chat/completions")]], "ERROR", "openai.APIConnectionError"
    ),
    "a redirect to nowhere": End([[answer(status="304 Not Modified")]], "ERROR", "openai.APIStatusError"),
}


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("name", ENDS)
def test_however_a_call_ends_its_span_says_so_and_the_program_sees_no_difference(
    name: str, is_async: bool, written: Spans, record_property: Callable[[str, Any], None]
) -> None:
    end = ENDS[name]
    untraced = play(end, is_async)
    instrument("openai")
    traced = play(end, is_async)

    assert traced == untraced
    [span] = written()
    assert (span.status, span.error_type) == (end.status, as_named_here(end.error_type))
    assert (said(span), span.retries) == (end.said, end.retries)
    assert (span.ttft_ns is not None) == (end.scripts[-1][0] == BEGUN[0] and end.said is not None)
    if end.message:
        assert span.status_message == end.message
    assert span.end_ns >= span.start_ns + (span.ttft_ns or 0)
    way = "stream" if end.stream else "plain"
    mode = "async" if is_async else "sync"
    record_property("covers", ("OpenAI: how calls end", name, mode, way, COVERED[span.status]))


def as_named_here(error_type: str | None) -> str | None:
    """Before version 3 the SDK was built on httpx."""
    return error_type and error_type.replace("httpx2.", f"{HTTP.__name__}.")


def said(span: SpanRow) -> str | None:
    if span.output is None or isinstance(span.output, str):
        return span.output
    return "".join(part["content"] for part in span.output[0]["parts"])


def play(end: End, is_async: bool) -> tuple[list[Any], list[str]]:
    """Make the call against a new server; return all that the program gets to see, and what was asked of the server."""
    with Wire(*end.scripts) as wire:
        seen = asyncio.run(see_async(end, wire)) if is_async else see(end, wire)
        return [without_port(item, wire) for item in seen], wire.requests


def see(end: End, wire: Wire) -> list[Any]:
    seen: list[Any] = []
    with openai.OpenAI(base_url=wire.base_url, api_key="any", **{"max_retries": 0, **end.options}) as client:
        try:
            result = client.chat.completions.create(**CHAT, stream=end.stream)
            if not end.stream:
                return [result]
            with closing(result):
                for item in result:
                    seen.append(item)
                    if len(seen) == end.stops_after:
                        break
        except Exception as error:  # noqa: BLE001 - whatever it is, it is to be the same
            seen.append(described(error))
    return seen


async def see_async(end: End, wire: Wire) -> list[Any]:
    seen: list[Any] = []
    options: dict[str, Any] = {"max_retries": 0, **end.options}
    async with openai.AsyncOpenAI(base_url=wire.base_url, api_key="any", **options) as client:
        try:
            result = await client.chat.completions.create(**CHAT, stream=end.stream)
            if not end.stream:
                return [result]
            async with result:
                async for item in result:
                    seen.append(item)
                    if len(seen) == end.stops_after:
                        break
        except Exception as error:  # noqa: BLE001 - whatever it is, it is to be the same
            seen.append(described(error))
    return seen


def described(error: BaseException | None) -> Any:
    """An exception as a program can tell it apart: its type, message and attributes, and its causes."""
    if error is None:
        return None
    facts = [getattr(error, name, None) for name in ("status_code", "request_id", "code", "body")]
    return [type(error), str(error), error.args and repr(error.args), facts, described(error.__cause__)]


def without_port(seen: Any, wire: Wire) -> str:
    return re.sub(rf"0x[0-9a-f]+|{wire.port}", "…", repr(seen))


@pytest.mark.parametrize("sent", [[], BEGUN], ids=["before the answer", "in a stream"])
def test_an_interrupt_from_the_keyboard_cancels_the_call(sent: list[Step], spans: Spans) -> None:
    had_all = threading.Event()

    def interrupt() -> None:
        assert had_all.wait(5)
        time.sleep(0.1)  # the program waits for the next bytes by then
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    instrument("openai")
    if not sent:
        had_all.set()

    def answer(client: openai.OpenAI) -> None:
        for item in client.chat.completions.create(**CHAT, stream=True):
            if item.choices[0].delta.content == "metres":
                had_all.set()

    with (
        Wire([*sent, interrupt, HANG]) as wire,
        openai.OpenAI(base_url=wire.base_url, api_key="any") as client,
        pytest.raises(KeyboardInterrupt),
    ):
        answer(client)

    [span] = spans()
    assert (span.status, span.error_type, said(span)) == (
        "CANCELLED",
        "KeyboardInterrupt",
        "Twelve metres" if sent else None,
    )


async def test_a_deadline_cancels_the_call_in_whatever_try_it_is(spans: Spans) -> None:
    instrument("openai")
    with Wire([refused("429 Slow down", **NOW)], [refused("503 Busy", **NOW)], [HANG]) as wire:
        async with openai.AsyncOpenAI(base_url=wire.base_url, api_key="any", max_retries=5) as client:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.chat.completions.create(**CHAT), 1)

    [span] = spans()
    assert (span.status, span.error_type, span.retries) == ("CANCELLED", "asyncio.exceptions.CancelledError", 2)


def test_a_pool_and_a_server_that_take_no_more_are_timeouts(spans: Spans) -> None:
    instrument("openai")
    timeout = HTTP.Timeout(5, connect=0.2, pool=0.2)
    one_at_a_time = HTTP.Client(limits=HTTP.Limits(max_connections=1), timeout=timeout)
    with (
        Wire([*BEGUN, HANG]) as wire,
        openai.OpenAI(base_url=wire.base_url, api_key="any", http_client=one_at_a_time, max_retries=0) as client,
        closing(client.chat.completions.create(**CHAT, stream=True)),
        pytest.raises(openai.APITimeoutError),
    ):
        client.chat.completions.create(**CHAT)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}/v1"
        with (
            openai.OpenAI(base_url=url, api_key="any", timeout=timeout, max_retries=0) as client,
            pytest.raises(openai.APITimeoutError),
        ):
            client.chat.completions.create(**CHAT)
        for one in waiting:
            one.close()

    _, pool, connect = spans()
    for span, cause in (pool, "PoolTimeout"), (connect, "ConnectTimeout"):
        assert (span.status, span.error_type, span.retries) == ("ERROR", "openai.APITimeoutError", 0)
        assert cause in span.events[0]["attributes"]["exception.stacktrace"]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_stream_that_is_dropped_without_being_closed_is_cancelled(is_async: bool, spans: Spans) -> None:
    instrument("openai")

    async def begin(wire: Wire) -> None:
        client = openai.AsyncOpenAI(base_url=wire.base_url, api_key="any")
        async for _ in await client.chat.completions.create(**CHAT, stream=True):
            break

    with Wire([*BEGUN, HANG]) as wire:
        if is_async:
            asyncio.run(begin(wire))
        else:
            client = openai.OpenAI(base_url=wire.base_url, api_key="any")
            next(iter(client.chat.completions.create(**CHAT, stream=True)))
            del client
        gc.collect()

        [span] = spans()
    assert (span.status, said(span)) == ("CANCELLED", "Twelve ")


def test_a_stream_that_is_too_long_to_be_kept_has_its_beginning_and_its_end(
    spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracer.integrations.openai.tee.HEAD_BYTES", 2_000)
    monkeypatch.setattr("tracer.integrations.openai.tee.TAIL_BYTES", 1_000)
    script = [stream_head(), *(delta(f"{number} ") for number in range(1_000)), *WHOLE_STREAM[3:]]
    instrument("openai")
    with Wire(script) as wire, openai.OpenAI(base_url=wire.base_url, api_key="any") as client:
        count = sum(1 for _ in client.chat.completions.create(**CHAT, stream=True))

    [span] = spans()
    kept = said(span).split()
    assert count == 1_001
    assert (span.status, span.finish_reasons, kept[0], kept[-1]) == ("OK", ["stop"], "0", "999")
    assert len(kept) < 30
    [missed] = span.attributes["tracer.missed"]
    assert re.fullmatch(r"\d{3},\d{3} bytes in the middle of the answer were too many to keep", missed)
