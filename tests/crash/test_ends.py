"""A program may end in any way: what had ended is there, what was open is LOST, and nobody is blocked."""

from __future__ import annotations

import os
import random
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ledger import assert_balance

import programs
from tracer.capture.search import Search
from tracer.capture.secrets.fields import FIELDS
from tracer.capture.secrets.forms import FORMS
from tracer.journal.layout import Layout
from tracer.store import Store

CHAIN = """
    import os, signal, sys, time
    import tracer

    @tracer.trace(kind="llm")
    def model_call(prompt):
        if prompt == "last":
            time.sleep(1)                # long enough to be written while it is open
            print("open", flush=True)
            {end}
        return "answer to " + prompt

    @tracer.trace
    def chain():
        for number in range(100):
            model_call(f"prompt {{number}}")
        model_call("last")

    chain()
"""


WAYS_TO_END = {
    "kill -9": "time.sleep(60)",
    "SIGTERM": "time.sleep(60)",
    "os._exit": "os._exit(3)",
    "segfault": "import ctypes; ctypes.string_at(0)",
    "out of memory in native code": (
        "import ctypes, resource; resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30)); libc = ctypes.CDLL(None); "
        "libc.malloc.restype = ctypes.c_void_p; libc.malloc(ctypes.c_size_t(2**31)) or libc.abort()"
    ),
    "killed by the kernel for its memory": (
        "open(os.environ['CGROUP'] + '/cgroup.procs', 'w').write(str(os.getpid())); eaten = []\n"
        "            while True: eaten.append(b'x' * 2**20)"
    ),
}


SIGNALS = {
    "SIGTERM": signal.SIGTERM,
    "segfault": signal.SIGSEGV,
    "out of memory in native code": signal.SIGABRT,
}


@pytest.fixture
def small_group() -> Iterator[str]:
    """A control group whose processes may take 64 MB before the kernel kills them."""
    if sys.platform != "linux":
        pytest.skip("only Linux has control groups")
    old = Path("/sys/fs/cgroup/memory")
    root, limit = (old, "memory.limit_in_bytes") if old.is_dir() else (Path("/sys/fs/cgroup"), "memory.max")
    group = root / f"tracer-test-{os.getpid()}"
    try:
        group.mkdir()
        (group / limit).write_text("64M")
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    yield str(group)
    group.rmdir()


