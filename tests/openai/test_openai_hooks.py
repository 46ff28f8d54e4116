"""The canary: what the SDK has moved of what we wrap is named, is not recorded, and the program goes on."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import openai
import pytest
from openai._base_client import AsyncAPIClient, SyncAPIClient

from programs import run
from tracer import uninstrument
from tracer.errors import TracerError
from tracer.integrations import openai as integration
from tracer.store import Store

OVER_WEB_SOCKETS = (
    "realtime.realtime",
    "realtime.translations.translations",
    "responses.responses",
    "live.live",
    "live.sideband",
    "live.forks",
    "beta.realtime.realtime",
    "beta.responses.responses",
)


def test_the_methods_that_are_wrapped_are_where_they_were() -> None:
    """What it says is what to look at when a new version of the SDK breaks the recording."""
    uninstrument()
    for name in OVER_WEB_SOCKETS:
        module = f"openai.resources.{name}"
        if find_spec(module.rpartition(".")[0]) and find_spec(module):
            import_module(module)

    assert not integration.moved_hooks(), f"openai {openai.__version__}: {integration.moved_hooks()}"


def test_hooks_that_have_moved_are_named_and_nothing_is_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    uninstrument()
    request = vars(AsyncAPIClient)["request"]
    monkeypatch.setattr(SyncAPIClient, "_process_response", lambda _, reply: reply)
    monkeypatch.delattr(AsyncAPIClient, "_process_response")
    monkeypatch.delattr("openai._base_client.BaseClient")

    moved = (
        rf"openai {openai.__version__}, openai._base_client.BaseClient is gone; "
        r"SyncAPIClient._process_response does not take response; AsyncAPIClient._process_response is gone"
    )
    with pytest.raises(TracerError, match=moved):
        integration.instrument()
    assert vars(AsyncAPIClient)["request"] is request


CALLS = """
    import logging, sys
    sys.path.remove("")  # the checkout, where the folders are not mapped
    logging.basicConfig(stream=sys.stdout, format="log: %(message)s")
    import openai
    from openai import _base_client, _resource
    from openai.resources.realtime import realtime
    REMOVED

    import tracer
    on = tracer.instrument("openai")
    print("on:", *on)

    from tracer.demo.server import LoopbackServer
    with LoopbackServer() as server:
        urls = {"base_url": server.base_url, "websocket_base_url": server.base_url.replace("http", "ws")}
        with openai.OpenAI(api_key="any", **urls) as client:
            client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hello"}])
            with tracer.span("talk"):
                try:
                    client.realtime.connect(model="gpt-realtime").enter()
                except Exception as refused:
                    print("session:", type(refused).__name__)
    print("went on")
"""


def calls_without(removed: str, store: Path) -> tuple[list[str], list[dict[str, Any]]]:
    """What a program writes, and what it records, with an SDK from which something has been removed."""
    written = run(CALLS.replace("REMOVED", removed), store, TRACER_RAISE="0").stdout.splitlines()
    return written, list(Store(store).sql("select name, attributes from spans order by start_ns"))


RENAMED = """_base_client.SyncAPIClient._answer = _base_client.SyncAPIClient._process_response
    _base_client.SyncAPIClient._process_response = lambda self, **options: self._answer(**options)"""
OTHERWISE_MADE = """made = _resource.SyncAPIResource.__init__
    _resource.SyncAPIResource.__init__ = lambda self, owner: made(self, owner)"""


def test_calls_that_cannot_be_recorded_go_on_and_the_log_says_why(store_path: Path) -> None:
    written, spans = calls_without(RENAMED, store_path)

    moved = f"in openai {openai.__version__}, SyncAPIClient._process_response does not take response"
    assert written[:2] == [f"log: {moved}: its calls are not recorded; the program goes on", "on:"]
    assert written[-1] == "went on"
    assert [span["name"] for span in spans] == ["talk"]


def test_sessions_that_cannot_be_recorded_go_on_and_the_log_and_the_trace_say_why(store_path: Path) -> None:
    written, spans = calls_without("del realtime.RealtimeConnectionManager.__exit__", store_path)

    moved = f"in openai {openai.__version__}, RealtimeConnectionManager.__exit__ is gone"
    said = f"{moved}: these sessions are not recorded"
    assert written == [f"log: {said}", "on: openai", "session: InvalidStatus", "went on"]
    assert [span["name"] for span in spans] == ["chat gpt-4o", "talk"]
    assert spans[1]["attributes"]["tracer.missed"] == [said]


def test_sessions_whose_resources_are_made_otherwise_are_named_too(store_path: Path) -> None:
    written, spans = calls_without(OTHERWISE_MADE, store_path)

    moved = f"in openai {openai.__version__}, SyncAPIResource.__init__ does not take client"
    assert written == [
        f"log: {moved}: these sessions are not recorded",
        "on: openai",
        "session: InvalidStatus",
        "went on",
    ]
    assert [span["name"] for span in spans] == ["chat gpt-4o", "talk"]
