"""What the commands that read have in common: they open the store, and see to absorbing once they have answered."""

from __future__ import annotations

import argparse

from tracer.cli.options import store_path
from tracer.journal import absorber
from tracer.store import Store


def open_store(options: argparse.Namespace) -> Store:
    return Store(store_path(options))


def absorb_later(store: Store) -> None:
    """Let what waits in the journal be absorbed, now that the answer is out."""
    if store.waiting():
        absorber.start(store.path, at_exit=True)
