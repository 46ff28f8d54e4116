"""Which contents a page may show: those in which nothing can run."""

from __future__ import annotations

_SHOWN = frozenset(
    {
        *("image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"),
        *("audio/mpeg", "audio/mp3", "audio/wav", "audio/x-wav", "audio/ogg", "audio/opus", "audio/webm", "audio/flac"),
        *("audio/aac", "audio/mp4", "video/mp4", "video/webm", "video/ogg"),
    }
)
"""No SVG, HTML or PDF: these may hold scripts."""

DOWNLOADED = "application/octet-stream"


def given_type(mime_type: str) -> str:
    """Return the type that a browser is told: what it may not show is bytes of no known type, to be downloaded."""
    return mime_type if mime_type in _SHOWN else DOWNLOADED
