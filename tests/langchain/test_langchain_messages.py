"""LangChain's messages, values and answers become GenAI messages and columns, whichever provider wrote them."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.documents import Document
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.outputs import ChatGeneration, Generation, LLMResult
from langchain_core.prompts import ChatPromptTemplate, PromptTemplate

from tracer.integrations.langchain import calls
from tracer.integrations.langchain.messages import message, readable, tool_definition

CALL = {"name": "add", "args": {"a": 1}, "id": "c1"}
CALL_PART = {"type": "tool_call", "id": "c1", "name": "add", "arguments": {"a": 1}}
OPENAI = {"model_provider": "openai"}
ANTHROPIC = {"model_provider": "anthropic"}


def text(content: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "content": content, **more}


@pytest.mark.parametrize(
    ("given", "role", "parts"),
    [
        (SystemMessage("Be brief."), "system", [text("Be brief.")]),
        (HumanMessage("Hello", name="Ada"), "user", [text("Hello")]),
        (ChatMessage("Hi", role="critic"), "critic", [text("Hi")]),
        (AIMessage("", tool_calls=[CALL]), "assistant", [CALL_PART]),
        (
            AIMessage("", invalid_tool_calls=[{"name": "add", "args": "{a", "id": "c1", "error": "bad"}]),
            "assistant",
            [{"type": "tool_call", "id": "c1", "name": "add", "arguments": "{a", "error": "bad"}],
        ),
        (
            AIMessageChunk("", tool_call_chunks=[{"name": "add", "args": '{"a": 1}', "id": "c1", "index": 0}]),
            "assistant",
            [CALL_PART],
        ),
        (
            ToolMessage("3", tool_call_id="c1"),
            "tool",
            [{"type": "tool_call_response", "id": "c1", "response": "3"}],
        ),
        (
            ToolMessage("no", tool_call_id="c1", status="error"),
            "tool",
            [{"type": "tool_call_response", "id": "c1", "response": "no", "status": "error"}],
        ),
        (FunctionMessage("3", name="add"), "tool", [{"type": "tool_call_response", "response": "3"}]),
        (
            AIMessage("4", additional_kwargs={"reasoning_content": "2 + 2"}),
            "assistant",
            [{"type": "reasoning", "content": "2 + 2"}, text("4")],
        ),
        (
            AIMessage("", additional_kwargs={"refusal": "No."}),
            "assistant",
            [{"type": "refusal", "content": "No."}],
        ),
        (
            AIMessage("", additional_kwargs={"audio": {"data": "AAAA", "transcript": "Hi"}}),
            "assistant",
            [text("Hi"), {"type": "blob", "modality": "audio", "content": "AAAA"}],
        ),
        (
            HumanMessage(
                [
                    {"type": "text", "text": "See"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                    {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                    {"type": "input_audio", "input_audio": {"data": "BBBB", "format": "wav"}},
                    {"type": "file", "file": {"file_id": "f1"}},
                ]
            ),
            "user",
            [
                text("See"),
                {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "AAAA"},
                {"type": "uri", "modality": "image", "uri": "https://example.com/a.png"},
                {"type": "blob", "modality": "audio", "mime_type": "audio/wav", "content": "BBBB"},
                {"type": "file", "modality": "document", "file_id": "f1"},
            ],
        ),
        (
            HumanMessage([{"type": "text-plain", "text": "Paper", "mime_type": "text/plain"}]),
            "user",
            [text("Paper")],
        ),
        (
            AIMessage(
                [
                    {"type": "reasoning", "id": "r1", "summary": [{"type": "summary_text", "text": "Hm."}]},
                    {"type": "text", "text": "Yes."},
                    {"type": "function_call", "name": "add", "arguments": '{"a": 1}', "call_id": "c1", "id": "f1"},
                ],
                tool_calls=[CALL],
                response_metadata=OPENAI,
            ),
            "assistant",
            [{"type": "reasoning", "content": "Hm."}, text("Yes."), CALL_PART],
        ),
        (
            AIMessage([{"type": "refusal", "refusal": "No."}], response_metadata=OPENAI),
            "assistant",
            [{"type": "refusal", "content": "No."}],
        ),
        (
            AIMessage(
                [{"type": "web_search_call", "id": "w1", "status": "completed", "action": {"query": "q"}}],
                response_metadata=OPENAI,
            ),
            "assistant",
            [
                {"type": "server_tool_call", "id": "w1", "name": "web_search", "server_tool_call": {"query": "q"}},
                {"type": "server_tool_call_response", "id": "w1", "server_tool_call_response": "success"},
            ],
        ),
        *(
            (
                AIMessage(
                    [
                        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
                        {"type": "text", "text": "Yes."},
                        {"type": "tool_use", "name": "add", "input": {"a": 1}, "id": "c1"},
                    ],
                    tool_calls=[CALL],
                    response_metadata=provider,
                ),
                "assistant",
                [{"type": "reasoning", "content": "Hm."}, text("Yes."), CALL_PART],
            )
            for provider in (ANTHROPIC, {})
        ),
        (HumanMessage([{"type": "hologram", "data": 1}]), "user", [{"type": "hologram", "data": 1}]),
        (
            HumanMessage(["See", {"type": "image_url"}, {"data": 1}]),
            "user",
            [text("See"), {"type": "image_url"}, {"type": "unknown", "data": 1}],
        ),
    ],
)
def test_a_message_becomes_its_parts(given: BaseMessage, role: str, parts: list[Any]) -> None:
    before = given.model_dump()
    translated = message(given)
    assert (translated["role"], translated["parts"]) == (role, parts)
    assert given.model_dump() == before


def test_messages_documents_and_prompts_are_found_wherever_they_are() -> None:
    hello = {"role": "user", "parts": [text("Hello")]}
    value = {"history": [HumanMessage("Hello")], "found": ({"best": Document("Paris", metadata={"page": 1})},), "n": 1}
    assert readable(value) == {
        "history": [hello],
        "found": [{"best": {"content": "Paris", "metadata": {"page": 1}}}],
        "n": 1,
    }
    assert readable(ChatPromptTemplate.from_messages(["Hello"]).invoke({})) == [hello]
    assert readable(PromptTemplate.from_template("Hello").invoke({})) == "Hello"
    other = object()
    assert readable(other) is other


@pytest.mark.parametrize(
    "form", [("user", "Hello"), {"role": "user", "content": "Hello"}, HumanMessage("Hello"), ("human", "Hello")]
)
def test_the_messages_of_a_state_are_read_in_every_form_that_langchain_takes(form: Any) -> None:
    assert readable({"messages": [form]}) == {"messages": [{"role": "user", "parts": [text("Hello")]}]}


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ([("Ada", "Hello")], [["Ada", "Hello"]]),
        ([("tool", "no id")], [["tool", "no id"]]),
        (["a", "b"], ["a", "b"]),
        ([{"role": "user"}], [{"role": "user"}]),
        ([], []),
        ("Hello", "Hello"),
    ],
)
def test_what_is_no_list_of_messages_stays_as_it_is(given: Any, read: Any) -> None:
    assert readable({"messages": given}) == {"messages": read}


def test_a_value_that_cannot_be_looked_at_is_left_as_it_is() -> None:
    class Shut(dict[str, Any]):
        def items(self) -> Any:
            raise RuntimeError("dictionary changed size during iteration")

    shut = Shut(a=1)
    assert readable({"state": shut}) == {"state": shut}


def test_a_circle_ends() -> None:
    circle: list[Any] = []
    circle.append(circle)
    assert isinstance(readable(circle), list)


@pytest.mark.parametrize(
    ("given", "flat"),
    [
        (
            {"type": "function", "function": {"name": "add", "parameters": {}, "strict": True}},
            {"type": "function", "name": "add", "parameters": {}, "strict": True},
        ),
        (
            {"name": "add", "description": "Add.", "input_schema": {"type": "object"}},
            {"type": "function", "name": "add", "description": "Add.", "parameters": {"type": "object"}},
        ),
        ({"type": "web_search"}, {"type": "web_search"}),
    ],
)
def test_tools_are_told_flat(given: Any, flat: Any) -> None:
    assert tool_definition(given) == flat


def answered(answer: AIMessage, **llm_output: Any) -> dict[str, Any]:
    columns = calls.response_columns(LLMResult(generations=[[ChatGeneration(message=answer)]], llm_output=llm_output))
    return {name: value for name, value in columns.items() if value is not None}


def test_the_kinds_of_tokens_are_parts_of_the_totals() -> None:
    usage: Any = {
        "input_tokens": 100,
        "output_tokens": 50,
        "total_tokens": 150,
        "input_token_details": {"audio": 5, "cache_creation": 20, "cache_read": 30},
        "output_token_details": {"audio": 6, "reasoning": 40},
    }
    assert answered(AIMessage("", usage_metadata=usage)) == {
        "input_tokens": 100,
        "output_tokens": 50,
        "cached_tokens": 30,
        "cache_write_tokens": 20,
        "audio_input_tokens": 5,
        "audio_output_tokens": 6,
        "reasoning_tokens": 40,
        "usage_source": "api",
    }


@pytest.mark.parametrize(
    ("details", "cached", "written"),
    [
        ({"priority_cache_read": 3, "priority": 7}, 3, None),
        ({"cache_read": 3, "cache_creation": 0, "ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 1}, 3, 5),
        ({}, None, None),
    ],
)
def test_the_spellings_of_cached_tokens_are_understood(details: Any, cached: int | None, written: int | None) -> None:
    usage: Any = {"input_tokens": 10, "output_tokens": 1, "total_tokens": 11, "input_token_details": details}
    columns = answered(AIMessage("", usage_metadata=usage))
    assert (columns.get("cached_tokens"), columns.get("cache_write_tokens")) == (cached, written)


def test_the_tokens_of_older_models_are_read_from_their_own_report() -> None:
    columns = calls.response_columns(
        LLMResult(
            generations=[[Generation(text="Blue.", generation_info={"finish_reason": "stop"})]],
            llm_output={"token_usage": {"prompt_tokens": 4, "completion_tokens": 2}, "model_name": "davinci"},
        )
    )
    assert (columns["input_tokens"], columns["output_tokens"], columns["response_model"]) == (4, 2, "davinci")
    assert columns["output"] == [{"role": "assistant", "parts": [text("Blue.")], "finish_reason": "stop"}]


def test_tokens_that_nobody_reported_are_unknown() -> None:
    assert answered(AIMessage("Blue.")) == {"output": [{"role": "assistant", "parts": [text("Blue.")]}]}


def test_every_provider_has_its_own_words_for_model_id_and_reason() -> None:
    anthropic = {"id": "msg_1", "model": "claude-x", "stop_reason": "end_turn"}
    columns = answered(AIMessage("Blue.", response_metadata=anthropic))
    assert (columns["response_id"], columns["response_model"], columns["finish_reasons"]) == (
        "msg_1",
        "claude-x",
        ["end_turn"],
    )


@pytest.mark.parametrize(
    ("told", "named"),
    [("openai", "openai"), ("azure", "azure.ai.openai"), ("xai", "x_ai"), ("ollama", "ollama"), (None, None)],
)
def test_providers_have_the_names_of_the_conventions(told: str | None, named: str | None) -> None:
    assert calls.request_columns("chat", {}, {"ls_provider": told})["provider"] == named


def test_the_parameters_of_a_request_are_what_is_neither_told_elsewhere_nor_internal() -> None:
    params = {"model": "m", "_type": "x", "temperature": 0, "stop": None, "tools": [], "stream": True, "seed": 7}
    assert calls.request_columns("chat", params, {})["request_parameters"] == {"temperature": 0, "seed": 7}
