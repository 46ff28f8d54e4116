"""Legacy completions: a text goes on. Each prompt is a message of the user, each choice one of the assistant.

Source: https://platform.openai.com/docs/api-reference/completions
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tracer.integrations import genai
from tracer.integrations.genai import Message, Part
from tracer.integrations.openai.body import (
    Body,
    Fields,
    mapping,
    mappings,
    number,
    parameters,
)
from tracer.integrations.openai.surface import Stream, Surface
from tracer.integrations.openai.surfaces.choices import choices_fields


def request_fields(body: Body) -> Fields:
    """A prompt of token ids is a part of the type `tokens`: what they say is not known here."""
    return {
        "input": [genai.message("user", [_prompt(given)]) for given in _prompts(body.get("prompt"))],
        "request_parameters": parameters(body, told=("prompt",)),
    }


def response_fields(body: Body) -> Fields:
    return choices_fields(body, _answer)


def join(chunks: Iterable[Body]) -> Body:
    """Fold the chunks of a stream into the completion that they tell."""
    body: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        body.update({name: value for name, value in chunk.items() if value})
        for told in mappings(chunk.get("choices")):
            choice = choices.setdefault(number(told, "index"), {"pieces": [], "logprobs": {}})
            choice["pieces"].append(_text(told))
            for name, values in mapping(told.get("logprobs")).items():
                choice["logprobs"].setdefault(name, []).extend(values if isinstance(values, list) else [])
            if reason := told.get("finish_reason"):
                choice["finish_reason"] = reason
    for choice in choices.values():
        choice["text"] = "".join(choice.pop("pieces"))
    return {**body, "choices": [choice for _, choice in sorted(choices.items())]}


def is_content(chunk: Body) -> bool:
    return any(_text(choice) for choice in mappings(chunk.get("choices")))


def _prompts(given: Any) -> list[Any]:
    """Return the prompts: one text, or one list of token ids, may stand alone."""
    if given is None:
        return []
    is_list_of_prompts = isinstance(given, list | tuple) and not (given and isinstance(given[0], int))
    return list(given) if is_list_of_prompts else [given]


def _prompt(given: Any) -> Part:
    return genai.text(given) if isinstance(given, str) else {"type": "tokens", "content": given}


def _answer(choice: Body) -> Message:
    message = genai.message("assistant", [genai.text(_text(choice))], finish_reason=choice.get("finish_reason"))
    if logprobs := mapping(choice.get("logprobs")):
        message["logprobs"] = logprobs
    return message


def _text(choice: Body) -> str:
    text = choice.get("text")
    return text if isinstance(text, str) else ""


COMPLETIONS = Surface(
    operation="text_completion",
    kind="llm",
    request_fields=request_fields,
    response_fields=response_fields,
    stream=Stream(join=join, is_content=is_content),
)
