"""What foreign spans tell becomes our columns, in whatever dialect they tell it, and nothing they tell breaks us."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tracer.otel.dialects import Event, fields_of

SAID = [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]
CALLED = [{"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "look", "arguments": {"k": 1}}]}]
LOOK = {"type": "function", "name": "look", "parameters": {"type": "object"}}

GENAI = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.response.id": "r1",
    "gen_ai.response.finish_reasons": ("tool_calls",),
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.usage.output_tokens": 3,
    "gen_ai.usage.cache_read.input_tokens": 4,
    "gen_ai.usage.reasoning.output_tokens": 2,
    "gen_ai.input.messages": json.dumps(SAID),
    "gen_ai.output.messages": json.dumps(CALLED),
    "gen_ai.tool.definitions": [LOOK],
    "gen_ai.request.temperature": 0.5,
    "gen_ai.conversation.id": "s1",
}
OPENINFERENCE = {
    "openinference.span.kind": "LLM",
    "llm.system": "openai",
    "llm.model_name": "gpt-4o-2024-08-06",
    "llm.invocation_parameters": json.dumps({"model": "gpt-4o", "temperature": 0.5}),
    "llm.token_count.prompt": 12,
    "llm.token_count.completion": 3,
    "llm.token_count.prompt_details.cache_read": 4,
    "llm.token_count.completion_details.reasoning": 2,
    "llm.finish_reason": "tool_calls",
    "llm.input_messages.0.message.role": "user",
    "llm.input_messages.0.message.contents.0.message_content.type": "text",
    "llm.input_messages.0.message.contents.0.message_content.text": "hi",
    "llm.output_messages.0.message.role": "assistant",
    "llm.output_messages.0.message.tool_calls.0.tool_call.id": "c1",
    "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "look",
    "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": '{"k": 1}',
    "llm.tools.0.tool.json_schema": json.dumps({"type": "function", "function": LOOK}),
    "output.value": json.dumps({"id": "r1", "object": "chat.completion"}),
    "output.mime_type": "application/json",
    "session.id": "s1",
}
TRACELOOP_047 = {
    "llm.request.type": "chat",
    "gen_ai.system": "OpenAI",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.response.id": "r1",
    "gen_ai.request.temperature": 0.5,
    "gen_ai.usage.prompt_tokens": 12,
    "gen_ai.usage.completion_tokens": 3,
    "gen_ai.usage.cache_read_input_tokens": 4,
    "gen_ai.usage.reasoning_tokens": 2,
    "gen_ai.prompt.0.role": "user",
    "gen_ai.prompt.0.content": json.dumps([{"type": "text", "text": "hi"}]),
    "gen_ai.completion.0.role": "assistant",
    "gen_ai.completion.0.finish_reason": "tool_calls",
    "gen_ai.completion.0.tool_calls.0.id": "c1",
    "gen_ai.completion.0.tool_calls.0.name": "look",
    "gen_ai.completion.0.tool_calls.0.arguments": '{"k": 1}',
    "llm.request.functions.0.name": "look",
    "llm.request.functions.0.parameters": '{"type": "object"}',
    "traceloop.association.properties.session_id": "s1",
}
THE_CALL: dict[str, Any] = {
    "kind": "llm",
    "operation": "chat",
    "provider": "openai",
    "request_model": "gpt-4o",
    "response_model": "gpt-4o-2024-08-06",
    "response_id": "r1",
    "finish_reasons": ["tool_calls"],
    "input_tokens": 12,
    "output_tokens": 3,
    "cached_tokens": 4,
    "reasoning_tokens": 2,
    "usage_source": "api",
    "input": SAID,
    "output": CALLED,
    "tool_definitions": [LOOK],
    "request_parameters": {"temperature": 0.5},
    "session_id": "s1",
}


@pytest.mark.parametrize(
    ("dialect", "attributes"),
    [("genai", GENAI), ("openinference", OPENINFERENCE), ("traceloop", TRACELOOP_047)],
)
def test_one_call_is_told_alike_in_every_dialect(dialect: str, attributes: dict[str, Any]) -> None:
    fields = fields_of(attributes)
    if dialect == "traceloop":
        assert fields.pop("metadata") == {"session_id": "s1"}
        assert fields["output"][0].pop("finish_reason") == "tool_calls"
    assert fields == {**THE_CALL, "dialect": dialect}


def test_of_a_mixture_each_column_comes_from_the_first_dialect_that_has_it() -> None:
    mixed = {
        "gen_ai.operation.name": "chat",
        "gen_ai.usage.input_tokens": 12,
        "llm.token_count.prompt": 99,
        "llm.token_count.completion": 3,
        "openinference.span.kind": "CHAIN",
    }
    fields = fields_of(mixed)
    assert (fields["input_tokens"], fields["output_tokens"]) == (12, 3)
    assert (fields["kind"], fields["dialect"]) == ("llm", "openinference")


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"gen_ai.operation.name": "execute_tool", "mcp.method.name": "tools/call"}, "tool"),
        ({"gen_ai.operation.name": "search_memory"}, "memory"),
        ({"gen_ai.operation.name": "unheard_of"}, "other"),
        ({"gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 1}, "llm"),
        ({"openinference.span.kind": "RERANKER"}, "reranker"),
        ({"openinference.span.kind": "GUARDRAIL"}, "guardrail"),
        ({"openinference.span.kind": "PROMPT"}, "other"),
        ({"traceloop.span.kind": "task"}, "chain"),
        ({"traceloop.span.kind": "workflow", "gen_ai.operation.name": "invoke_agent"}, "agent"),
        (
            {"llm.request.type": "embedding", "gen_ai.request.model": "m", "gen_ai.usage.prompt_tokens": 1},
            "embedding",
        ),
        ({"logfire.msg": "running tool", "tool_arguments": "{}"}, "tool"),
        ({"mcp.method.name": "tools/list"}, "mcp"),
        ({"http.request.method": "GET"}, "http"),
        ({"db.system": "postgresql"}, "other"),
    ],
)
def test_every_dialect_says_the_kind(attributes: dict[str, Any], kind: str) -> None:
    assert fields_of(attributes)["kind"] == kind


@pytest.mark.parametrize(
    ("counts", "settled"),
    [
        ({"input": 130, "read": 100, "written": 20}, (130, 100, 20)),  # as the conventions count, and as told
        ({"input": 10, "read": 100, "written": 20}, (130, 100, 20)),  # Anthropic's own arithmetic, passed on
        ({"input": 10, "read": 0, "written": 20}, (30, 0, 20)),
        ({"read": 100}, (None, 100, None)),
    ],
)
def test_cached_tokens_are_among_the_input_tokens_whoever_counted(
    counts: dict[str, int], settled: tuple[int | None, ...]
) -> None:
    names = {
        "input": "gen_ai.usage.input_tokens",
        "read": "gen_ai.usage.cache_read.input_tokens",
        "written": "gen_ai.usage.cache_creation.input_tokens",
    }
    fields = fields_of({names[name]: value for name, value in counts.items()})
    assert tuple(fields.get(name) for name in ("input_tokens", "cached_tokens", "cache_write_tokens")) == settled


def test_a_detail_that_exceeds_its_total_is_dropped() -> None:
    fields = fields_of({"gen_ai.usage.output_tokens": 3, "gen_ai.usage.reasoning.output_tokens": 9})
    assert (fields["output_tokens"], fields.get("reasoning_tokens")) == (3, None)


@pytest.mark.parametrize(
    "events",
    [
        [
            Event("gen_ai.user.message", {"content": "hi"}),
            Event("gen_ai.choice", {"body": {"index": 0, "finish_reason": "stop", "message": {"content": "ho"}}}),
        ],
        [
            Event("gen_ai.content.prompt", {"gen_ai.prompt": '[{"role": "user", "content": "hi"}]'}),
            Event("gen_ai.content.completion", {"gen_ai.completion": '[{"content": "ho", "finish_reason": "stop"}]'}),
        ],
        [
            Event(
                "gen_ai.client.inference.operation.details",
                {
                    "gen_ai.input.messages": SAID,
                    "gen_ai.output.messages": [
                        {"role": "assistant", "parts": [{"type": "text", "content": "ho"}], "finish_reason": "stop"}
                    ],
                },
            )
        ],
    ],
)
def test_messages_may_be_told_in_events(events: list[Event]) -> None:
    fields = fields_of({"gen_ai.system": "az.ai.openai"}, events)
    assert fields["provider"] == "azure.ai.openai"
    assert fields["input"] == SAID
    assert fields["output"] == [
        {"role": "assistant", "parts": [{"type": "text", "content": "ho"}], "finish_reason": "stop"}
    ]


def test_tools_and_retrievals_tell_what_went_in_and_came_out() -> None:
    tool = fields_of({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.arguments": '{"a": 1}'})
    assert (tool["kind"], tool["input"]) == ("tool", {"a": 1})
    retrieval = fields_of(
        {
            "openinference.span.kind": "RETRIEVER",
            "input.value": "which bike?",
            "retrieval.documents.1.document.content": "second",
            "retrieval.documents.0.document.content": "first",
            "retrieval.documents.0.document.metadata": '{"page": 3}',
        }
    )
    assert retrieval["input"] == "which bike?"
    assert retrieval["output"] == [{"content": "first", "metadata": {"page": 3}}, {"content": "second"}]


def test_pydantic_ais_agents_tell_what_they_were_asked_and_answered() -> None:
    asked = [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}]
    answer = [{"role": "assistant", "parts": [{"type": "text", "content": "ho"}]}]
    fields = fields_of(
        {
            "gen_ai.operation.name": "invoke_agent",
            "pydantic_ai.all_messages": json.dumps(asked + answer),
            "final_result": "42",
            "operation.cost": 0.25,
        }
    )
    assert (fields["kind"], fields["input"], fields["output"]) == ("agent", asked, "42")
    assert (fields["cost_usd"], fields["dialect"]) == (0.25, "logfire")


def test_what_googles_sdk_calls_otherwise_has_the_names_of_the_conventions() -> None:
    told = {
        "openinference.span.kind": "LLM",
        "llm.finish_reason": "FinishReason.STOP",
        "llm.output_messages.0.message.role": "model",
        "llm.output_messages.0.message.content": "9 to 5",
        "output.value": '{"response_id": "resp_1"}',
    }
    fields = fields_of(told)
    assert (fields["finish_reasons"], fields["response_id"]) == (["STOP"], "resp_1")
    assert fields["output"] == [{"role": "assistant", "parts": [{"type": "text", "content": "9 to 5"}]}]


def test_parameters_that_were_not_given_are_none() -> None:
    told = {"openinference.span.kind": "LLM", "llm.invocation_parameters": '{"temperature": 0.5, "top_p": "", "n": ""}'}
    assert fields_of(told)["request_parameters"] == {"temperature": 0.5}


def test_a_stream_that_an_instrumentor_only_names_is_no_output_and_says_so() -> None:
    fields = fields_of({"openinference.span.kind": "LLM", "output.value": "<groq.Stream object at 0x7f751afd6a90>"})
    assert "output" not in fields
    assert fields["tracer.missed"] == ["the result: the instrumentor tells only that there was one"]
