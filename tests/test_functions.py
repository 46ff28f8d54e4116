"""The source of each traced function is stored once, as it was when it ran, and its spans name it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

import tracer
from tracer import trace
from tracer.functions import Function
from tracer.recorder import RECORDER
from tracer.span_row import SpanRow
from tracer.store import Store


def facts(function: Callable[..., Any]) -> dict[str, Any]:
    known = Function(function)
    assert known.id
    return known.facts()


def plain(question: str) -> str:
    """Answer."""
    return f"""
{question}
"""


class Desk:
    def answer(self) -> int:
        def inner() -> int:
            return 1

        return inner()

    @classmethod
    def open(cls) -> None: ...


def test_a_function_is_told_with_its_source_whatever_was_wrapped_around_it() -> None:
    told = facts(plain)
    assert told["source"] == ('def plain(question: str) -> str:\n    """Answer."""\n    return f"""\n{question}\n"""\n')
    assert (told["module"], told["qualname"], told["file"]) == (__name__, "plain", __file__)
    assert told["line"] == plain.__code__.co_firstlineno
    once: Callable[..., Any] = trace(plain)
    assert facts(trace(once)) == facts(once) == told
    assert facts(Desk.answer)["source"].endswith("        return inner()\n")
    assert facts(Desk().answer) == facts(Desk.answer)
    assert facts(Desk.open)["qualname"] == "Desk.open"
    square = lambda n: n * n  # noqa: E731
    assert facts(square)["source"] == "    square = lambda n: n * n  # noqa: E731\n"


def test_other_code_is_another_function_and_other_lines_are_not() -> None:
    def made(text: str, name: str = "f") -> str | None:
        scope: dict[str, Any] = {"__name__": "m"}
        exec(text, scope)
        return Function(scope[name]).id

    first = made("def f(x):\n    return x in {'a', 'b'}")
    assert first == made("\n\ndef f(x):\n    # a remark\n    return x in {'b', 'a'}")
    others = [
        "def f(x): return x in {'a'}",
        "def f(y): return y in {'a', 'b'}",
        "async def f(x): ...",
        "def f(x=1): ...",
    ]
    assert len({first, *map(made, others)}) == 5


def test_what_was_typed_or_made_by_exec_has_no_source(tmp_path: Path) -> None:
    scope: dict[str, Any] = {}
    exec("def made():\n    return 1", scope)
    assert (facts(scope["made"])["source"], facts(scope["made"])["file"]) == (None, "<string>")
    assert Function(len).id is None


def test_a_file_that_changed_since_it_was_imported_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text("def f():\n    return 1\n")
    scope: dict[str, Any] = {"__name__": "module"}
    exec(compile(path.read_text(), str(path), "exec"), scope)
    before, changed = Function(scope["f"]), Function(scope["f"])
    assert before.id == changed.id
    time.sleep(0.02)
    assert before.facts()["source"] == "def f():\n    return 1\n"
    path.write_text("def f():\n    return 2\n")
    os.utime(path, (0, 0))
    assert changed.facts()["source"] is None


def test_a_very_long_function_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text("def f():\n" + "    print('a line')\n" * 10_000)
    scope: dict[str, Any] = {}
    exec(compile(path.read_text(), str(path), "exec"), scope)
    assert facts(scope["f"])["source"].endswith("…[cut: 134473 characters]")


def told_now() -> None:
    RECORDER.tick(10**12)


def test_spans_name_the_function_that_they_are_a_call_of(store: Store, spans: Callable[[], list[SpanRow]]) -> None:
    @trace
    def answer() -> str:
        return "key: sk-proj-b2b2b2b2b2b2b2b2b2b2b2b2"

    @trace(kind="tool")
    def look_up() -> None: ...

    answer()
    answer()
    look_up()
    with tracer.span("no function"):
        pass
    told_now()
    first, second, other, third = spans()
    assert first.function_id == second.function_id is not None
    assert third.function_id is None
    assert store.function(other.function_id or "") != store.function(first.function_id or "")
    function = store.function(first.function_id or "")
    assert function is not None
    assert function["qualname"].endswith("answer")
    assert "def answer() -> str:" in function["source"]
    assert "b2b2" not in function["source"]
    assert store.function("0" * 16) is None
    told_now()
    assert len(store.sql("from functions where function_id = ?", [first.function_id])) == 1


CROWD = """
    import os, tracer

    @tracer.trace
    def answer(question):
        return question in {"a", "b", "c"}

    answer("?")
"""


def test_eight_processes_tell_one_function_and_a_purge_frees_it(tmp_path: Path) -> None:
    path, program = tmp_path / "t.duckdb", tmp_path / "app.py"
    program.write_text(textwrap.dedent(CROWD))
    environ = {**os.environ, "TRACER_STORE": str(path)}
    running = [subprocess.Popen([sys.executable, str(program)], env=environ) for _ in range(8)]
    assert [process.wait(60) for process in running] == [0] * 8
    store = Store(path)
    for _ in "live and stored":
        (function,) = store.sql("from functions")
        assert function["source"].startswith("@tracer.trace\ndef answer(question):\n")
        assert [row["function_id"] for row in store.sql("from spans")] == [function["function_id"]] * 8
        store.absorb()
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("select count(*) from functions").fetchall() == [(1,)]
    store.purge(*(row["trace_id"] for row in store.traces()))
    assert list(store.sql("from functions")) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_tells_its_functions_too(tmp_path: Path) -> None:
    path, program = tmp_path / "t.duckdb", tmp_path / "app.py"
    text = CROWD + "    if not os.fork():\n        answer('of a child')\n    else:\n        os.wait()\n"
    program.write_text(textwrap.dedent(text))
    subprocess.run([sys.executable, str(program)], env={**os.environ, "TRACER_STORE": str(path)}, check=True)
    (function,) = Store(path).sql("from functions")
    assert [row["function_id"] for row in Store(path).sql("from spans")] == [function["function_id"]] * 2
