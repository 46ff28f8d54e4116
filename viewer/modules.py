"""The JavaScript and the styles of the page, as files. Needs no Streamlit, for a shared file is made of them too."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).with_name("components")

MODULES = {file.relative_to(FOLDER).as_posix(): file for file in sorted(FOLDER.rglob("*.js"))}
"""The modules by their path below the folder."""


def styles() -> str:
    """Return the styles of all views, those that they share first."""
    ours = [FOLDER / "shared" / "base.css", *sorted(FOLDER.glob("*/*.css"))]
    return "\n".join(file.read_text("utf-8") for file in dict.fromkeys(ours))


_IMPORT = re.compile(r"""(?P<word>from|import)(?P<open>\s+|\()"(?P<path>\.{1,2}/[^"]+)\"""")


def with_imports(name: str, written: Callable[[str], str]) -> str:
    """Return the source of a module in which each module that it imports stands as `written(its path)`."""
    folder = posixpath.dirname(name)

    def replaced(found: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(folder, found["path"]))
        return f'{found["word"]}{found["open"]}"{written(path)}"'

    return _IMPORT.sub(replaced, MODULES[name].read_text("utf-8"))


def needed(*names: str) -> list[str]:
    """Return these modules and all that they need to run, but not what they import only when it is wanted."""
    found: dict[str, None] = dict.fromkeys(names)
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        folder = posixpath.dirname(name)
        for at in _IMPORT.finditer(MODULES[name].read_text("utf-8")):
            path = posixpath.normpath(posixpath.join(folder, at["path"]))
            if at["word"] == "from" and path not in found:
                found[path] = None
                waiting.append(path)
    return list(found)
