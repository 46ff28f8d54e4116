"""A LangChain chat model over the OpenAI client, so that the demo needs no more than langchain-core."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, convert_to_openai_messages
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from openai import OpenAI
from openai.types import CompletionUsage


class OpenAIChat(BaseChatModel):
    """Chat completions, whole or streamed. Programs of your own want `langchain_openai.ChatOpenAI`."""

    client: OpenAI
    model: str
    temperature: float = 0.0

    @property
    def _llm_type(self) -> str:
        return "openai-chat"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model, "temperature": self.temperature}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        return LangSmithParams(
            ls_provider="openai", ls_model_type="chat", ls_model_name=self.model, ls_temperature=self.temperature
        )

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        completion = self.client.chat.completions.create(**self._request(messages), **kwargs)
        choice = completion.choices[0]
        message = AIMessage(
            content=choice.message.content or "",
            usage_metadata=_usage(completion.usage),
            response_metadata={"model_name": completion.model, "finish_reason": choice.finish_reason},
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        options: Any = {"stream": True, "stream_options": {"include_usage": True}}
        for chunk in self.client.chat.completions.create(**self._request(messages), **options, **kwargs):
            text = (chunk.choices[0].delta.content or "") if chunk.choices else ""
            finish_reason = chunk.choices[0].finish_reason if chunk.choices else None
            metadata = {"finish_reason": finish_reason, "model_name": chunk.model} if finish_reason else {}
            message = AIMessageChunk(content=text, usage_metadata=_usage(chunk.usage), response_metadata=metadata)
            if run_manager is not None and text:
                run_manager.on_llm_new_token(text, chunk=ChatGenerationChunk(message=message))
            yield ChatGenerationChunk(message=message)

    def _request(self, messages: list[BaseMessage]) -> dict[str, Any]:
        return {
            "model": self.model,
            "temperature": self.temperature,
            "messages": convert_to_openai_messages(messages),
        }


def _usage(usage: CompletionUsage | None) -> UsageMetadata | None:
    if usage is None:
        return None
    return UsageMetadata(
        input_tokens=usage.prompt_tokens, output_tokens=usage.completion_tokens, total_tokens=usage.total_tokens
    )
