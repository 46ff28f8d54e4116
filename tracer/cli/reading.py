"""What the commands that read have in common: they open the store, print, and see to absorbing after that."""

from __future__ import annotations

import argparse
import os
from typing import Any

from rich.console import Console

from tracer.cli.options import store_path
from tracer.journal import absorber
from tracer.store import Store


def open_store(options: argparse.Namespace) -> Store:
    return Store(store_path(options))


def console(width_in_pipe: int = 200) -> Console:
    """Return where answers are printed. In a pipe there is no width to fit: a line that is cut has lost its end.

    Texts are shown as they are: what looks like rich's markup or an emoji's name in them is none.
    """
    terminal = Console(**_AS_IT_IS)
    return terminal if terminal.is_terminal or "COLUMNS" in os.environ else Console(width=width_in_pipe, **_AS_IT_IS)


_AS_IT_IS: dict[str, Any] = {"markup": False, "emoji": False, "highlight": False}


def absorb_later(store: Store) -> None:
    """Let what waits in the journal be absorbed, now that the answer is out."""
    if store.waiting():
        absorber.start(store.path, at_exit=True)
