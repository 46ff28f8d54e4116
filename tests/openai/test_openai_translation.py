"""Bodies of the API become the fields of a span, whatever shape they have."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from samples import (
    CHAT_CHUNKS,
    CHAT_REQUEST,
    CHAT_RESPONSE,
    RESPONSES_EVENTS,
    RESPONSES_REQUEST,
    RESPONSES_RESPONSE,
)
from surfaces import CASES
from surfaces.case import Case

from tracer.integrations.openai.body import parse
from tracer.integrations.openai.provider import provider_of
from tracer.integrations.openai.stream import fold, readable, server_sent_events
from tracer.integrations.openai.surface import Surface
from tracer.integrations.openai.surfaces import TABLE, chat, classify, completions, embeddings, responses
from tracer.integrations.openai.surfaces.light import unnamed
from tracer.integrations.openai.tee import Passed


def text(content: str) -> dict[str, Any]:
    return {"type": "text", "content": content}


def test_a_chat_request_is_told_in_the_conventions_messages() -> None:
    fields = chat.request_fields(CHAT_REQUEST)

    assert fields["input"] == [
        {"role": "system", "parts": [text("Be brief.")]},
        {
            "role": "user",
            "name": "ada",
            "parts": [
                text("What is this?"),
                {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "iVBORw0K"},
                {"type": "uri", "modality": "image", "uri": "https://example.org/well.jpg"},
                {"type": "blob", "modality": "audio", "mime_type": "audio/wav", "content": "UklGRg=="},
                {"type": "file", "modality": "document", "file_id": "file-1", "filename": "well.pdf"},
            ],
        },
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "I should look it up."},
                {"type": "tool_call", "id": "call_1", "name": "look_up", "arguments": {"what": "well"}},
                {"type": "tool_call", "id": "call_2", "name": "run", "arguments": "dig 3"},
            ],
        },
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": "A hole with water."}]},
        {"role": "assistant", "parts": [{"type": "refusal", "content": "I cannot say more."}]},
        {"role": "assistant", "parts": [{"type": "file", "modality": "audio", "file_id": "audio_1"}]},
    ]
    assert fields["tool_definitions"] == [
        {"type": "function", "name": "look_up", "description": "Look up.", "parameters": {"type": "object"}},
        {"type": "custom", "name": "run"},
    ]
    assert set(fields["request_parameters"]) == {"temperature", "response_format"}


def test_a_chat_response_is_a_message_per_choice_with_the_tokens_that_the_api_counted() -> None:
    fields = chat.response_fields(CHAT_RESPONSE)

    assert fields["output"] == [
        {"role": "assistant", "parts": [text("A well.")], "finish_reason": "stop"},
        {
            "role": "assistant",
            "parts": [{"type": "blob", "modality": "audio", "content": "UklGRg==", "transcript": "A well."}],
            "finish_reason": "stop",
        },
    ]
    assert fields["finish_reasons"] == ["stop", "stop"]
    assert {name: fields[name] for name in fields if "tokens" in name} == {
        "input_tokens": 100,
        "output_tokens": 20,
        "cached_tokens": 60,
        "cache_write_tokens": 7,
        "reasoning_tokens": 8,
        "audio_input_tokens": 5,
        "audio_output_tokens": 3,
    }


def test_chunks_fold_into_the_completion_that_they_tell() -> None:
    fields = chat.response_fields(chat.join(CHAT_CHUNKS))

    assert fields["response_id"] == "c1"
    assert fields["response_model"] == "m"
    assert fields["output"] == [
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "Hm"},
                text("A well"),
                {"type": "tool_call", "id": "t1", "name": "f", "arguments": {"a": 1}},
            ],
            "finish_reason": "tool_calls",
        },
        {"role": "assistant", "parts": [{"type": "refusal", "content": "No"}], "finish_reason": "stop"},
    ]
    assert fields["finish_reasons"] == ["tool_calls", "stop"]
    assert fields["input_tokens"] == 3


def test_calls_with_their_own_ids_stay_apart_where_a_server_gives_them_one_index() -> None:
    def chunk(id: str, arguments: str) -> dict[str, Any]:
        call = {"index": 0, "id": id, "function": {"name": "f", "arguments": arguments}}
        return {"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}

    [message] = chat.response_fields(chat.join([chunk("a", "{}"), chunk("b", "[1]")]))["output"]

    assert [(part["id"], part["arguments"]) for part in message["parts"]] == [("a", {}), ("b", [1])]


def test_a_responses_request_keeps_its_instructions_apart_and_makes_a_turn_of_the_models_items() -> None:
    fields = responses.request_fields(RESPONSES_REQUEST)

    assert fields["system_instructions"] == [text("Be brief.")]
    assert fields["input"] == [
        {"role": "system", "parts": [text("Use metres.")]},
        {
            "role": "user",
            "parts": [
                text("How deep is it?"),
                {"type": "uri", "modality": "image", "uri": "https://example.org/well.jpg"},
                {
                    "type": "blob",
                    "modality": "document",
                    "mime_type": "application/pdf",
                    "content": "JVBERi0=",
                    "filename": "well.pdf",
                },
            ],
        },
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "Measure it."},
                {"type": "tool_call", "id": "call_1", "name": "measure", "arguments": {"unit": "m"}},
            ],
        },
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": "12"}]},
        {"role": "assistant", "parts": [{"type": "item_reference", "id": "msg_7"}]},
    ]
    assert fields["tool_definitions"] == RESPONSES_REQUEST["tools"]
    assert set(fields["request_parameters"]) == {"reasoning", "previous_response_id", "conversation"}
    assert fields["gen_ai.conversation.id"] == "conv_1"


def test_a_response_is_one_message_of_all_its_items() -> None:
    fields = responses.response_fields(RESPONSES_RESPONSE)

    [message] = fields["output"]
    assert message["parts"] == [
        {"type": "reasoning", "content": "Measure."},
        {
            "type": "server_tool_call",
            "id": "ws_1",
            "name": "web_search",
            "server_tool_call": RESPONSES_RESPONSE["output"][1],
        },
        text("12 m"),
        {"type": "refusal", "content": "No."},
        {"type": "tool_call", "id": "call_2", "name": "shell", "arguments": {"commands": ["ls"]}},
    ]
    assert fields["finish_reasons"] == ["tool_calls"]
    assert [fields[f"{name}_tokens"] for name in ("input", "output", "cached", "cache_write", "reasoning")] == [
        50,
        30,
        40,
        2,
        25,
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"status": "completed"}, "stop"),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "content_filter"),
        ({"status": "failed"}, "error"),
        ({"status": "queued"}, None),
    ],
)
def test_finish_reasons_of_responses_are_those_of_chat(body: dict[str, Any], expected: str | None) -> None:
    assert responses.response_fields(body)["finish_reasons"] == ([expected] if expected else None)


def test_events_of_a_response_that_broke_off_fold_into_what_had_come() -> None:
    fields = responses.response_fields(responses.join(RESPONSES_EVENTS))

    assert fields["response_id"] == "r1"
    assert fields["finish_reasons"] is None
    assert fields["output"][0]["parts"] == [
        {"type": "reasoning", "content": "Measure"},
        text("12 me"),
        {"type": "refusal", "content": "N"},
        {"type": "tool_call", "id": "c", "name": "f", "arguments": '{"unit": '},
    ]


@pytest.mark.parametrize(
    ("given", "recorded"),
    [("a", ["a"]), (["a", "b"], ["a", "b"]), ([1, 2], [[1, 2]]), ([[1], [2]], [[1], [2]])],
)
def test_inputs_of_embeddings_are_a_list(given: Any, recorded: list[Any]) -> None:
    assert embeddings.request_fields({"input": given})["input"] == recorded


@pytest.mark.parametrize("vector", [[0.1, 0.2, 0.3], "AAAAAAAAAAAAAAAA"], ids=["floats", "base64"])
def test_vectors_are_counted_and_not_kept(vector: Any) -> None:
    fields = embeddings.response_fields({"data": [{"embedding": vector}, {"embedding": vector}]})

    assert fields["output"] == {"count": 2, "dimensions": 3}


@pytest.mark.parametrize(
    ("method", "url", "surface"),
    [
        ("POST", "/chat/completions", chat.CHAT),
        ("post", "https://proxy.example/openai/deployments/gpt/chat/completions?api-version=1", chat.CHAT),
        ("POST", "/responses", responses.RESPONSES),
        ("POST", "/responses?beta=true", responses.RESPONSES),
        ("POST", "/embeddings", embeddings.EMBEDDINGS),
        ("POST", "/completions", completions.COMPLETIONS),
    ],
)
def test_a_model_call_is_known_by_the_end_of_its_path(method: str, url: str, surface: Surface) -> None:
    assert classify(method, url) == (surface, {})


@pytest.mark.parametrize(
    ("method", "url", "name", "ids"),
    [
        ("GET", "/responses/resp_1", "responses.retrieve", {"response_id": "resp_1"}),
        ("POST", "/responses/resp_1/cancel", "responses.cancel", {"response_id": "resp_1"}),
        ("POST", "/responses/compact", "responses.compact", {}),
        ("GET", "/chat/completions", "chat.completions.list", {}),
        ("GET", "/files?after=file_1", "files.list", {}),
        ("DELETE", "https://api.openai.com/v1/files/file_1", "files.delete", {"file_id": "file_1"}),
        ("GET", "/containers/c/files/f", "containers.files.retrieve", {"container_id": "c", "file_id": "f"}),
        ("POST", "/videos/characters", "videos.create_character", {}),
        ("POST", "/videos/v/remix", "videos.remix", {"video_id": "v"}),
        ("GET", "/models", "GET /models", {}),
        ("PUT", "/files/file_1", "PUT /files/file_1", {}),
        ("POST", "/agents/environments/e/files", "POST /agents/environments/e/files", {}),
    ],
)
def test_all_else_is_called_as_in_the_sdk_or_by_its_path(method: str, url: str, name: str, ids: dict[str, str]) -> None:
    surface, found = classify(method, url)

    assert (surface.name, found) == (name, ids)


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("api.openai.com", "openai"),
        ("eu.api.openai.com", "openai"),
        ("127.0.0.1", "openai"),
        ("my-resource.openai.azure.com", "azure.ai.openai"),
        ("api.deepseek.com", "deepseek"),
        ("api.groq.com", "groq"),
        ("openrouter.ai", "openrouter"),
        ("api.mistral.ai", "mistral_ai"),
        ("api.x.ai", "x_ai"),
        ("generativelanguage.googleapis.com", "gcp.gemini"),
        ("europe-west1-aiplatform.googleapis.com", "gcp.vertex_ai"),
        ("bedrock-runtime.us-east-1.amazonaws.com", "aws.bedrock"),
        ("notapi.x.ai.example", "openai"),
    ],
)
def test_the_host_tells_the_provider(host: str, provider: str) -> None:
    assert provider_of(host) == provider


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=repr)
def test_events_are_whole_wherever_the_network_cuts_them(end: str) -> None:
    lines = [
        'data: {"a": "ü"}',
        "",
        ": a comment",
        "event: x",
        "data: 1",
        "data: 2",
        "",
        "data: [DONE]",
        "",
        "data: bro",
    ]
    sent = end.join(lines).encode()

    for size in range(1, len(sent)):
        chunks = [(start, sent[start : start + size]) for start in range(0, len(sent), size)]
        assert [data.decode() for _, data in server_sent_events(chunks)] == ['{"a": "ü"}', "1\n2", "[DONE]"]


def test_what_the_client_takes_for_json_is_json() -> None:
    assert parse(rb'{"half": "\ud83e", "odd": NaN}')["half"] == "\ud83e"
    assert parse(b"<html>") == {}


def test_a_compressed_body_that_broke_off_is_read_as_far_as_it_came() -> None:
    zstandard = pytest.importorskip("zstandard")
    pack = zstandard.ZstdCompressor().compressobj()
    sent = pack.compress(b"data: 1\n\n") + pack.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)

    broken_off = Passed([(7, sent)], was_exhausted=False)
    read = readable(broken_off, response_class=httpx.Response, encoding="zstd")

    assert [*server_sent_events(read)] == [(7, b"1")]


def test_the_first_content_is_what_the_model_says_and_not_that_it_begins() -> None:
    def first(surface: Surface, events: list[dict[str, Any]]) -> int | None:
        assert surface.stream is not None
        return fold(surface.stream, [(at, event_bytes(event)) for at, event in enumerate(events)]).first_content_ns

    assert first(chat.CHAT, CHAT_CHUNKS) == 2
    assert first(chat.CHAT, CHAT_CHUNKS[4:]) == 0
    assert first(chat.CHAT, CHAT_CHUNKS[7:]) == 1
    assert first(responses.RESPONSES, RESPONSES_EVENTS) == 2
    assert first(responses.RESPONSES, RESPONSES_EVENTS[:2]) is None


def surface_of(case: Case) -> Surface:
    """The surface of the same method, by its name or by that of its operation."""
    name = case.asked["name"].split(" ")[0]
    api_type = case.asked.get("openai.api.type")
    named = [surface for _, _, surface in TABLE if name in (surface.name, surface.operation)]
    found = [surface for surface in named if api_type in (None, surface.api_type)]
    return found[0] if found else unnamed("GET", "/models")


def told_of(surface: Surface) -> Callable[[Any], Any]:
    stream = surface.stream
    return lambda events: (
        stream and [surface.response_fields(stream.join(events)), [stream.is_content(event) for event in events]]
    )


@pytest.mark.parametrize(
    ("translate", "body"),
    [
        (chat.request_fields, CHAT_REQUEST),
        (chat.response_fields, CHAT_RESPONSE),
        (lambda chunks: chat.response_fields(chat.join(chunks)), CHAT_CHUNKS),
        (lambda chunks: [chat.is_content(chunk) for chunk in chunks], CHAT_CHUNKS),
        (responses.request_fields, RESPONSES_REQUEST),
        (responses.response_fields, RESPONSES_RESPONSE),
        (lambda events: responses.response_fields(responses.join(events)), RESPONSES_EVENTS),
        (embeddings.request_fields, {"input": ["a", [1]]}),
        (embeddings.response_fields, {"data": [{"embedding": "AAAA"}, {"embedding": [1]}], "usage": {}}),
        *[
            (translate, body)
            for case in CASES
            for surface in [surface_of(case)]
            for translate, body in [
                (surface.request_fields, dict(case.request)),
                (surface.response_fields, parse(case.answer.body)),
                (told_of(surface), list(case.events)),
            ]
            if body
        ],
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_no_shape_of_a_body_is_an_error(translate: Callable[[Any], Any], body: Any) -> None:
    """Other servers send other things: every value in turn is one that the API would never send."""
    for strange in strangely(body):
        try:
            translate(strange)
        except Exception as error:
            raise AssertionError(f"{error!r} from {json.dumps(strange, default=repr)}") from error


def strangely(body: Any) -> Iterator[Any]:
    """Yield the body with each of its values replaced by each strange one. The events of a stream stay objects."""
    for path in paths(body):
        if len(path) > isinstance(body, list):
            for value in (None, 7, "x", [], {}, [None], ["x"], {"type": 7}, [{"type": "text"}], object()):
                changed = holder = copy.deepcopy(body)
                for key in path[:-1]:
                    holder = holder[key]
                holder[path[-1]] = value
                yield changed


def paths(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield here
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from paths(item, (*here, key))


def event_bytes(event: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(event)}\n\n".encode()
