"""What `configure` set holds in the processes that are started, and what cannot be told them is not recorded."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tracer.store import Store

Covers = Callable[[str, str, str, str], None]

METHODS = pytest.mark.parametrize("method", ["fork", "spawn", pytest.param("forkserver", marks=pytest.mark.slow)])


def run(folder: Path, top: str, main: str, **environ: str) -> str:
    """Run a program of which children import `top` and not `main`; return what all of them told on stderr.

    In `main`, `work_in(method, text)` lets a process and a pool record a call of `work`.
    """
    script = folder / "program.py"
    script.write_text(
        "import multiprocessing, re, tracer\n"
        "from concurrent.futures import ProcessPoolExecutor\n\n"
        "@tracer.trace\ndef work(text):\n    return text\n\n"
        "def work_in(method, text):\n"
        "    context = multiprocessing.get_context(method)\n"
        "    process = context.Process(target=work, args=(text,))\n"
        "    process.start()\n    process.join()\n"
        "    assert not [name for name in vars(process) if 'tracer' in name]\n"
        "    with ProcessPoolExecutor(1, mp_context=context) as pool:\n"
        "        pool.submit(work, text).result()\n\n"
        + textwrap.dedent(top)
        + "\nif __name__ == '__main__':\n"
        + textwrap.indent(textwrap.dedent(main), "    ")
    )
    done = subprocess.run(
        [sys.executable, script.name],
        cwd=folder,
        env={**os.environ, "TRACER_STORE": str(folder / "unset.duckdb"), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def recorded(folder: Path, store: str = "set.duckdb") -> list[Any]:
    """What the calls of `work` were given, as far as it was recorded; nothing where there is no store."""
    path = folder / store
    if not path.parent.joinpath(f"{path.name}.journal").exists():
        return []
    return [
        row["input"]["text"] for row in Store(path).sql("select input from spans where name = 'work' order by start_ns")
    ]


@METHODS
def test_what_is_set_under_the_guard_of_main_holds_in_children(tmp_path: Path, method: str, covers: Covers) -> None:
    covers("settings", "sync", f"Process and ProcessPoolExecutor, {method}", "in force")
    main = f"""
        import os
        redact = {{"keys": ["pin"], "patterns": ["email", re.compile("emp-[0-9]+", re.I)]}}
        tracer.configure(store="set.duckdb", max_value_bytes=256, redact=redact)
        tracer.span("first").end()  # now it is settled where the store is
        os.chdir("/")
        with tracer.span("main"):
            work_in("{method}", {{"pin": "1234", "who": "ada@shop.example and EMP-77"}})
        work_in("{method}", "a" * 1000)
    """
    assert run(tmp_path, "", main) == ""
    *short, long, also_long = recorded(tmp_path)
    assert short == [{"pin": "[redacted:own]", "who": "[redacted:email] and [redacted:own]"}] * 2
    assert len(long) == len(also_long) < 256
    assert recorded(tmp_path, "unset.duckdb") == []


@METHODS
def test_content_that_is_switched_off_is_off_with_no_span_around(tmp_path: Path, method: str) -> None:
    main = f"tracer.configure(store='set.duckdb', capture_content=False); work_in('{method}', 'secret')"
    assert run(tmp_path, "", main) == ""
    assert recorded(tmp_path) == ["[6 characters]"] * 2


@METHODS
def test_recording_that_is_switched_off_is_off(tmp_path: Path, method: str) -> None:
    main = f"tracer.configure(enabled=False); work_in('{method}', 'secret')"
    assert run(tmp_path, "", main) == ""
    assert not list(tmp_path.glob("*.journal"))


def test_what_a_child_sets_itself_goes_first_and_its_environment_last(tmp_path: Path) -> None:
    top = "tracer.configure(max_value_bytes=300)"
    main = """
        tracer.configure(store="set.duckdb", max_value_bytes=100_000, capture_content=True)
        work_in("spawn", "a" * 1000)
    """
    assert run(tmp_path, top, main, TRACER_CAPTURE_CONTENT="0") == ""
    assert [len(text) < 300 and text.startswith("aaa") for text in recorded(tmp_path)] == [True] * 2


def test_a_function_that_redacts_is_found_by_its_name(tmp_path: Path) -> None:
    top = "def hide(text):\n    return text.replace('secret', '…')"
    main = "tracer.configure(store='set.duckdb', redact=[hide, 'email']); work_in('spawn', 'secret a@b.example')"
    assert run(tmp_path, top, main) == ""
    assert recorded(tmp_path) == ["… [redacted:email]"] * 2


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("lambda text: text.replace('secret', '…')", "has no name in a module"),
        ("Hider().hide", "has no name in a module"),
        ("hidden.hide", "hidden.hide is not imported here"),
    ],
)
def test_without_the_function_that_redacts_no_texts_are_recorded(tmp_path: Path, function: str, reason: str) -> None:
    (tmp_path / "hidden.py").write_text("def hide(text):\n    return text.replace('secret', '…')")
    top = "class Hider:\n    def hide(self, text):\n        return '…'\n    def __reduce__(self):\n        1 / 0"
    main = f"import hidden\ntracer.configure(store='set.duckdb', redact=[{function}])\nwork_in('spawn', 'secret')"
    told = run(tmp_path, top, main)
    assert recorded(tmp_path) == ["[6 characters]"] * 2
    assert [reason in line and "no texts are recorded" in line for line in told.splitlines()] == [True] * 2
    (trace, *_) = Store(tmp_path / "set.duckdb").traces()
    assert "texts were not recorded: capture_content is off" in [
        missed.text for missed in Store(tmp_path / "set.duckdb").trace(trace["trace_id"]).missed
    ]


def test_a_forked_child_keeps_the_function(tmp_path: Path) -> None:
    redact = "lambda text: text.replace('secret', '…')"
    main = f"tracer.configure(store='set.duckdb', redact={redact}); work_in('fork', 'secret')"
    assert run(tmp_path, "", main) == ""
    assert recorded(tmp_path) == ["…"] * 2


def test_what_was_recorded_while_the_child_was_imported_does_not_settle_it(tmp_path: Path) -> None:
    top = "tracer.span('imported').end()"
    main = "tracer.configure(store='set.duckdb', capture_content=False); work_in('spawn', 'secret')"
    assert run(tmp_path, top, main) == ""
    assert recorded(tmp_path) == ["[6 characters]"] * 2
    assert recorded(tmp_path, "unset.duckdb") == []
