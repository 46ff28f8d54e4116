"""Every property holds: of a few examples, the same at each run, and of many others where there is time."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from properties import PROPERTIES


@pytest.mark.parametrize("many", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["few", "many"])
@pytest.mark.parametrize("name", PROPERTIES)
def test_it_holds(name: str, many: bool) -> None:
    claim = PROPERTIES[name]
    # The few are those of every run, so that a change of ours is what makes them fail.
    chosen = settings(
        max_examples=claim.few * 20 if many else claim.few,
        derandomize=not many,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
    )
    chosen(given(claim.values)(claim.holds))()
