"""Write an image, a sound or a file that a span refers to; `tracer show` lists those of a trace.

tracer attachment 9f86d081 > picture.png       by its hash, or its first 8 characters or more
tracer attachment 9f86d081 -o picture.png
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tracer.cli import options as shared
from tracer.cli import reading
from tracer.errors import TracerError, UsageError
from tracer.plain import plain
from tracer.units import size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("hash", help="the SHA-256 of the content, or its beginning")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="a new file, instead of standard output")
    shared.add_store(parser)


def run(options: argparse.Namespace) -> int:
    found = reading.open_store(options).attachment(options.hash)
    if options.output is not None:
        _write(options.output, found.bytes)
    elif sys.stdout.isatty():
        raise UsageError(
            f"this is {plain(found.mime_type)}, {size(len(found.bytes))}, and no text for a terminal: "
            f"write it to a file with -o FILE, or > FILE"
        )
    else:
        sys.stdout.buffer.write(found.bytes)
        sys.stdout.buffer.flush()
    return 0


def _write(path: Path, content: bytes) -> None:
    """Write a new file that this user alone can read."""
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
    except FileExistsError:
        raise UsageError(f"{path} exists already; name another file") from None
    except OSError as error:
        raise TracerError(f"{path} cannot be written: {error.strerror}") from error
