"""Pydantic AI and Logfire: the conventions, and names of their own for agents, tools and older versions' messages.

Source: https://pydantic.dev/docs/ai/integrations/logfire/
"""

from __future__ import annotations

from typing import Any

from tracer.otel.dialects.dialect import Attributes, Dialect, Fields
from tracer.otel.dialects.messages import message, messages, tool_definitions
from tracer.otel.dialects.values import amount, known, mapping, mappings, parsed, read, text

COLUMNS = {
    "input": (parsed, ("tool_arguments",)),
    "output": (parsed, ("tool_response", "final_result")),
    "cost_usd": (amount, ("operation.cost",)),
    "request_model": (text, ("model_name",)),
}
_MESSAGES = ("pydantic_ai.all_messages", "all_messages_events")


def fields(attributes: Attributes) -> Fields:
    found = read(attributes, COLUMNS)
    if "agent_name" in attributes and "model_name" in attributes:
        found["kind"] = "agent"
    elif "tool_arguments" in attributes or "tool_response" in attributes:
        found["kind"] = "tool"
    found.update(_agent_fields(attributes))
    found.update(_model_fields(attributes))
    return found


def _agent_fields(attributes: Attributes) -> Fields:
    """Return what a run of an agent was asked: the messages up to its first answer."""
    told = next((messages(attributes[name]) for name in _MESSAGES if name in attributes), None) or []
    first_answer = next((n for n, one in enumerate(told) if one.get("role") == "assistant"), len(told))
    return known({"input": told[:first_answer] or None})


def _model_fields(attributes: Attributes) -> Fields:
    """Return what Logfire's own integrations keep: request and response as they were; and, older, a list of events."""
    request, response = mapping(attributes.get("request_data")), mapping(attributes.get("response_data"))
    told = mappings(attributes.get("events"))
    said = [message(event) for event in told if event.get("event.name") != "gen_ai.choice"]
    heard = [
        message(mapping(event.get("message")), role="assistant")
        for event in told
        if event.get("event.name") == "gen_ai.choice"
    ]
    answer = mapping(response.get("message"))
    return known(
        {
            "input": messages(request.get("messages")) or said or None,
            "output": ([message(answer, role="assistant")] if answer else None) or heard or None,
            "request_model": text(request.get("model")),
            "request_parameters": _parameters(request),
            "tool_definitions": tool_definitions(request.get("tools")),
        }
    )


def _parameters(request: Attributes) -> dict[str, Any] | None:
    apart = ("messages", "model", "tools", "stream", "input")
    return {name: value for name, value in request.items() if name not in apart} or None


DIALECT = Dialect(
    name="logfire",
    prefixes=(
        "logfire.",
        "pydantic_ai.",
        "all_messages_events",
        "model_request_parameters",
        "tool_arguments",
        "tool_response",
        "request_data",
        "response_data",
    ),
    fields=fields,
)
