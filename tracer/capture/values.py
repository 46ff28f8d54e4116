"""Any Python value to JSON bytes; what has no JSON form becomes a marker that names its type.

    numpy.ndarray   {"$type": "numpy.ndarray", "shape": [2, 3], "dtype": "float64", "preview": [0.1, …]}
    bytes           {"$type": "bytes", "length": 5, "text": "hello"}, or "base64" where they are no text
    any object      {"$type": "app.Client", "repr": "<Client eu>"}
    a circle        {"$type": "dict", "cycle": true}

orjson does nearly all values by itself in one pass; the walk in Python is for those that it refuses. As in
orjson, NaN and the infinities become null.
"""

from __future__ import annotations

import codecs
import dataclasses
import enum
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from datetime import date, datetime, time, timedelta
from itertools import islice
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any
from uuid import UUID

import orjson

from tracer.capture.limits import beginning
from tracer.errors import attempt

PREVIEW_ITEMS = 10
PREVIEW_BYTES = 192
PREVIEW_CHARACTERS = 1_000
MAX_DEPTH = 100
MAX_ITEMS = 100_000

_UTF_8 = codecs.getincrementaldecoder("utf-8")
_LINE_ENDS = dict.fromkeys(map(ord, "\t\r\n"))
_SURROGATE = re.compile("[\ud800-\udfff]")
_SIXTY_FOUR_BITS = 1 << 63


def encode(value: Any, default: Callable[[Any], Any] | None = None) -> bytes:
    """Return `value` as JSON. Nothing of the value is kept, and it is not changed.

    What has no JSON form is given to `default`, which returns something nearer to it and never raises; without one it
    is `describe`.
    """
    default = default or describe
    try:
        return orjson.dumps(value, default=default)
    except (TypeError, RecursionError):
        # Keys that are no strings, circles, great integers, lone surrogates, or a property that raised.
        return orjson.dumps(_walk(value, [], default))


def _walk(value: Any, inside: list[int], default: Callable[[Any], Any]) -> Any:
    """Return `value` in JSON types that orjson is sure to take; `inside` holds the ids of what surrounds it."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return float(value)  # numpy's is one, but not to orjson
    if isinstance(value, enum.Enum):
        return _walk(value.value, inside, default)
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, int):
        return int(value) if -_SIXTY_FOUR_BITS <= value < _SIXTY_FOUR_BITS else {"$type": "int", "repr": hex(value)}
    if isinstance(value, (datetime, date, time, UUID)):
        return str(value)
    if id(value) in inside or len(inside) >= MAX_DEPTH:
        return {"$type": _type_name(value), "cycle" if id(value) in inside else "too_deep": True}
    inside.append(id(value))
    try:
        if isinstance(value, dict):
            return {_key(key): _walk(item, inside, default) for key, item in list(value.items())}
        if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
            return [_walk(item, inside, default) for item in value]
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {
                field.name: _walk(getattr(value, field.name, None), inside, default)
                for field in dataclasses.fields(value)
            }
        return _walk(default(value), inside, default)
    finally:
        inside.pop()


def describe(value: Any) -> Any:
    """Return something nearer to JSON than `value`: its content, else a marker. Never raises."""
    content, error = attempt(lambda: _content(value))
    return content if error is None else {"$type": _type_name(value), "unreadable": type(error).__name__}


def _content(value: Any) -> Any:  # noqa: PLR0912 - a table of types, as flat as it can be
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _bytes(bytes(value))
    if isinstance(value, re.Pattern):
        return value.pattern
    if isinstance(value, complex) or any(is_one(value, *place) for place in _SAID_AS_TEXT):
        return str(value)
    if isinstance(value, timedelta):
        return {"$type": "timedelta", "seconds": value.total_seconds()}
    if isinstance(value, type | FunctionType | BuiltinFunctionType | MethodType | ModuleType):
        return {"$type": type(value).__name__, "name": _qualified_name(value)}
    if isinstance(value, BaseException):
        return {"$type": _type_name(value), "message": str(value)}
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return _array(value)
    if hasattr(value, "columns") and hasattr(value, "shape"):
        return _table(value)
    if hasattr(value, "model_dump") and hasattr(type(value), "model_fields"):
        return value.model_dump(mode="python", warnings=False)
    if hasattr(value, "_asdict"):
        return value._asdict()
    if isinstance(value, (Mapping, Sequence)) and len(value) > MAX_ITEMS:
        return _large(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Iterator):
        return {"$type": _type_name(value)}  # reading it would take its items from the program
    if isinstance(value, (Set, Sequence)):
        return list(value)
    if hasattr(type(value), "__attrs_attrs__"):
        return {field.name: getattr(value, field.name, None) for field in type(value).__attrs_attrs__}
    return {"$type": _type_name(value), "repr": beginning(repr(value), PREVIEW_CHARACTERS)}


_SAID_AS_TEXT = (("decimal", "Decimal"), ("pathlib", "PurePath"))


def is_one(value: Any, module: str, name: str) -> bool:
    """Return whether the value is an instance of a class whose module may never have been imported."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(value, getattr(loaded, name, ()))


