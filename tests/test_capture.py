"""Any value becomes JSON, within bounds, and none of them raises."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import json
import pathlib
import uuid
from typing import Any

import numpy
import orjson
import pandas
import pytest
from pydantic import BaseModel

from tracer.capture import beginning, cut, encode


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Order:
    number: int
    items: set[str]


class Customer(BaseModel):
    name: str
    born: datetime.date


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no")


Point = collections.namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": [1, 2.5, None, True, "é"]}, {"a": [1, 2.5, None, True, "é"]}),
        (Order(1, {"bell"}), {"number": 1, "items": ["bell"]}),
        (Customer(name="Ada", born=datetime.date(1815, 12, 10)), {"name": "Ada", "born": "1815-12-10"}),
        (Colour.RED, "red"),
        (Point(1, 2), {"x": 1, "y": 2}),
        (datetime.timedelta(minutes=1), {"$type": "timedelta", "seconds": 60.0}),
        (decimal.Decimal("1.50"), "1.50"),
        (pathlib.PurePosixPath("/a/b"), "/a/b"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (b"hello", {"$type": "bytes", "length": 5, "text": "hello"}),
        (b"\xff\x00", {"$type": "bytes", "length": 2, "base64": "/wA="}),
        ("é".encode() * 2_000, {"$type": "bytes", "length": 4_000, "text_preview": "é" * 1_000}),
        (collections.deque([1]), [1]),
        (range(3), [0, 1, 2]),
        (range(10**9), {"$type": "range", "length": 10**9, "preview": list(range(10))}),
        (
            {7: "a", (2, 3): "b", None: "c", True: "d", Colour.RED: "e"},
            {"7": "a", "(2, 3)": "b", "null": "c", "true": "d", "red": "e"},
        ),
        (2**70, {"$type": "int", "repr": hex(2**70)}),
        ("broken \ud800 text", "broken \ufffd text"),
        (ValueError("bad"), {"$type": "ValueError", "message": "bad"}),
        (len, {"$type": "builtin_function_or_method", "name": "len"}),
        (numpy.float32(1.5), 1.5),
        ({1: numpy.float64(2.5)}, {"1": 2.5}),
        (
            numpy.arange(6.0).reshape(2, 3),
            {"$type": "numpy.ndarray", "shape": [2, 3], "dtype": "float64", "preview": [0, 1, 2, 3, 4, 5]},
        ),
        (
            pandas.DataFrame({"a": [1, 2]}),
            {
                "$type": f"{pandas.DataFrame.__module__}.DataFrame",
                "shape": [2, 1],
                "columns": ["a"],
                "preview": [{"a": 1}, {"a": 2}],
            },
        ),
        (
            [Hostile(), 2**70],
            [{"$type": f"{__name__}.Hostile", "unreadable": "RuntimeError"}, {"$type": "int", "repr": hex(2**70)}],
        ),
        ({Hostile(): 1}, {f"{__name__}.Hostile (RuntimeError)": 1}),
    ],
)
def test_values_become_json(value: Any, expected: Any) -> None:
    assert json.loads(encode(value)) == expected


def test_circles_and_depths_end_in_a_marker() -> None:
    circle: dict[str, Any] = {}
    circle["self"] = circle
    assert json.loads(encode(circle)) == {"self": {"$type": "dict", "cycle": True}}
    deep: list[Any] = []
    for _ in range(5_000):
        deep = [deep]
    assert b'"too_deep":true' in encode(deep)


def test_an_iterator_is_not_read() -> None:
    items = iter([1, 2])
    assert json.loads(encode({"items": items})) == {"items": {"$type": "list_iterator"}}
    assert list(items) == [1, 2]


def test_long_texts_are_cut_evenly_and_say_so() -> None:
    messages = [{"role": "user", "content": "x" * 5_000}, {"role": "user", "content": "short"}]
    shorter = cut(encode(messages), 1_000)
    assert len(shorter) <= 1_000
    first, second = json.loads(shorter)
    assert second == messages[1]
    assert first["content"].startswith("xxx")
    assert "…[cut: " in first["content"]


def test_a_value_long_for_another_reason_is_a_marker_with_its_size() -> None:
    encoded = encode(list(range(10_000)))
    marker = json.loads(cut(encoded, 1_000))
    assert marker["$type"] == "cut"
    assert marker["bytes"] == len(encoded)
    assert encoded.decode().startswith(marker["preview"])


def test_the_beginning_of_a_text_ends_where_a_word_ends() -> None:
    assert beginning("one two", 7) == "one two"
    assert beginning("one two", 6) == "one "
    assert beginning("x" * 1_000, 500) == "x" * 500


def test_what_nests_deeper_than_orjson_writes_is_cut_too() -> None:
    deep: list[object] = ["x" * 2_000]
    for _ in range(250):
        deep = [deep]
    fragments = orjson.dumps({"yielded": [orjson.Fragment(encode(deep))] * 2, "more": orjson.Fragment(encode(deep))})
    shorter = cut(b'{"a":[[[[[[' + fragments + b"]]]]]]}", 2_000)
    assert len(shorter) <= 2_000
    json.loads(shorter)
