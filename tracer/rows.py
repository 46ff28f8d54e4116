"""The row of a span: the columns that both sides know, and the words that stand in them.

The recording side builds a row as a mapping of column to value and leaves out what it does not
know; the reading side gets a `SpanRow`. The columns are public API: users query them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

Json = Any
"""A JSON value: None, bool, int, float, str, or a list or dict of these."""

SPAN_COLUMNS: dict[str, str] = {
    "trace_id": "VARCHAR",
    "span_id": "VARCHAR",
    "parent_id": "VARCHAR",
    "name": "VARCHAR",
    "kind": "VARCHAR",
    "start_ns": "BIGINT",
    "end_ns": "BIGINT",
    "status": "VARCHAR",
    "status_message": "VARCHAR",
    "error_type": "VARCHAR",
    "operation": "VARCHAR",
    "provider": "VARCHAR",
    "request_model": "VARCHAR",
    "response_model": "VARCHAR",
    "response_id": "VARCHAR",
    "request_id": "VARCHAR",
    "finish_reasons": "VARCHAR[]",
    "stream": "BOOLEAN",
    "retries": "INTEGER",
    "ttft_ns": "BIGINT",
    "request_parameters": "JSON",
    "input_tokens": "BIGINT",
    "output_tokens": "BIGINT",
    "cached_tokens": "BIGINT",
    "cache_write_tokens": "BIGINT",
    "reasoning_tokens": "BIGINT",
    "audio_input_tokens": "BIGINT",
    "audio_output_tokens": "BIGINT",
    "usage_source": "VARCHAR",
    "cost_usd": "DECIMAL(18,9)",
    "input_cost_usd": "DECIMAL(18,9)",
    "output_cost_usd": "DECIMAL(18,9)",
    "session_id": "VARCHAR",
    "user_id": "VARCHAR",
    "tags": "VARCHAR[]",
    "metadata": "JSON",
    "input": "JSON",
    "output": "JSON",
    "system_instructions": "JSON",
    "tool_definitions": "JSON",
    "prompt_name": "VARCHAR",
    "prompt_version": "VARCHAR",
    "prompt_variables": "JSON",
    "function_id": "VARCHAR",
    "process_id": "VARCHAR",
    "attributes": "JSON",
    "events": "JSON",
    "links": "JSON",
    "scope_name": "VARCHAR",
    "dialect": "VARCHAR",
    "rev": "INTEGER",
}
"""Every column of `spans` with its SQL type, in the order of the table."""

JSON_COLUMNS = frozenset(name for name, sql_type in SPAN_COLUMNS.items() if sql_type == "JSON")

KINDS = (
    "llm",
    "embedding",
    "tool",
    "retriever",
    "reranker",
    "agent",
    "workflow",
    "chain",
    "guardrail",
    "evaluator",
    "memory",
    "mcp",
    "http",
    "other",
)

MODEL_CALL_KINDS = ("llm", "embedding", "reranker")
"""The kinds whose tokens and cost a trace sums up."""

OK = "OK"
ERROR = "ERROR"
CANCELLED = "CANCELLED"
INTERRUPTED = "INTERRUPTED"
INCOMPLETE = "INCOMPLETE"
STATUSES = (OK, ERROR, CANCELLED, INTERRUPTED, INCOMPLETE)

RUNNING = "RUNNING"
LOST = "LOST"
OPEN_STATUSES = (RUNNING, LOST)
"""What readers show for a span with no end: its process lives, or is gone. Never stored."""


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
