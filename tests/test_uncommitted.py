"""A run knows the commit and the changes that it ran from; finding out runs nothing else, and disturbs nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import programs
from tracer.process import changes, git
from tracer.process.changes import look
from tracer.process.uncommitted import question
from tracer.store import Store
from tracer.store.absorb import absorb

NEVER = time.time_ns() + 10**18
"""A time after which nothing has changed."""


@pytest.fixture(autouse=True)
def someone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user of git with no settings of this machine's."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "ada@example.org")


def run_git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    root.mkdir()
    run_git(root, "init", "-q", "-b", "main")
    (root / "app.py").write_text("print('one')\n" * 3)
    run_git(root, "add", ".")
    run_git(root, "commit", "-q", "-m", "begin")
    return root


def head(root: Path) -> str:
    return run_git(root, "rev-parse", "HEAD")


def seen(root: Path, since_ns: int = NEVER) -> dict[str, Any]:
    return look(root, head(root), since_ns)


def answered(root: Path, store: Path, redact: Any = None) -> dict[str, Any]:
    """What the store holds of a process that asked."""
    facts = git.facts(root)
    assert facts is not None
    asked = question(store, "p", facts, NEVER, redact)
    assert asked is not None
    changes.answer(json.loads(asked))
    process = Store(store).process("p")
    assert process is not None
    return process


# The commit, from files alone.


def test_a_repository_is_found_from_within_and_its_remote_has_no_credentials(repository: Path) -> None:
    run_git(repository, "remote", "add", "origin", "https://ada:token@example.org/shop.git")
    inside = repository / "a" / "b"
    inside.mkdir(parents=True)
    expected = {"root": str(repository), "branch": "main", "commit": head(repository)}
    assert git.facts(inside) == {**expected, "remote": "https://example.org/shop.git"}
    run_git(repository, "pack-refs", "--all")
    assert git.facts(inside) == {**expected, "remote": "https://example.org/shop.git"}
    run_git(repository, "checkout", "-q", "--detach")
    found = git.facts(inside)
    assert found is not None
    assert (found.get("branch"), found["commit"]) == (None, head(repository))


def test_a_worktree_and_a_submodule_are_repositories_of_their_own(repository: Path, tmp_path: Path) -> None:
    worktree = tmp_path / "beside"
    run_git(repository, "remote", "add", "origin", "git@example.org:shop.git")
    run_git(repository, "worktree", "add", "-q", "-b", "beside", str(worktree))
    (worktree / "app.py").write_text("changed\n")
    run_git(worktree, "commit", "-q", "-am", "on the branch")
    facts = {"root": str(worktree), "branch": "beside", "commit": head(worktree), "remote": "git@example.org:shop.git"}
    assert git.facts(worktree) == facts
    run_git(worktree, "pack-refs", "--all")
    assert git.facts(worktree) == facts

    (outer := tmp_path / "outer").mkdir()
    run_git(outer, "init", "-q")
    run_git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repository), "inner")
    inner = git.facts(outer / "inner")
    assert inner is not None
    assert (inner["root"], inner["commit"]) == (str(outer / "inner"), head(repository))


def test_what_is_no_repository_has_no_facts(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("nonsense")
    assert git.facts(tmp_path) is None


# The changes.


def test_the_diff_makes_of_the_commit_what_ran(repository: Path, tmp_path: Path) -> None:
    assert seen(repository) == {"git_dirty": False, "git_diff": None, "git_untracked": [], "git_note": None}
    (repository / "app.py").write_text("print('two')\n")
    (repository / "staged é.py").write_text("staged\n")
    run_git(repository, "add", "staged é.py")
    (repository / "new.txt").touch()
    (repository / "many").mkdir()
    (repository / "many" / "1").touch()
    for setting in ("diff.noprefix", "diff.mnemonicPrefix", "diff.relative", "color.ui"):
        run_git(repository, "config", setting, "always" if setting == "color.ui" else "true")
    found = seen(repository)
    assert (found["git_dirty"], found["git_untracked"], found["git_note"]) == (True, ["many/", "new.txt"], None)
    again = tmp_path / "again"
    subprocess.run(["git", "clone", "-q", str(repository), str(again)], check=True)
    (tmp_path / "diff").write_text(found["git_diff"])
    run_git(again, "apply", str(tmp_path / "diff"))
    for name in ("app.py", "staged é.py"):
        assert (again / name).read_text() == (repository / name).read_text()


def test_nothing_that_the_repository_names_is_run(repository: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\necho $0 $* >> {ran}\ncat\n")
    trap.chmod(0o755)
    hook = repository / ".git" / "hooks" / "post-index-change"
    hook.write_text(trap.read_text())
    hook.chmod(0o755)
    (repository / ".gitattributes").write_text("*.py diff=odd filter=odd\n")
    for name in ("core.fsmonitor", "diff.external", "diff.odd.command", "diff.odd.textconv", "core.pager"):
        run_git(repository, "config", name, str(trap))
    for name in ("filter.odd.clean", "filter.odd.smudge", "filter.odd.process"):
        run_git(repository, "config", name, str(trap))
    run_git(repository, "config", "filter.odd.required", "true")
    ran.unlink(missing_ok=True)
    (repository / "app.py").write_text("print('two')\n")
    assert "+print('two')" in seen(repository)["git_diff"]
    assert not ran.exists()
    (repository / "app.py").touch()  # so that it is looked into, as a user of git would see
    subprocess.run(["git", "-C", str(repository), "diff", "HEAD"], capture_output=True, timeout=20, check=False)
    assert ran.exists()


def test_what_changed_after_the_program_began_is_named(repository: Path) -> None:
    (repository / "app.py").write_text("print('two')\n")
    assert seen(repository, since_ns=0)["git_note"] == (
        "app.py changed after the program began, and before this was seen"
    )


def test_a_repository_without_a_commit_has_files_and_no_diff(tmp_path: Path) -> None:
    run_git(tmp_path, "init", "-q")
    (tmp_path / "app.py").touch()
    found = look(tmp_path, None, NEVER)
    assert (found["git_dirty"], found["git_untracked"]) == (None, ["app.py"])
    assert found["git_note"] == "there is no commit to compare with"


def test_what_git_refuses_or_takes_too_long_for_is_said(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert look(repository, "0" * 40, NEVER)["git_note"].startswith("git: fatal:")
    if os.getuid() == 0:
        os.chown(repository, 65534, 65534)
        assert "dubious ownership" in seen_as_it_is(repository)["git_note"]
        os.chown(repository, 0, 0)
    monkeypatch.setattr(changes, "_PATIENCE_S", 0.0)
    assert look(repository, head(repository), NEVER)["git_note"] == "git took longer than 0 seconds"
    monkeypatch.setenv("PATH", "")
    assert look(repository, "0" * 40, NEVER)["git_note"] == "git is not installed"


def seen_as_it_is(root: Path) -> dict[str, Any]:
    return look(root, "0" * 40, NEVER)


def test_a_long_diff_is_cut_at_the_end_of_a_line_and_says_so(repository: Path, tmp_path: Path) -> None:
    (repository / "app.py").write_text("".join(f"print('line {number}')\n" for number in range(50_000)))
    for number in range(changes.MAX_UNTRACKED + 5):
        (repository / f"{number}.txt").touch()
    found = answered(repository, tmp_path / "t.duckdb")
    assert changes.MAX_DIFF_BYTES - 100 < len(found["git_diff"]) <= changes.MAX_DIFF_BYTES
    assert found["git_diff"].endswith("')\n")
    assert found["git_note"] == f"5 more untracked files; cut after {len(found['git_diff'])} bytes"
    assert len(found["git_untracked"]) == changes.MAX_UNTRACKED


SECRET = "sk-proj-" + "a1" * 20


def test_secrets_and_what_the_user_names_are_taken_out(repository: Path, tmp_path: Path) -> None:
    import re

    (repository / "app.py").write_text(f"key = '{SECRET}'\nwho = 'EMP-1234'\nmail = 'ada@example.org'\n")
    plain = answered(repository, tmp_path / "plain.duckdb")
    assert SECRET not in plain["git_diff"]
    assert "EMP-1234" in plain["git_diff"]
    assert plain["git_note"] == "1 redaction in it"
    own = answered(repository, tmp_path / "own.duckdb", ["email", re.compile(r"emp-\d+", re.IGNORECASE)])
    assert not [text for text in (SECRET, "EMP-1234", "ada@") if text in own["git_diff"]]
    assert SECRET in answered(repository, tmp_path / "all.duckdb", False)["git_diff"]


def test_what_only_the_program_could_redact_is_not_looked_at(tmp_path: Path) -> None:
    for redact in (str.upper, [str.upper], {"patterns": [str.upper]}):
        assert question(tmp_path, "p", {"root": "."}, 0, redact) is None  # type: ignore[arg-type]


# A program.

PROGRAM = """
    import os, signal, sys, time
    os.chdir(sys.argv[1])
    import tracer
    heard = []
    if "handles" in sys.argv:
        signal.signal(signal.SIGCHLD, lambda *_: heard.append(1))
    if "waits" in sys.argv:
        child = os.fork() or (time.sleep(1), os._exit(0))
    with tracer.span("answer"):
        pass
    if "waits" in sys.argv:
        assert os.wait()[0] == child
    deadline = time.monotonic() + (20 if "stays" in sys.argv else 0.8)
    while time.monotonic() < deadline and not os.path.exists(sys.argv[1] + "/stop"):
        time.sleep(0.05)
    assert not heard
    try:
        os.wait()
    except ChildProcessError:
        print("no child")
