"""What the page of coverage learns from these tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.register_assert_rewrite("nesting")


@pytest.fixture
def covers(record_property: Callable[[str, object], None]) -> Callable[[str, str, str, str], None]:
    """Note a cell: where work goes, sync or async, by which way, and what came of it."""

    def note(surface: str, mode: str, way: str, outcome: str) -> None:
        record_property("covers", ("Context", surface, mode, way, outcome))

    return note
