"""What the user's project adds to the viewer: folders of panels (`*.sql`) and of Streamlit pages (`*.py`).

Always that of the project in which `tracer view` was started, and never one that lies beside a store: a store that
somebody sent brings no code with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tracer.config import project_root

_folders: list[Path] = []


def use(folders: Iterable[Path]) -> None:
    """Say which folders there are. Streamlit runs `main.py` for every page and hands it nothing, so they stand here."""
    _folders[:] = folders


def folders() -> list[Path]:
    return list(_folders)


def pages() -> list[Path]:
    """Return the user's Streamlit pages, read anew each time. A name that begins with `_` is no page."""
    return [file for folder in _folders for file in sorted(folder.glob("*.py")) if not file.name.startswith("_")]


def folder_of(working_directory: Path) -> Path | None:
    """Return `.tracer/panels` of the project around this folder, whether it exists or not; None outside of any."""
    found = project_root(working_directory)
    return found[0] / ".tracer" / "panels" if found else None
