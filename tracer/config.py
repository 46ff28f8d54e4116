"""What the user may set, where it comes from, and where the store lies.

A value given to `configure` beats its environment variable, which beats the default. Nothing here
touches the disk but to look for the project's root.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from tracer.errors import UsageError

Redaction = Sequence["str | re.Pattern[str] | Callable[[str], str]"]
Redact = Redaction | Callable[[str], str] | Mapping[Literal["keys", "patterns"], Redaction] | Literal[False] | None

REDACTION_KINDS = ("email", "card")
"""What is redacted on option, by these names among the patterns."""

_ROOT_MARKERS = (".tracer", "pyproject.toml", ".git")


@dataclass(frozen=True, slots=True)
class Config:
    """How spans are recorded.

    `store` is the DuckDB file; None means the default of `default_store`. `max_value_bytes` bounds each
    captured value, as JSON. `redact` adds to the built-in redaction: patterns, callables and REDACTION_KINDS, or those
    and the keys of fields; False removes all of it.
    `processors` are OpenTelemetry SDK `SpanProcessor`s or `SpanExporter`s that get every span of ours.
    """

    store: Path | None = None
    enabled: bool = True
    capture_content: bool = True
    redact: Redact = None
    max_value_bytes: int = 1_000_000
    processors: tuple[Any, ...] = ()


def from_environment(environ: os._Environ[str] | dict[str, str] = os.environ) -> Config:
    """Return the configuration of a process that never called `configure`.

    Source: TRACER_STORE (a path), TRACER_ENABLED and TRACER_CAPTURE_CONTENT (0, false, no or off; else on).
    """
    store = environ.get("TRACER_STORE")
    return Config(
        store=Path(store).expanduser() if store else None,
        enabled=_is_on(environ.get("TRACER_ENABLED")),
        capture_content=_is_on(environ.get("TRACER_CAPTURE_CONTENT")),
    )


def changed(config: Config, changes: dict[str, Any]) -> Config:
    """Return `config` with these values; raises UsageError for one that cannot be right."""
    if "store" in changes:
        changes["store"] = Path(changes["store"]).expanduser() if changes["store"] is not None else None
    if (size := changes.get("max_value_bytes")) is not None and (not isinstance(size, int) or size < 256):
        raise UsageError(f"max_value_bytes is the most bytes that one value may take, at least 256; not {size!r}")
    if "redact" in changes:
        _check_redact(changes["redact"])
    if "processors" in changes:
        changes["processors"] = tuple(changes["processors"])
        for processor in changes["processors"]:
            if not (hasattr(processor, "on_end") or hasattr(processor, "export")):
                raise UsageError(f"processors are SDK SpanProcessors or SpanExporters; {processor!r} is neither")
    return replace(config, **changes)


def resolved_store(config: Config) -> Path:
    """Return the absolute path of the store that a process in this working directory uses."""
    return Path(os.path.abspath(config.store)) if config.store else default_store(Path.cwd())


def default_store(folder: Path) -> Path:
    """Return `.tracer/traces.duckdb` in the project's root.

    The root is the nearest folder at or above `folder` with `.tracer/`, `pyproject.toml` or `.git`, else `folder`.
    """
    for candidate in (folder, *folder.parents):
        if any((candidate / marker).exists() for marker in _ROOT_MARKERS):
            return candidate / ".tracer" / "traces.duckdb"
    return folder / ".tracer" / "traces.duckdb"


def _is_on(value: str | None) -> bool:
    return (value or "on").strip().lower() not in ("0", "false", "no", "off")


def _check_redact(redact: Any) -> None:
    if redact is None or redact is False or callable(redact):
        return
    if isinstance(redact, Mapping):
        _check_redact_keys(redact)
        redact = redact.get("patterns", ())
    if isinstance(redact, str) or not isinstance(redact, Sequence):
        raise UsageError(
            f"redact is a list of patterns, callables and words ({', '.join(REDACTION_KINDS)}); or {{'keys': […], "
            "'patterns': […]}, one callable, None, or False to remove all redaction"
        )
    for item in redact:
        if isinstance(item, str):
            try:
                re.compile(item)
            except re.error as error:
                raise UsageError(f"redact: {item!r} is no regular expression: {error}") from error
        elif not (callable(item) or isinstance(item, re.Pattern)):
            raise UsageError(f"redact: {item!r} is neither a pattern nor a callable")


def _check_redact_keys(redact: Mapping[Any, Any]) -> None:
    if unknown := redact.keys() - {"keys", "patterns"}:
        raise UsageError(f"redact takes 'keys' and 'patterns', not {', '.join(map(repr, sorted(unknown, key=str)))}")
    keys = redact.get("keys", ())
    if isinstance(keys, str) or not isinstance(keys, Iterable) or not all(isinstance(key, str) for key in keys):
        raise UsageError(f"redact: 'keys' is a list of the names of fields, not {keys!r}")
