"""The command `tracer`: one file a command, each with `add_arguments(parser)` and `run(options) -> exit code`.

Exit codes: 0 done, 1 it went wrong, 2 it was used wrongly; `tracer run` passes on that of the program.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from tracer import __version__
from tracer.errors import TracerError, UsageError
from tracer.plain import plain_lines

COMMANDS = {
    "demo": "record a real chain of prompts against a local server: no key, no network",
    "view": "open the viewer in the browser",
    "run": "run a Python program and record its model calls, with no line changed",
    "ls": "list the newest traces",
    "show": "draw one trace as a tree",
    "attachment": "write an image, a sound or a file that a span refers to",
    "sql": "ask the store in SQL",
    "export": "make one file of a trace, to open anywhere",
    "purge": "delete traces for good, and give their space back",
    "doctor": "look whether all is well with the store, and say what to do",
    "absorb": "move what waits in the journal into DuckDB now",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    options = _parser(arguments).parse_args(arguments)
    try:
        if options.command != "run":  # the program's own arguments may be anything
            _check_texts(options)
        code: int = import_module(f"tracer.cli.{options.command}").run(options)
    except TracerError as error:
        print(plain_lines(f"tracer {options.command}: {error}"), file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        if options.command == "run":  # the program's own, and it ends as it would without us
            raise
        return 130
    except BrokenPipeError:  # the reader of our output, as in `tracer ls | head`, has seen enough
        sys.stderr.close()
        return 0
    return code


def _check_texts(options: argparse.Namespace) -> None:
    """Raise UsageError for an argument with bytes that are no UTF-8. Paths may have such."""
    for value in vars(options).values():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and not text.isascii() and text.encode(errors="replace").decode() != text:
                raise UsageError(f"{text!r} is not written in UTF-8")


class _Parser(argparse.ArgumentParser):
    """Quotes an argument that it refuses so that it drives no terminal."""

    def error(self, message: str) -> NoReturn:
        super().error(plain_lines(message))


def _parser(arguments: Sequence[str] | None) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="tracer", description="See what an LLM program did.", epilog="`tracer COMMAND --help` tells more."
    )
    parser.add_argument("--version", action="version", version=f"llm-tracer {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    asked = next(
        (word for word in (sys.argv[1:] if arguments is None else arguments) if not word.startswith("-")), None
    )
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if name == asked:  # the others are only named, so that none of their modules is imported
            module = import_module(f"tracer.cli.{name}")
            command.description = module.__doc__
            command.formatter_class = argparse.RawDescriptionHelpFormatter
            module.add_arguments(command)
    return parser
