"""A plugin of pytest: docs/coverage.md is what the tests of the matrices saw, and a run says where it is not.

Such a test calls `record_property("covers", (library, surface, mode, way, outcome))`. `pytest --coverage-page` writes
the table of each library whose tests ran whole and well; without it, a run in which they did fails if the page says
otherwise.
"""

from __future__ import annotations

import platform
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tracer.integrations.tested import TESTED

INTRODUCTION = """\
# What is recorded, as the tests saw it

Each mark stands for a test that saw a call end so: **✓** well, **✗** with an error, **⊘** left early. The call goes
through the real library to a server on loopback; the program has to get what it gets untraced, and what is recorded has
to have the status, tokens, input and output of what went over the wire. A dot: there is no such way, or it is none of
its own. Where modes differ, as those of two clients, they stand in their order. Where no mark would do, words say what
the test saw: **nested**, say, or **once** for a call that two record and that counts once. The same tests run with the
oldest version that is supported (`make test-floors`), but for surfaces that came later.

The tests write this page: `make coverage`; for other frameworks and SDKs, each with the packages of a
file in [tests/frameworks](../tests/frameworks), `make test-frameworks PAGE=--coverage-page`.
"""
DISTRIBUTIONS = {"OpenAI": "openai", "LangChain": "langchain-core", "LangGraph": "langgraph"}
"""The library of a table, up to a colon, and the package whose version stands above it. Others name packages."""

MARKS = {"ok": "✓", "error": "✗", "early close": "⊘"}
BAR = r"\|"
"""What stands for a bar in the cell of a table."""

_VERSION = re.compile(r"^Written with .*\n", re.M)


class Cell(NamedTuple):
    library: str
    surface: str
    mode: str
    way: str
    outcome: str


def table(library: str, cells: Sequence[Cell], files: Iterable[str]) -> str:
    """The section of a library. Surfaces and ways stand in the order in which they were met; `files` hold the tests."""
    return "\n".join(_lines(library, cells, files)) + "\n"


def sections(page: str) -> dict[str, str]:
    """The sections of a page by their library."""
    return {part.partition("\n")[0]: f"## {part.strip()}\n" for part in re.split(r"^## ", page, flags=re.M)[1:]}


def is_said(section: str, page: str) -> bool:
    """Whether a page has this section, whatever the version that it was written with."""
    [(library, told)] = sections(section).items()
    return _VERSION.sub("", sections(page).get(library, "")).strip() == _VERSION.sub("", told).strip()


def _lines(library: str, cells: Sequence[Cell], files: Iterable[str]) -> Iterator[str]:
    is_list = _shares_no_way(cells)
    modes = "" if is_list else f": {', '.join(dict.fromkeys(cell.mode for cell in cells))}"
    yield f"## {library}"
    yield f"Written with {_version(library)}{modes}. <!-- {' '.join(sorted(files))} -->"
    yield ""
    yield from _list(cells) if is_list else _grid(cells)


def _shares_no_way(cells: Sequence[Cell]) -> bool:
    """Whether each of many ways is one of a single surface, so that a grid would be empty but for a diagonal."""
    pairs = {(cell.surface, cell.way) for cell in cells}
    return len({way for _, way in pairs}) == len(pairs) > 8


def _list(cells: Sequence[Cell]) -> Iterator[str]:
    ends: dict[tuple[str, str], set[str]] = defaultdict(set)
    for cell in sorted(cells, key=lambda cell: cell.surface):
        ends[cell.surface, cell.way].add(cell.outcome)
    yield "| surface | way | |"
    yield "|---|---|---|"
    for (surface, way), outcomes in ends.items():
        yield f"| {surface} | {way} | {_marks(outcomes)} |"


def _grid(cells: Sequence[Cell]) -> Iterator[str]:
    surfaces, modes, ways = (dict.fromkeys(cell[place] for cell in cells) for place in (1, 2, 3))
    ends: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for cell in cells:
        ends[cell.surface, cell.way, cell.mode].add(cell.outcome)
    yield f"| surface | {' | '.join(ways)} |"
    yield f"|---{'|:---:' * len(ways)}|"
    for surface in surfaces:
        told = (_once([_marks(ends[surface, way, mode]) for mode in modes]) for way in ways)
        yield f"| {surface.replace('|', BAR)} | {' | '.join(told)} |"


