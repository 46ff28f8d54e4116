"""The row of a span: the columns that both sides know, and the words that stand in them.

The recording side builds a row as a mapping of column to value and leaves out what it does not know; the reading
side gets a `tracer.span_row.SpanRow`. The columns are public API: users query them.
"""

from __future__ import annotations

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

PROCESS_COLUMNS: dict[str, str] = {
    "process_id": "VARCHAR",
    "pid": "BIGINT",
    "start_ns": "BIGINT",
    "argv": "VARCHAR[]",
    "executable": "VARCHAR",
    "python": "VARCHAR",
    "platform": "VARCHAR",
    "cwd": "VARCHAR",
    "packages": "JSON",
    "git": "JSON",
    "dropped_spans": "BIGINT",
    "drop_reason": "VARCHAR",
    "git_dirty": "BOOLEAN",
    "git_diff": "VARCHAR",
    "git_untracked": "VARCHAR[]",
    "git_note": "VARCHAR",
    "capture_content": "BOOLEAN",
    "recording_failures": "BIGINT",
}
"""Every column of `processes` with its SQL type, in the order of the table."""

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
