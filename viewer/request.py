"""A stored OpenAI call as text to run again: for a shell by `curl`, and as a program of Python.

Pure. The key is never in it: both read `OPENAI_API_KEY`. What could not be rebuilt is said in comments at its top.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from tracer.integrations.openai_request import Request, request_of
from tracer.span_row import SpanRow
from tracer.viewer.columns import Json

_OPENAI = "https://api.openai.com/v1"
_WIDTH = 100


def request_json(row: SpanRow, content_of: Callable[[str], bytes | None]) -> Json | None:
    """Return the `curl` and the `python` of a call; None for what is no call of OpenAI's API.

    `content_of` returns the content of an attachment by its hash, None where that is not known.
    """
    request = request_of(row, content_of)
    if request is None:
        return None
    base_url, notes = _base_url(row)
    told = [f"lost: {sentence}" for sentence in request.lost] + notes
    return {"curl": _curl(request, base_url, told, row), "python": _python(request, base_url, told, row)}


def _base_url(row: SpanRow) -> tuple[str, list[str]]:
    """Return where the call went, and what of that is not known for certain. Only host and port are recorded."""
    attributes = row.attributes if isinstance(row.attributes, Mapping) else {}
    host, port = attributes.get("server.address"), attributes.get("server.port")
    port = port if isinstance(port, int) else None
    if not isinstance(host, str):
        return _OPENAI, ["assumed: the address, for none was recorded"]
    if host == "api.openai.com" and port is None:
        return _OPENAI, []
    scheme = "http" if port is not None and _is_near(host) else "https"
    place = f"{scheme}://{f'[{host}]' if ':' in host else host}" + (f":{port}" if port is not None else "")
    if _is_azure(row):
        return f"{place}/openai/v1", ["assumed: Azure's path and version of the API, which are not recorded"]
    return f"{place}/v1", [f"assumed: {scheme} and the path /v1, for host and port alone are recorded"]


def _is_near(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith(("127.", "10.", "192.168.")) or "." not in host


def _is_azure(row: SpanRow) -> bool:
    return row.provider == "azure.ai.openai"


# ── for a shell


def _curl(request: Request, base_url: str, notes: list[str], row: SpanRow) -> str:
    # JSON has no newline within a text, so that none of its lines can be the word that ends it.
    body = json.dumps(request.body, ensure_ascii=False, indent=2)
    key = '"api-key: $OPENAI_API_KEY"' if _is_azure(row) else '"Authorization: Bearer $OPENAI_API_KEY"'
    url = quote(f"{base_url}{request.path}", safe=":/[]")
    lines = [
        *(f"# {note}" for note in notes),
        f"curl '{url}' \\",
        f"  -H {key} \\",
        "  -H 'Content-Type: application/json' \\",
        *(["  --no-buffer \\"] if row.stream else []),
        "  --data-binary @- <<'JSON'",
        body,
        "JSON",
    ]
    return "\n".join(lines) + "\n"


# ── as Python

_CREATE = {
    "/chat/completions": "client.chat.completions.create",
    "/responses": "client.responses.create",
    "/embeddings": "client.embeddings.create",
}

_KNOWN = {
    "/chat/completions": {
        *("messages", "model", "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs"),
        *("max_completion_tokens", "max_tokens", "metadata", "modalities", "n", "parallel_tool_calls", "prediction"),
        *("presence_penalty", "reasoning_effort", "response_format", "seed", "service_tier", "stop", "store", "stream"),
        *("stream_options", "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user"),
    },
    "/responses": {
        *("input", "model", "include", "instructions", "max_output_tokens", "metadata", "parallel_tool_calls"),
        *("previous_response_id", "reasoning", "service_tier", "store", "stream", "temperature", "text", "tool_choice"),
        *("tools", "top_p", "truncation", "user"),
    },
    "/embeddings": {"input", "model", "dimensions", "encoding_format", "user"},
}
"""What the oldest SDK of those we support takes by name; all else goes into the same body by `extra_body`."""


def _python(request: Request, base_url: str, notes: list[str], row: SpanRow) -> str:
    known = _KNOWN[request.path]
    named = {name: value for name, value in request.body.items() if name in known}
    if extra := {name: value for name, value in request.body.items() if name not in known}:
        named["extra_body"] = extra
    where = "" if base_url == _OPENAI else f"base_url={base_url!r}"
    lines = [
        *(f"# {note}" for note in notes),
        "from openai import OpenAI",
        "",
        f"client = OpenAI({where})  # its key is $OPENAI_API_KEY",
        f"response = {_CREATE[request.path]}(",
        *(f"    {name}={''.join(_literal(value, 4))}," for name, value in named.items()),
        ")",
        *(["for event in response:", "    print(event)"] if row.stream else ["print(response)"]),
    ]
    return "\n".join(lines) + "\n"


def _literal(value: Any, indent: int) -> Iterator[str]:
    """Yield a value of JSON as Python's literal, over several lines where one is too long for it."""
    inline = repr(value)
    if not isinstance(value, dict | list) or not value or len(inline) + indent < _WIDTH:
        yield inline
        return
    is_dict = isinstance(value, dict)
    items = value.items() if isinstance(value, dict) else [(None, item) for item in value]
    yield "{\n" if is_dict else "[\n"
    for key, item in items:
        yield " " * (indent + 4) + (f"{key!r}: " if is_dict else "")
        yield from _literal(item, indent + 4)
        yield ",\n"
    yield " " * indent + ("}" if is_dict else "]")
