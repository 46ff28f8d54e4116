"""`tracer doctor` finds what is wrong, whatever it is, says what to do, and changes nothing."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest
from journal_lines import Process, call, span, written

import programs
from tracer.errors import StoreDamaged
from tracer.journal.attachments import put
from tracer.journal.layout import Layout
from tracer.store import Store, database, health, notes
from tracer.store.absorb import absorb
from tracer.store.health import Finding, examine


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".tracer" / "traces.duckdb"


@pytest.fixture(autouse=True)
def on(monkeypatch: pytest.MonkeyPatch) -> None:
    """No patience for tests, and no absorber started over and over to see whether it can be."""
    monkeypatch.setattr(database, "FOREIGN_SECONDS", 0.2)
    monkeypatch.setattr(health.absorber, "why_not", lambda _: "")


def filled(path: Path) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    written(path, span("one"), call("two", trace=1))
    for file in Layout(path).folder.iterdir():
        file.chmod(0o600)
    Layout(path).folder.chmod(0o700)
    absorb(path)


def found(path: Path, topic: str, level: str | None = None, **environ: str) -> Finding:
    """The first finding of a topic, of a level if one is given."""
    return next(f for f in examine(path, "for a test", environ) if f.topic == topic and level in (None, f.level))


def levels(path: Path) -> set[str]:
    return {finding.level for finding in examine(path, "for a test", {})}


def test_a_store_that_is_well_is_told_to_be(path: Path) -> None:
    filled(path)
    before = {file: file.stat().st_mtime_ns for file in path.parent.rglob("*") if file.is_file()}
    findings = examine(path, "for a test", {})
    assert [(finding.topic, finding.text) for finding in findings if finding.level != "ok"] == []
    contents = found(path, "contents")
    assert (contents.facts["traces"], contents.facts["spans"]) == (2, 2)
    assert found(path, "store").text == f"{path}, for a test"
    assert duckdb.__version__ in found(path, "schema").text
    assert found(path, "file").facts["bytes"] == path.stat().st_size
    assert {file: file.stat().st_mtime_ns for file in path.parent.rglob("*") if file.is_file()} == before


def test_where_there_is_no_store_it_says_how_to_begin_and_makes_none(path: Path) -> None:
    assert "tracer demo" in found(path, "file").next
    assert levels(path) == {"ok"}
    assert not path.parent.exists()


def test_segments_open_spans_and_programs_are_counted(path: Path) -> None:
    filled(path)
    process = Process(path)
    process.segment(span("open", trace=2, lasts=None), span("done", trace=2), live=True)
    dead = Process(path)
    dead.segment(span("lost", trace=3, lasts=None))
    dead.die()
    assert found(path, "open spans").facts == {"running": 1, "lost": 1}
    assert found(path, "journal").facts["segments"] == 1
    programs = [finding for finding in examine(path, "", {}) if finding.topic == "program"]
    lives = {finding.facts["process_id"]: finding.facts["lives"] for finding in programs}
    assert lives == {process.process_id: True, dead.process_id: False}
    if sys.platform == "linux":
        (pids,) = [finding.facts["pids"] for finding in programs if finding.facts["lives"]]
        assert pids == [os.getpid()]
    process.die()


def test_segments_that_wait_for_long_are_worth_a_word(path: Path) -> None:
    filled(path)
    segment = written(path, span("waits", trace=5))
    an_hour_ago = time.time() - 3600
    os.utime(segment, (an_hour_ago, an_hour_ago))
    assert "tracer absorb" in found(path, "journal", "note").next
    segment.rename(segment.with_name("9" + segment.name[1:]))
    assert "pip install -U llm-tracer" in found(path, "journal", "bad").next


def test_quarantined_lines_are_counted_and_the_first_is_shown_harmlessly(path: Path) -> None:
    filled(path)
    written(path, b"\x1b]0;owned\x07 broken\n", b"and another\n")
    absorb(path)
    finding = found(path, "quarantine", "note")
    assert (finding.facts["lines"], finding.facts["files"]) == (2, 1)
    assert "�]0;owned� broken" in finding.text


DROPS = """
    import resource, signal, sys, time
    import tracer
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with tracer.span("kept"):
        pass
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, -1))
    for _ in range(3):
        tracer.span("dropped").end()
    if sys.argv[1] == "recovers":
        resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
        deadline = time.monotonic() + 20
        recorder = tracer.recorder.RECORDER
        while recorder._records_of(recorder.writer)._missed_told == (0, 0) and time.monotonic() < deadline:
            time.sleep(0.05)
        print("told", flush=True)
        import os; os._exit(0)
    time.sleep(0.6)
    resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limit")
@pytest.mark.parametrize("when", ["recovers", "exits"])
def test_what_a_full_disk_dropped_is_told_as_soon_as_it_can_be_and_at_exit(path: Path, when: str) -> None:
    programs.run(DROPS, path, when)
    assert [row["name"] for row in Store(path).sql("select name from spans")] == ["kept"]
    for _ in "live and stored":
        finding = found(path, "dropped", "note")
        assert finding.facts["dropped_spans"] == 3
        assert "too large" in finding.text or "space" in finding.text
        absorb(path)


