"""Write the pages that are made from the code itself: the schema and the commands. `make docs` runs this.

python docs/generate.py
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from importlib.resources import files
from pathlib import Path

from tracer.cli import COMMANDS, main

FOLDER = Path(__file__).parent


def schema() -> str:
    """The tables of the store, from the migrations and their comments."""
    folder = files("tracer.store.migrations")
    scripts = sorted((path for path in folder.iterdir() if path.name.endswith(".sql")), key=lambda path: path.name)
    pages = [
        "# The schema",
        "",
        "The store is one DuckDB file, and its tables are public: names stay, columns are only added. `tracer sql` and",
        "`Store` show `spans`, `traces`, `processes`, `functions` and `scores` with the rows of running programs",
        "included. A span that has no end has the status RUNNING there while its process lives, and LOST after that.",
        "Images, audio and files are in `store.attachments` once they are absorbed; `Store.attachment` finds all.",
        "",
        *(f"```sql\n{script.read_text().strip()}\n```\n" for script in scripts),
    ]
    return "\n".join(pages).rstrip() + "\n"


def commands() -> str:
    """The help of every command."""
    pages = ["# The commands", ""]
    for command in COMMANDS:
        pages += [f"## `tracer {command}`", "```", _help(command), "```", ""]
    return "\n".join(pages).rstrip() + "\n"


def _help(command: str) -> str:
    os.environ["COLUMNS"] = "100"
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        main([command, "--help"])
    return re.sub(r"\x1b\[[0-9;]*m", "", printed.getvalue()).strip()


PAGES = {"schema.md": schema, "commands.md": commands}

if __name__ == "__main__":
    for name, write in PAGES.items():
        (FOLDER / name).write_text(write())
    sys.stdout.write(f"{', '.join(PAGES)} written\n")
