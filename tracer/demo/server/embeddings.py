"""Embeddings: a text as a hashed bag of its words, so that the cosine of two vectors is their likeness in words."""

from __future__ import annotations

import array
import base64
import hashlib
import math
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

from tracer.demo.server.replies import ApiError, JsonObject, Reply, count_tokens
from tracer.demo.server.words import stems

_DIMENSIONS = {"text-embedding-3-large": 3072}
_USUAL_DIMENSIONS = 1536
_PLACES_PER_WORD = 4


def embeddings(request: JsonObject, reply: Reply) -> JsonObject:
    """The answer to `POST /embeddings`; the input is one text, several, or token ids in their place."""
    inputs = _inputs(request.get("input"))
    size = request.get("dimensions") or _DIMENSIONS.get(request["model"], _USUAL_DIMENSIONS)
    as_base64 = request.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": index, "embedding": _encoded(vector(words, size), as_base64)}
        for index, (words, _) in enumerate(inputs)
    ]
    tokens = reply.usage.input_tokens if reply.usage else sum(tokens for _, tokens in inputs)
    body: JsonObject = {"object": "list", "data": data, "model": reply.model or request["model"]}
    return body | ({"usage": {"prompt_tokens": tokens, "total_tokens": tokens}} if reply.with_usage else {})


def vector(words: Sequence[str], size: int) -> list[float]:
    """A vector of length one; every word adds to the same few places in every text."""
    values = [0.0] * size
    for word, times in sorted(Counter(words).items()):
        digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=4 * _PLACES_PER_WORD).digest()
        for place in range(0, len(digest), 4):
            number = int.from_bytes(digest[place : place + 4], "big")
            values[(number >> 1) % size] += (1 + math.log(times)) * (1 if number & 1 else -1)
    length = math.sqrt(sum(value * value for value in values))
    if not length:
        values[0] = length = 1.0
    return [value / length for value in values]


def _inputs(given: Any) -> list[tuple[list[str], int]]:
    """The words and the token count of each input."""
    items = given if isinstance(given, list) and given and not isinstance(given[0], int) else [given]
    if any(not item or not isinstance(item, (str, list)) for item in items):
        raise ApiError(400, "'$.input' is invalid: expected texts or arrays of token ids.", param="input")
    return [
        (stems(item), count_tokens(item)) if isinstance(item, str) else ([str(n) for n in item], len(item))
        for item in items
    ]


def _encoded(values: list[float], as_base64: bool) -> list[float] | str:
    """The numbers as they are, or as base64 of little-endian 32-bit floats, which the SDK asks for."""
    if not as_base64:
        return [round(value, 8) for value in values]
    packed = array.array("f", values)
    if sys.byteorder == "big":
        packed.byteswap()
    return base64.b64encode(packed.tobytes()).decode()
