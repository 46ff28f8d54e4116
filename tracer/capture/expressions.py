"""Regular expressions, compiled when they are first needed: nearly no line needs any, and all of ours together take
longer than the rest of `import tracer`."""

from __future__ import annotations

import re
from typing import Any, AnyStr

_COMPILED: dict[Any, re.Pattern[Any]] = {}


def compiled(expression: AnyStr) -> re.Pattern[AnyStr]:
    pattern = _COMPILED.get(expression)
    if pattern is None:
        pattern = _COMPILED[expression] = re.compile(expression)
    return pattern
