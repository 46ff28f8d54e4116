"""What is left when content is not to be recorded: shapes, numbers, and the names by which a run is found again.

Names stay: of spans, events, functions, models, tags, sessions, users, and the keys of objects that look like names.
All other texts become `[N characters]`.
"""

from __future__ import annotations

from typing import Any

import orjson

from tracer.capture.expressions import compiled
from tracer.capture.rewriting import distinct, dumps
from tracer.semconv import ATTRIBUTES

_WORDS = {
    "role": "system developer user assistant tool function model ipython",
    "type": "text reasoning refusal tool_call tool_call_response server_tool_call blob uri file function custom object "
    "json_schema json_object string number integer boolean array null",
    "modality": "image audio video document text",
    "finish_reason": "stop length tool_calls content_filter function_call error",
    "tool_choice": "auto none required any",
    "service_tier": "auto default flex priority scale",
    "reasoning_effort": "none minimal low medium high xhigh",
    "effort": "none minimal low medium high xhigh",
    "verbosity": "low medium high",
    "encoding_format": "float base64",
}
_VOCABULARY = {key: frozenset(words.split()) for key, words in _WORDS.items()}
"""Keys whose value is a word of a vocabulary, not content, as long as it is one of these words."""

_FORMS = {
    "$type": r"[A-Za-z_][\w.<>]{0,199}",
    "dtype": r"[A-Za-z_][\w.<>]{0,39}",
    "mime_type": r"(?:application|audio|font|image|model|multipart|text|video)/[\w.+\-]{1,80}",
}
"""Keys whose value is the name of a type, as long as it looks like one."""

_KEY = r"[$A-Za-z_][\w.$\-]{0,79}"

_OPTION = r"-[A-Za-z]|--[\w\-]{1,40}"

_SHAPED = r"\[\d+ characters\](?: \d+)?"

CONTENT_COLUMNS = frozenset(
    {
        "input",
        "output",
        "system_instructions",
        "tool_definitions",
        "prompt_variables",
        "metadata",
        "request_parameters",
        "status_message",
    }
)
"""The columns that hold nothing but content."""

_KEPT_ATTRIBUTES = frozenset({"otel.trace_id", "otel.span_id", "server.address"}) | {
    name for column, name in ATTRIBUTES.items() if column not in CONTENT_COLUMNS
}
"""Attributes that say the same as columns that stay, and ids."""


def shape_only(encoded: bytes) -> bytes:
    """Return the JSON value with each text replaced by its length; keys, numbers, roles and types stay."""
    return dumps(_shape(orjson.loads(encoded)))


def shape_line(line: bytes) -> bytes:
    """Return a line of the journal without content, be it a span's row or a record with its data."""
    row = orjson.loads(line)
    if row.get("record") == "process":
        row["data"]["argv"] = _arguments(row["data"].get("argv") or [])
    elif row.get("record") == "score":
        row["data"]["comment"] = _shape(row["data"].get("comment"))
    elif "record" not in row:
        row = {column: _column(column, value) for column, value in row.items()}
    return dumps(row)


def _column(column: str, value: Any) -> Any:
    if column in CONTENT_COLUMNS:
        return _shape(value)
    if column == "attributes":
        return _attributes(value)
    if column in ("events", "links"):
        return [
            {key: _attributes(told) if key == "attributes" else told for key, told in item.items()} for item in value
        ]
    return value


def _attributes(attributes: Any) -> Any:
    if not isinstance(attributes, dict):
        return _shape(attributes)
    kept = {key: value for key, value in attributes.items() if key in _KEPT_ATTRIBUTES}
    return {**_shape({key: value for key, value in attributes.items() if key not in kept}), **kept}


def _shape(value: Any) -> Any:
    if isinstance(value, str):
        return _length(value)
    if isinstance(value, list):
        return [_shape(item) for item in value]
    if isinstance(value, dict):
        keys = distinct(key if compiled(_KEY).fullmatch(key) else _length(key) for key in value)
        return {
            name: item if _is_word(key, item) else _shape(item)
            for name, (key, item) in zip(keys, value.items(), strict=True)
        }
    return value


def _length(text: str) -> str:
    return text if compiled(_SHAPED).fullmatch(text) else f"[{len(text)} characters]"


def _is_word(key: str, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    return value in _VOCABULARY.get(key, ()) or bool(key in _FORMS and compiled(_FORMS[key]).fullmatch(value))


def _arguments(argv: list[str]) -> list[str]:
    """Return what was run, and which options it got, without their values."""
    shaped = []
    for place, argument in enumerate(argv):
        before = argv[place - 1] if place else ""
        name, is_assigned, value = argument.partition("=")
        if place == 0 or before == "-m" or (place == 1 and not argument.startswith("-")):
            shaped.append(argument)
        elif compiled(_OPTION).fullmatch(name):
            shaped.append(f"{name}={_length(value)}" if is_assigned else name)
        else:
            shaped.append(_length(argument))
    return shaped
