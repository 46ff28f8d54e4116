"""What completions and chat completions have in common: an answer in choices."""

from __future__ import annotations

from collections.abc import Callable

from tracer.integrations.genai import Message
from tracer.integrations.openai.body import Body, Fields, error_fields, mappings, usage_fields


def choices_fields(body: Body, answer: Callable[[Body], Message]) -> Fields:
    """Return the fields of a body whose choices `answer` makes messages.

    `output` has a message per choice. Finish reasons are known only once every choice has one.
    """
    choices = mappings(body.get("choices"))
    reasons = [choice.get("finish_reason") for choice in choices]
    return {
        "response_id": body.get("id"),
        "response_model": body.get("model"),
        "finish_reasons": reasons if reasons and all(reasons) else None,
        "output": [answer(choice) for choice in choices] or None,
        "openai.response.system_fingerprint": body.get("system_fingerprint"),
        **usage_fields(body.get("usage")),
        **error_fields(body.get("error")),
    }
