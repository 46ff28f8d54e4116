"""The command line, as a user meets it: real processes, exit codes, and errors that say what to do next."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import programs
import tracer
from tracer.cli import COMMANDS, main
from tracer.store import Store


@pytest.fixture
def recorded(store_path: Path) -> Path:
    """A store with a chain that fails, and one that does not."""
    call = {"request_model": "gpt-x", "input_tokens": 12, "output_tokens": 3, "usage_source": "api", "cost_usd": 0.5}
    with (
        tracer.using(session_id="s1"),
        tracer.span("answer"),
        tracer.span("chat gpt-x", kind="llm", **call) as model_call,
    ):
        model_call.set(ttft_ns=1_000_000)
    try:
        with tracer.span("broken"), tracer.span("look up", kind="tool"):
            raise LookupError("no order 42\x1b[31m")
    except LookupError:
        pass
    return store_path


def test_every_command_helps_itself(store_path: Path) -> None:
    for command in COMMANDS:
        done = programs.tracer(store_path, command, "--help")
        assert (done.returncode, done.stderr) == (0, "")
        assert f"usage: tracer {command}" in done.stdout


def test_ls_lists_the_newest_first(recorded: Path) -> None:
    done = programs.tracer(recorded, "ls")
    names = [line.split()[2] for line in done.stdout.splitlines()[1:]]
    assert names == ["broken", "answer"]
    assert "no order 42" in done.stdout
    assert "\x1b[31m" not in done.stdout
    listed = json.loads(programs.tracer(recorded, "ls", "model:gpt-x", "--json").stdout)
    assert [(row["name"], row["input_tokens"], row["cost_usd"]) for row in listed] == [("answer", 12, 0.5)]


def test_show_lists_the_contents_of_a_trace_and_attachment_writes_one(store_path: Path, tmp_path: Path) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(9000)
    tracer.span("look", input={"picture": picture}).begin().end()
    shown = programs.tracer(store_path, "show").stdout
    assert "[image/png 9.0 kB]" in shown
    (hash,) = re.findall(r"tracer attachment ([0-9a-f]+) > FILE", shown)
    file = tmp_path / "picture.png"
    for _ in ("new", "there already"):
        done = programs.tracer(store_path, "attachment", hash, "-o", file)
        assert file.read_bytes() == picture
    assert (done.returncode, "exists already" in done.stderr) == (2, True)
    assert file.stat().st_mode & 0o777 == 0o600
    command = [Path(sys.executable).with_name("tracer"), "attachment", hash, "--store", store_path]
    assert subprocess.run(command, capture_output=True, check=True).stdout == picture
    done = programs.tracer(store_path, "attachment", "0" * 64)
    assert (done.returncode, "there is no attachment" in done.stderr) == (1, True)


def test_no_terminal_is_given_raw_bytes(store_path: Path) -> None:
    tracer.span("look", input={"picture": bytes(9000)}).begin().end()
    (hash,) = [
        row["hash"] for row in Store(store_path).sql("select regexp_extract(input, '[0-9a-f]{64}') as hash from spans")
    ]
    parent, terminal = pty.openpty()
    command = [Path(sys.executable).with_name("tracer"), "attachment", hash, "--store", store_path]
    done = subprocess.run(command, stdout=terminal, stderr=subprocess.PIPE, check=False)
    os.close(terminal)
    assert done.returncode == 2
    assert b"-o FILE" in done.stderr
    os.close(parent)


def test_show_draws_the_tree(recorded: Path) -> None:
    (broken, answer) = Store(recorded).traces()
    drawn = programs.tracer(recorded, "show", answer["trace_id"][:16]).stdout
    lines = drawn.splitlines()
    assert "answer" in lines[0]
    assert "session s1" in lines[0]
    assert "└─ ✓ chat gpt-x llm" in lines[2]
    assert "12→3" in lines[2]
    assert "first token 1ms" in lines[2]
    assert "LookupError" in programs.tracer(recorded, "show").stdout
    rows = json.loads(programs.tracer(recorded, "show", broken["trace_id"], "--json").stdout)
    assert [(row["name"], row["status"]) for row in rows] == [("broken", "ERROR"), ("look up", "ERROR")]


def test_sql_asks_live_rows_too(recorded: Path) -> None:
    done = programs.tracer(recorded, "sql", "select kind, count(*) as n from spans group by all order by all", "--json")
    assert json.loads(done.stdout) == [{"kind": "chain", "n": 2}, {"kind": "llm", "n": 1}, {"kind": "tool", "n": 1}]
    assert "gpt-x" in programs.tracer(recorded, "sql", "select request_model from spans where kind = 'llm'").stdout


def test_absorb_moves_everything_into_duckdb(recorded: Path) -> None:
    tracer.recorder.RECORDER.writer.seal()
    assert "Absorbed: 4 spans of 1 segment." in programs.tracer(recorded, "absorb").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["show", "0123456789"], 1, "no trace"),
        (["show", "01"], 1, "8 characters"),
        (["sql", "select nonsense from spans"], 1, "nonsense"),
        (["sql", "drop table spans"], 1, "read"),
        (["ls", "colour:red"], 1, "colour"),
        (["ls", "modle:gpt"], 1, "model"),
        (["ls", "--where", "costs > 1"], 1, "costs"),
        (["run", "no_such_file.py"], 2, "no_such_file.py"),
        (["frobnicate"], 2, "invalid choice"),
        (["ls", "--limit", "0"], 2, "at least 1"),
        (["ls", "\udcff"], 2, "UTF-8"),
        (["sql", "select '\udcff'"], 2, "UTF-8"),
        (["purge", "--session", "\udcff"], 2, "UTF-8"),
        (["sql", "select 1", "--timeout", "-1"], 2, "timeout"),
        (["sql", "select 1", "--memory", "much"], 2, "4GB"),
        (["purge", "0123456789", "--yes"], 1, "no trace"),
    ],
)
def test_misuse_is_told_in_a_line(recorded: Path, arguments: list[str], code: int, told: str) -> None:
    done = programs.tracer(recorded, *arguments)
    assert done.returncode == code
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_store_says_how_to_begin(store_path: Path) -> None:
    assert "tracer demo" in programs.tracer(store_path, "ls").stdout
    assert "tracer demo" in programs.tracer(store_path, "show").stderr


def test_a_large_store_is_pointed_to_purge(
    recorded: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tracer.recorder.RECORDER.writer.seal()
    Store(recorded).absorb()
    monkeypatch.setenv("TRACER_STORE", str(recorded))
    assert main(["ls"]) == 0
    assert "tracer purge" not in capsys.readouterr().err
    monkeypatch.setattr("tracer.cli.ls.LARGE_BYTES", 1000)
    assert main(["ls"]) == 0
    assert "`tracer purge --older-than 30d`" in capsys.readouterr().err


SCRIPT = """
import atexit, sys, threading, time
import tracer

