"""Write docs/performance.md from the last run of each bench. `make bench` runs this after them."""

from __future__ import annotations

import ast
import json
import sys
import time
from pathlib import Path

from measuring import RESULTS, Table

BENCH = Path(__file__).parent
PAGE = BENCH.parent / "docs" / "performance.md"

BENCHES = ("recording", "streaming", "redaction", "starting", "absorbing", "size", "questions", "commands", "viewer")
"""In the order of a span's way."""

_BEGINNING = """\
# What it costs

Times are of one machine on one day; **the ratios are what holds**. Each is taken round by round against its limit or
its peer, measured in the same rounds, so that what slowed down both falls out: shown are the median, the least and the
most. Every target is written beside what was measured, met or not. `make bench` measures all of it anew on your machine
and writes this page.

A limit is the least work that could do the same; the functions named `limit` in the benches say what that is.
"""


def page() -> str:
    """Return the page; a bench that was never run here is left out."""
    results = [json.loads(path.read_text()) for name in BENCHES if (path := RESULTS / f"{name}.json").exists()]
    return "\n".join([_BEGINNING, *map(_section, results)])


def _section(result: dict[str, object]) -> str:
    source = BENCH / f"{result['bench']}.py"
    told = ast.get_docstring(ast.parse(source.read_text())) or ""
    day = time.strftime("%Y-%m-%d", time.gmtime(result["time_s"]))  # type: ignore[arg-type]
    machine = ", ".join(result["machine"].values())  # type: ignore[attr-defined]
    tables = [Table(**table).markdown() for table in result["tables"]]  # type: ignore[attr-defined]
    about = told.partition("\n    python bench/")[0].strip()
    return "\n\n".join(
        [f"## {str(result['bench']).capitalize()}", about, f"`bench/{source.name}`, {day}, {machine}.", *tables, ""]
    )


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE.name} written\n")