def _version(library: str) -> str:
    name = DISTRIBUTIONS.get(library.partition(":")[0])
    told = filter(None, map(_installed, [name] if name else library.split()))
    return ", ".join(told) or f"Python {platform.python_version()}"


def _installed(name: str) -> str | None:
    try:
        written_with = f"{name} {version(name)}"
    except PackageNotFoundError:
        return None
    oldest, _ = TESTED.get(name, (None, None))
    return f"{written_with} (the oldest: {oldest})" if oldest else written_with


def _marks(outcomes: set[str]) -> str:
    known = [mark for outcome, mark in MARKS.items() if outcome in outcomes]
    return " ".join([*known, *sorted(outcomes - MARKS.keys())]) or "·"


def _once(told: list[str]) -> str:
    """Say once what holds in all modes alike."""
    return told[0] if len(set(told)) == 1 else " / ".join(told)


class CoveragePage:
    """Gathers what the tests of a run saw, and writes or checks the page when it is over."""

    def __init__(self, path: Path, *, writes: bool) -> None:
        self.path = path
        self.writes = writes
        self.seen: dict[str, dict[str, list[Cell]]] = defaultdict(lambda: defaultdict(list))
        self.run_files: dict[str, None] = {}
        self.partial_files: set[str] = set()
        self.wrong: list[str] = []

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self.partial_files |= {_file(item.nodeid) for item in items}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.run_files = dict.fromkeys(_file(item.nodeid) for item in session.items)
        # A test that is named leaves out the others of its file. Names may be relative to anywhere: the end decides.
        named = [arg.partition("::")[0] for arg in session.config.args if "::" in arg]
        self.partial_files |= {file for file in self.run_files if any(file.endswith(Path(n).name) for n in named)}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Of workers that share the tests (pytest-xdist), each has collected all of them, and who gathers none."""
        run_files, partial_files = getattr(node, "workeroutput", {}).get("files", ((), ()))
        self.run_files |= dict.fromkeys(run_files)
        self.partial_files |= set(partial_files)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        file = _file(report.nodeid)
        if not report.passed:
            self.partial_files.add(file)
        elif report.when == "call":
            for name, value in report.user_properties:
                if name == "covers":
                    cell = Cell(*value)  # type: ignore[misc]
                    self.seen[cell.library][file].append(cell)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["files"] = (list(self.run_files), list(self.partial_files))
            return
        page = self.path.read_text() if self.path.exists() else ""
        whole = [library for library in self.seen if self._ran_whole(library, page)]
        tables = {library: table(library, self._cells(library), self.seen[library]) for library in whole}
        if self.writes:
            self.path.write_text("\n".join([INTRODUCTION, *(sections(page) | tables).values()]))
        else:
            self.wrong = [library for library, told in tables.items() if not is_said(told, page)]
            if self.wrong and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for library in self.wrong:
            terminalreporter.write_line(f"{self.path.name} is not what this run saw of {library}: run `make coverage`")

    def _cells(self, library: str) -> list[Cell]:
        """In the order of the files, whichever ended first."""
        return [cell for file in self.run_files for cell in self.seen[library].get(file, ())]

    def _ran_whole(self, library: str, page: str) -> bool:
        """Whether all tests ran, those included that this run may have left out but the page knows of."""
        known = re.search(r"<!-- (.*) -->", sections(page).get(library, ""))
        files = set(self.seen[library]) | set(known[1].split() if known else [])
        return files <= self.run_files.keys() - self.partial_files


def _file(nodeid: str) -> str:
    return nodeid.partition("::")[0]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--coverage-page", action="store_true", help="write docs/coverage.md from what the tests saw")


def pytest_configure(config: pytest.Config) -> None:
    run = CoveragePage(config.rootpath / "docs" / "coverage.md", writes=config.getoption("--coverage-page"))
    config.pluginmanager.register(run, "coverage_page_of_this_run")
