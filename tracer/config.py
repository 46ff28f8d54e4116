"""What the user may set, where it comes from, and where the store lies.

A value given to `configure` beats its environment variable, which beats the default. Nothing here
touches the disk but to look for the project's root.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from tracer.errors import UsageError, logger

if TYPE_CHECKING:
    from pathlib import Path

Redaction: TypeAlias = "Sequence[str | re.Pattern[str] | Callable[[str], str]]"
Redact: TypeAlias = (
    "Redaction | Callable[[str], str] | Mapping[Literal['keys', 'patterns'], Redaction] | Literal[False] | None"
)

REDACTION_KINDS = ("email", "card")
"""What is redacted on option, by these names among the patterns."""

_ROOT_MARKERS = (".tracer", "pyproject.toml", ".git")

_SHORTEST_RETENTION_NS = 3600 * 10**9
"""What is younger may still be recorded, and is better purged by name."""


class Config(NamedTuple):
    """How spans are recorded.

    `store` is the DuckDB file; None means the default of `default_store`. `max_value_bytes` bounds each
    captured value, as JSON, `max_attachment_bytes` each image, sound and file. The sources of functions and uncommitted
    changes are kept only with `capture_code` and `capture_content`. `redact` adds to the built-in redaction: patterns,
    callables and REDACTION_KINDS, or those and the keys of fields; False removes all of it.
    `processors` are OpenTelemetry SDK `SpanProcessor`s or `SpanExporter`s that get every span of ours.
    `retention` is the age, such as "30d", beyond which traces are deleted; None deletes nothing.
    """

    store: Path | None = None
    enabled: bool = True
    capture_content: bool = True
    capture_code: bool = True
    redact: Redact = None
    max_value_bytes: int = 1_000_000
    max_attachment_bytes: int = 64_000_000
    processors: tuple[Any, ...] = ()
    retention: str | None = None


def from_environment(environ: os._Environ[str] | dict[str, str] = os.environ) -> Config:
    """Return the configuration of a process that never called `configure`.

    Source: TRACER_STORE (a path), TRACER_ENABLED, TRACER_CAPTURE_CONTENT and TRACER_CAPTURE_CODE (0, false, no or off;
    else on), TRACER_RETENTION (an age; one that cannot be read is logged, and nothing is deleted).
    """
    store = environ.get("TRACER_STORE")
    return Config(
        store=_path(store) if store else None,
        enabled=_is_on(environ.get("TRACER_ENABLED")),
        capture_content=_is_on(environ.get("TRACER_CAPTURE_CONTENT")),
        capture_code=_is_on(environ.get("TRACER_CAPTURE_CODE")),
        retention=_retention_of(environ.get("TRACER_RETENTION") or None),
    )


def changed(config: Config, changes: dict[str, Any]) -> Config:
    """Return `config` with these values; raises UsageError for one that cannot be right."""
    if "store" in changes:
        changes["store"] = _path(changes["store"]) if changes["store"] is not None else None
    if (size := changes.get("max_value_bytes")) is not None and (not isinstance(size, int) or size < 256):
        raise UsageError(f"max_value_bytes is the most bytes that one value may take, at least 256; not {size!r}")
    if (size := changes.get("max_attachment_bytes")) is not None and (not isinstance(size, int) or size < 0):
        raise UsageError(
            f"max_attachment_bytes is the most bytes of an image, audio or file that is kept; not {size!r}"
        )
    if "redact" in changes:
        _check_redact(changes["redact"])
    if "retention" in changes:
        check_retention(changes["retention"])
    if "processors" in changes:
        changes["processors"] = tuple(changes["processors"])
        for processor in changes["processors"]:
            if not (hasattr(processor, "on_end") or hasattr(processor, "export")):
                raise UsageError(f"processors are SDK SpanProcessors or SpanExporters; {processor!r} is neither")
    return config._replace(**changes)


def check_retention(retention: Any) -> None:
    """Raise UsageError unless this is an age of at least an hour, or None."""
    from tracer.units import age_ns

    age = age_ns(retention) if isinstance(retention, str) else None
    if retention is not None and (age is None or age < _SHORTEST_RETENTION_NS):
        raise UsageError(
            f"retention is the age beyond which traces are deleted: write 30d, 2w or 12h, at least 1h, "
            f"or None to delete nothing; not {retention!r}"
        )


def resolved_store(config: Config) -> Path:
    """Return the absolute path of the store that a process in this working directory uses."""
    return _path(os.path.abspath(config.store)) if config.store else default_store(_path(os.getcwd()))


def default_store(folder: Path) -> Path:
    """Return `.tracer/traces.duckdb` in the project's root, or in `folder` where there is none."""
    root, _ = project_root(folder) or (folder, "")
    return root / ".tracer" / "traces.duckdb"


def project_root(folder: Path) -> tuple[Path, str] | None:
    """Return the nearest folder at or above `folder` with `.tracer/`, `pyproject.toml` or `.git`, and which it has."""
    for candidate in (folder, *folder.parents):
        for marker in _ROOT_MARKERS:
            if (candidate / marker).exists():
                return candidate, marker
    return None


def _path(text: str | os.PathLike[str]) -> Path:
    from pathlib import Path  # with all that it imports, it would take a tenth of our own import

    return Path(text).expanduser()


def _is_on(value: str | None) -> bool:
    return (value or "on").strip().lower() not in ("0", "false", "no", "off")


@cache
def _retention_of(value: str | None) -> str | None:
    """Return the value of TRACER_RETENTION, if it is one. Only `configure` may raise into a program."""
    try:
        check_retention(value)
    except UsageError as error:
        logger.error("TRACER_RETENTION is ignored, so nothing is deleted: %s", error)
        return None
    return value


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
