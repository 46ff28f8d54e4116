"""What `configure` set in this process, for the processes that `multiprocessing` starts from it.

It goes there as plain data. What is no data stays here: processors, and functions that have no name to be found by.
Where such a function redacts, the other process records no content.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from tracer.capture.portable import portable, restored
from tracer.errors import attempt, contain, logger

if TYPE_CHECKING:
    from pathlib import Path

    from tracer.config import Config

_PLAIN = ("enabled", "capture_content", "capture_code", "max_value_bytes", "max_attachment_bytes", "retention")


class Configured(Protocol):
    """The recorder: its settings, the names of those that `configure` set, and the path that its store has."""

    configured: set[str]

    def __hash__(self) -> int: ...

    @property
    def config(self) -> Config: ...

    @property
    def store_so_far(self) -> Path: ...

    def configure(self, **changes: Any) -> None: ...


def settings_to_hand(recorder: Configured) -> dict[str, Any]:
    """Return as plain data what was set by `configure`; what nobody set is left to the other process.

    `redact` is None where it cannot be told.
    """
    config = recorder.config
    settings = {name: getattr(config, name) for name in _PLAIN if name in recorder.configured}
    if "redact" in recorder.configured:
        settings["redact"] = portable(config.redact, with_functions=True)
    if "store" in recorder.configured:
        with contain("the store of another process"):
            settings["store"] = str(recorder.store_so_far)  # which does not depend on where the other one works
    return settings


def take_settings(recorder: Configured, settings: Mapping[str, Any]) -> None:
    """Let settings from another process hold here. What was set here goes before them."""
    changes = {name: value for name, value in settings.items() if name not in recorder.configured}
    if "redact" in changes:
        changes["redact"], reason = _redaction(changes["redact"])
        if reason is not None:
            del changes["redact"]
            changes["capture_content"] = False
            logger.warning(
                "no texts are recorded in this process: %s. Call configure(redact=…) where this process runs it too, "
                'not under `if __name__ == "__main__"`',
                reason,
            )
    if changes:
        recorder.configure(**changes)


def _redaction(plain: tuple[Any] | None) -> tuple[Any, str | None]:
    """Return the redaction, and why there is none if it cannot be had."""
    if plain is None:
        return None, "the function that redacts could not be handed to it, for it has no name in a module"
    redact, error = attempt(partial(restored, plain[0]))
    return redact, None if error is None else f"the function that redacts could not be found ({error})"
