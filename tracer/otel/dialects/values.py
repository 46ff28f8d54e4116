"""Untrusted values in the form that a column takes, or None; attributes with dotted names as the tree they spell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from tracer.otel.dialects.dialect import Attributes, Fields

_LARGEST = 1 << 63
_DEEPEST = 12
"""How many steps a dotted name may have; no dialect needs more than nine."""


def text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def texts(value: Any) -> list[str] | None:
    if isinstance(value, str):
        return [value] if value else None
    found = [item for item in value if isinstance(item, str) and item] if isinstance(value, Sequence) else []
    return found or None


def count(value: Any) -> int | None:
    """Return a number of tokens. Some count in floats or in texts; a negative one is none."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 20:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value < _LARGEST else None


def amount(value: Any) -> float | None:
    return float(value) if type(value) in (int, float) and 0 <= value < 1e9 else None


def flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def nanoseconds(seconds: Any) -> int | None:
    known = amount(seconds)
    return None if known is None else round(known * 1e9)


def parsed(value: Any) -> Any:
    """Return what a text spells as JSON, and all else as it is: both forms occur. An empty value is None.

    A text that only happens to be JSON (`42`, `true`) stays a text.
    """
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "[", '"'):
        try:
            value = orjson.loads(value)
        except ValueError:
            pass
    return None if value in ("", [], {}, ()) else value


def mapping(value: Any) -> Mapping[str, Any]:
    found = parsed(value)
    return found if isinstance(found, Mapping) else {}


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """Return the mappings of a list, each as JSON text or structured; an empty list for all else."""
    found = parsed(value)
    if isinstance(found, str) or not isinstance(found, Sequence):
        return []
    return [item for item in map(parsed, found) if isinstance(item, Mapping)]


def known(fields: Mapping[str, Any]) -> Fields:
    return {name: value for name, value in fields.items() if value is not None}


def read(attributes: Attributes, names: Mapping[str, tuple[Callable[[Any], Any], tuple[str, ...]]]) -> Fields:
    """Return each column in the form that it takes, from the first of its attributes that has that form."""
    fields: Fields = {}
    for column, (form, candidates) in names.items():
        for name in candidates:
            if name in attributes and (value := form(attributes[name])) is not None:
                fields[column] = value
                break
    return fields


class Node(dict[str, Any]):
    """A step of a tree; a mapping that is an attribute's value is none."""


def tree(attributes: Attributes, prefix: str) -> Node:
    """Return the attributes below `prefix` as nested mappings: `a.0.b` becomes `{"0": {"b": …}}`.

    A name that is both a value and a step to others is read as the step.
    """
    root = Node()
    for key, value in attributes.items():
        if not key.startswith(prefix):
            continue
        *steps, last = key[len(prefix) :].split(".")
        if len(steps) >= _DEEPEST:
            continue
        node = root
        for step in steps:
            inner = node.get(step)
            if not isinstance(inner, Node):
                inner = node[step] = Node()
            node = inner
        if not isinstance(node.get(last), Node):
            node[last] = value
    return root


def items(node: Any) -> list[dict[str, Any]]:
    """Return the mappings under the numbered keys of a tree, in the order of their numbers. Gaps do not matter."""
    if not isinstance(node, Node):
        return []
    numbered = [(int(key), item) for key, item in node.items() if key.isdecimal() and len(key) < 10]
    return [item for _, item in sorted(numbered, key=lambda pair: pair[0]) if isinstance(item, dict)]
