"""LangChain's messages, documents and values as plain data: pure translation, no span in sight.

Content blocks come in the dialect of whichever provider wrote them; `BaseMessage.content_blocks` is
LangChain's own translation of those into one, and what is read here.

Source: https://github.com/open-telemetry/semantic-conventions-genai
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage, FunctionMessage, ToolMessage, convert_to_messages
from langchain_core.prompt_values import PromptValue, StringPromptValue

from tracer.errors import attempt
from tracer.integrations import genai
from tracer.integrations.genai import Message, Part

_ROLES = {"human": "user", "ai": "assistant", "function": "tool"}
_SPOKEN_ROLES = ("user", "human", "assistant", "ai", "system", "developer", "tool")
_MODALITIES = {"image": "image", "audio": "audio", "video": "video", "file": "document", "text-plain": "document"}
_MAX_DEPTH = 8


def readable(value: Any) -> Any:
    """Return `value` with every message and document in it, however deep in lists and mappings, as plain data.

    All else is returned as it is; so is a value that changes or raises while it is looked at. Nothing is changed in
    place.
    """
    translated, error = attempt(lambda: _translated(value, 0))
    return value if error is not None else translated


def _translated(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, (str, int, float)) or depth > _MAX_DEPTH:
        return value
    if isinstance(value, BaseMessage):
        return message(value)
    if isinstance(value, Document):
        return document(value)
    if isinstance(value, PromptValue):
        return value.text if isinstance(value, StringPromptValue) else [message(item) for item in value.to_messages()]
    if isinstance(value, Mapping):
        return {key: _state(key, item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_translated(item, depth + 1) for item in value]
    if type(value).__module__ == "langgraph.types":  # Command, Send, Interrupt
        facts = {name: _translated(getattr(value, name, None), depth + 1) for name in _field_names(value)}
        return {name: fact for name, fact in facts.items() if fact not in (None, (), [])}
    return value


def _field_names(value: Any) -> tuple[str, ...]:
    if dataclasses.is_dataclass(value):
        return tuple(field.name for field in dataclasses.fields(value))
    return tuple(getattr(type(value), "__slots__", ()))


def _state(key: Any, value: Any, depth: int) -> Any:
    """The messages of a graph's state may be given in any form that LangChain takes, such as ("user", "Hello")."""
    if key == "messages" and isinstance(value, list) and value and all(map(_is_spoken, value)):
        messages, error = attempt(lambda: convert_to_messages(value))
        if error is None:
            return _translated(messages, depth)
    return _translated(value, depth)


def _is_spoken(value: Any) -> bool:
    if isinstance(value, dict):
        return value.get("role") in _SPOKEN_ROLES and "content" in value
    if isinstance(value, tuple):
        return len(value) == 2 and value[0] in _SPOKEN_ROLES
    return isinstance(value, BaseMessage)


def document(value: Document, score: float | None = None) -> dict[str, Any]:
    facts = {"id": value.id, "score": score, "content": value.page_content, "metadata": value.metadata or None}
    return {name: fact for name, fact in facts.items() if fact is not None}


def message(value: BaseMessage, finish_reason: str | None = None) -> Message:
    role = getattr(value, "role", None) or _ROLES.get(_type(value), _type(value))
    return genai.message(role, parts(value), name=value.name, finish_reason=finish_reason)


def _type(value: BaseMessage) -> str:
    return value.type.removesuffix("MessageChunk").lower()


def parts(value: BaseMessage) -> Iterator[Part]:
    """Yield what a message holds: reasoning, texts and media in their order, then its tool calls."""
    if isinstance(value, (ToolMessage, FunctionMessage)):
        yield _tool_response(value)
        return
    if isinstance(value.content, str):
        if isinstance(thought := value.additional_kwargs.get("reasoning_content"), str) and thought:
            yield genai.reasoning(thought)
        if value.content:
            yield genai.text(value.content)
    else:
        standard, _ = attempt(lambda: list(value.content_blocks))
        if standard is not None:
            yield from chain.from_iterable(map(_block, standard))
        else:  # LangChain's translation stumbled over one of the blocks
            yield from chain.from_iterable(map(_foreign_block, value.content))
    if isinstance(refusal := value.additional_kwargs.get("refusal"), str):
        yield genai.refusal(refusal)
    if isinstance(audio := value.additional_kwargs.get("audio"), dict):
        yield from _spoken_audio(audio)
    if isinstance(value, AIMessage):
        for call in value.tool_calls:
            yield genai.tool_call(call["name"], call["args"], id=call["id"])
        for bad_call in value.invalid_tool_calls:
            call_part = genai.tool_call(bad_call["name"], bad_call["args"], id=bad_call["id"])
            yield {**call_part, "error": bad_call["error"]} if bad_call["error"] else call_part