def work(): return tracer.span("inside").end()

work()
print(__name__, sys.argv, sys.path[0])
atexit.register(lambda: print("bye", work.__name__))
if "fail" in sys.argv:
    raise ValueError("the program's own")
if "wait" in sys.argv:
    print("ready", flush=True)
    time.sleep(60)
sys.exit(7)
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "app.py"
    path.write_text(SCRIPT)
    return path


def plain(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(script), *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def test_run_changes_nothing_for_the_program(store_path: Path, script: Path) -> None:
    traced, untraced = programs.tracer(store_path, "run", script, "--its", "own"), plain(script, "--its", "own")
    assert (traced.returncode, traced.stdout, traced.stderr) == (7, untraced.stdout, untraced.stderr)
    (row,) = Store(store_path).traces("name:app.py")
    assert (row["name"], row["span_count"], row["status"]) == ("app.py", 2, "ERROR")


def test_run_loads_nothing_that_only_reading_needs(store_path: Path, tmp_path: Path) -> None:
    script = tmp_path / "modules.py"
    script.write_text("import sys\nprint(*sys.modules)")
    loaded = set(programs.tracer(store_path, "run", script).stdout.split())
    assert loaded & {"duckdb", "rich", "streamlit", "tiktoken", "genai_prices"} == set()


def test_run_shows_the_programs_traceback_without_our_frames(store_path: Path, script: Path) -> None:
    traced, untraced = programs.tracer(store_path, "run", script, "fail"), plain(script, "fail")
    assert (traced.returncode, traced.stderr) == (1, untraced.stderr)
    (row,) = Store(store_path).traces("name:app.py")
    assert row["status_message"] == "the program's own"


def test_run_passes_signals_through(store_path: Path, script: Path) -> None:
    command = [str(Path(sys.executable).with_name("tracer")), "run", "--store", str(store_path), str(script), "wait"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while process.stdout.readline() != "ready\n":
            pass
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in stderr


def test_run_takes_modules_and_can_leave_the_root_out(store_path: Path, tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__main__.py").write_text(
        "import sys, tracer\ntracer.span('inside').end()\nprint(sys.argv[1:])"
    )
    command = [
        str(Path(sys.executable).with_name("tracer")),
        "run",
        "--store",
        str(store_path),
        "--no-root",
        "-m",
        "package",
        "x",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "['x']\n"
    assert [row["name"] for row in Store(store_path).traces()] == ["inside"]


def test_python_dash_m_tracer_runs_a_script(store_path: Path, script: Path) -> None:
    command = [sys.executable, "-m", "tracer", str(script)]
    done = subprocess.run(command, cwd=script.parent, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 7
    assert done.stdout.startswith("__main__")