def test_who_holds_the_file_is_named(path: Path) -> None:
    filled(path)
    hold = "import sys, duckdb; c = duckdb.connect(sys.argv[1], read_only=%s); print('holding'); sys.stdin.read()"
    for read_only in (True, False):
        with subprocess.Popen(
            [sys.executable, "-u", "-c", hold % read_only, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as holder:
            assert holder.stdout is not None
            holder.stdout.readline()
            findings = [finding for finding in examine(path, "", {}) if finding.level == "bad"]
            holder.kill()
        told = [finding for finding in findings if str(holder.pid) in finding.text]
        # That a file is open to read is known from Linux alone; that it cannot be opened, everywhere.
        assert told or (read_only and sys.platform != "linux")
        assert all("lose it there" in finding.next for finding in told)
    assert levels(path) == {"ok"}


def test_a_gate_that_somebody_keeps_shut_is_told_and_not_waited_for(path: Path) -> None:
    filled(path)
    program = """
        import sys, time
        from pathlib import Path
        from tracer.journal.layout import Layout
        from tracer.store.database import gate
        with gate(Layout(Path(sys.argv[1])), shared=False):
            print("shut", flush=True)
            time.sleep(60)
    """
    with programs.start(program, path, path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        finding = found(path, "contents", "bad")
        process.kill()
    assert str(process.pid) in finding.text or sys.platform != "linux"


def test_an_absorber_at_work_is_told(path: Path) -> None:
    filled(path)
    program = """
        import sys, time
        from pathlib import Path
        from tracer.journal.layout import Layout
        from tracer.store.absorb import sole_writer
        with sole_writer(Layout(Path(sys.argv[1])), 0):
            print("at work", flush=True)
            time.sleep(60)
    """
    with programs.start(program, path, path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        finding = found(path, "absorber")
        process.kill()
    assert "at work" in finding.text
    assert str(process.pid) in finding.text or sys.platform != "linux"


def test_the_last_failure_of_an_absorber_in_the_background_is_told_until_one_succeeds(path: Path) -> None:
    filled(path)
    content = path.read_bytes()
    path.write_bytes(b"no database " * 1000)
    written(path, span("waits", trace=7))
    done = programs.tracer(path, "absorb", "--background")
    assert done.returncode == 1
    failure = notes.last_failure(Layout(path))
    assert failure is not None
    assert failure.error == StoreDamaged.__name__
    finding = found(path, "absorber", "bad")
    assert "StoreDamaged" in finding.text
    assert Layout(path).absorb_error.stat().st_mode & 0o777 == 0o600
    path.write_bytes(content)
    assert programs.tracer(path, "absorb", "--background").returncode == 0
    assert notes.last_failure(Layout(path)) is None
    assert len(Store(path).sql("from store.spans")) == 3


def test_an_absorber_that_meets_another_leaves_no_complaint_and_one_that_meets_a_stranger_does(path: Path) -> None:
    filled(path)
    written(path, span("waits", trace=7))
    with subprocess.Popen(
        [
            sys.executable,
            "-u",
            "-c",
            "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print(1); sys.stdin.read()",
            path,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        programs.tracer(path, "absorb", "--background")
        holder.kill()
    failure = notes.last_failure(Layout(path))
    assert failure is not None
    assert str(holder.pid) in failure.message
    notes.clear_failure(Layout(path))
    with open(Layout(path).absorb_lock, "rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert programs.tracer(path, "absorb", "--background").returncode == 0
    assert notes.last_failure(Layout(path)) is None


@pytest.mark.skipif(sys.platform == "win32", reason="has no such bits")
def test_files_that_others_may_read_are_named_with_the_command_that_mends_them(path: Path) -> None:
    filled(path)
    path.chmod(0o644)
    finding = found(path, "permissions", "bad")
    assert "traces.duckdb (0644)" in finding.text
    subprocess.run(finding.next, shell=True, check=True)
    assert found(path, "permissions").level == "ok"
    Layout(path).folder.chmod(0o755)
    assert "traces.duckdb.journal (0755)" in found(path, "permissions", "bad").text


def test_damage_strangers_and_newer_stores_are_told_and_the_journal_is_looked_at_all_the_same(path: Path) -> None:
    filled(path)
    written(path, span("live", trace=3, lasts=None))
    good = path.read_bytes()

    def foreign() -> None:
        path.unlink()
        with duckdb.connect(str(path)) as connection:
            connection.execute("create table spans (mine integer)")

    def newer() -> None:
        path.write_bytes(good)
        with duckdb.connect(str(path)) as connection:
            connection.execute("insert into migrations values (1000, '1000_of_the_future', 0)")

    def damaged() -> None:
        path.write_bytes(b"Dear diary, " * 1000)

    def damaged_blocks() -> None:
        path.write_bytes(good[:20_000] + b"\xaa" * (len(good) - 20_000))

    for breaking, told in (
        (foreign, "someone else's"),
        (newer, "newer llm-tracer"),
        (damaged, "no DuckDB database"),
        (damaged_blocks, "no DuckDB database"),
    ):
        breaking()
        before = path.read_bytes()
        finding = found(path, "contents", "bad")
        assert told in finding.text
        assert finding.next
        assert found(path, "open spans").facts == {"running": 0, "lost": 1}
        assert path.read_bytes() == before


def test_a_store_of_an_older_schema_says_how_to_bring_it_up_to_date(path: Path) -> None:
    filled(path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("delete from migrations where version > 1")
        connection.execute("alter table processes drop column dropped_spans")
        connection.execute("alter table processes drop column drop_reason")
    assert "tracer absorb" in found(path, "schema", "note").next


def test_without_flock_it_says_where_to_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(path)

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert "local disk" in found(path, "locks", "bad").next


def test_settings_that_cannot_be_are_told(path: Path) -> None:
    filled(path)
    assert "30d" in found(path, "retention", "bad", TRACER_RETENTION="soon").next
    assert found(path, "retention", TRACER_RETENTION="30d").level == "ok"
    assert "TRACER_ABSORB" in found(path, "absorber", "note", TRACER_ABSORB="0").text


def test_a_large_store_is_pointed_to_purge(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(path)
    monkeypatch.setattr(health, "LARGE_BYTES", 1000)
    assert "tracer purge" in found(path, "file", "note").next


def test_what_a_killed_purge_left_is_told(path: Path) -> None:
    filled(path)
    path.with_name(f".{path.name}.purge").mkdir()
    assert "urge again" in found(path, "file", "note").next


UNREADABLE = """
    import json, os, sys
    from pathlib import Path
    from tracer.store import health
    if os.getuid() == 0:
        os.setuid(65534)
    health.absorber.why_not = lambda store: ""
    print(json.dumps([[f.level, f.topic, f.next] for f in health.examine(Path(sys.argv[1]), "", {})]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no such bits")
def test_a_folder_that_cannot_be_read_is_told(path: Path) -> None:
    """Root may read everywhere, so this is seen as the user nobody where the tests run as root."""
    filled(path)
    for parent in path.parent.parents:
        if parent.stat().st_uid == os.getuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o055)
    path.parent.chmod(0o000)
    findings = json.loads(programs.run(UNREADABLE, path, path).stdout)
    path.parent.chmod(0o700)
    assert {topic for level, topic, _ in findings if level == "bad"} >= {"store", "contents", "journal"}
    assert all(advice for level, _, advice in findings if level == "bad")


def test_the_command_draws_it_and_ends_with_1_if_something_needs_a_person(path: Path) -> None:
    filled(path)
    well = programs.tracer(path, "doctor", TRACER_ABSORB="1")
    assert (well.returncode, well.stderr) == (0, "")
    assert "as TRACER_STORE says" in well.stdout
    assert "✓  absorber     can be started" in well.stdout
    assert well.stdout.rstrip().endswith("All is well.")
    path.chmod(0o644)
    ill = programs.tracer(path, "doctor", TRACER_ABSORB="1")
    assert ill.returncode == 1
    assert "✗  permissions" in ill.stdout
    assert "→ chmod -R go= " in ill.stdout
    assert "1 thing needs you." in ill.stdout
    as_json = json.loads(programs.tracer(path, "doctor", "--json", "--store", path).stdout)
    assert as_json[0]["facts"] == {"path": str(path), "why": "as --store says"}
    assert [finding["topic"] for finding in as_json if finding["level"] == "bad"] == ["permissions"]


def test_an_absorber_that_cannot_be_started_says_why(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tracer.journal import absorber

    monkeypatch.undo()
    assert absorber.why_not(path) == ""
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert "/nowhere/python" in absorber.why_not(path)


def test_in_a_project_it_says_which_root_it_found(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "inside").mkdir()
    environ = {name: value for name, value in os.environ.items() if name != "TRACER_STORE"} | {"COLUMNS": "300"}
    command = [str(Path(sys.executable).with_name("tracer")), "doctor"]
    done = subprocess.run(command, cwd=tmp_path / "inside", env=environ, capture_output=True, text=True, check=False)
    assert f"{tmp_path / '.tracer' / 'traces.duckdb'}, for the project's root has pyproject.toml" in done.stdout


def test_attachments_are_counted_wherever_they_are_and_strangers_among_them_are_named(path: Path) -> None:
    filled(path)
    layout = Layout(path)
    for content in (b"stored" * 1000, b"stored too" * 100):
        put(layout, "0" * 32, hashlib.sha256(content).hexdigest(), "image/png", content)
    absorb(path)
    put(layout, "0" * 32, hashlib.sha256(b"waits").hexdigest(), "image/png", b"waits")
    told = [(finding.topic, finding.text) for finding in examine(path, "for a test", {})]
    assert ("contents", "2 attachments, 7.0 kB") in told
    assert ("attachments", "1 to absorb, 5 B") in told
    (layout.attachments / "stranger").write_bytes(b"")
    put(layout, "0" * 32, hashlib.sha256(b"this").hexdigest(), "image/png", b"that")
    assert "stranger" in found(path, "attachments", "note").text
    absorb(path)
    assert "1 file set aside whole" in found(path, "quarantine", "note").text