@pytest.mark.parametrize("way", WAYS_TO_END)
def test_whatever_had_ended_is_there_and_what_was_open_is_lost(
    store_path: Path, way: str, request: pytest.FixtureRequest
) -> None:
    environ = {"CGROUP": request.getfixturevalue("small_group")} if "kernel" in way else {}
    with programs.start(CHAIN.format(end=WAYS_TO_END[way]), store_path, **environ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        if way == "kill -9":
            assert running_spans(store_path) == ["chain", "model_call"]
            process.kill()
        elif way == "SIGTERM":
            process.terminate()
        process.wait(timeout=30)
        assert process.returncode == (3 if way == "os._exit" else -SIGNALS.get(way, signal.SIGKILL))

    for absorbed in (False, True):
        store = Store(store_path)
        if absorbed:
            store.absorb()
        (found,) = store.traces()
        rows = store.trace(found["trace_id"]).rows
        ended = [row for row in rows if row.status == "OK"]
        assert len(ended) == 100
        assert [row.output for row in ended] == [f"answer to prompt {number}" for number in range(100)]
        assert [(row.name, row.status) for row in rows if row.end_ns is None] == [
            ("chain", "LOST"),
            ("model_call", "LOST"),
        ]
        assert rows[-1].input == {"prompt": "last"}
        assert found["status"] == "LOST"


EMIT = """
    import atexit, os, sys, threading, time
    import tracer

    def emit(name, body=lambda: None):
        try:
            with tracer.span(name):
                body()
        finally:
            os.write(1, name.encode() + b"\\n")

    def fail(error):
        raise error
"""

ENDINGS = {
    "an exit handler raises": """
        atexit.register(emit, "last")
        atexit.register(emit, "first", lambda: fail(ValueError("in an exit handler")))
        emit("before")
    """,
    "an exit handler exits at once": """
        atexit.register(os._exit, 7)
        atexit.register(emit, "late")
        emit("before")
    """,
    "daemon threads record on until the interpreter ends": """
        def go_on(thread):
            for number in range(1_000_000):
                emit(f"{thread} {number}")
        for thread in range(4):
            threading.Thread(target=go_on, args=(thread,), daemon=True).start()
        time.sleep(0.3)
    """,
    "threads record on after the end of the main one": """
        def go_on(thread):
            for number in range(100):
                emit(f"{thread} {number}")
                time.sleep(0.002)
        for thread in range(4):
            threading.Thread(target=go_on, args=(thread,)).start()
        emit("main")
    """,
    "sys.exit in a thread": """
        thread = threading.Thread(target=emit, args=("in a thread", lambda: sys.exit(5)))
        thread.start()
        thread.join()
        emit("after it")
    """,
    "an exception in a thread": """
        thread = threading.Thread(target=emit, args=("in a thread", lambda: fail(ValueError("in a thread"))))
        thread.start()
        thread.join()
        emit("after it")
    """,
    "hooks for exceptions": """
        sys.excepthook = lambda kind, error, trace: emit("in the hook", lambda: print("hooked", repr(error)))
        threading.excepthook = lambda args: emit("in the hook of threads", lambda: print("hooked", args.exc_type))
        thread = threading.Thread(target=emit, args=("in a thread", lambda: fail(ValueError("in a thread"))))
        thread.start()
        thread.join()
        emit("in main", lambda: fail(KeyError("in main")))
    """,
    "sys.exit with a word": """
        emit("around", lambda: sys.exit("enough"))
    """,
    "no memory for Python": """
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (2**29, 2**29))
        for number in range(20):
            try:
                emit(f"too much {number}", lambda: bytearray(2**30))
            except MemoryError:
                emit(f"less {number}")
    """,
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_program_ends_as_it_does_without_us_and_all_that_ended_is_stored(path: Path, ending: str) -> None:
    ends = []
    for enabled in ("0", "1"):
        with programs.start(EMIT + ENDINGS[ending].replace("\n    ", "\n"), path, TRACER_ENABLED=enabled) as process:
            stdout, stderr = process.communicate(timeout=60)
        ends.append((process.returncode, re.sub(r"0x[0-9a-f]+", "0x…", stderr)))
    assert ends[0] == ends[1]
    emitted = [line for line in stdout.splitlines() if not line.startswith("hooked")]
    assert_balance(path, emitted, untold=4 if "daemon" in ending else 0)


def test_outside_native_code_the_same_markers_of_secrets_are_found() -> None:
    chance = random.Random(1)
    forms = {**FORMS, **FIELDS}
    native, in_python = Search(forms), Search(forms)
    in_python.leave_native_code()
    pieces = [*forms, *(bytes([letter]) for letter in b'abk-_": {}')]
    lines = [b"".join(chance.choices(pieces, k=30)) for _ in range(500)]
    assert [native(line) for line in lines] == [in_python(line) for line in lines]
    assert any(native(line) for line in lines)


def running_spans(store_path: Path) -> list[str]:
    store = Store(store_path)
    (found,) = store.traces()
    return [row.name for row in store.trace(found["trace_id"]).rows if row.status == "RUNNING"]


def test_a_program_that_ends_leaves_nothing_behind_but_its_spans(store_path: Path) -> None:
    programs.run("import tracer\nwith tracer.span('s'): pass", store_path, TRACER_ABSORB="1")
    layout = Layout(store_path)
    wait_until(lambda: store_path.exists() and not layout.segments())
    assert [row["name"] for row in Store(store_path).traces()] == ["s"]
    assert layout.live_files() == {}


def test_spans_of_exit_handlers_are_recorded_without_a_word(store_path: Path) -> None:
    program = """
        import atexit
        late = lambda: tracer.span("late").end()
        atexit.register(late)
        import tracer
        tracer.span("early").end()
        atexit.register(lambda: tracer.span("at exit").end())
    """
    assert programs.run(program, store_path).stderr == ""
    assert [row["name"] for row in Store(store_path).traces()] == ["late", "at exit", "early"]


def test_the_traced_program_keeps_its_exit_code_and_its_signals(store_path: Path) -> None:
    program = """
        import signal, time, tracer
        with tracer.span("s"):
            print("ready", flush=True)
            time.sleep(60)
    """
    with programs.start(program, store_path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in stderr
    (row,) = Store(store_path).traces()
    assert row["status"] == "CANCELLED"


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)
