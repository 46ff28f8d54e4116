"""What LangChain tells of a model call, as columns of its span: pure translation.

LangChain's `usage_metadata` counts as the conventions do: `input_tokens` and `output_tokens` are sums over all
kinds of tokens, cached and reasoning ones included, for Anthropic too (whose own API leaves cached ones out).

Source: https://github.com/open-telemetry/semantic-conventions-genai
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, Generation, LLMResult

from tracer import semconv
from tracer.integrations import genai
from tracer.integrations.genai import Message
from tracer.integrations.langchain import messages

Columns: TypeAlias = "dict[str, Any]"

_NO_PARAMETERS = ("model", "model_name", "messages", "tools", "functions", "stream", "streaming")


def request_columns(operation: str, params: Mapping[str, Any], metadata: Mapping[str, Any]) -> Columns:
    provider = metadata.get("ls_provider")
    tools = params.get("tools") or params.get("functions")
    return {
        "operation": operation,
        "provider": semconv.PROVIDER_ALIASES.get(provider, provider) if provider else None,
        "request_model": _text(metadata.get("ls_model_name"), params.get("model"), params.get("model_name")),
        "request_parameters": {
            name: value
            for name, value in params.items()
            if value is not None and name not in _NO_PARAMETERS and not name.startswith("_")
        },
        "tool_definitions": list(map(messages.tool_definition, tools)) if isinstance(tools, Sequence) else None,
    }


def response_columns(result: LLMResult) -> Columns:
    """Return what the model answered; of an answer that broke off, what had come until then."""
    generations = [generation for batch in result.generations for generation in batch]
    told = [_told(generation) for generation in generations]
    llm_output = result.llm_output or {}
    output = [
        answer for generation, facts in zip(generations, told, strict=True) if (answer := _answer(generation, facts))
    ]
    reasons = [reason for facts in told if (reason := _finish_reason(facts))]
    facts: Mapping[str, Any] = {**llm_output, **next(iter(told), {})}
    return {
        "output": output or None,
        "finish_reasons": reasons or None,
        "response_model": _text(facts.get("model_name"), facts.get("model")),
        "response_id": _text(facts.get("id")),
        "openai.response.system_fingerprint": facts.get("system_fingerprint"),
        "openai.response.service_tier": facts.get("service_tier"),
        **usage_columns(generations, llm_output),
    }


def _told(generation: Generation) -> Mapping[str, Any]:
    """What the provider said beside the answer, wherever its LangChain package put it."""
    answered = generation.message.response_metadata if isinstance(generation, ChatGeneration) else {}
    return {**(generation.generation_info or {}), **answered}


def _finish_reason(facts: Mapping[str, Any]) -> str | None:
    return _text(facts.get("finish_reason"), facts.get("stop_reason"), facts.get("done_reason"))


def _answer(generation: Generation, facts: Mapping[str, Any]) -> Message | None:
    if isinstance(generation, ChatGeneration):
        answer = messages.message(generation.message, _finish_reason(facts))
        return answer if answer["parts"] or "finish_reason" in answer else None
    return genai.message("assistant", [genai.text(generation.text)], finish_reason=_finish_reason(facts))


def usage_columns(generations: Iterable[Generation], llm_output: Mapping[str, Any]) -> Columns:
    """Return the tokens of a call. With n > 1 each answer repeats those of all, so one of them is read."""
    for generation in generations:
        answer = generation.message if isinstance(generation, ChatGeneration) else None
        if isinstance(answer, AIMessage) and answer.usage_metadata:
            return _answer_usage(answer.usage_metadata)
    if isinstance(usage := llm_output.get("token_usage"), Mapping) and usage.get("prompt_tokens") is not None:
        return {
            "input_tokens": usage["prompt_tokens"],
            "output_tokens": usage.get("completion_tokens"),
            "usage_source": "api",
        }
    return {}


def _answer_usage(usage: Mapping[str, Any]) -> Columns:
    if usage.get("total_cost") == 0:  # LangChain's mark on an answer from its own cache: nothing was sent
        return {"input_tokens": 0, "output_tokens": 0, "usage_source": "api", "langchain.cache_hit": True}
    read: Mapping[str, Any] = usage.get("input_token_details") or {}
    written: Mapping[str, Any] = usage.get("output_token_details") or {}
    return {
        "input_tokens": usage["input_tokens"],
        "output_tokens": usage["output_tokens"],
        "cached_tokens": _sum(read, "cache_read"),
        "cache_write_tokens": _sum(read, "cache_creation", "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"),
        "audio_input_tokens": _sum(read, "audio"),
        "reasoning_tokens": _sum(written, "reasoning"),
        "audio_output_tokens": _sum(written, "audio"),
        "usage_source": "api",
    }


def _sum(details: Mapping[str, Any], *names: str) -> int | None:
    """Add up what is told under these names, or under them with a service tier before: `priority_cache_read`."""
    counts = [count for key, count in details.items() if key.endswith(names) and count is not None]
    return sum(counts) if counts else None


def failure_columns(error: BaseException) -> Columns:
    """Return what an API error knows of its response."""
    return {
        "http.response.status_code": getattr(error, "status_code", None),
        "request_id": _text(getattr(error, "request_id", None)),
    }


def has_content(token: Any, chunk: Any) -> bool:
    """Return whether a streamed piece holds some of the answer; the first often names only the role."""
    if isinstance(token, str) and token:
        return True
    if isinstance(token, list) and any(_says_something(block) for block in token):
        return True
    spoken = getattr(chunk, "message", None)
    return bool(getattr(spoken, "tool_call_chunks", None) or getattr(spoken, "additional_kwargs", None))


def _says_something(block: Any) -> bool:
    if not isinstance(block, Mapping):
        return bool(block)
    return any(value and name not in ("type", "id", "index") for name, value in block.items())


def _text(*candidates: Any) -> str | None:
    return next((text for text in candidates if isinstance(text, str) and text), None)
