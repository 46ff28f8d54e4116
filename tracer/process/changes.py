"""Look at what a repository holds beside its commit: in a process of its own, and for the process that asks.

Git is told to run nothing that the repository names (hooks, monitors, external diffs, filters), to fetch nothing and
to write nothing. What it says passes the redactor before it is written to the journal.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Timer
from typing import Any

import orjson

from tracer.capture.portable import restored
from tracer.capture.redaction import Redactor
from tracer.journal.writer import Writer
from tracer.process.uncommitted import ASKED
from tracer.units import counted

MAX_DIFF_BYTES = 256 * 1024
MAX_UNTRACKED = 200
_PATIENCE_S = 10.0


def main() -> None:
    """Answer what ASKED asks, at low priority, with one line of the journal."""
    if sys.platform != "win32":
        os.nice(15)
    answer(json.loads(os.environ.pop(ASKED)))


def answer(asked: Mapping[str, Any]) -> None:
    """Look, and write what was found as a line about the process that asked."""
    redactor = Redactor(restored(asked["redact"]))
    found = look(Path(asked["root"]), asked.get("commit"), asked["since_ns"])
    diff, redacted = redactor.redact_value(orjson.dumps(found["git_diff"]))
    text, note = _to_whole_lines(orjson.loads(diff))
    notes = [found["git_note"], note, f"{counted(redacted.total(), 'redaction')} in it" if redacted else None]
    found |= {"git_diff": text, "git_note": "; ".join(filter(None, notes)) or None}
    line = orjson.dumps({"record": "process", "data": {"process_id": asked["process_id"], **found}})
    writer = Writer(Path(asked["store"]))
    writer.write(redactor.redact(line))
    writer.close()


def _to_whole_lines(diff: str | None) -> tuple[str | None, str | None]:
    """Return as many lines of the diff as may be kept, and a note if these are not all."""
    if diff is None or len(encoded := diff.encode()) <= MAX_DIFF_BYTES:
        return diff, None
    kept = encoded[:MAX_DIFF_BYTES].rpartition(b"\n")[0] + b"\n"
    return kept.decode(), f"cut after {len(kept)} bytes"


def look(root: Path, commit: str | None, since_ns: int) -> dict[str, Any]:
    """Return the columns of `processes` about uncommitted changes, as far as git tells within ten seconds.

    Without a commit there is nothing to compare with. The diff may be twice as long as is kept, for what is cut in
    its midst might be a secret. `since_ns` is when the program began: what changed after that is named.
    """
    nothing = {"git_dirty": None, "git_diff": None, "git_untracked": None, "git_note": None}
    if (program := shutil.which("git")) is None:
        return {**nothing, "git_note": "git is not installed"}
    deadline = time.monotonic() + _PATIENCE_S
    try:
        git = _Git(program, root, deadline)
        untracked = git.names("ls-files", "--others", "--exclude-standard", "--directory", "--no-empty-directory")
        found: dict[str, Any] = {**nothing, "git_untracked": untracked[:MAX_UNTRACKED]}
        notes = [f"{len(untracked) - MAX_UNTRACKED} more untracked files"] if len(untracked) > MAX_UNTRACKED else []
        if commit is None:
            notes.append("there is no commit to compare with")
        else:
            diff = git.run("diff", *_PLAIN_DIFF, commit, "--").decode(errors="replace")
            found |= {"git_dirty": bool(diff), "git_diff": diff or None}
            if late := _changed_since(root, git.names("diff", "--name-only", *_PLAIN_DIFF, commit, "--"), since_ns):
                more = f" and {len(late) - 3} more" if len(late) > 3 else ""
                notes.append(f"{', '.join(late[:3])}{more} changed after the program began, and before this was seen")
    except _Refused as refused:
        return {**nothing, "git_note": str(refused)}
    return {**found, "git_note": "; ".join(notes) or None}


_PLAIN_DIFF = (
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--no-renames",
    "--no-relative",
    "--full-index",
    "--submodule=short",
    "--ignore-submodules=dirty",  # to look into them, git would run git there, as their own settings say
    "--src-prefix=a/",
    "--dst-prefix=b/",
)

_RUNS_NOTHING = ("core.fsmonitor=false", f"core.hooksPath={os.devnull}", "core.pager=cat", "diff.external=")


class _Refused(Exception):
    """Git did not answer; in words that a user understands."""


class _Git:
    """Git in one repository, until a deadline, with nothing switched on that the repository's own settings name."""

    def __init__(self, program: str, root: Path, deadline: float) -> None:
        self._command = [os.path.abspath(program), "--no-pager", "--no-optional-locks", "-C", str(root)]
        self._deadline = deadline
        for setting in _RUNS_NOTHING:
            self._command += ["-c", setting]
        # Filters run on files that seem changed. An empty command is none.
        filters = self.run("config", "--null", "--name-only", "--get-regexp", r"^filter\.", may_fail=True)
        for name in {text.rpartition(".")[0] for text in filters.decode(errors="replace").split("\0") if text}:
            for key in ("clean=", "smudge=", "process=", "required=false"):
                self._command += ["-c", f"{name}.{key}"]

    def names(self, *arguments: str) -> list[str]:
        """Return the paths that git lists."""
        command, *options = arguments
        listed = self.run(command, "-z", *options).decode(errors="replace")
        return [name for name in listed.split("\0") if name]

    def run(self, *arguments: str, may_fail: bool = False) -> bytes:
        """Return what git says, of a very long answer the beginning. Raises _Refused."""
        with subprocess.Popen(
            [*self._command, *arguments],
            env=dict(_environment()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if not may_fail else subprocess.DEVNULL,
        ) as process:
            timer = Timer(max(0.0, self._deadline - time.monotonic()), process.kill)
            timer.start()
            try:
                assert process.stdout is not None
                said = process.stdout.read(2 * MAX_DIFF_BYTES)
                if len(said) == 2 * MAX_DIFF_BYTES:
                    process.kill()
                    return said
                why = process.stderr.read(10_000).decode(errors="replace").strip() if process.stderr else ""
                code = process.wait()
            finally:
                timer.cancel()
        if code and time.monotonic() >= self._deadline:
            raise _Refused(f"git took longer than {_PATIENCE_S:.0f} seconds")
        if code and not may_fail:
            raise _Refused(f"git: {(why.splitlines() or [f'exit code {code}'])[0]}")
        return said


def _environment() -> Iterator[tuple[str, str]]:
    """Yield this environment without what the program set for git, and with what keeps git from the network."""
    for name, value in os.environ.items():
        if not name.startswith("GIT_"):
            yield name, value
    yield from {"GIT_ALLOW_PROTOCOL": "", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}.items()


def _changed_since(root: Path, names: list[str], since_ns: int) -> list[str]:
    return [name for name in names if _changed_ns(root / name) > since_ns]


def _changed_ns(path: Path) -> int:
    try:
        return path.lstat().st_mtime_ns
    except OSError:
        return 0  # deleted, nobody knows when
