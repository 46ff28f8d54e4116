"""The contents that rows refer to by their hash: moved from the journal into DuckDB, and found in either.

A content is stored in pieces, for DuckDB holds whole vectors and row groups of them in memory, as it reads them, joins
small row groups or copies a store. Its row of `attachments` is written with the last of them; so pieces without one are
what a killed absorber left, and are written anew. The file in the journal is deleted after that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from duckdb import DuckDBPyConnection

from tracer.errors import AttachmentNotFound
from tracer.journal.attachments import Waiting, drafts, open_to_read, waiting
from tracer.journal.layout import Layout
from tracer.journal.locks import is_locked
from tracer.store import batches, quarantine
from tracer.store.batches import Batch
from tracer.store.database import attached, connect
from tracer.store.durable import sync

PIECE_BYTES = 8192
"""The 2,048 of the least row group and of a vector take 16 MB. Any piece has blocks of its own."""

_SLICE_PIECES = 2048
"""How many one transaction writes."""

_BATCH_PIECES = 128
"""How many one statement writes."""

_SHORTEST_PREFIX = 8


@dataclass(frozen=True, slots=True)
class Attachment:
    """An image, a sound or a file that a span refers to. `hash` is the SHA-256 of `bytes`, in hex."""

    hash: str
    mime_type: str
    bytes: bytes


def is_known(connection: DuckDBPyConnection) -> bool:
    """Return whether the attached store can hold attachments: one that nobody has brought up to date yet cannot."""
    query = "select 1 from duckdb_tables() where database_name = 'store' and table_name = 'attachments'"
    return connection.execute(query).fetchone() is not None


# Reading


def find(layout: Layout, hash: str) -> Attachment:
    """Return the attachment whose hash begins so, be it stored or in the journal still.

    Raises AttachmentNotFound where there is none, or more than one.
    """
    prefix = hash.strip().lower()
    if set(prefix) - set("0123456789abcdef") or not _SHORTEST_PREFIX <= len(prefix) <= 64:
        raise AttachmentNotFound(
            f"{hash[:80]!r} is no attachment's hash: that is written in hex, {_SHORTEST_PREFIX} to 64 characters"
        )
    with closing(connect(layout)) as connection, attached(layout, connection):
        stored = _stored(connection, prefix) if is_known(connection) else {}
        # While the store is held to be read, nothing leaves the journal for it.
        live = {one.hash: one for one in waiting(layout) if one.hash.startswith(prefix)}
        found = sorted(stored | live)
        if len(found) > 1:
            raise AttachmentNotFound(f"several attachments begin with {prefix!r}: give more of the hash")
        for hash_ in found:
            content = _content(connection, hash_) if hash_ in stored else _read(live[hash_])
            if content is not None:
                return Attachment(hash_, stored.get(hash_) or live[hash_].mime_type, content)
    raise AttachmentNotFound(
        f"there is no attachment {prefix!r} in {layout.store}: it was purged with its traces, could not be kept "
        "(then the reference says so in `not_kept`), or belongs to another store"
    )


def _stored(connection: DuckDBPyConnection, prefix: str) -> dict[str, str]:
    """Return the MIME types of the stored attachments whose hash begins so, by hash."""
    query = "select hash, mime_type from store.attachments where hash >= ? and hash < ? limit 2"
    return dict(connection.execute(query, [prefix, prefix + "g"]).fetchall())


def _content(connection: DuckDBPyConnection, hash: str) -> bytes:
    query = "select content from store.attachment_pieces where hash = ? order by number"
    return b"".join(content for (content,) in connection.execute(query, [hash]).fetchall())


def _read(one: Waiting) -> bytes | None:
    """Return a content that waits in the journal; None where it is not what its name says."""
    try:
        with _opened(one) as file:
            content = file.read()
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest() == one.hash else None


@contextmanager
def _opened(one: Waiting) -> Iterator[BinaryIO]:
    with open(open_to_read(one.path), "rb") as file:
        yield file


# Absorbing


def absorb(layout: Layout, connection: DuckDBPyConnection) -> int:
    """Move the contents that wait in the journal into the store, as its sole writer; return how many are new there."""
    for path, process_id in drafts(layout).items():
        if not is_locked(layout.live(process_id)):
            path.unlink(missing_ok=True)
    found = waiting(layout)
    if not found:
        return 0
    with attached(layout, connection, to_write=True):
        connection.execute(_DELETE_UNFINISHED)
        stored = {hash for (hash,) in connection.execute("select hash from store.attachments").fetchall()}
    _delete(layout, [one for one in found if one.hash in stored])
    new = {one.hash: one for one in found if one.hash not in stored}
    done = 0
    for pieces, whole in _slices(layout, new.values()):
        _write(layout, connection, pieces, whole)
        _delete(layout, whole)
        done += len(whole)
    return done


_DELETE_UNFINISHED = "delete from store.attachment_pieces where hash not in (select hash from store.attachments)"

Piece = tuple[str, int, bytes]
"""Of a content with this hash, the bytes with this number."""


def _slices(layout: Layout, found: Iterable[Waiting]) -> Iterator[tuple[list[Piece], list[Waiting]]]:
    """Yield some pieces at a time, with the contents that are whole with them. What is not what its name says is set
    aside."""
    pieces: list[Piece] = []
    whole: list[Waiting] = []
    for one in found:
        digest = hashlib.sha256()
        for number, content in enumerate(_pieces(one)):
            digest.update(content)
            pieces.append((one.hash, number, content))
            if len(pieces) == _SLICE_PIECES:
                yield pieces, whole
                pieces, whole = [], []
        if digest.hexdigest() == one.hash:
            whole.append(one)
        else:
            quarantine.set_file_aside(layout, one.path)
            pieces = [piece for piece in pieces if piece[0] != one.hash]
    if whole:
        yield pieces, whole


def _pieces(one: Waiting) -> Iterator[bytes]:
    with _opened(one) as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def _write(layout: Layout, connection: DuckDBPyConnection, pieces: list[Piece], whole: list[Waiting]) -> None:
    connection.execute(_NEW_ROWS)
    for begin in range(0, len(pieces), _BATCH_PIECES):
        columns = list(map(list, zip(*pieces[begin : begin + _BATCH_PIECES], strict=True)))
        connection.execute(_ADD_PIECES, columns)
    rows = [[one.hash for one in whole], [one.mime_type for one in whole], [one.size for one in whole]]
    connection.execute(_ADD_ATTACHMENTS, rows)
    with attached(layout, connection, to_write=True):
        connection.execute("begin")
        if pieces:
            added = Batch(len(pieces), sum(len(content) for _, _, content in pieces))
            batches.append(connection, "attachment_pieces", "from temp.pieces", added)
        if whole:
            added = Batch(len(whole), len(whole) * _ROW_BYTES)
            batches.append(connection, "attachments", "from temp.attachments", added)
        _step("inserted")
        connection.execute("commit")
    connection.execute("drop table temp.pieces; drop table temp.attachments")
    _step("committed")


_ROW_BYTES = 128
"""About what a row without the content holds."""

_NEW_ROWS = """
    create or replace temp table pieces (hash varchar, number integer, content blob);
    create or replace temp table attachments (hash varchar, mime_type varchar, bytes bigint);
"""

_ADD_PIECES = "insert into temp.pieces select unnest(?::varchar[]), unnest(?::integer[]), unnest(?::blob[])"

_ADD_ATTACHMENTS = "insert into temp.attachments select unnest(?::varchar[]), unnest(?::varchar[]), unnest(?::bigint[])"


def _delete(layout: Layout, found: list[Waiting]) -> None:
    """Delete the files of what is stored, once a new store's name has outlasted a failure of power, too."""
    sync(layout.store.parent)
    for one in found:
        one.path.unlink(missing_ok=True)
        _step("deleted")


def _step(name: str) -> None:
    """Mark a moment in which the absorber may be killed; tests put something here that does it."""
