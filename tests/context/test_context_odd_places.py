"""Code that Python calls when it likes: signal handlers, finalizers, exit handlers, callbacks from C."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from nesting import run

import programs
from tracer.store import Store

Covers = Callable[[str, str, str, str], None]


def test_signal_handlers_and_finalizers_nest_where_they_strike(tmp_path: Path, covers: Covers) -> None:
    covers("odd places", "sync", "signal handlers, finalizers", "nested")
    program = """
        import gc, os, signal, weakref

        def handler(*_):
            with span("handler"):
                pass

        class Resource:
            def __del__(self):
                with span("del"):
                    pass

        signal.signal(signal.SIGUSR1, handler)
        with span("main"):
            os.kill(os.getpid(), signal.SIGUSR1)
            with span("inner"):
                Resource()
            circle = Resource()
            circle.itself = circle
            del circle
            with span("collection"):
                gc.collect()
            kept = Resource()
            weakref.finalize(kept, handler)
        with span("other"):
            del kept
    """
    assert run(program, tmp_path).trees == [
        *("main", "  collection", "    del", "  handler", "  inner", "    del"),
        *("other", "  del", "  handler"),
    ]


def test_signals_in_the_midst_of_recording_break_nothing(store_path: Path) -> None:
    """Not even those that come while we make ready for the first span: spans of theirs are told as dropped."""
    program = """
        import signal
        from tracer import span

        struck = 0

        def handler(*_):
            global struck
            with span("handler"):
                struck += 1

        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        while struck < 50:
            with span("step"), span("inner", input="x"):
                pass
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(struck)
    """
    done = programs.run(program, store_path)
    names = Counter(row["name"] for row in Store(store_path).sql("select name from spans where status = 'OK'"))
    (told,) = Store(store_path).sql("select coalesce(sum(dropped_spans), 0) as dropped from processes")
    assert names["step"] == names["inner"] > 0
    assert names["handler"] + told["dropped"] == int(done.stdout)
    log = done.stderr.splitlines()
    assert len(log) == bool(told["dropped"])
    assert all(line.startswith(f"llm-tracer lost {told['dropped']} spans") for line in log)


def test_a_signal_while_the_journal_is_begun_costs_nothing(store_path: Path) -> None:
    program = """
        import signal, sys
        from tracer import span

        def handler(*_):
            with span("handler"):
                pass

        def strike(event, args):
            if event == "os.rename" and str(args[0]).endswith(".live"):
                signal.raise_signal(signal.SIGALRM)

        signal.signal(signal.SIGALRM, handler)
        sys.addaudithook(strike)
        with span("step"):
            pass
    """
    done = programs.run(program, store_path)
    assert done.stderr == ""
    assert {row["name"] for row in Store(store_path).sql("from spans")} == {"step", "handler"}


def test_exit_handlers_and_what_is_torn_down_last(tmp_path: Path, covers: Covers) -> None:
    covers("odd places", "sync", "atexit", "recorded")
    program = """
        import atexit, sys, threading

        def at_exit(name):
            with span(name):
                with span("inner"):
                    pass

        class Resource:
            def __del__(self):
                try:
                    with span("del at the end"):
                        pass
                except ImportError:
                    pass  # what the program itself does in so late a finalizer may fail, with us or without

        with span("main"):
            atexit.register(at_exit, "exit")
            threading.Thread(target=at_exit, args=("thread",)).start()
        forever = Resource()
        sys.modules["forever"] = forever
    """
    # Registered before we were imported, and so run after our own.
    early = """
import atexit, sys
def first():
    with span("first"):
        pass
atexit.register(first)
    """
    lines = run(early + textwrap.dedent(program), tmp_path).trees
    assert [line for line in lines if "del" not in line] == [
        *("main", "  thread", "    inner", "exit", "  inner", "first"),
    ]


def test_callbacks_from_c_and_from_threads_that_python_did_not_start(tmp_path: Path, covers: Covers) -> None:
    covers("odd places", "sync", "callbacks from C, foreign threads", "nested, roots")
    program = """
        import ctypes, functools, sqlite3, threading, _thread

        @trace(name="compare")
        def compare(one, other):
            return one[0] - other[0]

        @trace(name="in sql")
        def double(number):
            return number * 2

        BODY = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)

        @BODY
        def foreign(_):
            with span("foreign thread"), span("inner"):
                pass
            return None

        with span("sqlite"):
            database = sqlite3.connect(":memory:")
            database.create_function("double", 1, double)
            print(database.execute("select double(21)").fetchall())
        with span("qsort"):
            numbers = (ctypes.c_int * 2)(2, 1)
            pointer = ctypes.POINTER(ctypes.c_int)
            order = ctypes.CFUNCTYPE(ctypes.c_int, pointer, pointer)(compare)
            ctypes.CDLL(None).qsort(numbers, 2, ctypes.sizeof(ctypes.c_int), order)
            print(list(numbers))
        with span("main"):
            libc = ctypes.CDLL(None)
            thread = ctypes.c_ulong()
            libc.pthread_create(ctypes.byref(thread), None, foreign, None)
            libc.pthread_join(thread, None)
            lock = _thread.allocate_lock()
            lock.acquire()
            _thread.start_new_thread(lambda: (foreign(None), lock.release()), ())
            lock.acquire()
    """
    lines = run(program, tmp_path).trees
    assert lines == [
        *("sqlite", "  in sql", "qsort", "  compare", "main"),
        *("foreign thread", "  inner", "foreign thread", "  inner"),
    ]
