"""Which surface a request belongs to: one table. What it does not name passes through, untouched and unrecorded."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from tracer.integrations.openai.surface import Surface
from tracer.integrations.openai.surfaces.chat import CHAT
from tracer.integrations.openai.surfaces.embeddings import EMBEDDINGS
from tracer.integrations.openai.surfaces.responses import RESPONSES

_SURFACES: tuple[tuple[str, re.Pattern[str], Surface], ...] = (
    ("POST", re.compile(r".*/chat/completions"), CHAT),
    ("POST", re.compile(r".*/responses"), RESPONSES),
    ("POST", re.compile(r".*/embeddings"), EMBEDDINGS),
)


def classify(method: str, url: str) -> Surface | None:
    """Return the surface of a request. `url` is absolute, or relative to whatever base the client has."""
    path = urlsplit(url).path.rstrip("/")
    for verb, pattern, surface in _SURFACES:
        if method.upper() == verb and pattern.fullmatch(path):
            return surface
    return None