def _array(value: Any) -> Any:
    """A numpy array or scalar, a pandas Series, a tensor: shape, type and its first items."""
    shape = list(value.shape)
    if not shape and hasattr(value, "item"):
        return value.item()
    marker = {"$type": _type_name(value), "shape": shape, "dtype": str(value.dtype)}
    if hasattr(value, "ravel"):  # a tensor on an accelerator would have to be fetched, so only arrays in memory
        marker["preview"] = value.ravel()[:PREVIEW_ITEMS].tolist()
    elif hasattr(value, "head"):
        marker["preview"] = value.head(PREVIEW_ITEMS).to_list()
    return marker


def _table(value: Any) -> Any:
    """A pandas or polars data frame: shape, columns and its first rows."""
    head = value.head(PREVIEW_ITEMS)
    rows = head.to_dicts() if hasattr(head, "to_dicts") else head.to_dict(orient="records")
    return {
        "$type": _type_name(value),
        "shape": list(value.shape),
        "columns": [str(column) for column in value.columns],
        "preview": rows,
    }


def _large(value: Any) -> dict[str, Any]:
    """What is no list or dict may make its items as they are read, and be without end."""
    return {"$type": _type_name(value), "length": len(value), "preview": list(islice(value, PREVIEW_ITEMS))}


def _bytes(value: bytes) -> dict[str, Any]:
    """Bytes that are text as text, so that they are readable, and secrets in them are seen; else as base64."""
    begun = value[: 4 * PREVIEW_CHARACTERS]  # characters take up to four bytes
    text, _ = attempt(lambda: _UTF_8().decode(begun))  # where the last character is broken off, it is left out
    if text is not None and text.translate(_LINE_ENDS).isprintable():
        kept = beginning(text, PREVIEW_CHARACTERS)
        is_all = len(kept.encode()) == len(value)
        return {"$type": "bytes", "length": len(value), "text" if is_all else "text_preview": kept}
    import binascii

    preview = binascii.b2a_base64(value[:PREVIEW_BYTES], newline=False).decode()
    return {"$type": "bytes", "length": len(value), "base64" if len(value) <= PREVIEW_BYTES else "preview": preview}


def _key(key: Any) -> str:
    if key is None or isinstance(key, bool):
        return orjson.dumps(key).decode()
    text, error = attempt(lambda: str(key.value if isinstance(key, enum.Enum) else key))
    return _SURROGATE.sub("\ufffd", text if text is not None else f"{_type_name(key)} ({type(error).__name__})")


def _type_name(value: Any) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _qualified_name(value: Any) -> str:
    name: str = getattr(value, "__qualname__", None) or value.__name__
    module = getattr(value, "__module__", None)
    return f"{module}.{name}" if module and module != "builtins" else name
