"""Let the C library of a program fail as that of another machine does, with a few lines of C laid before it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_BEGINNING = """
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <errno.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <time.h>
    #include <unistd.h>
"""


def preloaded(folder: Path, source: str) -> dict[str, str]:
    """Compile C functions that stand before those of the C library; return the environment of a program with them."""
    compiler = shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("needs LD_PRELOAD and a C compiler")
    library = folder / "preloaded.so"
    command = [compiler, "-shared", "-fPIC", "-o", str(library), "-x", "c", "-", "-ldl"]
    subprocess.run(command, input=_BEGINNING + source, text=True, check=True)
    return {"LD_PRELOAD": str(library)}
