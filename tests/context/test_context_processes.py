"""Processes and pools of them: what a child does belongs to the span that started it or submitted the work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from nesting import run

from tracer.store import Store

Covers = Callable[[str, str, str, str], None]

METHODS = pytest.mark.parametrize("method", ["fork", "spawn", pytest.param("forkserver", marks=pytest.mark.slow)])


@METHODS
def test_a_process_belongs_to_the_span_that_started_it(tmp_path: Path, method: str, covers: Covers) -> None:
    covers("processes", "sync", f"Process, {method}", "nested")
    program = """
        import multiprocessing, threading

        class Worker(multiprocessing.get_context(METHOD).Process):
            def run(self):
                work("subclass")

        def work(name):
            with span(name):
                thread = threading.Thread(target=lambda: deeper())
                thread.start()
                thread.join()
            deeper()

        @trace(name="deeper")
        def deeper(): ...

        def start(process):
            process.start()
            process.join()
            print(process.exitcode, sorted(vars(process)))

        if __name__ == "__main__":
            context = multiprocessing.get_context(METHOD)
            with using(session_id="s1", metadata={"a": [1]}), span("main"):
                start(context.Process(target=work, args=("target",)))
                with span("inner"):
                    start(Worker())
            start(context.Process(target=work, args=("outside",)))
    """
    trees = run(program.replace("METHOD", repr(method)), tmp_path).trees
    assert trees == [
        *("main", "  deeper", "  inner", "    deeper", "    subclass", "      deeper", "  target", "    deeper"),
        *("outside", "  deeper", "deeper"),
    ]
    rows = Store(tmp_path / "traces.duckdb").sql("select session_id, metadata from spans order by start_ns limit 7")
    assert [(row["session_id"], row["metadata"]) for row in rows] == [("s1", {"a": [1]})] * 7


@METHODS
def test_work_in_a_pool_of_processes_belongs_where_it_was_handed(tmp_path: Path, method: str, covers: Covers) -> None:
    covers("processes", "sync", f"ProcessPoolExecutor and Pool, {method}", "nested")
    program = """
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor
        from functools import partial

        @trace(name="work")
        def work(number, more=0):
            return number

        def begin():
            with span("initializer"):
                pass

        if __name__ == "__main__":
            context = multiprocessing.get_context(METHOD)
            with ProcessPoolExecutor(1, mp_context=context, initializer=begin) as pool:
                with span("first"):
                    print(pool.submit(work, 1).result())
                with span("second"):
                    print(list(pool.map(partial(work, more=1), range(4), chunksize=2)))
                print(pool.submit(work, 2).result())
            with span("around"):
                pool = context.Pool(1, initializer=begin, maxtasksperchild=2)
            with span("third"):
                print(pool.map(work, [1, 2], 1), pool.starmap(work, [(3, 0)], 1), pool.apply(work, (4,)))
                print(list(pool.imap_unordered(work, [5])))
            print(pool.map(work, [6], 1))
            pool.close()
            pool.join()
    """
    trees = run(program.replace("METHOD", repr(method)), tmp_path).trees
    assert [line for line in trees if "initializer" not in line] == [
        *("first", "  work", "second", *["  work"] * 4, "work", "around", "third", *["  work"] * 5, "work"),
    ]
    assert {line for line in trees if "initializer" in line} == {"  initializer"}
    assert trees[1] == "  initializer"


def test_misuse_and_failures_of_process_pools_are_the_same(tmp_path: Path, covers: Covers) -> None:
    covers("processes", "sync", "misuse and failures", "same error")
    program = """
        import os
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import Pool

        class Odd(Exception):
            pass

        def fail(text):
            raise Odd(text)

        def told(call):
            try:
                print(call())
            except BaseException as error:
                print(type(error), str(error).replace(hex(id(LAMBDA)), "0x1"), error.args and len(error.args))

        LAMBDA = lambda: 1

        def main():
            def local(): ...
            with span("main"), ProcessPoolExecutor(1) as pool:
                told(lambda: pool.submit())
                told(lambda: pool.submit(LAMBDA).result())
                told(lambda: pool.submit(local).result())
                told(lambda: pool.submit(3).result())
                told(lambda: pool.submit(fail, "x").result())
                told(lambda: list(pool.map(fail, ["x"])))
                told(lambda: pool.submit(os.getpid).result() != os.getpid())
            with span("other"), Pool(1) as pool:
                told(lambda: pool.apply(LAMBDA))
                told(lambda: pool.map(local, [1]))
                told(lambda: pool.apply(fail, ("x",)))
                told(lambda: pool.map())
            with span("broken"), ProcessPoolExecutor(1) as pool:
                told(lambda: pool.submit(os._exit, 3).result())

        if __name__ == "__main__":
            main()
    """
    assert run(program, tmp_path).trees == ["main", "other", "broken"]


def test_a_killed_child_leaves_what_had_ended_and_the_call_that_it_was_in(tmp_path: Path, covers: Covers) -> None:
    covers("processes", "sync", "killed child", "what had ended is there")
    program = """
        import os, signal
        from concurrent.futures import ProcessPoolExecutor
        from concurrent.futures.process import BrokenProcessPool

        @trace(name="work")
        def work():
            with span("ended"):
                pass
            import time
            time.sleep(0.9)  # by then it is on the disk that it runs
            os.kill(os.getpid(), signal.SIGKILL)

        if __name__ == "__main__":
            with span("main"), ProcessPoolExecutor(1) as pool:
                try:
                    pool.submit(work).result()
                except BrokenProcessPool as error:
                    print(error)
    """
    assert run(program, tmp_path).trees == ["main", "  work LOST", "    ended"]


def test_a_fork_in_a_span_and_in_a_thread_of_a_pool(tmp_path: Path, covers: Covers) -> None:
    covers("processes", "sync", "os.fork", "nested")
    program = """
        import os
        from concurrent.futures import ThreadPoolExecutor

        @trace(name="child")
        def child(): ...

        def fork():
            if (pid := os.fork()) == 0:
                child()
                os._exit(0)
            os.waitpid(pid, 0)

        with span("main"), ThreadPoolExecutor(1) as pool:
            fork()
            with span("inner"):
                pool.submit(fork).result()
    """
    assert run(program, tmp_path, PYTHONWARNINGS="ignore").trees == ["main", "  child", "  inner", "    child"]


def test_modules_that_are_imported_late_keep_no_trace_of_us(tmp_path: Path) -> None:
    program = """
        with span("main"):
            import importlib.util
            name = "concurrent.futures.process"
            print(importlib.util.find_spec(name).loader.get_code(name).co_name)
            import concurrent.futures.process as process, multiprocessing.pool as pool
            for module in (process, pool):
                print(type(module.__loader__), type(module.__spec__.loader), module.__spec__.origin == module.__file__)
            print(process.ProcessPoolExecutor.submit.__qualname__, pool.Pool.map.__module__)
            import inspect
            print(inspect.signature(process.ProcessPoolExecutor.submit), inspect.signature(pool.Pool))
            if sys.argv[1] != "untraced":
                assert process.ProcessPoolExecutor.submit.__wrapped__ and pool.Pool.map.__wrapped__
    """
    assert run(program, tmp_path).trees == ["main"]
