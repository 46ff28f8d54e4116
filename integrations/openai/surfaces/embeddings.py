"""Embeddings. The vectors themselves are not recorded: they are large, and say nothing to a reader.

Source: https://platform.openai.com/docs/api-reference/embeddings
"""

from __future__ import annotations

from typing import Any

from tracer.integrations.openai.body import Body, Fields, error_fields, mapping, mappings, parameters, usage_fields
from tracer.integrations.openai.surface import Surface

_BYTES_PER_NUMBER = 4  # in base64 come 32-bit floats, of which each three bytes take four characters


def request_fields(body: Body) -> Fields:
    """`input` is a list: the texts, or lists of token ids where the program gave those."""
    return {"input": _inputs(body.get("input")), "request_parameters": parameters(body, told=("input",))}


def response_fields(body: Body) -> Fields:
    """`output` is how many vectors came, and of how many dimensions."""
    vectors = [item.get("embedding") for item in mappings(body.get("data"))]
    dimensions = _dimensions(vectors[0]) if vectors else None
    return {
        "response_model": body.get("model"),
        "output": {"count": len(vectors), "dimensions": dimensions} if vectors else None,
        "gen_ai.embeddings.dimension.count": dimensions,
        **usage_fields(mapping(body.get("usage"))),
        **error_fields(body.get("error")),
    }


def _inputs(given: Any) -> list[Any]:
    """Return the inputs as a list: one text or one list of token ids may stand alone."""
    is_list_of_inputs = isinstance(given, list | tuple) and not (given and isinstance(given[0], int))
    return list(given) if is_list_of_inputs else [given]


def _dimensions(vector: Any) -> int | None:
    if isinstance(vector, str):
        return len(vector.rstrip("=")) * 3 // 4 // _BYTES_PER_NUMBER
    return len(vector) if isinstance(vector, list) else None


EMBEDDINGS = Surface(
    operation="embeddings",
    kind="embedding",
    api_type=None,
    request_fields=request_fields,
    response_fields=response_fields,
)