"""


def stored(path: Path, seconds: float = 20) -> dict[str, Any]:
    """The one process that recorded, once its changes are known."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for row in Store(path).sql("from processes where git_dirty"):
            return row
        time.sleep(0.2)
    raise AssertionError(list(Store(path).sql("from processes")))


@pytest.mark.parametrize("way", ["", "handles", "waits"])
def test_a_program_is_told_with_its_changes_and_notices_nothing(repository: Path, tmp_path: Path, way: str) -> None:
    path = tmp_path / "t.duckdb"
    (repository / "app.py").write_text("print('two')\n")
    done = programs.run(PROGRAM, path, repository, way, TRACER_ABSORB="1")
    assert (done.stdout, done.stderr) == ("no child\n", "")
    process = stored(path)
    assert process["git"]["commit"] == head(repository)
    assert "+print('two')" in process["git_diff"]


def test_while_a_program_runs_its_changes_are_seen_as_they_were_at_its_start(repository: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.duckdb"
    (repository / "app.py").write_text("print('two')\n")
    with programs.start(PROGRAM, path, repository, "stays", TRACER_ABSORB="1") as program:
        stored(path)
        (repository / "app.py").write_text("print('three')\n")
        (repository / "stop").touch()
        program.communicate(timeout=30)
    absorb(path)
    assert "+print('two')" in stored(path)["git_diff"]


@pytest.mark.parametrize("off", ["TRACER_CAPTURE_CODE", "TRACER_CAPTURE_CONTENT"])
def test_on_option_code_is_not_recorded(repository: Path, tmp_path: Path, off: str) -> None:
    path = tmp_path / "t.duckdb"
    (repository / "app.py").write_text("import tracer\n@tracer.trace\ndef f(): ...\nf()\n")
    environ = {**os.environ, "TRACER_STORE": str(path), "TRACER_ABSORB": "1", off: "0"}
    subprocess.run([sys.executable, "app.py"], cwd=repository, env=environ, check=True)
    absorb(path)
    (process,) = Store(path).sql("from processes")
    assert process["git"]["commit"] == head(repository)
    assert (process["git_dirty"], process["git_diff"]) == (None, None)
    (function,) = Store(path).sql("from functions")
    assert (function["qualname"], function["line"], function["source"]) == ("f", 2, None)
