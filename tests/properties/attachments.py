"""Contents: any bytes come back as they were given, and any JSON bears being searched for them."""

from __future__ import annotations

import base64
import hashlib
import pathlib
import tempfile
from typing import Any

import orjson
from hypothesis import strategies as st

from properties.claim import Property
from properties.values import json_values
from tracer.capture.contents import with_references
from tracer.journal.attachments import put, waiting
from tracer.journal.layout import Layout
from tracer.store import Store
from tracer.store.absorb import absorb

# Also long ones, about the sizes of the pieces that they are stored in.
contents = st.lists(
    st.binary(max_size=60)
    | st.tuples(st.binary(min_size=1, max_size=30), st.integers(1, 900)).map(lambda p: p[0] * p[1]),
    min_size=1,
    max_size=6,
)


def come_back(given: list[bytes]) -> None:
    """From the journal and from the store."""
    hashes = {hashlib.sha256(content).hexdigest(): content for content in given}
    with tempfile.TemporaryDirectory() as folder:
        layout = Layout(pathlib.Path(folder) / "traces.duckdb")
        layout.folder.mkdir()
        for hash, content in hashes.items():
            put(layout, "0" * 32, hash, "application/octet-stream", content)
        store = Store(layout.store)
        assert {hash: store.attachment(hash).bytes for hash in hashes} == hashes
        assert absorb(layout.store).attachments == len(hashes)
        assert waiting(layout) == []
        assert {hash: store.attachment(hash).bytes for hash in hashes} == hashes


def _as_text(value: Any) -> str:
    return orjson.dumps(value).decode()


_words = st.sampled_from(
    [
        "blob",
        "base64",
        "data:image/png;base64,",
        "data:;base64,AAAA",
        "data:a/b;c=d;base64,/9j/4AAQ",
        "/9j/4AAQSkZJRg==",
        "[",
    ]
)
_keys = st.sampled_from(
    ["type", "content", "mime_type", "data", "base64", "b64_json", "format", "attachment", "source"]
)
shapes = st.recursive(
    _words | json_values,
    lambda inner: st.dictionaries(_keys, inner, max_size=5) | st.lists(inner, max_size=4) | inner.map(_as_text),
    max_leaves=12,
)


def leave_no_base64(value: Any) -> None:
    """What is found is base64 that can be had back, and what refers to it takes its place; all else stays."""
    found: list[str] = []

    def refer(text: str, mime_type: str | None) -> dict[str, Any] | None:
        try:
            content = base64.b64decode(text, validate=True)
        except ValueError:
            return None
        found.append(text)
        return {"mime_type": mime_type or "a/b", "bytes": len(content), "attachment": "f" * 64}

    before = orjson.dumps(value)
    after = with_references(before, refer)
    assert (after == before) == (not found)
    assert orjson.loads(after) == value or found


PROPERTIES = {
    "contents come back": Property(contents, come_back, few=8),
    "contents leave their values": Property(shapes, leave_no_base64, few=150),
}
