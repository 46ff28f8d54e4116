"""What a span that others opened tells, on the span of ours that stands for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tracer.otel.dialects import Event, fields_of
from tracer.span import Span


def describe(ours: Span, attributes: Mapping[str, Any], events: Sequence[Event], scope_name: str | None) -> None:
    """Set the columns that these attributes and events speak of. The caller sets the attributes themselves."""
    ours.set(scope_name=scope_name, **fields_of(attributes, events))
    for event in events:
        if event.name == "exception" and isinstance(error := event.attributes.get("exception.type"), str):
            ours.set(error_type=error)
