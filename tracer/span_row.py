"""A span as it is read: every column, typed. Recording never needs it, and is spared its making."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

Json = Any
"""A JSON value: None, bool, int, float, str, or a list or dict of these."""


@dataclass(frozen=True, slots=True)
class SpanRow:
    """One span as it is read.

    Times are Unix nanoseconds. Ids are lower-case hex: 32 characters for a trace, 16 for a span.
    `end_ns` is None while the span runs, or when its process died before it ended; `status` then
    is RUNNING or LOST. `ttft_ns` counts from `start_ns`. None means unknown, never zero. JSON
    columns hold parsed values; they are None where a query left them out.
    """

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    kind: str
    start_ns: int
    end_ns: int | None = None
    status: str | None = None
    status_message: str | None = None
    error_type: str | None = None
    operation: str | None = None
    provider: str | None = None
    request_model: str | None = None
    response_model: str | None = None
    response_id: str | None = None
    request_id: str | None = None
    finish_reasons: list[str] | None = None
    stream: bool | None = None
    retries: int | None = None
    ttft_ns: int | None = None
    request_parameters: Json = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    audio_input_tokens: int | None = None
    audio_output_tokens: int | None = None
    usage_source: str | None = None
    cost_usd: float | None = None
    input_cost_usd: float | None = None
    output_cost_usd: float | None = None
    session_id: str | None = None
    user_id: str | None = None
    tags: list[str] | None = None
    metadata: Json = None
    input: Json = None
    output: Json = None
    system_instructions: Json = None
    tool_definitions: Json = None
    prompt_name: str | None = None
    prompt_version: str | None = None
    prompt_variables: Json = None
    function_id: str | None = None
    process_id: str | None = None
    attributes: Json = None
    events: Json = None
    links: Json = None
    scope_name: str | None = None
    dialect: str | None = None
    rev: int = 0

    @property
    def duration_ns(self) -> int | None:
        """Nanoseconds from start to end; None while the span has no end."""
        return None if self.end_ns is None else self.end_ns - self.start_ns

    @property
    def model(self) -> str | None:
        """The model that answered, or else the one that was asked for."""
        return self.response_model or self.request_model

    @property
    def total_tokens(self) -> int | None:
        """Input and output tokens together; None when neither is known."""
        known = [n for n in (self.input_tokens, self.output_tokens) if n is not None]
        return sum(known) if known else None


def span_row(values: Mapping[str, Any]) -> SpanRow:
    """Return the row of a mapping by column; columns that it lacks are None, unknown ones are left out."""
    return SpanRow(**{name: values[name] for name in _SPAN_FIELDS if name in values})


_SPAN_FIELDS = tuple(field.name for field in fields(SpanRow))
