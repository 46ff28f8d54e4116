"""However a session over a WebSocket ends, its spans say so, and the program sees no difference."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from typing import Any

import openai
import pytest
from sessions import (
    BROKEN_OFF,
    CREATE,
    begun,
    cover,
    done,
    saying,
    spoken_text,
    talk,
    talk_async,
)
from speaking import Line, Speaking
from websockets.exceptions import InvalidStatus

from tracer import instrument
from tracer.demo.server import LoopbackServer
from tracer.span_row import SpanRow

pytest.importorskip("websockets.asyncio", reason="the SDK speaks over the websockets package from version 13 on")

Spans = Callable[[], list[SpanRow]]


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
