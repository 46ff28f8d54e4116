"""Values of any kind, and what becomes of them on their way to a line."""

from __future__ import annotations

import collections
import dataclasses
import enum
import fractions
import json
import math
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy
import orjson
import pandas
from hypothesis import strategies as st

from properties.claim import Property
from tracer.capture import cut, encode
from tracer.capture.redaction import Redactor
from tracer.capture.shapes import shape_only

texts = st.text(st.characters(codec="utf-8"), max_size=20)
any_texts = st.text(st.characters(), max_size=20)
"""Lone surrogates among them."""

integers = st.integers() | st.sampled_from([2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**30, 10**400])
json_scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
json_values = st.recursive(
    json_scalars | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


class Colour(enum.Enum):
    RED = "red"
    ODD = (1, 2)


class Text(str):
    __slots__ = ()


class Number(int):
    pass


@dataclasses.dataclass
class Order:
    number: Any
    items: Any


Point = collections.namedtuple("Point", "x y")


class Hostile:
    """Whatever is asked of it, it raises."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __repr__(self) -> str:
        raise RuntimeError("repr")

    def __str__(self) -> str:
        raise RuntimeError("str")


class HostileMapping(collections.abc.Mapping[Any, Any]):
    def __getitem__(self, key: Any) -> Any:
        raise KeyError(key)

    def __iter__(self) -> Iterator[Any]:
        return iter(["a"])

    def __len__(self) -> int:
        return 1


class Endless(collections.abc.Sequence[int]):
    """As long as a range can be: nobody may read all of it."""

    read = 0

    def __getitem__(self, index: Any) -> Any:
        Endless.read += 1
        if Endless.read > 100_000:
            raise MemoryError
        return index

    def __len__(self) -> int:
        return 10**8


def circle() -> list[Any]:
    items: list[Any] = [1]
    items.append({"again": items})
    return items


odd_values = st.sampled_from(
    [
        Hostile,
        HostileMapping,
        Endless,
        lambda: range(10**12),
        circle,
        lambda: Colour.RED,
        lambda: Colour.ODD,
        lambda: Text("text\ud800"),
        lambda: Number(2**70),
        lambda: numpy.arange(30.0).reshape(5, 6),
        lambda: numpy.float64("nan"),
        lambda: numpy.array(["a", None], dtype=object),
        lambda: numpy.datetime64("2026-01-01"),
        lambda: pandas.DataFrame({"a": [1, None], 2: ["x", pandas.NaT]}),
        lambda: pandas.Series([1.5]),
        lambda: pandas.Timestamp("2026-01-01", tz="UTC"),
        lambda: memoryview(b"bytes"),
        lambda: bytearray(b"\xff\x00"),
        object,
        lambda: ValueError(Hostile),
        lambda: Hostile,
        lambda: math,
        lambda: print,
        lambda: Ellipsis,
        lambda: NotImplemented,
        lambda: fractions.Fraction(1, 3),
        lambda: collections.deque([1, 2], maxlen=3),
        lambda: collections.Counter("hello"),
        lambda: pathlib.PurePosixPath("/a"),
        lambda: frozenset([1, "a"]),
        lambda: open,
    ]
).map(lambda make: make())
plain_values = (
    json_scalars
    | any_texts
    | integers
    | st.floats()
    | st.binary(max_size=300)
    | st.decimals()
    | st.complex_numbers()
    | st.datetimes(timezones=st.none() | st.timezones())
    | st.timedeltas()
    | st.uuids()
)
keys = any_texts | integers | st.none() | st.booleans() | st.floats() | st.binary(max_size=5) | st.just(Colour.RED)
python_values = st.recursive(
    plain_values | odd_values,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(keys, inner, max_size=4)
        | st.builds(Order, inner, inner)
        | st.builds(Point, inner, inner)
    ),
    max_leaves=12,
)


def becomes_json(value: Any) -> None:
    """Any value becomes JSON within bounds; nothing of it is used up or changed."""
    Endless.read = 0
    items = iter([1, 2])
    generator = (number for number in [1, 2])
    before = _described(value)
    encoded = encode({"value": value, "items": items, "generator": generator})
    assert _described(value) == before
    assert (list(items), list(generator)) == ([1, 2], [1, 2])
    assert Endless.read < 1_000
    orjson.loads(encoded)
    json.loads(encoded)
    orjson.loads(shape_only(encoded))
    orjson.loads(Redactor(["email", "card", "a+"]).redact(encoded))
    for limit in (256, 300, 1_000):
        shorter = cut(encoded, limit)
        assert len(shorter) <= limit
        orjson.loads(shorter)


def _described(value: Any) -> str:
    try:
        return repr(value)
    except RuntimeError:
        return "hostile"


def is_cut(case: tuple[Any, int]) -> None:
    """A value is cut to its limit and stays JSON; a text keeps its beginning; what fits is not touched."""
    value, limit = case
    encoded = orjson.dumps(value)
    shorter = cut(encoded, limit)
    assert len(shorter) <= limit
    if len(encoded) <= limit:
        assert shorter == encoded
    elif isinstance(value, str):
        kept = orjson.loads(shorter)
        if isinstance(kept, dict):
            assert encoded.decode().startswith(kept["preview"])
        else:
            assert value.startswith(kept.rpartition("…[cut: ")[0])


PROPERTIES = {
    "any value becomes JSON": Property(python_values, becomes_json, few=300),
    "any JSON is cut": Property(
        st.tuples(json_values | texts.map(lambda text: text * 100), st.integers(256, 2_000)), is_cut
    ),
}
