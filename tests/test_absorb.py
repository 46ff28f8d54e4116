"""Absorbing: every span of the journal ends up in DuckDB once, in its best row, and bad bytes cost only themselves."""

from __future__ import annotations

import itertools
import json
import logging
import os
import random
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from journal_lines import START_NS, Process, call, span, trace_id, written

from tracer.journal.layout import MAX_LINE_BYTES, Layout
from tracer.store import Store, batches
from tracer.store.absorb import Absorbed, absorb, main, waiting


def stored(path: Path, columns: str = "name") -> list[Any]:
    """What is in DuckDB itself, oldest first; a tuple a row if there are several columns."""
    rows = Store(path).sql(f"select {columns} from store.spans order by start_ns, name")
    return [tuple(row.values()) if len(row) > 1 else next(iter(row.values())) for row in rows]


def test_the_segments_of_dead_processes_become_rows_and_their_files_go(path: Path) -> None:
    written(path, span("one"), span("two", at=0.1))
    written(path, span("three", trace=1))
    assert waiting(path)
    assert absorb(path) == Absorbed(segments=2, spans=3)
    assert stored(path) == ["one", "two", "three"]
    assert Layout(path).segments() == []
    assert not waiting(path)


def test_a_sealed_segment_of_a_living_process_is_absorbed_and_a_live_one_is_left(path: Path) -> None:
    process = Process(path)
    process.segment(span("sealed"))
    live = process.segment(span("live"), live=True)
    assert absorb(path) == Absorbed(segments=1, spans=1)
    assert live.exists()
    assert stored(path) == ["sealed"]
    process.die()
    assert absorb(path) == Absorbed(segments=1, spans=1)


def row_groups(path: Path) -> int:
    with duckdb.connect(str(path), read_only=True) as connection:
        query = "select count(distinct row_group_id) from pragma_storage_info('spans')"
        return int(connection.execute(query).fetchall()[0][0])


def test_small_segments_share_a_row_group_whichever_came_first(path: Path) -> None:
    for number in range(5):
        written(path, *(span(f"span {number} {place}", trace=number) for place in range(10)))
        absorb(path)
    assert row_groups(path) == 1
    assert len(stored(path)) == 50


def test_long_rows_are_written_again_only_while_they_are_little_together(path: Path) -> None:
    dice = random.Random(1)
    for number, groups in enumerate((1, 1, 2)):
        output = dice.randbytes(500_000).hex()
        written(path, *(span(f"{number} {place}", trace=number, output=output) for place in range(5)))
        absorb(path)
        assert row_groups(path) == groups
    written(path, span("short", trace=3))
    absorb(path)
    assert row_groups(path) == 3
    assert len(stored(path)) == 16


def test_batches_join_those_that_follow_but_never_grow_beyond_what_is_written_at_once() -> None:
    mebibyte = 1024 * 1024
    stay: list[batches.Batch] = []
    for _ in range(100):
        stay, last = batches.joined(stay, batches.Batch(1000, 1_300_000))
        stay.append(last)
    assert sum(batch.rows for batch in stay) == 100_000
    assert all(batch.bytes <= batches.FULL_BYTES for batch in stay)
    assert sum(batch.bytes < 6 * mebibyte for batch in stay) <= 2
    assert batches.joined([batches.Batch(9, 9 * mebibyte)], batches.Batch(1, 1000))[0] == [(9, 9 * mebibyte)]


def test_the_lines_of_many_small_segments_keep_to_themselves(path: Path) -> None:
    whole = json.dumps(span("whole")).encode()
    written(path, span("first", trace=1))
    written(path, whole)  # a last line without its end is whole all the same
    written(path, b'{"trace_id": "torn')
    written(path, span("last", trace=2))
    assert absorb(path) == Absorbed(segments=4, spans=3, quarantined_lines=1)
    assert stored(path) == ["whole", "first", "last"]


def test_where_nothing_waits_nothing_is_made(tmp_path: Path) -> None:
    assert absorb(tmp_path / "no folder" / "traces.duckdb") == Absorbed()
    assert main(tmp_path / "traces.duckdb") == Absorbed()
    assert list(tmp_path.iterdir()) == []


def test_a_segment_that_comes_back_is_not_absorbed_again(path: Path) -> None:
    segment = written(path, span("one"), call())
    copy = shutil.copy(segment, path.with_name("copy"))
    absorb(path)
    shutil.copy(copy, segment)
    assert len(Store(path).sql("from spans")) == 2
    assert absorb(path).spans == 0
    assert not segment.exists()
    assert len(stored(path)) == 2


