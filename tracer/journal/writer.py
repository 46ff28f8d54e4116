"""Append lines to this process's own segment: one `write` a line, so that a crash loses nothing that was written.

A segment is created under a dot name, locked, then renamed, so that whoever sees it finds it locked while it is
live. Sealing is closing: the lock falls with the last descriptor. This never waits for a lock, and never raises.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from tracer.errors import logger
from tracer.journal.layout import MAX_LINE_BYTES, Layout
from tracer.journal.locks import is_at, try_lock, unlockable

if TYPE_CHECKING:
    from pathlib import Path

SEGMENT_BYTES = 8 * 1024 * 1024
"""Opening the next one costs its caller some 0.2 ms: less than one trace in a hundred of the longest meets that."""

SEGMENT_AGE_S = 20.0
ABSORB_BYTES = SEGMENT_BYTES
OPEN_AGAIN_S = 1.0

_PIECE_BYTES = 1024 * 1024
_FIRST_DESCRIPTOR = 200


def _inode(descriptor: int, fstat: Callable[[int], os.stat_result] = os.fstat) -> int | None:
    try:
        return fstat(descriptor).st_ino
    except OSError:
        return None


class _OpenFile:
    """A descriptor that closes when nobody refers to it any more.

    A thread that is about to write holds a reference, so no other thread can close the descriptor under it and have its
    number reused for a file of the program's. Should the program itself have closed it, as daemons close all that they
    do not know, its number is left to whatever has it now. `among` holds what a writer has open, as descriptor and
    inode: it is there until after the descriptor was closed, so whoever looks there must compare both.
    """

    def __init__(self, descriptor: int, path: Path, among: set[tuple[int, int]]) -> None:
        self.descriptor = descriptor
        self.path = path
        self.among = among
        self.inode = os.fstat(descriptor).st_ino
        self.opened_s = time.monotonic()
        self.size = 0
        among.add((descriptor, self.inode))

    def __del__(self, close: Callable[[int], None] = os.close, inode: Callable[[int], int | None] = _inode) -> None:
        if inode(self.descriptor) == self.inode:
            close(self.descriptor)
        self.among.discard((self.descriptor, self.inode))

    def is_in_place(self) -> bool:
        """Return whether the file still lies where readers look for it."""
        return is_at(self.path, self.descriptor)

    def deleted_lines(self) -> int:
        """Return how many lines went with this file when it was deleted; none, when it was only moved or closed."""
        if _inode(self.descriptor) != self.inode or os.fstat(self.descriptor).st_nlink:
            return 0
        pieces = range(0, self.size, _PIECE_BYTES)
        return sum(os.pread(self.descriptor, _PIECE_BYTES, start).count(b"\n") for start in pieces)


class Writer:
    """The journal of this process in one store.

    `process_id` is new for each writer and never used again, so a reused pid cannot be mistaken for it. In
    `dropped_spans` the recorder counts those that could not be written, and the writer those that were deleted;
    `drop_reason` is why the last one was. `has_begun` tells that a segment could be opened, `is_described` is for
    whoever describes the process: false again when what was written is gone. `losses` counts how often that was.
    """

    def __init__(self, store: Path) -> None:
        self.layout = Layout(store)
        self.process_id = os.urandom(16).hex()
        self.dropped_spans = 0
        self.drop_reason = ""
        self.has_begun = False
        self.is_described = False
        self.losses = 0
        self._segment: _OpenFile | None = None
        self._live: _OpenFile | None = None
        self._files: set[tuple[int, int]] = set()
        self._number = 0
        self._torn = False
        self._is_over = False
        self._is_coming_alive = False
        self._is_told = False
        self._open_again_s = 0.0
        self._sealed_bytes = 0
        self._opening = threading.RLock()  # entered again when a signal handler or a finalizer records in the midst

    def write(self, line: bytes) -> bool:
        """Append a line (a JSON object with no newline in it); return whether it is on its way to the disk."""
        segment = self._segment or self._open()
        if segment is None:
            return False
        if len(line) >= MAX_LINE_BYTES:
            self.drop_reason = f"a span of {len(line)} bytes; it may take {MAX_LINE_BYTES}"
            logger.error("llm-tracer dropped a span of %d bytes; a span may take %d", len(line), MAX_LINE_BYTES)
            return False
        whole = b"\n" + line + b"\n" if self._torn else line + b"\n"
        try:
            written = os.write(segment.descriptor, whole)
        except OSError as error:
            if error.errno == errno.EBADF:  # the program closed it
                self.seal()
                return self.write(line)
            self._tell(error)
            return False
        segment.size += written
        self._torn = written < len(whole)
        if self._torn:
            self._tell(OSError(errno.ENOSPC, "only a part of a line could be written"))
            return False
        if segment.size >= SEGMENT_BYTES:
            self.seal()
        return True

    def seal(self) -> None:
        """End the current segment, so that it may be absorbed; the next line opens another."""
        segment, self._segment = self._segment, None
        if segment is not None:
            self._sealed_bytes += segment.size
            self._torn = False
            if not segment.is_in_place():
                self._lost(segment)

    def seal_if_old(self) -> None:
        """Seal a segment that has lines and some age, or whose file is no longer where readers look for it."""
        segment = self._segment
        if segment is None:
            return
        is_old = segment.size and time.monotonic() - segment.opened_s > SEGMENT_AGE_S
        if is_old or not segment.is_in_place():
            self.seal()

    def sealed_enough(self) -> bool:
        """Return whether enough was sealed since this was last True to be worth an absorber."""
        enough = self._sealed_bytes >= ABSORB_BYTES
        if enough:
            self._sealed_bytes = 0
        return enough

    def close(self) -> None:
        """Seal, and end the liveness of this process: what is still open is then LOST, not RUNNING."""
        self.seal()
        if self.dropped_spans:
            tell_lost(self.dropped_spans)
        if self._live is not None:
            self.layout.live(self.process_id).unlink(missing_ok=True)
            self._live = None

    def hold(self) -> bool:
        """Let no other thread open files until `release`, as over a fork; return False if that took too long."""
        return self._opening.acquire(timeout=1)

    def release(self) -> None:
        self._opening.release()

    def forget(self) -> None:
        """Let go of what a forked child inherited, so that the locks are the parent's alone and end with it."""
        self._is_over = True
        self._segment = self._live = None
        if self._files:
            # A thread was about to write. In the child it is gone, and will never drop its reference; or it is the one
            # that forked, in a signal handler say, and the line that it goes on to write is the parent's to write.
            nowhere = os.open(os.devnull, os.O_RDWR)
            for descriptor, inode in self._files:
                if _inode(descriptor) == inode:
                    os.dup2(nowhere, descriptor, inheritable=False)
            os.close(nowhere)

    def _open(self) -> _OpenFile | None:
        with self._opening:
            if self._segment is not None or self._is_over or time.monotonic() < self._open_again_s:
                return self._segment
            try:
                self._make_folder()
                self._come_alive()
                self._number += 1
                self._segment = self._create(self.layout.segment(self.process_id, self._number))
                self.has_begun = True
            except OSError as error:
                # It may pass, as when the program has too many files open; but trying at each span would slow it down.
                self._open_again_s = time.monotonic() + OPEN_AGAIN_S
                self._tell(error)
            return self._segment

    def _come_alive(self) -> None:
        """Hold the lock that tells that this process lives. A handler of a signal in the midst does without."""
        if self._is_coming_alive or (self._live is not None and self._live.is_in_place()):
            return
        self._is_coming_alive = True
        try:
            self._live = self._create(self.layout.live(self.process_id))
        finally:
            self._is_coming_alive = False

    def _make_folder(self) -> None:
        folder = self.layout.folder
        if folder.is_dir():
            return
        for place in (folder.parent, folder):  # the mode is that of the last folder alone
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Prompts are never to be committed by accident.
        ignored = [folder, folder.parent] if folder.parent.name == ".tracer" else [folder]
        for place in ignored:
            place.chmod(0o700)
            with open(os.open(place / ".gitignore", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write("*\n")

    def _create(self, path: Path) -> _OpenFile:
        hidden = path.with_name("." + path.name)
        # It is read only if it is deleted under us, to count what was lost.
        descriptor = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        file = _OpenFile(_out_of_the_way(descriptor), path, self._files)
        try:
            self._lock(file, path)
            hidden.rename(path)
        except OSError:
            hidden.unlink(missing_ok=True)
            raise
        return file

    @staticmethod
    def _lock(file: _OpenFile, path: Path) -> None:
        try:
            try_lock(file.descriptor)
        except OSError as error:
            raise OSError(error.errno, unlockable(path, error)) from error

    def _tell(self, error: OSError) -> None:
        self.drop_reason = error.strerror or str(error)
        if not self._is_told:
            self._is_told = True
            logger.error(
                "llm-tracer cannot write to %s (%s): spans are dropped while that lasts, and the program goes on. "
                "Free some space, or set TRACER_STORE to a path that can be written.",
                self.layout.folder,
                error,
            )

    def _lost(self, segment: _OpenFile) -> None:
        lines = segment.deleted_lines()
        if lines:
            self.dropped_spans += lines
            self.drop_reason = "the journal was deleted"
        self.is_described = False
        self.losses += 1
        logger.error(
            "the journal %s was deleted, moved or closed while recording, and %d rows with it; it is begun anew",
            self.layout.folder,
            lines,
        )


def tell_lost(spans: int) -> None:
    """Say at the end of a process what of it is not in the journal."""
    logger.error("llm-tracer lost %d spans that could not be written, or were deleted", spans)


if sys.platform == "win32":

    def _out_of_the_way(descriptor: int) -> int:
        return descriptor

else:
    import fcntl

    def _out_of_the_way(descriptor: int) -> int:
        """Return the same file under a number that programs do not come to: else one that closes all that it does not
        know, or was started with no standard output, would have a file of its own under the number that we write to.
        """
        try:
            high: int = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _FIRST_DESCRIPTOR)
        except OSError:  # so many are not allowed
            return descriptor
        os.close(descriptor)
        return high
