"""What a property is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st


@dataclass(frozen=True)
class Property:
    """`holds` raises where it does not, for any value of `values`; it is tried with `few` examples by default."""

    values: st.SearchStrategy[Any]
    holds: Callable[[Any], None]
    few: int = 100
