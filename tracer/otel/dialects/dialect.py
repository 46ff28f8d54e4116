"""What a dialect is: a name, how to tell it, and a pure function from attributes and events to our columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

Attributes: TypeAlias = "Mapping[str, Any]"
Fields: TypeAlias = "dict[str, Any]"
"""Columns by their names; what is not known is left out."""


class Event(NamedTuple):
    """An event of a span, or a log record that was written inside it."""

    name: str
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Dialect:
    """A way to name what a span tells. It is spoken where a key, or an event's name, begins with one of `prefixes`.

    `event_fields` is for dialects that tell of a call in events too.
    """

    name: str
    prefixes: tuple[str, ...]
    fields: Callable[[Attributes], Fields]
    event_fields: Callable[[Sequence[Event]], Fields] | None = None

    def is_spoken(self, attributes: Attributes, events: Sequence[Event]) -> bool:
        return any(key.startswith(self.prefixes) for key in attributes) or any(
            event.name.startswith(self.prefixes) for event in events
        )

    def read(self, attributes: Attributes, events: Sequence[Event]) -> Fields:
        """Return what the attributes say, and what they leave out but the events say."""
        told = self.event_fields(events) if self.event_fields else {}
        return {**told, **self.fields(attributes)}
