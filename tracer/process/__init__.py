"""What a run was: the facts about this process that let someone understand, weeks later, what produced its spans.

Here is what the process itself can tell, from files alone: no program is started for it. The uncommitted changes are
looked at by a helper, in `uncommitted`.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Any

from tracer.errors import attempt
from tracer.process.git import facts
from tracer.process.packages import versions


def describe() -> dict[str, Any]:
    """Return the facts about this process."""
    return {
        "pid": os.getpid(),
        "argv": sys.orig_argv,
        "executable": sys.executable,
        "python": platform.python_version(),
        "platform": _platform(),
        "cwd": attempt(os.getcwd)[0],  # it may have been deleted
        "packages": versions(),
        "git": _git(),
    }


def _platform() -> str:
    """Return system, release and machine. `platform.platform()` knows more, for which it starts `uname -p`."""
    if sys.platform == "win32":
        return platform.platform()
    system = os.uname()
    return f"{system.sysname}-{system.release}-{system.machine}"


def _git() -> dict[str, str] | None:
    """Return the facts about the repository around the working directory, or else around the program's own file."""
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    places = [attempt(Path.cwd)[0], Path(main).absolute().parent if main else None]
    return next((found for place in places if place and (found := attempt(lambda: facts(place))[0])), None)  # noqa: B023
