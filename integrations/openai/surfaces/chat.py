"""Chat completions. System and developer messages stay in `input`, in their place, as `system`.

Source: https://platform.openai.com/docs/api-reference/chat
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tracer.integrations import genai
from tracer.integrations.genai import Message, Part
from tracer.integrations.openai.body import (
    Body,
    Fields,
    mapping,
    mappings,
    number,
    parameters,
    tool_definitions,
)
from tracer.integrations.openai.surface import Stream, Surface
from tracer.integrations.openai.surfaces.choices import choices_fields
from tracer.integrations.openai.surfaces.media import media
from tracer.integrations.openai.surfaces.parts import arguments, parts

_ROLES = {"developer": "system", "function": "tool"}

_PIECES = frozenset(
    {"content", "refusal", "reasoning_content", "reasoning", "arguments", "input", "data", "transcript"}
)
"""The keys of a delta whose text comes piece by piece. All others come whole."""


def request_fields(body: Body) -> Fields:
    return {
        "input": [_message(told) for told in mappings(body.get("messages"))],
        "tool_definitions": tool_definitions(body.get("tools") or body.get("functions")),
        "request_parameters": parameters(body, told=("messages", "tools", "functions")),
    }


def response_fields(body: Body) -> Fields:
    return {**choices_fields(body, _answer), "openai.response.service_tier": body.get("service_tier")}


def join(chunks: Iterable[Body]) -> Body:
    """Fold the chunks of a stream into the completion that they tell."""
    body: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        # What is empty tells nothing: Azure's first chunk has an empty model, others a null usage.
        body.update({name: value for name, value in chunk.items() if value})
        for told in mappings(chunk.get("choices")):
            choice = choices.setdefault(number(told, "index"), {"message": {}})
            _add(choice["message"], mapping(told.get("delta")))
            _add_logprobs(choice, mapping(told.get("logprobs")))
            if reason := told.get("finish_reason"):
                choice["finish_reason"] = reason
    for choice in choices.values():
        choice["message"] = _joined(choice["message"])
    return {**body, "choices": [choice for _, choice in sorted(choices.items())]}


def is_content(chunk: Body) -> bool:
    return any(_says(mapping(choice.get("delta"))) for choice in mappings(chunk.get("choices")))


def _answer(choice: Body) -> Message:
    told = mapping(choice.get("message"))
    message = _message(told, choice.get("finish_reason"))
    if annotations := told.get("annotations"):  # where a search found what the text says
        message["annotations"] = annotations
    if logprobs := mapping(choice.get("logprobs")):
        message["logprobs"] = logprobs
    return message


def _message(told: Body, finish_reason: str | None = None) -> Message:
    role = str(told.get("role") or "assistant")
    role = _ROLES.get(role, role)
    content = _tool_parts(told) if role == "tool" else _said_parts(told)
    return genai.message(role, content, name=told.get("name"), finish_reason=finish_reason)


def _tool_parts(told: Body) -> list[Part]:
    content = told.get("content")
    response = content if isinstance(content, str) else parts(content)
    return [genai.tool_call_response(response, id=told.get("tool_call_id"))]


def _said_parts(told: Body) -> list[Part]:
    said: list[Part] = []
    # `reasoning_content` (DeepSeek, vLLM) and `reasoning` (OpenRouter, Groq) are not the API's own.
    if isinstance(reasoning := told.get("reasoning_content") or told.get("reasoning"), str):
        said.append(genai.reasoning(reasoning))
    said += parts(told.get("content"))
    if refusal := told.get("refusal"):
        said.append(genai.refusal(refusal))
    if audio := mapping(told.get("audio")):
        said.append(_audio_part(audio))
    said += [_call_part(call) for call in mappings(told.get("tool_calls"))]
    if function := mapping(told.get("function_call")):
        said.append(_call_part({"function": function}))
    return said


def _call_part(call: Body) -> Part:
    function, custom = mapping(call.get("function")), mapping(call.get("custom"))
    if custom:
        return genai.tool_call(custom.get("name"), custom.get("input"), id=call.get("id"))
    return genai.tool_call(function.get("name"), arguments(function.get("arguments")), id=call.get("id"))


def _audio_part(audio: Body) -> Part:
    """Return what the model spoke: the sound itself, or in a later request only the id under which it is kept."""
    if not (data := audio.get("data")):
        return genai.file(str(audio.get("id")), modality="audio")
    part = media(data if isinstance(data, str) else None, modality="audio")
    if transcript := audio.get("transcript"):
        part["transcript"] = transcript
    return part


def _add(message: dict[str, Any], delta: Body) -> None:
    """Add a delta. Texts stay lists of pieces until `_joined`, so that a long answer costs no more per token."""
    for name, value in delta.items():
        if name in _PIECES:
            if pieces := [value] if isinstance(value, str) else value if isinstance(value, list) else []:
                message.setdefault(name, []).extend(pieces)
        elif name == "tool_calls":
            for piece in mappings(value):
                _add(_open_call(message.setdefault(name, []), piece), piece)
        elif isinstance(value, dict):
            message[name] = dict(mapping(message.get(name)))
            _add(message[name], value)
        elif value is not None:
            message[name] = value


def _add_logprobs(choice: dict[str, Any], told: Body) -> None:
    for name, tokens in told.items():
        if isinstance(tokens, list):
            choice.setdefault("logprobs", {}).setdefault(name, []).extend(tokens)


def _open_call(calls: list[dict[str, Any]], piece: Body) -> dict[str, Any]:
    """Return the tool call that this piece goes on with. A new id begins a new one: some servers repeat the index."""
    for call in calls[::-1]:
        if call.get("index") == piece.get("index") and piece.get("id") in (None, "", call.get("id")):
            return call
    calls.append({})
    return calls[-1]


def _joined(message: Any) -> Any:
    if isinstance(message, dict):
        return {
            name: "".join(value) if name in _PIECES and _are_texts(value) else _joined(value)
            for name, value in message.items()
        }
    return [_joined(item) for item in message] if isinstance(message, list) else message


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(piece, str) for piece in value)


def _says(delta: Any) -> bool:
    if isinstance(delta, Mapping):
        return any(bool(value) if name in _PIECES else _says(value) for name, value in delta.items())
    return isinstance(delta, list) and any(_says(item) for item in delta)


CHAT = Surface(
    operation="chat",
    kind="llm",
    api_type="chat_completions",
    request_fields=request_fields,
    response_fields=response_fields,
    stream=Stream(join=join, is_content=is_content),
)
