"""A store that only processes of a test's own record to: this one looks at it from outside."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "traces.duckdb"
