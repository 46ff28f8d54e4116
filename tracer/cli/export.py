"""Make one file of a trace, or of several side by side, to open anywhere and to send to somebody.

tracer export 01a208cbf92beae2                     an HTML file: the viewer's page with all that was recorded in it
tracer export 01a208cbf92beae2 --format md         Markdown for an issue, to the terminal
tracer export 01a208cbf92b 01a208d1171c -o why.html
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

from tracer.cli import options as shared
from tracer.cli import reading
from tracer.errors import UsageError
from tracer.plain import plain_lines

FORMATS = ("html", "md")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("trace_id", nargs="+", help="a trace's id, or its beginning; of several, a comparison is made")
    parser.add_argument("--format", choices=FORMATS, help="html, or md (default: as FILE ends, else html)")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to write it; `-` is the terminal")
    shared.add_store(parser)


def run(options: argparse.Namespace) -> int:
    store = reading.open_store(options)
    ids = [store.trace(trace_id, content=False).trace_id for trace_id in options.trace_id]
    share = import_module("tracer.viewer.share")
    ending = options.output.suffix.lstrip(".") if options.output else ""
    if (options.format or ending) == "md":
        _write(options.output or Path("-"), share.text(store, ids).encode())
    else:
        name, page = share.file(store, ids)
        _write(options.output or Path(name), page)
    reading.absorb_later(store)
    return 0


def _write(path: Path, content: bytes) -> None:
    if str(path) == "-":
        sys.stdout.write(content.decode())
        return
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    print(plain_lines(f"{path}  {len(content) / 1e6:.1f} MB"))
