"""Contents survive what becomes of programs, absorbers, purges and disks: each is stored once, and none is lost."""

from __future__ import annotations

import hashlib
import os
import re
import time
from pathlib import Path

import pytest
from journal_lines import Process, span, trace_id
from ledger import killed_at

import programs
from tracer.errors import AttachmentNotFound
from tracer.journal.attachments import drafts, put, waiting
from tracer.journal.layout import Layout
from tracer.store import Store
from tracer.store.absorb import absorb

RECORD = """
    import base64, hashlib, os, sys, time
    import tracer

    def record(name, content):
        url = "data:image/png;base64," + base64.b64encode(content).decode()
        tracer.span(name, input={"image_url": {"url": url}}).begin().end()
        print(name, hashlib.sha256(content).hexdigest(), flush=True)
"""


def left_behind(path: Path, *contents: bytes) -> list[str]:
    """What a process leaves that died: a trace for each content, and the contents."""
    process = Process(path)
    hashes = [hashlib.sha256(content).hexdigest() for content in contents]
    process.segment(
        *(
            line
            for number, hash in enumerate(hashes)
            for line in (
                {"record": "attachment", "data": {"hash": hash, "trace_id": trace_id(number), "time_ns": 1}},
                span("s", trace=number, input={"attachment": hash}),
            )
        )
    )
    for hash, content in zip(hashes, contents, strict=True):
        put(process.layout, process.process_id, hash, "image/png", content)
    process.die()
    return hashes


def assert_whole(path: Path, hashes: list[str], stored: bool = False) -> None:
    """Each is told as it was, and is in the store at most once."""
    store = Store(path)
    for hash in hashes:
        assert hashlib.sha256(store.attachment(hash).bytes).hexdigest() == hash
    (counts,) = store.sql("select count(*) as all_, count(distinct hash) as different from store.attachments")
    assert counts["all_"] == counts["different"]
    if stored:
        assert counts["all_"] == len(hashes)
        assert not waiting(Layout(path))
        (pieces,) = store.sql("""
            select count(*) as n, count(distinct (hash, number)) as different,
                count(*) filter (hash not in (select hash from store.attachments)) as unknown
            from store.attachment_pieces""")
        assert (pieces["n"], pieces["unknown"]) == (pieces["different"], 0)


def contents() -> list[bytes]:
    """Small ones, one that takes several pieces, and one that takes more than one transaction."""
    return [*(os.urandom(size) for size in (0, 1, 8192, 8193, 30_000)), os.urandom(1000) * 2100]


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("step", ["inserted", "committed", "deleted"])
def test_an_absorber_that_is_killed_loses_and_doubles_nothing(path: Path, step: str, times: int) -> None:
    hashes = left_behind(path, *contents())
    killed_at(path, step, times, of="attachments", portions="attachments._SLICE_PIECES = 100")
    assert_whole(path, hashes)
    assert absorb(path).spans == len(hashes)
    assert_whole(path, hashes, stored=True)


def test_a_program_that_is_killed_leaves_its_contents_whole_and_nothing_else(path: Path) -> None:
    program = (
        RECORD
        + """
    for number in range(10_000):
        record(f"s{number}", os.urandom(200_000))
    """
    )
    with programs.start(program, path, TRACER_ABSORB="0") as process:
        assert process.stdout is not None
        told = [process.stdout.readline().split()[1] for _ in range(20)]
        process.kill()
        told += [line.split()[1] for line in process.stdout.read().splitlines() if len(line.split()) == 2][:-1]
    assert_whole(path, told)
    absorb(path)
    assert_whole(path, told)
    assert not waiting(Layout(path))
    assert not drafts(Layout(path))


def test_eight_programs_with_the_same_image_store_it_once(path: Path) -> None:
    program = (
        RECORD
        + """
    sys.stdin.readline()
    for number in range(20):
        record(f"{sys.argv[1]} {number}", bytes([number % 4]) * 300_000)
    """
    )
    running = [programs.start(program, path, number, TRACER_ABSORB="0") for number in range(8)]
    outputs = []
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in running:
        stdout, stderr = process.communicate(timeout=60)
        assert process.returncode == 0, stderr
        outputs += stdout.splitlines()
    hashes = sorted({line.split()[-1] for line in outputs})
    assert len(hashes) == 4
    absorb(path)
    assert_whole(path, hashes, stored=True)
    (uses,) = Store(path).sql("select count(*) as n from store.attachment_uses")
    assert uses["n"] == 160


