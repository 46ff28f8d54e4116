"""Bedrock through boto3 and an instrumentor that `instrument()` finds: Anthropic's count of cached tokens included."""

from __future__ import annotations

import binascii
import json
import struct
from typing import Any

import boto3
import pytest
from conftest import said, through
from scripted import Answer, json_answer

import tracer

USAGE = {
    "inputTokens": 10,
    "cacheReadInputTokens": 100,
    "cacheWriteInputTokens": 20,
    "outputTokens": 7,
    "totalTokens": 137,
}
MESSAGE = {"role": "assistant", "content": [{"text": "secret answer"}]}
CONVERSED = {"output": {"message": MESSAGE}, "stopReason": "end_turn", "usage": USAGE, "metrics": {"latencyMs": 5}}
EVENTS: list[tuple[str, Any]] = [
    ("messageStart", {"role": "assistant"}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "secret "}}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "answer"}}),
    ("contentBlockStop", {"contentBlockIndex": 0}),
    ("messageStop", {"stopReason": "end_turn"}),
    ("metadata", {"usage": USAGE, "metrics": {"latencyMs": 5}}),
]
INVOKED = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x",
    "content": [{"type": "text", "text": "secret answer"}],
    "stop_reason": "end_turn",
    "usage": {
        "input_tokens": 10,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 20,
        "output_tokens": 7,
    },
}
MODEL = "anthropic.claude-x-v1:0"


def event(kind: str, body: Any) -> bytes:
    """An event of a stream as AWS frames it: lengths, headers and body, each followed by its checksum."""
    told = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(
        struct.pack(">B", len(name)) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for name, value in told.items()
    )
    data = json.dumps(body).encode()
    lengths = struct.pack(">II", 16 + len(headers) + len(data), len(headers))
    framed = lengths + struct.pack(">I", binascii.crc32(lengths)) + headers + data
    return framed + struct.pack(">I", binascii.crc32(framed))


def call(wire, surface: str, way: str) -> None:
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    client = boto3.client("bedrock-runtime", endpoint_url=wire.base_url, **keys)
    if surface == "invoke_model":
        wire.answer = json_answer(INVOKED)
        asked = {"max_tokens": 50, "system": "be brief", "messages": [{"role": "user", "content": "secret hello"}]}
        body = json.dumps({"anthropic_version": "bedrock-2023-05-31", **asked})
        assert json.loads(client.invoke_model(modelId=MODEL, body=body)["body"].read()) == INVOKED
        return
    asked = {
        "modelId": MODEL,
        "messages": [{"role": "user", "content": [{"text": "secret hello"}]}],
        "system": [{"text": "be brief"}],
        "inferenceConfig": {"maxTokens": 50},
    }
    if way == "whole":
        wire.answer = json_answer(CONVERSED)
        assert client.converse(**asked)["output"]["message"] == MESSAGE
    else:
        framed = [event(*one) for one in EVENTS]
        wire.answer = Answer(content_type="application/vnd.amazon.eventstream", events=framed)
        assert [*client.converse_stream(**asked)["stream"]] == [{kind: body} for kind, body in EVENTS]


@pytest.mark.parametrize(("surface", "way"), [("converse", "whole"), ("converse", "stream"), ("invoke_model", "whole")])
def test_a_call_is_told_in_full(store_path, wire, model_calls, outline, record_property, surface, way) -> None:
    record_property("covers", (through("bedrock"), surface, "sync", way, "ok"))
    assert "bedrock" in tracer.instrument()
    with tracer.span("mine"):
        call(wire, surface, way)
    (row,) = model_calls()
    assert outline() == ["mine", f"  {row.name}"]
    assert (row.provider, row.status, row.finish_reasons) == ("aws.bedrock", "OK", ["end_turn"])
    assert "claude-x" in (row.request_model or row.response_model)
    assert (row.input_tokens, row.cached_tokens, row.cache_write_tokens, row.output_tokens) == (130, 100, 20, 7)
    assert said(row.input)[-1] == ("user", ["secret hello"])
    assert said(row.output) == [("assistant", ["secret answer"])]


def test_without_content_none_is_told(store_path, wire, spans) -> None:
    tracer.configure(capture_content=False)
    tracer.instrument("bedrock")
    call(wire, "converse", "whole")
    assert [row.kind for row in spans()] == ["llm"]
    assert "secret" not in repr(spans())
