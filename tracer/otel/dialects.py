"""The attributes of foreign spans, read into our columns. Pure; the originals are kept verbatim beside them.

A dialect is told by the attributes themselves, never by the scope's name: mixtures occur.
Source: https://github.com/open-telemetry/semantic-conventions-genai
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from tracer import semconv

GENAI = "genai"
OTHER = "other"


def kind_of(attributes: Mapping[str, Any]) -> str:
    if operation := attributes.get(semconv.ATTRIBUTES["operation"]):
        return semconv.KIND_OF_OPERATION.get(str(operation), "other")
    if any(key.startswith(("http.", "url.")) for key in attributes):
        return "http"
    return "other"


def fields_of(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that these attributes speak of, and their `dialect`."""
    if not any(key.startswith("gen_ai.") for key in attributes):
        return {"dialect": OTHER}
    fields = {
        column: attributes[name]
        for column, name in semconv.ATTRIBUTES.items()
        if name in attributes and column not in semconv.JSON_ATTRIBUTES
    }
    for column, name in semconv.JSON_ATTRIBUTES.items():
        if name in attributes:
            fields[column] = _parsed(attributes[name])
    parameters = {
        key.removeprefix(semconv.REQUEST_PREFIX): value
        for key, value in attributes.items()
        if key.startswith(semconv.REQUEST_PREFIX) and key not in semconv.ATTRIBUTES.values()
    }
    if parameters:
        fields["request_parameters"] = parameters
    if (seconds := attributes.get(semconv.TIME_TO_FIRST_CHUNK)) is not None:
        fields["ttft_ns"] = round(float(seconds) * 1e9)
    if "input_tokens" in fields or "output_tokens" in fields:
        fields["usage_source"] = "api"
    return {**fields, "dialect": GENAI}


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
