"""The JavaScript and the styles of the page, as files. Needs no Streamlit, for a shared file is made of them too."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).with_name("components")

MODULES = {file.relative_to(FOLDER).as_posix(): file for file in sorted(FOLDER.rglob("*.js"))}
"""The modules by their path below the folder."""


def styles() -> str:
    """Return the styles of all views, those that they share first."""
    ours = [FOLDER / "shared" / "base.css", *sorted(FOLDER.glob("*/*.css"))]
    return "\n".join(file.read_text("utf-8") for file in dict.fromkeys(ours))
