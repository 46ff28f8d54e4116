"""Open the viewer in the browser. It serves this machine alone; with `--host` others too, who must know its token."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from tracer.cli import options as shared
from tracer.errors import IntegrationNotInstalled, UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host", default="127.0.0.1", help="the address to serve on (default: 127.0.0.1, for this machine)"
    )
    parser.add_argument("--port", type=int, default=None, help="the port (default: a free one from 8501 on)")
    parser.add_argument("--pages", type=Path, metavar="DIR", help="also show the panels and pages of this folder")
    parser.add_argument("--no-open", action="store_true", help="open no browser; print the address only")
    shared.add_store(parser)


def run(options: argparse.Namespace) -> int:
    if sys.version_info < (3, 11):
        raise UsageError("the viewer needs Python 3.11, as Streamlit does; `tracer ls`, `show` and `sql` work here")
    if find_spec("streamlit") is None:
        raise IntegrationNotInstalled("the viewer needs Streamlit: pip install 'llm-tracer[viewer]'")
    code: int = import_module("tracer.viewer").launch(
        shared.store_path(options),
        pages=options.pages,
        host=options.host,
        port=options.port,
        open_browser=not options.no_open,
    )
    return code
