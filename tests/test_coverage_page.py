"""The page of what is covered follows from the tests that ran, and a run says where the page is wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from coverage_page import Cell, is_said, sections, table

MATRIX = """
import pytest

@pytest.mark.parametrize("outcome", ["ok", "error"])
@pytest.mark.parametrize("mode", ["sync", "async"])
def test_cell(mode, outcome, record_property):
    record_property("covers", ("Wells", "dig", mode, "plain", outcome))
"""


SHARED = ["-p", "xdist", "--numprocesses", "2", "--dist", "loadfile"]


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run pytest with the plugin in a project of its own, which has one matrix."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "pytest.ini").touch()
    (tmp_path / "test_matrix.py").write_text(MATRIX)

    def start(*args: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "coverage_page", "-p", "no:cacheprovider", *args]
        environment = {"PYTHONPATH": str(Path(__file__).parent), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return start


@pytest.mark.parametrize("way", [[], SHARED], ids=["alone", "by two workers"])
def test_a_run_writes_what_it_saw_and_later_ones_hold_the_page_to_it(
    way: list[str], run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    assert "run `make coverage`" in run(*way).stdout
    assert run("--coverage-page", *way).returncode == 0
    page = (tmp_path / "docs" / "coverage.md").read_text()
    assert "| dig | ✓ ✗ |" in page

    assert run(*way).returncode == 0
    (tmp_path / "test_matrix.py").write_text(MATRIX.replace('["ok", "error"]', '["ok"]'))
    stale = run(*way)
    assert stale.returncode == 1
    assert "coverage.md is not what this run saw of Wells" in stale.stdout


def test_a_run_of_some_tests_says_nothing_of_the_page(
    run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    for some in (["-k", "sync-ok"], ["test_matrix.py::test_cell[sync-ok]"], ["-k", "sync-ok", *SHARED]):
        assert run(*some).returncode == 0
        run("--coverage-page", *some)
        assert "dig" not in (tmp_path / "docs" / "coverage.md").read_text()
        (tmp_path / "docs" / "coverage.md").unlink()


def test_files_stand_in_their_order_whichever_ends_first(
    run: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    slow = MATRIX.replace('"dig"', '"ask"').replace("    record", "    __import__('time').sleep(0.2)\n    record")
    (tmp_path / "test_asking.py").write_text(slow)
    assert run("--coverage-page", *SHARED).returncode == 0
    page = (tmp_path / "docs" / "coverage.md").read_text()
    assert page.index("| ask |") < page.index("| dig |")
    assert run().returncode == 0


def test_ways_that_no_two_surfaces_share_stand_in_a_list() -> None:
    cells = [Cell("Wells", f"well {n % 2}", "sync", f"way {n}", "nested") for n in range(9)]
    lines = table("Wells", cells, ["test_wells.py"]).splitlines()
    assert lines[3:6] == ["| surface | way | |", "|---|---|---|", "| well 0 | way 0 | nested |"]
    assert len(lines) == 5 + len(cells)


def test_a_table_has_a_row_for_each_surface_and_says_once_what_holds_for_all_modes() -> None:
    cells = [
        Cell("Wells", "dig", "sync", "plain", "error"),
        Cell("Wells", "dig", "sync", "plain", "ok"),
        Cell("Wells", "dig", "async", "plain", "ok"),
        Cell("Wells", "fill", "sync", "stream", "early close"),
        Cell("Wells", "fill", "async", "stream", "early close"),
    ]
    section = table("Wells", cells, ["test_wells.py"])

    assert section.splitlines()[3:] == [
        "| surface | plain | stream |",
        "|---|:---:|:---:|",
        "| dig | ✓ ✗ / ✓ | · |",
        "| fill | · | ⊘ |",
    ]
    assert sections(f"# Page\n\n{section}") == {"Wells": section}
    assert is_said(section, f"# Page\n\n{section.replace('Written with Wells', 'Written with Wells 2.0')}")
    assert not is_said(section, "# Page\n")
