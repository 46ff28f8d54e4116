"""What is stored of a call is enough to send it again: the same body goes over the wire. Where not, that is said."""

from __future__ import annotations

from typing import Any

import openai
import pytest

import tracer
from tracer import instrument
from tracer.demo.server import LoopbackServer
from tracer.integrations.openai_request import Request, request_of
from tracer.store import Store

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Say the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        "strict": True,
    },
}
FLAT_WEATHER = {"type": "function", **WEATHER["function"]}  # type: ignore[dict-item]
PIXEL = "data:image/png;base64,iVBORw0KGgo="

CHATS: dict[str, dict[str, Any]] = {
    "a question": {"model": "gpt-4o", "messages": [{"role": "user", "content": "How deep is the well?"}]},
    "all parameters": {
        "model": "gpt-4o",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "name": "ada", "content": "Hi"}],
        "temperature": 0,
        "top_p": 0.9,
        "seed": 7,
        "max_completion_tokens": 50,
        "stop": ["\n"],
        "logit_bias": {"50256": -100},
        "metadata": {"run": "1"},
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}},
        "extra": {"of": "a compatible server"},
    },
    "a turn with tools": {
        "model": "gpt-4o",
        "messages": [
            {"role": "user", "content": "Is it warm in Bergen?"},
            {
                "role": "assistant",
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "weather", "arguments": '{"city":"Bergen","é":[1,2.5,null]}'},
                    },
                    {"id": "call_2", "type": "custom", "custom": {"name": "run", "input": "3"}},
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": "Rain."},
            {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "done"}]},
            {"role": "assistant", "refusal": "I cannot say more."},
        ],
        "tools": [WEATHER, {"type": "custom", "custom": {"name": "run"}}],
        "tool_choice": "auto",
        "parallel_tool_calls": False,
    },
    "images and files": {
        "model": "gpt-4o",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": "https://example.org/well.jpg"}},
                    {"type": "file", "file": {"file_id": "file-1", "filename": "well.pdf"}},
                ],
            }
        ],
    },
    "a stream": {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    },
    "functions, as they were before tools": {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": "Hi"}],
        "functions": [WEATHER["function"]],
        "function_call": "none",
    },
}

RESPONSES: dict[str, dict[str, Any]] = {
    "a question": {"model": "gpt-5", "input": "How deep is the well?"},
    "all parameters": {
        "model": "gpt-5",
        "instructions": "Be brief.",
        "input": "Hi",
        "reasoning": {"effort": "low"},
        "text": {"format": {"type": "json_schema", "name": "answer", "schema": {"type": "object"}}},
        "max_output_tokens": 50,
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "metadata": {"run": "1"},
    },
    "a turn with tools": {
        "model": "gpt-5",
        "input": [
            {"role": "system", "content": "Use metres."},
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "How deep is it?"},
                    {"type": "input_image", "image_url": "https://example.org/well.jpg"},
                    {"type": "input_file", "file_id": "file-1"},
                ],
            },
            {"role": "assistant", "content": "Let me see."},
            {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": '{"city":"Bergen"}'},
            {"type": "function_call_output", "call_id": "call_1", "output": "12"},
            {"type": "item_reference", "id": "msg_7"},
        ],
        "tools": [FLAT_WEATHER, {"type": "web_search"}],
        "tool_choice": "auto",
    },
    "a stream": {"model": "gpt-5", "input": "Hi", "stream": True},
}

EMBEDDINGS: dict[str, dict[str, Any]] = {
    "texts": {"model": "text-embedding-3-small", "input": ["a", "b"], "dimensions": 8, "encoding_format": "float"},
    "tokens": {"model": "text-embedding-3-small", "input": [[1, 2], [3]], "encoding_format": "float"},
}

CALLS = [
    pytest.param(path, body, id=f"{path[1:]} {name}")
    for path, bodies in (("/chat/completions", CHATS), ("/responses", RESPONSES), ("/embeddings", EMBEDDINGS))
    for name, body in bodies.items()
]


def stored(store: Store) -> Request:
    (row,) = store.sql("select trace_id, span_id from spans order by start_ns desc limit 1")
    request = request_of(store.span(row["trace_id"], row["span_id"]), lambda hash: store.attachment(hash).bytes)
    assert request is not None
    return request


@pytest.mark.parametrize(("path", "body"), CALLS)
def test_a_stored_call_can_be_sent_again_as_it_was(
    path: str, body: dict[str, Any], store: Store, server: LoopbackServer, client: openai.OpenAI
) -> None:
    instrument("openai")
    resource: Any = {"/chat/completions": client.chat.completions, "/responses": client.responses}.get(path)
    extra = {name: body[name] for name in body if name == "extra"}
    given = {name: value for name, value in body.items() if name not in extra}
    answer = (resource or client.embeddings).create(**given, extra_body=extra)
    if body.get("stream"):
        list(answer)
    request = stored(store)
    assert (request.path, request.lost) == (path, ())
    client.post(path, body=request.body, cast_to=object)
    first, second = server.requests
    assert first.body == body
    assert second.body == first.body
    assert second.path == first.path


def test_what_cannot_be_sent_as_it_was_means_the_same_to_the_model(store: Store, client: Any) -> None:
    """These are the differences that the shape of the conventions makes."""
    instrument("openai")
    client.chat.completions.create(
        model="gpt-4o",
        messages=[
            {"role": "developer", "content": [{"type": "text", "text": "Be brief."}]},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}}]},
        ],
    )
    assert stored(store).body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PIXEL}}]},
    ]
    client.responses.create(
        model="gpt-5",
        input=[
            {"role": "user", "content": [{"type": "input_text", "text": "How deep?"}]},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Measure it."}]},
            {"type": "function_call", "call_id": "c", "name": "weather", "arguments": '{ "city": "Bergen" }'},
            {"type": "function_call_output", "call_id": "c", "output": "12"},
        ],
    )
    assert stored(store).body["input"] == [
        {"role": "user", "content": "How deep?"},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Measure it."}]},
        {"type": "function_call", "call_id": "c", "name": "weather", "arguments": '{"city":"Bergen"}'},
        {"type": "function_call_output", "call_id": "c", "output": "12"},
    ]


def test_what_is_missing_is_told(store: Store, client: openai.OpenAI) -> None:
    instrument("openai")

    def asked(text: str) -> Request:
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": text}])
        return stored(store)

    assert asked("My key is sk-proj-" + "a1" * 20).lost == ("what was redacted",)
    assert asked("x" * 2_000_000).lost == ("what was too long is cut: input",)
    tracer.configure(capture_content=False)
    client.embeddings.create(model="text-embedding-3-small", input="How deep is the well?")
    assert stored(store).lost == ("texts, of which only the lengths were recorded",)


def test_what_is_no_call_of_this_api_has_no_request(store: Store) -> None:
    with tracer.span("answer", kind="llm", operation="chat", request_model="of another provider") as span:
        pass
    assert request_of(store.span(span.trace_id, span.span_id)) is None