def test_the_same_lines_under_another_name_are_the_same_spans(path: Path) -> None:
    score = {"record": "score", "data": {"trace_id": trace_id(0), "name": "good", "value": 1, "time_ns": START_NS}}
    for _ in range(2):
        written(path, span("one"), score)
        absorb(path)
    assert stored(path) == ["one"]
    assert len(Store(path).scores(trace_id(0))) == 1


OPEN = span("s", lasts=None)
ENDED = span("s", lasts=2, output="first")
COMPLETED = span("s", lasts=2, output="second", rev=2)


@pytest.mark.parametrize("rows", list(itertools.permutations([OPEN, ENDED, COMPLETED])))
@pytest.mark.parametrize("together", [True, False])
def test_an_ended_row_beats_an_open_one_and_the_highest_rev_the_others(
    path: Path, rows: tuple[dict[str, Any], ...], together: bool
) -> None:
    if together:
        written(path, *rows)
    else:
        for row in rows:
            written(path, row)
            absorb(path)
    live = list(Store(path).sql("from spans"))
    absorb(path)
    (row,) = stored(path, "rev, output, end_ns is not null as ended")
    assert row == (2, "second", True)
    assert [row["output"] for row in live] == ["second"]
    assert [row["span_count"] for row in Store(path).traces()] == [1]


@pytest.mark.parametrize("rows", [(OPEN, ENDED), (ENDED, OPEN)])
def test_a_live_row_and_a_stored_one_are_one_span(path: Path, rows: tuple[dict[str, Any], ...]) -> None:
    first, second = rows
    written(path, first)
    absorb(path)
    process = Process(path)
    process.segment(second, live=True)
    (row,) = Store(path).sql("from spans")
    assert row["output"] == "first"
    (trace,) = Store(path).traces()
    assert (trace["status"], trace["span_count"], trace["output_preview"]) == ("OK", 1, "first")
    process.die()


GOOD = [span("before"), span("after", at=0.5)]

BAD_LINES = {
    "torn by a crash": b'{"trace_id":"0199","na',
    "padded with NULs": b"\0" * 4096,
    "no UTF-8": b'{"trace_id":"\xff\xfe","span_id":"1","name":"x","kind":"chain","start_ns":1}',
    "half of a surrogate": b'{"trace_id":"1","span_id":"1","name":"\\ud800","kind":"chain","start_ns":1}',
    "longer than any of ours": b'{"trace_id":"1","name":"' + b"x" * (5 * MAX_LINE_BYTES) + b'"}',
    "a word for a number": b'{"trace_id":"1","span_id":"1","name":"x","kind":"chain","start_ns":"now"}',
    "a number beyond its column": b'{"trace_id":"1","span_id":"1","name":"x","kind":"chain","start_ns":%d}' % 2**70,
    "a text for a list": b'{"trace_id":"1","span_id":"1","name":"x","kind":"chain","start_ns":1,"tags":"a"}',
    "no object": b"[1, 2]",
    "a record that is no word": b'{"record":{"a":1},"data":{}}',
    "null": b"null",
    "empty": b"{}",
    "no span id": b'{"trace_id":"1","name":"x","kind":"chain","start_ns":1}',
    "a record of no known kind": b'{"record":"dream","data":{}}',
    "a score of nothing": b'{"record":"score","data":{"value":1}}',
    "two on a line": b'{"trace_id":"1"}{"trace_id":"2"}',
}


