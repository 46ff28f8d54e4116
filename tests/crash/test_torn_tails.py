"""A power cut leaves the end of a file cut, filled with zeros or with its pages mixed: each whole line is stored once.

A power cut cannot be had in a test; what file systems leave after one is made of real files, cut by cut.
"""

from __future__ import annotations

import logging
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from fnmatch import fnmatch
from itertools import groupby
from pathlib import Path

import orjson
import pytest
from journal_lines import span, written
from ledger import assert_balance, killed_at

import programs
from tracer.journal.layout import Layout
from tracer.store.absorb import absorb
from tracer.store.log import log_of

PAGE = 4096


def recorded(path: Path, spans: int) -> tuple[Path, bytes]:
    """The segment of a program that was killed, and what it holds."""
    program = """
        import os, sys, tracer
        for number in range(int(sys.argv[1])):
            tracer.span(f"s{number}", input="é" * (number * 37 % 400)).end()
        os.kill(os.getpid(), 9)
    """
    with programs.start(program, path, spans) as process:
        assert process.wait(timeout=30) == -signal.SIGKILL
    (segment,) = Layout(path).segments()
    return segment.path, segment.path.read_bytes()


def whole_lines(content: bytes) -> list[str]:
    """The names of the spans on those lines that are still JSON."""
    found = []
    for line in content.split(b"\n"):
        with suppress(orjson.JSONDecodeError):
            found.append(orjson.loads(line))
    return [row["name"] for row in found if "record" not in row]


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_a_segment_cut_at_any_byte_of_its_last_lines_gives_every_whole_line_once(path: Path, step: int) -> None:
    segment, content = recorded(path, 4)
    cuts = range(len(content) - 400, len(content) + 1, step)
    for number, cut in enumerate(cuts):
        (segment.parent / f"1-{number:032x}-000001.ndjson").write_bytes(renamed(content[:cut], number))
    segment.unlink()
    expected = [name for number, cut in enumerate(cuts) for name in whole_lines(renamed(content[:cut], number))]
    assert_balance(path, expected)


def renamed(content: bytes, number: int) -> bytes:
    """The same lines as spans of their own."""
    return content.replace(b'"span_id":"', b'"span_id":"%x-' % number).replace(b'"name":"', b'"name":"%d-' % number)


def zeroed(content: bytes, pages: int) -> bytes:
    return content[: -pages * PAGE] + b"\0" * (pages * PAGE)


def with_a_hole(content: bytes, pages: int) -> bytes:
    return content[: -(pages + 1) * PAGE] + b"\0" * PAGE + content[-pages * PAGE :]


def swapped(content: bytes, pages: int) -> bytes:
    tail = content[-pages * PAGE :]
    return content[: -pages * PAGE] + b"".join(tail[start : start + PAGE] for start in range(0, len(tail), PAGE)[::-1])


def grown(content: bytes, pages: int) -> bytes:
    return content + b"\0" * (pages * PAGE)


DAMAGES = [zeroed, with_a_hole, swapped, grown]


@pytest.mark.parametrize("damage", DAMAGES)
def test_pages_lost_or_mixed_at_the_end_of_a_segment_cost_only_the_lines_on_them(
    path: Path, damage: Callable[[bytes, int], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    segment, content = recorded(path, 60)
    for pages in (2, 3, 5):
        other = segment.with_name(f"1-{pages:032x}-000001.ndjson")
        other.write_bytes(damage(renamed(content, pages), pages))
    segment.unlink()
    kept = [name for other in Layout(path).segments() for name in whole_lines(other.path.read_bytes())]
    with caplog.at_level(logging.WARNING, "tracer"):
        assert_balance(path, kept)
    quarantined = [line for file in Layout(path).quarantine.iterdir() for line in file.read_bytes().splitlines()]
    print(f"of 180 spans {len(kept)} are stored; {len(quarantined)} bad lines are in quarantine")
    assert len(kept) == 180 if damage is grown else 0 < len(kept) < 180
    assert [line for line in quarantined if whole_lines(line)] == []
    assert caplog.text.count("could not be read") == 3


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_log_of_duckdb_torn_by_a_power_cut_is_cut_and_everything_is_there_once(
    path: Path, damage: Callable[[bytes, int], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    names = leave_a_log(path)
    content = log_of(path).read_bytes()
    for pages in (2, 3, 9):
        folder = path.parent / str(pages)
        shutil.copytree(path.parent, folder, ignore=lambda _, files: [file for file in files if file.isdigit()])
        log_of(folder / path.name).write_bytes(damage(content, pages))
        if damage is grown:
            for segment in Layout(folder / path.name).segments():
                segment.path.unlink()  # what was committed needs it no more
        assert_balance(folder / path.name, names)
    print(caplog.text)
    told = caplog.text.count("was torn at byte")
    kept = [path.parent / str(pages) / f"{path.name}.journal" / "quarantine" / log_of(path).name for pages in (2, 3, 9)]
    assert sum(file.exists() for file in kept) == told
    assert told == 3 or damage is grown


def test_a_log_of_duckdb_cut_at_any_byte_is_read_up_to_there_and_everything_is_there_once(path: Path) -> None:
    names = leave_a_log(path)
    content = log_of(path).read_bytes()
    for cut in random.Random(3).sample(range(len(content)), 12):
        folder = path.parent / str(cut)
        shutil.copytree(path.parent, folder, ignore=lambda _, files: [file for file in files if file.isdigit()])
        log_of(folder / path.name).write_bytes(content[:cut])
        assert_balance(folder / path.name, names)


def leave_a_log(path: Path) -> list[str]:
    """A store with 50 spans, and a log with 200 that are committed though not in it yet; all of their names."""
    written(path, *(span(f"a{number}", at=number) for number in range(50)))
    absorb(path)
    written(path, *(span(f"b{number}", at=number, input=os.urandom(300).hex()) for number in range(200)))
    # As another client of DuckDB leaves it, or an older llm-tracer: we let commits go straight to the file.
    killed_at(path, "committed", settings="; set checkpoint_threshold = '16MB'")
    assert log_of(path).stat().st_size > 10 * PAGE
    return [f"a{number}" for number in range(50)] + [f"b{number}" for number in range(200)]


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace to see the order of system calls")
def test_what_is_committed_is_synced_before_its_segments_are_deleted(path: Path, tmp_path: Path) -> None:
    written(path, span("one"))
    calls = tmp_path / "calls"
    program = "import sys; from pathlib import Path; from tracer.store.absorb import absorb; absorb(Path(sys.argv[1]))"
    command = ["strace", "-f", "-y", "-e", "trace=fsync,fdatasync,rename,unlink", "-o", calls]
    subprocess.run([*command, sys.executable, "-c", program, path], check=True)
    order = [
        what
        for line in calls.read_text().splitlines()
        for what, pattern in {
            "the log is synced": f" f*sync(*<{log_of(path)}>",
            "the store is synced": f" f*sync(*<{path}>",
            "the store gets its name": f'rename(*"{path}")',
            "its folder is synced": f" fsync(*<{path.parent}>",
            "the segment is deleted": 'unlink("*ndjson")',
        }.items()
        if fnmatch(line, f"*{pattern}*")
    ]
    print(*order, sep="\n")
    assert [what for what, _ in groupby(order[order.index("the store gets its name") :])] == [
        "the store gets its name",
        "the log is synced",
        "the store is synced",
        "its folder is synced",
        "the segment is deleted",
    ]