def _tool_response(value: ToolMessage | FunctionMessage) -> Part:
    part = genai.tool_call_response(readable(value.content), id=getattr(value, "tool_call_id", None))
    return {**part, "status": "error"} if getattr(value, "status", None) == "error" else part


def _spoken_audio(audio: Mapping[str, Any]) -> Iterator[Part]:
    if transcript := audio.get("transcript"):
        yield genai.text(transcript)
    if data := audio.get("data"):
        yield genai.blob(data, modality="audio")


def _block(block: Mapping[str, Any]) -> Iterator[Part]:
    """One content block in LangChain's standard form. Tool calls are left out: the message tells them parsed."""
    match block["type"]:
        case "text":
            yield genai.text(block["text"]) | _known(annotations=block.get("annotations"))
        case "reasoning":
            yield genai.reasoning(block.get("reasoning", ""))
        case "image" | "audio" | "video" | "file" | "text-plain" as kind:
            yield _medium(block, _MODALITIES[kind])
        case "server_tool_call":
            yield _known(
                type="server_tool_call", id=block.get("id"), name=block["name"], server_tool_call=block["args"]
            )
        case "server_tool_result":
            response = block.get("output", block.get("status"))
            yield _known(
                type="server_tool_call_response", id=block.get("tool_call_id"), server_tool_call_response=response
            )
        case "non_standard":
            yield from _foreign_block(block["value"])
        case "tool_call" | "tool_call_chunk" | "invalid_tool_call" | "server_tool_call_chunk":
            return
        case _:  # what has no standard form comes as it is, since langchain-core 1.8
            yield from _foreign_block(block)


def _medium(block: Mapping[str, Any], modality: str) -> Part:
    mime_type = block.get("mime_type")
    if data := block.get("base64"):
        return genai.blob(data, modality=modality, mime_type=mime_type)
    if url := block.get("url"):
        return genai.uri(url, modality=modality, mime_type=mime_type)
    if file_id := block.get("file_id"):
        return genai.file(file_id, modality=modality, mime_type=mime_type)
    return genai.text(block["text"]) if "text" in block else dict(block)


def _foreign_block(value: Any) -> Iterator[Part]:
    """A block that LangChain has no standard form for: refusals, and what was written with no provider named."""
    match value:
        case str():
            yield genai.text(value)
        case {"type": "text", "text": str(said)}:
            yield genai.text(said)
        case {"type": "refusal", "refusal": str(said)}:
            yield genai.refusal(said)
        case {"type": "thinking", "thinking": str(thought)}:
            yield genai.reasoning(thought)
        case {"type": "tool_use" | "function_call"}:
            return
        case _:
            yield {"type": "unknown", **value}


def _known(**facts: Any) -> Part:
    return {name: fact for name, fact in facts.items() if fact is not None}


def tool_definition(tool: Any) -> Any:
    """Return a tool as `{"type": "function", "name", "description", "parameters"}`, flat; or as it is."""
    if not isinstance(tool, Mapping):
        return tool
    if isinstance(function := tool.get("function"), Mapping):
        return {"type": "function", **function}
    if "input_schema" in tool and "name" in tool:
        rest = {name: fact for name, fact in tool.items() if name != "input_schema"}
        return {"type": "function", **rest, "parameters": tool["input_schema"]}
    return tool


def interrupts(arguments: Sequence[Any]) -> Any:
    """Return what a graph was left with: the questions of `interrupt()`, or the command to a parent graph."""
    return readable(arguments[0]) if len(arguments) == 1 else readable(list(arguments))
