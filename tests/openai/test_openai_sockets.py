"""A session over a WebSocket is one span with a span a response inside; the program's events are the same objects.

The SDK's own connections talk to a real WebSocket server on loopback, untraced and traced.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import openai
import pytest
from openai.resources.realtime import realtime
from openai.resources.responses import Responses
from sessions import (
    ASKED,
    BROKEN_OFF,
    CREATE,
    CREATED,
    SESSION,
    begun,
    converse,
    cover,
    done,
    kept,
    saying,
    sound,
    spoken,
    spoken_text,
    talk,
    talk_async,
)
from speaking import Line, Speaking

from tracer import instrument, span, uninstrument
from tracer.span_row import SpanRow

pytest.importorskip("websockets.asyncio", reason="the SDK speaks over the websockets package from version 13 on")

Spans = Callable[[], list[SpanRow]]


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
