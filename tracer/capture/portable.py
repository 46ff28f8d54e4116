"""A redaction as plain data, for another process of the same program or of ours.

A function of the program is data only by its name, and only another process of the program can find it by that. Nothing
here runs the program's code: no pickling, no import.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from types import FunctionType
from typing import Any

from tracer.config import Redact


def portable(redact: Redact, *, with_functions: bool = False) -> tuple[Any] | None:
    """Return a redaction as JSON types, in a tuple of one; None where that cannot be.

    It cannot where it calls what has no name: a lambda, a method, an object. Nor, unless asked `with_functions`, where
    it calls any function.
    """
    if redact is None or redact is False:
        return (redact,)
    keys = list(map(str, redact.get("keys", ()))) if isinstance(redact, Mapping) else []
    items = redact.get("patterns", ()) if isinstance(redact, Mapping) else [redact] if callable(redact) else redact
    patterns = [_portable_item(item, with_functions=with_functions) for item in items]
    return ({"keys": keys, "patterns": patterns},) if None not in patterns else None


def restored(redact: Any) -> Redact:
    """Return the redaction that `portable` made plain; raises LookupError for a function that this process lacks."""
    if not redact:
        return redact  # type: ignore[no-any-return]
    return {"keys": redact["keys"], "patterns": [_restored_item(item) for item in redact["patterns"]]}


def _portable_item(item: Any, *, with_functions: bool) -> Any:
    """Return a text, a pattern as [text, flags] or a function as {module, name}; None for anything else."""
    if isinstance(item, re.Pattern):
        return [item.pattern, item.flags]
    if isinstance(item, FunctionType):
        named = {"module": item.__module__, "name": item.__qualname__}
        return named if with_functions and _found(**named) is item else None
    return item if type(item) is str else None


def _restored_item(item: Any) -> Any:
    if isinstance(item, list):
        return re.compile(*item)
    if isinstance(item, str):
        return item
    if (function := _found(**item)) is None:
        raise LookupError(f"{item['module']}.{item['name']} is not imported here")
    return function


def _found(module: str, name: str) -> Any:
    """Return what has this name in a module that is imported already, or None. Only modules and classes are looked
    into, as others may run code when they are asked."""
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = vars(found).get(part) if isinstance(found, (type, type(sys))) else None
    return found
