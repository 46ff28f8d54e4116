"""Run a Python program and record it, with no line of it changed.

  tracer run app.py --its own options
  tracer run -m package.module arguments

Everything that `instrument()` knows is recorded, as one trace of the run; `--no-root` gives each call its own
trace, as a server wants it. The program gets its arguments, exit code and signals as if Python had started it.
"""

from __future__ import annotations

import argparse
import os
import runpy
import sys
import types
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import tracer
from tracer.cli import options as shared
from tracer.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-m", dest="module", action="store_true", help="SCRIPT is a module's name, as in python -m")
    parser.add_argument("--no-root", action="store_true", help="no span around the whole run")
    shared.add_store(parser)
    parser.add_argument("script", metavar="SCRIPT", help="the program")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="…", help="its arguments")


def run(options: argparse.Namespace) -> int:
    """Run the program in this process. Its SystemExit and its exceptions leave here as they would leave Python."""
    if not options.module and not Path(options.script).is_file():
        raise UsageError(f"there is no file {options.script}")
    if options.store is not None:
        tracer.configure(store=options.store)
        os.environ["TRACER_STORE"] = str(shared.store_path(options))  # for Python programs that it starts
    tracer.instrument()
    sys.argv[:] = [options.script, *options.arguments]
    name = options.script if options.module else Path(options.script).name
    with nullcontext() if options.no_root else tracer.span(name, kind="workflow", input={"argv": sys.argv[1:]}):
        (_run_module if options.module else _run_script)(options.script)
    return 0


def _run_module(name: str) -> None:
    sys.path[0] = os.getcwd()
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def _run_script(script: str) -> None:
    """Run the file as `__main__`, and leave that module in place: threads and exit handlers outlive its last line."""
    path = os.path.realpath(script)
    sys.path[0] = os.path.dirname(path)
    module = types.ModuleType("__main__")
    module.__dict__.update(__file__=script, __builtins__=__builtins__)
    sys.modules["__main__"] = module
    sys.excepthook = _without_our_frames(sys.excepthook, script)
    exec(compile(Path(path).read_bytes(), script, "exec"), module.__dict__)


def _without_our_frames(hook: Callable[..., Any], script: str) -> Callable[..., Any]:
    """Return an excepthook that begins the traceback where the program begins."""

    def show(kind: type[BaseException], error: BaseException, trace: types.TracebackType | None) -> None:
        frame = trace
        while frame is not None and frame.tb_frame.f_code.co_filename != script:
            frame = frame.tb_next
        hook(kind, error.with_traceback(frame or trace), frame or trace)

    return show
