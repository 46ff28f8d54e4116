"""Whatever the umask, what is written is for this user alone: files 0600, folders 0700."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from journal_lines import written

import programs
import tracer
from tracer.journal.layout import Layout
from tracer.store import Store, absorb, database

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")


@pytest.fixture(params=["000", "022", "077"])
def umask(request: pytest.FixtureRequest) -> Iterator[str]:
    before = os.umask(int(request.param, 8))
    yield request.param
    os.umask(before)


def open_to_others(folder: Path) -> list[str]:
    """What others could read, write or enter, with its mode."""
    modes = {path: path.stat().st_mode & 0o777 for path in sorted(folder.rglob("*"))}
    private = {path: 0o700 if path.is_dir() else 0o600 for path in modes}
    return [f"{path.relative_to(folder)} {mode:o}" for path, mode in modes.items() if mode != private[path]]


@pytest.mark.parametrize("folder", [".tracer", "runs"])
def test_recording_absorbing_and_reading_write_for_this_user_alone(
    umask: str, folder: str, tmp_path: Path, store_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / folder / "traces.duckdb"
    seen: list[str] = []

    def look(step: str) -> None:
        seen.append(step)
        assert open_to_others(tmp_path) == [], step

    tracer.configure(store=path)
    with tracer.span("open", input="x"):
        look("recording")
    monkeypatch.setattr(absorb, "_step", look)
    written(path, {"name": "no span"}).chmod(0o600)
    tracer.configure(store=store_path)
    absorb.main(path)
    assert list(Store(path).traces())
    look("read")
    assert {"recording", "inserted", "committed", "closed", "read"} <= set(seen)
    assert [file.name for file in Layout(path).quarantine.iterdir()]


def test_what_does_not_fit_in_memory_is_spilled_where_nobody_else_gets(umask: str, tmp_path: Path) -> None:
    path = tmp_path / "traces.duckdb"
    written(path, {"name": "no span"})
    Layout(path).folder.chmod(0o700)
    connection = database.connect(Layout(path))
    connection.execute("set memory_limit = '40MB'; set threads = 1")
    connection.execute("create table large as select range as n, md5(range::varchar) as text from range(3_000_000)")
    spilled = list((Layout(path).folder / "spill").iterdir())
    assert spilled
    assert [folder.stat().st_mode & 0o777 for folder in (Layout(path).folder, spilled[0].parent)] == [0o700, 0o700]
    connection.close()


def test_the_absorber_spills_files_for_this_user_alone(umask: str, tmp_path: Path) -> None:
    program = """
        import sys
        from pathlib import Path
        from tracer.cli import main
        from tracer.journal.layout import Layout
        from tracer.store.absorb import Absorbed
        from tracer.store import database
        import tracer.cli.absorb as command

        def look(path, **_):
            layout = Layout(path)
            connection = database.connect(layout)
            connection.execute("set memory_limit = '40MB'; set threads = 1")
            connection.execute("create table large as select md5(range::varchar) as text from range(3_000_000)")
            for path in (layout.folder / "spill").iterdir():
                print(f"{path.stat().st_mode & 0o777:o}", file=sys.stderr)
            return Absorbed()

        command.main = look
        main(["absorb", "--store", sys.argv[1]])
    """
    path = tmp_path / "traces.duckdb"
    written(path, {"name": "no span"})
    said = programs.run(program, path, path).stderr.split()
    assert set(said) == {"600"}