def test_while_it_is_absorbed_and_purged_a_running_program_loses_no_content(path: Path) -> None:
    """Two images come again and again, in new traces, while all traces that have ended are purged."""
    program = (
        RECORD
        + """
    import sys
    from tracer.recorder import RECORDER
    sys.stdout = open(os.devnull, "w")  # nobody reads what it says, and a full pipe would stop it
    until = time.monotonic() + 6
    number = 0
    while time.monotonic() < until:
        with tracer.using(session_id=f"s{number % 2}"):
            record(f"s{number}", bytes([number % 3]) * 50_000)
        number += 1
        time.sleep(0.005)
        if number % 20 == 0:
            RECORDER.writer.seal()
    """
    )
    with programs.start(program, path, TRACER_ABSORB="0") as process:
        store = Store(path)
        purges = 0
        while process.poll() is None:
            time.sleep(0.2)
            purges += bool(store.purge(session_id="s0").spans)
        assert process.returncode == 0
    assert purges >= 2
    store.absorb()
    rows = list(store.sql("select input from spans where session_id = 's1'"))
    assert len(rows) > 50
    hashes = {re.search(r"[0-9a-f]{64}", str(row["input"]))[0] for row in rows}  # type: ignore[index]
    assert_whole(path, sorted(hashes))


def test_a_disk_that_is_full_costs_the_content_and_not_the_row(disk: Path) -> None:
    path = disk / "traces.duckdb"
    program = (
        RECORD
        + """
    record("before", b"1" * 100_000)
    record("too much", os.urandom(2_000_000))
    record("after", b"2" * 100_000)
    """
    )
    done = programs.run(program, path, TRACER_ABSORB="0", TRACER_RAISE="0")
    before, too_much, after = (line.split()[-1] for line in done.stdout.splitlines())
    rows = {row["name"]: row for row in Store(path).sql("select name, input, attributes from spans")}
    assert rows.keys() == {"before", "too much", "after"}
    assert "No space left on device" in str(rows["too much"]["input"])
    assert "No space left on device" in str(rows["too much"]["attributes"])
    assert "not_kept" not in str(rows["after"]["input"])
    assert len(Store(path).attachment(before).bytes) == len(Store(path).attachment(after).bytes) == 100_000
    with pytest.raises(AttachmentNotFound):
        Store(path).attachment(too_much)
    assert not drafts(Layout(path))


def test_where_no_folder_can_be_made_the_content_is_lost_and_the_row_is_not(path: Path) -> None:
    program = (
        RECORD
        + """
    record("before", b"1" * 100_000)
    sys.stdin.readline()
    record("meanwhile", b"2" * 100_000)
    sys.stdin.readline()
    record("after", b"2" * 100_000)
    """
    )
    with programs.start(program, path, TRACER_ABSORB="0", TRACER_RAISE="0") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        attachments = Layout(path).attachments
        attachments.rename(attachments.with_name("away"))
        attachments.write_text("in the way")
        process.stdin.write("\n")
        process.stdin.flush()
        process.stdout.readline()
        attachments.unlink()
        process.stdin.write("\n")
        process.stdin.flush()
        stdout, stderr = process.communicate(timeout=60)
        assert process.returncode == 0, stderr
    rows = {row["name"]: str(row["input"]) for row in Store(path).sql("select name, input from spans")}
    assert "not_kept" in rows["meanwhile"]
    assert len(Store(path).attachment(stdout.split()[-1]).bytes) == 100_000


def test_many_and_large_contents_are_absorbed_in_bounded_memory(path: Path) -> None:
    """Some 100 MB: images, and one of the largest that is kept."""
    hashes = left_behind(path, os.urandom(1_000_000) * 64, *(os.urandom(50_000) for _ in range(700)))
    program = """
        import re, sys
        from pathlib import Path
        from tracer.store.absorb import main
        print(main(Path(sys.argv[1])).attachments)
        if sys.platform == "linux":
            print(int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
    """
    count, *peak_mb = map(int, programs.run(program, path, path, seconds=120).stdout.split())
    print(f"{count} contents absorbed with a peak of {peak_mb} MB")
    assert count == 701
    assert all(peak <= 256 for peak in peak_mb)
    assert_whole(path, hashes[:20])
