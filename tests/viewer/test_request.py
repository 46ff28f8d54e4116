"""A stored call, copied as `curl` and as Python, is the same call again: the same body reaches the server."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import corpus
import openai
import pytest
from playwright.sync_api import Page, expect
from serving import Viewer
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tracer import instrument
from tracer.demo.server import LoopbackServer
from tracer.errors import TracerError
from tracer.integrations.genai import blob, message, text
from tracer.store import Store
from tracer.viewer import share
from tracer.viewer.api import refuse, routes

TRICKY = "It's \"quoted\", `$HOME`, \\n and\nJSON\n$(date) 退款 🚆 \u2028 'EOF' ! %s"
TOOL = {"type": "function", "function": {"name": "weather", "description": TRICKY, "parameters": {"type": "object"}}}

CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": (
        "/chat/completions",
        {
            "model": "gpt-4o",
            "messages": [{"role": "system", "content": TRICKY}, {"role": "user", "content": TRICKY * 9}],
            "tools": [TOOL],
            "temperature": 0.0,
            "parallel_tool_calls": False,
            "made_up": {"a": [None, True, 1.5]},
        },
    ),
    "stream": (
        "/chat/completions",
        {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}], "stream": True},
    ),
    "responses": ("/responses", {"model": "gpt-5", "input": TRICKY, "instructions": "Be brief."}),
    "embeddings": (
        "/embeddings",
        {"model": "text-embedding-3-small", "input": ["a", TRICKY], "encoding_format": "float"},
    ),
}


@pytest.fixture
def api(store: Store) -> TestClient:
    return TestClient(Starlette(routes=routes(store), exception_handlers={TracerError: refuse}))


def called(server: LoopbackServer, path: str, body: dict[str, Any]) -> None:
    instrument("openai")
    client = openai.OpenAI(base_url=server.base_url, api_key="any", max_retries=0)
    resources: dict[str, Any] = {"/chat/completions": client.chat.completions, "/responses": client.responses}
    extra = {name: body[name] for name in body if name == "made_up"}
    named = {name: value for name, value in body.items() if name not in extra}
    answer = resources.get(path, client.embeddings).create(**named, extra_body=extra)
    if body.get("stream"):
        list(answer)


def copied(api: TestClient, store: Store) -> Any:
    (row,) = store.sql("select trace_id, span_id from spans order by start_ns desc limit 1")
    return api.get(f"/api/span/{row['trace_id']}/{row['span_id']}/request").json()


@pytest.mark.parametrize("name", CALLS)
def test_the_copies_send_the_same_body_again(name: str, api: TestClient, store: Store, server: LoopbackServer) -> None:
    path, body = CALLS[name]
    called(server, path, body)
    told = copied(api, store)
    environment = {**os.environ, "OPENAI_API_KEY": "sk-of-a-test", "TRACER_ENABLED": "0"}
    subprocess.run(["sh", "-c", f"set -e\n{told['curl']}"], env=environment, capture_output=True, check=True)
    subprocess.run([sys.executable, "-c", told["python"]], env=environment, capture_output=True, check=True)
    sent, by_curl, by_python = server.requests
    assert sent.body == body
    assert (by_curl.path, by_curl.body) == (sent.path, body)
    assert (by_python.path, by_python.body) == (sent.path, body)
    assert "sk-of-a-test" not in told["curl"] + told["python"]


@pytest.mark.parametrize(
    ("fields", "comment"),
    [
        (
            {"input": [message("user", [text("[redacted:email]")])], "tracer.redacted": {"email": 1}},
            "what was redacted",
        ),
        ({"tracer.cut": {"input": 9_000_000}}, "what was too long is cut: input"),
        ({"input": [message("user", [{**blob("", modality="image"), "content": None}])]}, None),
        ({"server.address": "gateway.example"}, "https and the path /v1, for host and port alone are recorded"),
        (
            {"server.address": "me.openai.azure.com", "provider": "azure.ai.openai"},
            "Azure's path and version of the API",
        ),
        ({"server.address": "api.openai.com"}, None),
    ],
)
def test_what_is_not_as_it_was_is_said_at_the_top(
    api: TestClient, store: Store, fields: Any, comment: str | None
) -> None:
    usual = {
        "input": [message("user", [text("Hi")])],
        "server.address": "api.openai.com",
        "openai.api.type": "chat_completions",
    }
    corpus.Clock(60).model_call(None, 0, 10, **{**usual, **fields})
    told = copied(api, store)
    for copy in told.values():
        assert copy.startswith("#") == (comment is not None)
        assert (comment or "") in copy.partition("\n")[0]


def test_a_shared_file_has_the_copies_in_it(store: Store, server: LoopbackServer) -> None:
    called(server, *CALLS["stream"])
    (row,) = store.sql("select trace_id, span_id from spans")
    _, page = share.file(store, [row["trace_id"]])
    assert page.count(b"--data-binary @-") == 1


def test_what_is_no_call_of_that_api_cannot_be_copied_as_one(api: TestClient, store: Store) -> None:
    corpus.Clock(60).span("s", "tool", None, 0, 10)
    assert copied(api, store) is None


@pytest.mark.browser
def test_the_page_copies_a_call_in_each_form(page: Page, live_viewer: Viewer, server: LoopbackServer) -> None:
    called(server, *CALLS["responses"])
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(live_viewer.url)
    page.locator("[data-trace-id]").click()
    page.get_by_role("button", name="copy as").click()
    for name, part in {
        "Text": "user:\nIt's",
        "JSON": '"request_model": "gpt-5"',
        "curl": "curl '",
        "Python": "OpenAI(",
    }.items():
        page.get_by_role("menuitem", name=name).click()
        expect(page.get_by_role("menuitem", name="Copied")).to_be_visible()
        assert part in page.evaluate("navigator.clipboard.readText()")
        expect(page.get_by_role("menuitem", name="Copied")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_role("menuitem", name="JSON")).to_be_hidden()
    expect(page.get_by_role("button", name="copy as")).to_be_visible()