@pytest.mark.parametrize("bad", BAD_LINES)
@pytest.mark.parametrize("place", ["in the middle", "at the end with no line end"])
def test_a_bad_line_is_kept_aside_and_costs_no_other(
    path: Path, bad: str, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = GOOD
    line = BAD_LINES[bad] + (b"\n" if place == "in the middle" else b"")
    lines = [first, line, second] if place == "in the middle" else [first, second, line]
    untouched = written(path, span("neighbour", trace=1))
    segment = written(path, *lines)
    with caplog.at_level(logging.WARNING, "tracer"):
        absorbed = absorb(path)

    assert stored(path) == ["before", "after", "neighbour"]
    pieces = -(-len(line) // MAX_LINE_BYTES)
    assert absorbed == Absorbed(segments=2, spans=3, quarantined_lines=pieces)
    kept = Layout(path).quarantine / segment.name
    assert kept.read_bytes().replace(b"\n", b"") == BAD_LINES[bad]
    assert str(kept) in caplog.text
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    assert not (Layout(path).quarantine / untouched.name).exists()
    assert not segment.exists()


@pytest.mark.parametrize("seed", range(4))
def test_whatever_bytes_are_damaged_all_other_lines_are_stored(path: Path, seed: int) -> None:
    chance = random.Random(seed)
    segment = written(path, *(call(f"s{number}", at=number, tags=["é"], input={"n": number}) for number in range(200)))
    lines = segment.read_bytes().splitlines()
    damaged = chance.sample(range(200), 20)
    for number in damaged:
        line = bytearray(lines[number])
        for _ in range(3):
            line[chance.randrange(len(line))] = chance.choice([0, 0x80, 0xFF, *b'x"{}[]\\,:9'])
        lines[number] = bytes(line)
    segment.write_bytes(b"\n".join(lines) + b"\n")
    absorbed = absorb(path)
    assert absorbed.spans + absorbed.quarantined_lines == 200
    assert set(stored(path)) >= {f"s{number}" for number in range(200) if number not in damaged}


def test_blank_lines_and_a_missing_last_line_end_are_no_damage(path: Path) -> None:
    segment = written(path, b"\n", span("one"), b"\r\n", span("two", at=0.1))
    segment.write_bytes(segment.read_bytes().rstrip(b"\n"))
    assert absorb(path) == Absorbed(segments=1, spans=2)


def test_a_line_keeps_its_values_when_its_neighbour_is_bad(path: Path) -> None:
    rich = call(
        tags=["a", "b"],
        metadata={"deep": [1, 2.5, None, {"é": "日本\u0000語"}]},
        input="text",
        cost_usd=0.125,
        stream=True,
    )
    written(path, {**rich, "span_id": "alone"})
    written(path, rich, BAD_LINES["null"] + b"\n")
    absorb(path)
    alone, beside = Store(path).sql("select * exclude (span_id, process_id) from spans order by span_id desc")
    assert alone == beside
    assert alone["metadata"] == {"deep": [1, 2.5, None, {"é": "日本\u0000語"}]}


def test_the_journal_of_a_newer_version_is_left_to_a_newer_absorber(path: Path) -> None:
    segment = written(path, span("one"))
    newer = segment.rename(segment.with_name("2" + segment.name[1:]))
    before = newer.read_bytes()
    assert absorb(path) == Absorbed()
    assert newer.read_bytes() == before
    assert not waiting(path)
    assert list(Store(path).traces()) == []


def test_nothing_is_left_of_a_dead_process_and_a_living_one_keeps_its_liveness(path: Path) -> None:
    dead, living = Process(path), Process(path)
    dead.segment(span("one"))
    dead.die()
    absorb(path)
    assert list(Layout(path).live_files()) == [living.process_id]
    living.die()


def test_files_in_whose_making_a_process_died_go_once_they_are_old(path: Path) -> None:
    written(path, span("one"))
    old, new = (Layout(path).folder / f".1-{'a' * 32}-00000{number}.ndjson" for number in (1, 2))
    for draft in (old, new):
        draft.touch()
    os.utime(old, (0, 0))
    absorb(path)
    assert not old.exists()
    assert new.exists()


def test_what_is_written_is_for_this_user_only(path: Path) -> None:
    written(path, span("one"))
    absorb(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_many_small_segments_become_few_transactions(path: Path) -> None:
    process = Process(path)
    for number in range(450):
        process.segment(span("s", trace=number))
    process.die()
    assert absorb(path) == Absorbed(segments=450, spans=450)
    (row,) = Store(path).sql(
        "select count(distinct absorbed_ns) as transactions, count(*) as names from store.segments"
    )
    assert row["names"] == 450
    assert row["transactions"] < 5


def test_later_lines_of_a_process_complete_the_earlier_ones(path: Path) -> None:
    def process(**facts: object) -> dict[str, Any]:
        return {"record": "process", "data": {"process_id": "p1", **facts}}

    written(path, process(pid=7, argv=["app.py"], git=None), process(packages={"openai": "3.54"}))
    absorb(path)
    written(path, process(git={"commit": "abc"}, python="3.11"))
    for _ in "before and after absorbing":
        found = Store(path).process("p1")
        assert found is not None
        known = {name: value for name, value in found.items() if value is not None}
        assert known == {
            "process_id": "p1",
            "pid": 7,
            "argv": ["app.py"],
            "python": "3.11",
            "packages": {"openai": "3.54"},
            "git": {"commit": "abc"},
        }
        absorb(path)
    assert Store(path).process("p2") is None


def test_a_function_is_stored_once(path: Path) -> None:
    line = {"record": "function", "data": {"function_id": "f", "qualname": "answer", "line": 3, "source": "def …"}}
    for _ in range(2):
        written(path, line, line)
        assert len(Store(path).sql("from functions")) == 1
        absorb(path)
    (row,) = Store(path).sql("from functions")
    assert (row["qualname"], row["line"], row["source"]) == ("answer", 3, "def …")
