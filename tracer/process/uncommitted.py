"""Ask what the repository holds beside its commit: a helper looks at it (`changes`), and tells the journal.

It is a process of its own, so that the program neither waits nor starts git itself.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import orjson

from tracer.capture.portable import portable
from tracer.errors import logger
from tracer.journal import detached

if TYPE_CHECKING:
    from pathlib import Path

    from tracer.config import Redact

ASKED = "TRACER_UNCOMMITTED"
"""The variable that tells the helper what to look at and for whom, as JSON."""

_PROGRAM = "from tracer.process.changes import main; main()"


def question(store: Path, process_id: str, git: Mapping[str, str], since_ns: int, redact: Redact) -> str | None:
    """Return what to ask the helper; None where it could not redact as the program wants it."""
    if (plain := portable(redact)) is None:
        return None
    asked = {"store": str(store), "process_id": process_id, "since_ns": since_ns, "redact": plain[0], **git}
    return orjson.dumps(asked).decode()


def ask(store: Path, asked: str) -> None:
    """Let the helper answer in the background. Never raises; where no process can be started, nothing is known."""
    try:
        detached.start([sys.executable, "-c", _PROGRAM], store, {ASKED: asked}, at_exit=False)
    except OSError as error:
        logger.info("git could not be asked for uncommitted changes (%s)", error)
