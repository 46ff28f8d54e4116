"""Moderations: texts and pictures are judged. `output` is the judgements, one for each input, as they came.

Source: https://platform.openai.com/docs/api-reference/moderations
"""

from __future__ import annotations

from typing import Any

from tracer.integrations import genai
from tracer.integrations.genai import Message
from tracer.integrations.openai.body import Body, Fields, error_fields, mappings, parameters
from tracer.integrations.openai.surface import Surface
from tracer.integrations.openai.surfaces.parts import parts


def request_fields(body: Body) -> Fields:
    return {"input": _input(body.get("input")), "request_parameters": parameters(body, told=("input",))}


def response_fields(body: Body) -> Fields:
    return {
        "response_id": body.get("id"),
        "response_model": body.get("model"),
        "output": mappings(body.get("results")) or None,
        **error_fields(body.get("error")),
    }


def _input(given: Any) -> list[Message]:
    """Return a message for each input; the parts of a list of parts are one input."""
    if isinstance(given, list | tuple) and all(isinstance(item, str) for item in given):
        return [genai.message("user", parts(text)) for text in given]
    return [genai.message("user", parts(given))]


MODERATIONS = Surface(
    operation=None,
    kind="guardrail",
    name="moderations.create",
    request_fields=request_fields,
    response_fields=response_fields,
)
