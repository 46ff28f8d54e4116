"""What a judgement of a span or a trace is, whoever gives it: a program by `score`, or somebody who looks at it."""

from __future__ import annotations

import math
import re
from typing import Any

from tracer.errors import UsageError

_TRACE_ID = re.compile("[0-9a-f]{32}")
_SPAN_ID = re.compile("[0-9a-f]{16}")


def score_data(
    trace_id: str,
    span_id: str | None,
    name: str,
    value: float | bool | None,
    *,
    label: str | None,
    comment: str | None,
    source: str,
    time_ns: int,
) -> dict[str, Any]:
    """Return the data of a record `score`; `time_ns` is Unix. Raises UsageError for one that says nothing."""
    if not isinstance(trace_id, str) or not _TRACE_ID.fullmatch(trace_id):
        raise UsageError(f"a trace id has 32 hex digits; not {trace_id!r}")
    if span_id is not None and not (isinstance(span_id, str) and _SPAN_ID.fullmatch(span_id)):
        raise UsageError(f"a span id has 16 hex digits; not {span_id!r}")
    if not name or (value is None and label is None and comment is None):
        raise UsageError("a score has a name, and a value, a label or a comment")
    if value is not None and not (isinstance(value, (int, float)) and math.isfinite(value)):
        raise UsageError(f"the value of a score is a number or a bool; not {value!r}")
    for text in (name, label, comment, source):
        if text is not None and not isinstance(text, str):
            raise UsageError(f"name, label and comment of a score are texts; not {text!r}")
    return {
        "trace_id": trace_id,
        "span_id": span_id,
        "name": name,
        "value": None if value is None else float(value),
        "label": label,
        "comment": comment,
        "source": source,
        "time_ns": time_ns,
    }
