"""The models that the server says it has, and the dated name under which each answers."""

from __future__ import annotations

from tracer.demo.server.replies import JsonObject

MODELS = {
    "gpt-4o": "gpt-4o-2024-08-06",
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "gpt-4.1": "gpt-4.1-2025-04-14",
    "gpt-4.1-mini": "gpt-4.1-mini-2025-04-14",
    "gpt-4.1-nano": "gpt-4.1-nano-2025-04-14",
    "gpt-5": "gpt-5-2025-08-07",
    "gpt-5-mini": "gpt-5-mini-2025-08-07",
    "o4-mini": "o4-mini-2025-04-16",
    "text-embedding-3-small": "text-embedding-3-small",
    "text-embedding-3-large": "text-embedding-3-large",
}


def snapshot(model: str) -> str:
    """The name in the response; a model that the server does not know answers under its own."""
    return MODELS.get(model, model)


def model_list() -> JsonObject:
    return {"object": "list", "data": [model_object(name) for name in MODELS]}


def model_object(name: str) -> JsonObject:
    return {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "loopback"}
