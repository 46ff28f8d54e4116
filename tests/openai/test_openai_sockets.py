"""A session over a WebSocket is one span with a span a response inside; the program's events are the same objects.

The SDK's own connections talk to a real WebSocket server on loopback, untraced and traced.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import threading
from collections.abc import Callable
from typing import Any

import openai
import pytest
from openai.resources.realtime import realtime
from openai.resources.responses import Responses
from speaking import Line, Speaking
from websockets.exceptions import InvalidStatus

from tracer import instrument, span, uninstrument
from tracer.demo.server import LoopbackServer
from tracer.span_row import SpanRow

pytest.importorskip("websockets.asyncio", reason="the SDK speaks over the websockets package from version 13 on")

Spans = Callable[[], list[SpanRow]]

SESSION = {
    "type": "realtime",
    "id": "sess_1",
    "object": "realtime.session",
    "model": "gpt-realtime",
    "instructions": "Be brief.",
    "tools": [{"type": "function", "name": "measure", "parameters": {"type": "object"}}],
    "output_modalities": ["audio"],
    "audio": {
        "input": {"format": {"type": "audio/pcm", "rate": 24000}},
        "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin"},
    },
}
SPEECH = {"output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin"}}
CREATED = {"type": "session.created", "event_id": "e0", "session": SESSION}
USAGE = {
    "total_tokens": 150,
    "input_tokens": 120,
    "output_tokens": 30,
    "input_token_details": {"cached_tokens": 64, "text_tokens": 20, "audio_tokens": 100},
    "output_token_details": {"text_tokens": 10, "audio_tokens": 20},
}


def cover(record: Callable[[str, Any], None], surface: str, is_async: bool, *spans: SpanRow) -> None:
    """Tell the page of what is covered how a session ended, and the responses inside."""
    said = {"OK": "ok", "ERROR": "error", "CANCELLED": "early close", "INCOMPLETE": "incomplete"}
    mode = "async" if is_async else "sync"
    for number, row in enumerate(spans):
        way = "response" if number else "session"
        record("covers", ("OpenAI: sessions over WebSockets", surface, mode, way, said[row.status]))


def sound(data: bytes) -> str:
    return base64.b64encode(data).decode()


def kept(data: bytes) -> dict[str, Any]:
    """What stands in a part for a sound, which is kept apart."""
    return {"attachment": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def begun(number: int = 1) -> dict[str, Any]:
    response = {"id": f"resp_{number}", "status": "in_progress", "output": [], "audio": SPEECH}
    return {"type": "response.created", "response": response}


def item(number: int, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": f"item_{number}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": content,
    }


def spoken(number: int = 1) -> list[dict[str, Any]]:
    """The events of a response that speaks, without the first and the last."""
    place = {"response_id": f"resp_{number}", "item_id": f"item_{number}", "output_index": 0, "content_index": 0}
    return [
        {
            "type": "response.output_item.added",
            "response_id": f"resp_{number}",
            "output_index": 0,
            "item": item(number, []),
        },
        {"type": "response.output_audio_transcript.delta", "delta": "Twelve ", **place},
        {"type": "response.output_audio.delta", "delta": sound(b"twe"), **place},
        {"type": "response.output_audio.delta", "delta": sound(b"lve!"), **place},
        {"type": "response.output_audio_transcript.delta", "delta": "metres.", **place},
    ]


def done(number: int = 1, status: str = "completed", **more: Any) -> dict[str, Any]:
    said = [{"type": "output_audio", "transcript": "Twelve metres."}]
    response = {
        "id": f"resp_{number}",
        "object": "realtime.response",
        "conversation_id": "conv_1",
        "status": status,
        "output": [item(number, said)],
        "audio": SPEECH,
        "usage": USAGE,
        **more,
    }
    return {"type": "response.done", "response": response}


def converse(line: Line) -> None:
    """A session: something is said in words and aloud, and is answered aloud."""
    line.say(CREATED)
    line.hear_until("input_audio_buffer.commit")
    line.say({"type": "input_audio_buffer.committed", "item_id": "item_u"})
    line.hear_until("response.create")
    line.say(
        {"type": "conversation.item.added", "item": {"id": "item_t", "type": "message", "role": "user", "content": []}},
        begun(),
        *spoken()[:2],
        {
            "type": "conversation.item.input_audio_transcription.completed",
            "item_id": "item_u",
            "content_index": 0,
            "transcript": "How deep is it?",
            "usage": {"type": "tokens", "input_tokens": 9, "output_tokens": 4, "total_tokens": 13},
        },
        *spoken()[2:],
        done(),
    )
    line.hear()


ASKED: list[dict[str, Any]] = [
    {
        "type": "conversation.item.create",
        "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "In metres, please."}]},
    },
    {"type": "input_audio_buffer.append", "audio": sound(b"how ")},
    {"type": "input_audio_buffer.append", "audio": sound(b"deep")},
    {"type": "input_audio_buffer.commit"},
    {"type": "response.create", "response": {"max_output_tokens": 100}},
]


def talk(client: openai.OpenAI, asked: list[dict[str, Any]] = ASKED, last: str = "response.done") -> list[Any]:
    seen = []
    with client.realtime.connect(model="gpt-realtime") as connection:
        seen.append(type(connection))
        for event in asked:
            connection.send(event)
        for event in connection:
            seen += [type(event), event]
            if event.type == last:
                break
    return seen


async def talk_async(client: openai.AsyncOpenAI, asked: list[dict[str, Any]] = ASKED) -> list[Any]:
    seen: list[Any] = []
    async with client.realtime.connect(model="gpt-realtime") as connection:
        seen.append(type(connection))
        for event in asked:
            await connection.send(event)
        async for event in connection:
            seen += [type(event), event]
            if event.type == "response.done":
                break
    return seen


def in_session(speak: Callable[[Line], None], is_async: bool) -> str:
    with Speaking(speak) as server:
        if is_async:
            return repr(asyncio.run(talk_async(openai.AsyncOpenAI(api_key="any", **server.urls))))
        return repr(talk(openai.OpenAI(api_key="any", **server.urls)))


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_realtime_session_is_a_span_with_a_span_a_response_inside(
    is_async: bool, spans: Spans, record_property: Callable[[str, Any], None]
) -> None:
    untraced = in_session(converse, is_async)
    instrument("openai")
    assert in_session(converse, is_async) == untraced

    session, response = spans()
    assert (session.name, session.kind, session.status) == ("realtime gpt-realtime", "chain", "OK")
    assert session.request_parameters == {"output_modalities": ["audio"], "audio": SESSION["audio"]}
    assert session.system_instructions == [{"type": "text", "content": "Be brief."}]
    assert session.tool_definitions == SESSION["tools"]
    assert (session.provider, session.attributes["server.address"]) == ("openai", "127.0.0.1")
    assert session.events[0]["name"] == "conversation.item.input_audio_transcription.completed"
    assert session.events[0]["attributes"]["transcript"] == "How deep is it?"

    assert (response.name, response.kind, response.operation) == ("chat gpt-realtime", "llm", "chat")
    assert (response.parent_id, response.trace_id) == (session.span_id, session.trace_id)
    assert (response.status, response.finish_reasons, response.response_id) == ("OK", ["stop"], "resp_1")
    blob = {"type": "blob", "modality": "audio", "mime_type": "audio/pcm"}
    assert response.input == [
        {"role": "user", "parts": [{"type": "text", "content": "In metres, please."}]},
        {"role": "user", "parts": [{**blob, **kept(b"how deep"), "transcript": "How deep is it?"}]},
    ]
    said = {**blob, **kept(b"twelve!"), "transcript": "Twelve metres."}
    assert response.output == [{"role": "assistant", "parts": [said], "finish_reason": "stop"}]
    assert (response.input_tokens, response.output_tokens, response.cached_tokens) == (120, 30, 64)
    assert (response.audio_input_tokens, response.audio_output_tokens) == (100, 20)
    assert response.request_parameters["max_output_tokens"] == 100
    assert response.system_instructions == session.system_instructions
    assert response.attributes["gen_ai.conversation.id"] == "conv_1"
    assert response.stream is True
    assert session.start_ns <= response.start_ns < response.start_ns + response.ttft_ns < response.end_ns
    assert response.end_ns <= session.end_ns
    cover(record_property, "realtime.connect", is_async, session, response)


def saying(*events: dict[str, Any], then: Callable[[Line], object] = Line.hear) -> Callable[[Line], None]:
    """A server that waits for a `response.create`, says this, and then does that: else it waits for more."""

    def speak(line: Line) -> None:
        line.say(CREATED)
        line.hear_until("response.create")
        line.say(*events)
        then(line)

    return speak


CREATE: list[dict[str, Any]] = [{"type": "response.create", "event_id": "ask_1"}]
TYPED = {"type": "response.output_text.delta", "response_id": "resp_1", "output_index": 0, "content_index": 0}
BROKEN_OFF = [
    begun(),
    {"type": "response.output_item.added", "response_id": "resp_1", "output_index": 0, "item": item(1, [])},
    {**TYPED, "delta": "Twelve "},
    {**TYPED, "delta": "metres"},
]
REFUSAL = {
    "type": "error",
    "event_id": "e9",
    "error": {"type": "invalid", "code": "dry", "message": "The well is dry."},
}

SESSION_ENDS: dict[str, tuple[Callable[[Line], None], tuple[str, str | None], tuple[str, str | None], str | None]] = {
    "a server that says farewell": (
        saying(*BROKEN_OFF, then=lambda line: line.close(1000, "enough")),
        ("OK", None),
        ("INCOMPLETE", None),
        "Twelve metres",
    ),
    "a server that goes away": (
        saying(*BROKEN_OFF, then=lambda line: line.close(1001, "restarting")),
        ("OK", None),
        ("INCOMPLETE", None),
        "Twelve metres",
    ),
    "a server that fails": (
        saying(*BROKEN_OFF, then=lambda line: line.close(1011, "oops")),
        ("ERROR", "websockets.exceptions.ConnectionClosedError"),
        ("ERROR", "websockets.exceptions.ConnectionClosedError"),
        "Twelve metres",
    ),
    "a connection that breaks": (
        saying(*BROKEN_OFF, then=lambda line: line.vanish()),
        ("ERROR", "websockets.exceptions.ConnectionClosedError"),
        ("ERROR", "websockets.exceptions.ConnectionClosedError"),
        "Twelve metres",
    ),
    "a response that fails": (
        saying(begun(), done(status="failed", status_details={"error": {"code": "server_error", "message": "Oops."}})),
        ("OK", None),
        ("ERROR", "server_error"),
        "Twelve metres.",
    ),
    "a response that is too long": (
        saying(begun(), done(status="incomplete", status_details={"reason": "max_output_tokens"})),
        ("OK", None),
        ("OK", None),
        "Twelve metres.",
    ),
    "a response that is spoken over": (
        saying(begun(), done(status="cancelled", status_details={"reason": "turn_detected"})),
        ("OK", None),
        ("CANCELLED", None),
        "Twelve metres.",
    ),
    "a request that is refused": (saying(REFUSAL), ("OK", None), ("ERROR", "dry"), None),
}


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("name", SESSION_ENDS)
def test_however_a_session_ends_its_spans_say_so(
    name: str, is_async: bool, spans: Spans, record_property: Callable[[str, Any], None]
) -> None:
    speak, *expected, said = SESSION_ENDS[name]

    def run() -> str:
        with Speaking(speak) as server:
            if is_async:
                return repr(asyncio.run(to_the_end_async(openai.AsyncOpenAI(api_key="any", **server.urls))))
            return repr(to_the_end(openai.OpenAI(api_key="any", **server.urls)))

    untraced = run()
    instrument("openai")
    assert run() == untraced

    recorded = spans()
    assert [(span.status, span.error_type) for span in recorded] == expected
    session, response = recorded
    assert spoken_text(response) == said
    if name == "a request that is refused":
        assert [event["name"] for event in session.events] == ["error"]
    if expected[0][0] == "ERROR" or name.startswith("a server"):
        codes = {"a server that says farewell": 1000, "a server that goes away": 1001, "a server that fails": 1011}
        assert session.attributes["websocket.close.code"] == codes.get(name, 1006)
    cover(record_property, f"realtime.connect: {name}", is_async, session, response)


def spoken_text(span: SpanRow) -> str | None:
    return span.output and "".join(part.get("content") or part["transcript"] for part in span.output[0]["parts"])


LAST = ("response.done", "error")


def to_the_end(client: openai.OpenAI) -> list[Any]:
    seen: list[Any] = []
    try:
        with client.realtime.connect(model="gpt-realtime") as connection:
            connection.send(CREATE[0])
            for event in connection:
                seen.append(event)
                if event.type in LAST:
                    break
    except Exception as error:  # noqa: BLE001 - whatever it is, it is to be the same
        seen.append((error, error.__cause__))
    return seen


async def to_the_end_async(client: openai.AsyncOpenAI) -> list[Any]:
    seen: list[Any] = []
    try:
        async with client.realtime.connect(model="gpt-realtime") as connection:
            await connection.send(CREATE[0])
            async for event in connection:
                seen.append(event)
                if event.type in LAST:
                    break
    except Exception as error:  # noqa: BLE001 - whatever it is, it is to be the same
        seen.append((error, error.__cause__))
    return seen


def test_a_program_that_leaves_early_cancels_the_response_and_not_the_session(spans: Spans) -> None:
    instrument("openai")
    with Speaking(saying(*BROKEN_OFF)) as server:
        talk(openai.OpenAI(api_key="any", **server.urls), CREATE, last="response.output_text.delta")

    session, response = spans()
    assert (session.status, response.status, spoken_text(response)) == ("OK", "CANCELLED", "Twelve ")


async def test_a_cancelled_task_cancels_session_and_response(spans: Spans) -> None:
    instrument("openai")
    with Speaking(saying(*BROKEN_OFF)) as server:
        client = openai.AsyncOpenAI(api_key="any", **server.urls)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(talk_async(client, CREATE), 0.5)

    session, response = spans()
    assert (session.status, session.error_type) == ("CANCELLED", "asyncio.exceptions.CancelledError")
    assert (response.status, spoken_text(response)) == ("CANCELLED", "Twelve metres")


def test_a_server_that_is_not_there_or_refuses_is_an_error(spans: Spans) -> None:
    instrument("openai")
    with (
        openai.OpenAI(
            base_url="http://127.0.0.1:9/v1", websocket_base_url="ws://127.0.0.1:9/v1", api_key="any"
        ) as client,
        pytest.raises(ConnectionRefusedError),
    ):
        client.realtime.connect(model="gpt-realtime").enter()
    with LoopbackServer() as server:
        urls = {"base_url": server.base_url, "websocket_base_url": server.base_url.replace("http", "ws")}
        with openai.OpenAI(api_key="any", **urls) as client, pytest.raises(InvalidStatus):
            client.realtime.connect(model="gpt-realtime").enter()

    absent, refused = spans()
    assert (absent.status, absent.error_type) == ("ERROR", "ConnectionRefusedError")
    assert (refused.status, refused.error_type) == ("ERROR", "websockets.exceptions.InvalidStatus")
    assert refused.attributes["http.response.status_code"] == 404


def test_a_response_that_the_server_begins_counts_from_the_end_of_what_was_said(spans: Spans) -> None:
    """With voice detection nobody asks for a response: it begins when the user has stopped speaking."""

    def speak(line: Line) -> None:
        line.say(CREATED)
        line.hear_until("input_audio_buffer.append")
        line.say(
            {"type": "input_audio_buffer.speech_started", "item_id": "item_u", "audio_start_ms": 0},
            {"type": "input_audio_buffer.committed", "item_id": "item_u"},
            {"type": "conversation.item.added", "item": {"id": "item_u", "type": "message", "role": "user"}},
            begun(),
            *spoken(),
            done(),
        )
        line.hear()

    instrument("openai")
    with Speaking(speak) as server:
        talk(
            openai.OpenAI(api_key="any", **server.urls), [{"type": "input_audio_buffer.append", "audio": sound(b"how")}]
        )

    session, response = spans()
    [message] = response.input
    assert message["parts"][0]["attachment"] == kept(b"how")["attachment"]
    assert session.start_ns < response.start_ns < response.start_ns + response.ttft_ns
    assert spoken_text(response) == "Twelve metres."
    assert response.output[0]["parts"][0]["attachment"] == kept(b"twelve!")["attachment"]


@pytest.mark.skipif(not hasattr(Responses, "connect"), reason="came with a later SDK")
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_responses_over_a_web_socket_are_recorded_as_those_over_http(
    is_async: bool, spans: Spans, record_property: Callable[[str, Any], None]
) -> None:
    def speak(line: Line) -> None:
        for number in (1, 2):
            asked = line.hear()
            response = {"id": f"resp_{number}", "model": "gpt-5", "status": "in_progress", "output": []}
            said = [
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": asked["input"]}]}
            ]
            usage = {"input_tokens": 5, "output_tokens": 7}
            line.say(
                {"type": "response.created", "response": response},
                {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": asked["input"]},
                {
                    "type": "response.completed",
                    "response": {**response, "status": "completed", "output": said, "usage": usage},
                },
            )
        line.hear()
        line.say({"type": "error", "status": 400, "error": {"type": "invalid", "message": "Too deep."}})
        line.hear()

    asked = [{"type": "response.create", "model": "gpt-5", "input": text, "store": False} for text in ("a", "b", "c")]

    async def ask_async(client: openai.AsyncOpenAI) -> list[Any]:
        seen = []
        async with client.responses.connect() as connection:
            for request in asked:
                await connection.send(request)
                async for event in connection:
                    seen.append(event)
                    if event.type in ("response.completed", "error"):
                        break
        return seen

    def ask(client: openai.OpenAI) -> list[Any]:
        seen = []
        with client.responses.connect() as connection:
            for request in asked:
                connection.send(request)
                for event in connection:
                    seen.append(event)
                    if event.type in ("response.completed", "error"):
                        break
        return seen

    def run() -> str:
        with Speaking(speak) as server:
            if is_async:
                return repr(asyncio.run(ask_async(openai.AsyncOpenAI(api_key="any", **server.urls))))
            return repr(ask(openai.OpenAI(api_key="any", **server.urls)))

    untraced = run()
    instrument("openai")
    assert run() == untraced

    session, *responses = spans()
    assert (session.name, session.status) == ("responses", "OK")
    assert [(row.name, row.status, row.error_type) for row in responses] == [
        ("chat gpt-5", "OK", None),
        ("chat gpt-5", "OK", None),
        ("chat gpt-5", "ERROR", "invalid"),
    ]
    assert [row.input[0]["parts"][0]["content"] for row in responses] == ["a", "b", "c"]
    assert [spoken_text(row) for row in responses] == ["a", "b", None]
    assert [row.output_tokens for row in responses] == [7, 7, None]
    assert responses[0].request_parameters == {"store": False}
    cover(record_property, "responses.connect", is_async, session, *responses)


def test_what_is_said_between_two_events_is_not_inside_the_session(spans: Spans) -> None:
    instrument("openai")
    with (
        span("answer"),
        Speaking(converse) as server,
        openai.OpenAI(api_key="any", **server.urls).realtime.connect(model="gpt-realtime"),
        span("show"),
    ):
        pass

    names = {row.name: row for row in spans()}
    assert names["show"].parent_id == names["realtime gpt-realtime"].parent_id == names["answer"].span_id


@pytest.mark.skipif(not hasattr(realtime, "SendQueue"), reason="came with a later SDK")
def test_a_connection_that_the_client_makes_anew_is_the_same_session(spans: Spans) -> None:
    instrument("openai")
    with (
        Speaking(
            saying(*BROKEN_OFF, then=lambda line: line.close(1012)), saying(begun(2), *spoken(2), done(2))
        ) as server,
        openai.OpenAI(api_key="any", **server.urls) as client,
        client.realtime.connect(model="gpt-realtime", on_reconnecting=lambda _: None, initial_delay=0.01) as connection,
    ):
        connection.send(CREATE[0])
        for event in connection:
            if event.type == "session.created" and len(server.paths) == 2:
                connection.send(CREATE[0])
            if event.type == "response.done":
                break

    session, broken, whole = spans()
    assert (session.status, broken.status, whole.status) == ("OK", "ERROR", "OK")
    assert (spoken_text(broken), broken.error_type) == ("Twelve metres", "websockets.exceptions.ConnectionClosedError")
    assert [event["name"] for event in session.events] == ["connected anew"]


def test_what_is_sent_before_the_connection_is_there_is_heard_too(spans: Spans) -> None:
    instrument("openai")
    with Speaking(converse) as server:
        manager = openai.OpenAI(api_key="any", **server.urls).realtime.connect(model="gpt-realtime")
        if not hasattr(manager, "send"):
            pytest.skip("came with a later SDK")
        for event in ASKED:
            manager.send(event)
        with manager as connection:
            for event in connection:
                if event.type == "response.done":
                    break

    _, response = spans()
    assert (response.status, len(response.input)) == ("OK", 2)


def test_sessions_of_a_protocol_of_its_own_say_what_is_missing(spans: Spans) -> None:
    if not hasattr(openai.OpenAI, "live"):
        pytest.skip("came with a later SDK")
    instrument("openai")
    with Speaking(lambda line: line.hear()) as server, openai.OpenAI(api_key="any", **server.urls).live.connect():
        pass

    [session] = spans()
    assert (session.name, session.status) == ("live", "OK")
    assert session.attributes["tracer.missed"] == ["what passed in the live session"]


def test_uninstrument_puts_the_classes_of_connections_back(spans: Spans) -> None:
    owners = [realtime.RealtimeConnection, realtime.RealtimeConnectionManager, realtime.AsyncRealtimeConnectionManager]
    before = [dict(vars(owner)) for owner in owners]
    instrument("openai")
    assert [dict(vars(owner)) for owner in owners] != before
    uninstrument()
    assert [dict(vars(owner)) for owner in owners] == before


def test_a_connection_that_is_closed_while_the_program_listens_was_closed_by_the_program(spans: Spans) -> None:
    instrument("openai")
    with Speaking(saying(*BROKEN_OFF)) as server:
        connection = openai.OpenAI(api_key="any", **server.urls).realtime.connect(model="gpt-realtime").enter()
        connection.send(CREATE[0])
        for event in connection:
            if getattr(event, "delta", None) == "metres":
                threading.Thread(target=connection.close).start()

    session, response = spans()
    assert (session.status, response.status, spoken_text(response)) == ("OK", "CANCELLED", "Twelve metres")


async def test_a_connection_that_is_dropped_is_cancelled(spans: Spans) -> None:
    instrument("openai")
    with Speaking(saying(*BROKEN_OFF)) as server:
        connection = (
            await openai.AsyncOpenAI(api_key="any", **server.urls).realtime.connect(model="gpt-realtime").enter()
        )
        await connection.send(CREATE[0])
        async for event in connection:
            if getattr(event, "delta", None) == "metres":
                break
        connection._connection.transport.abort()
        del connection, event
        await asyncio.sleep(0.1)
        gc.collect()

    session, response = spans()
    assert (session.status, response.status, spoken_text(response)) == ("CANCELLED", "CANCELLED", "Twelve metres")


def test_azure_is_told_by_its_client(spans: Spans) -> None:
    instrument("openai")
    with Speaking(lambda line: line.hear()) as server:
        client = openai.AzureOpenAI(
            azure_endpoint=f"http://127.0.0.1:{server.port}",
            websocket_base_url=f"ws://127.0.0.1:{server.port}/openai",
            api_version="2024-10-01-preview",
            api_key="any",
        )
        with client.realtime.connect(model="wells"):
            pass

    [session] = spans()
    assert (session.name, session.provider, session.status) == ("realtime wells", "azure.ai.openai", "OK")
    assert "deployment=wells" in server.paths[0]


def test_of_what_is_too_long_to_be_kept_the_end_of_what_was_said_and_of_the_answer_is(
    spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracer.integrations.openai.sockets.realtime.MAX_AUDIO_CHARACTERS", 16)
    monkeypatch.setattr("tracer.integrations.openai.sockets.turn.MAX_BYTES", 300)
    instrument("openai")
    with Speaking(converse) as server:
        talk(
            openai.OpenAI(api_key="any", **server.urls),
            [{"type": "input_audio_buffer.append", "audio": sound(b"once upon a ")}, *ASKED],
        )

    _, response = spans()
    [_, spoken_to] = response.input
    assert spoken_to["parts"][0]["attachment"] == kept(b"how deep")["attachment"]
    assert spoken_to["parts"][0]["cut_characters"] == len(sound(b"once upon a "))
    assert (response.status, response.input_tokens) == ("OK", 120)
    assert response.output[0]["parts"][0]["transcript"] == "Twelve metres."
    sound_missed, events_missed = response.attributes["tracer.missed"]
    assert sound_missed == "the first 16 characters of the sound that was said were too many to keep"
    assert "bytes of events were too many to keep" in events_missed


def test_two_threads_share_a_connection_and_nothing_is_lost(spans: Spans) -> None:
    """One speaks while the other listens, as programs with a microphone do."""
    count = 200

    def echo(line: Line) -> None:
        line.say(CREATED)
        for number in range(count):
            line.hear_until("response.create")
            line.say(begun(number), done(number))
        line.hear()

    instrument("openai")
    with (
        Speaking(echo) as server,
        openai.OpenAI(api_key="any", **server.urls).realtime.connect(model="gpt-realtime") as connection,
    ):
        speaking = threading.Thread(target=lambda: [connection.send(CREATE[0]) for _ in range(count)])
        speaking.start()
        heard = 0
        while heard < count:
            heard += connection.recv().type == "response.done"
        speaking.join()

    session, *responses = spans()
    assert session.status == "OK"
    assert {response.status for response in responses} == {"OK"}
    assert sorted(response.response_id for response in responses) == sorted(f"resp_{n}" for n in range(count))
