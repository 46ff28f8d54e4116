"""Decisions: questions about an input, each answered by a class or a score.

Source: https://platform.openai.com/docs/api-reference/decisions
"""

from __future__ import annotations

from tracer.integrations.openai.body import Body, Fields, error_fields, mappings, parameters, usage_fields
from tracer.integrations.openai.surface import Surface
from tracer.integrations.openai.surfaces.responses import input_messages


def request_fields(body: Body) -> Fields:
    """The questions are parameters: they say how to look at the input."""
    return {
        "input": input_messages(body.get("input")),
        "request_parameters": parameters(body, told=("input",)),
    }


def response_fields(body: Body) -> Fields:
    """`output` is the answers, in the order of the questions."""
    return {
        "response_model": body.get("model"),
        "output": mappings(body.get("answers")) or None,
        **usage_fields(body.get("usage")),
        **error_fields(body.get("error")),
    }


DECISIONS = Surface(
    operation=None,
    kind="llm",
    name="decisions.create",
    request_fields=request_fields,
    response_fields=response_fields,
)
