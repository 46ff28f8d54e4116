"""What is no call of a model: files, batches, jobs and the like. Their spans are light, and have no tokens.

`input` is what was sent, without the content of files; `output` is the plain fields of what came. Of a request that no
table names there is a span with its method, path and status, and nothing of its bodies.

Source: https://platform.openai.com/docs/api-reference
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tracer.integrations.openai.body import Body, Fields
from tracer.integrations.openai.request import File
from tracer.integrations.openai.surface import Raw, Stream, Surface
from tracer.integrations.openai.surfaces.media import described
from tracer.semconv import KIND_OF_OPERATION


def light(name: str, operation: str | None = None) -> Surface:
    """Return the surface of a method of the SDK, such as `files.create`."""

    def response_fields(body: Body) -> Fields:
        missed = [f"{name} of OpenAI: of its events, only their number is recorded"] if "events" in body else None
        return {"response_id": body.get("id"), "output": plain_fields(body) or None, "tracer.missed": missed}

    def raw_fields(answer: Raw) -> Fields:
        return {
            "output": {"mime_type": answer.mime_type, "bytes": answer.size} if answer.size else None,
            "tracer.missed": [f"{name} of OpenAI: of the answer, only its type and size are recorded"],
        }

    return Surface(
        operation=operation,
        kind=KIND_OF_OPERATION.get(operation or "", "http"),
        name=name,
        subject="",
        request_fields=request_fields,
        response_fields=response_fields,
        raw_fields=raw_fields,
        stream=_EVENTS,
        keeps="value",
    )


def unnamed(method: str, path: str) -> Surface:
    """Return the surface of a request that no table names."""

    def fields(_body: Body) -> Fields:
        return {
            "http.request.method": method,
            "url.path": path,
            "tracer.missed": [f"{method} {path} of OpenAI: only method, path and status are recorded"],
        }

    return Surface(
        operation=None,
        kind="http",
        name=f"{method} {path}",
        subject="",
        request_fields=fields,
        response_fields=lambda _body: {},
        keeps="nothing",
    )


def request_fields(body: Body) -> Fields:
    """A thread of assistants is a conversation too."""
    return {
        "input": {name: _described(value) for name, value in body.items()} or None,
        "gen_ai.conversation.id": body.get("conversation_id") or body.get("thread_id"),
        "gen_ai.agent.id": body.get("assistant_id"),
        "stream": True if body.get("stream") else None,
    }


def plain_fields(body: Body) -> Fields:
    """Return the fields that are plain values, and how many there are in each list."""
    plain: dict[str, Any] = {}
    for name, value in body.items():
        if isinstance(value, list):
            plain[f"{name}_count"] = len(value)
        elif value is not None and not isinstance(value, Mapping):
            plain[name] = value
    return plain


def _counted(events: Iterable[Body]) -> Body:
    return {"events": len(list(events))}


def _described(value: Any) -> Any:
    is_files = isinstance(value, list) and value and isinstance(value[0], File)
    return described(value) if is_files else value


_EVENTS = Stream(join=_counted, is_content=lambda _event: False)
