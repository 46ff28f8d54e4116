"""Advisory file locks: taken on an open descriptor, and gone with the process that held them.

They are `flock`, never `fcntl.lockf`: a POSIX record lock falls as soon as *any* descriptor of the
file is closed in the process, as by our own reader. On Windows one byte far beyond the data is locked.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tracer.errors import StoreUnavailable

if TYPE_CHECKING:
    from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    _FAR_BYTE = 1 << 40

    def try_lock(descriptor: int, *, shared: bool = False) -> bool:  # noqa: ARG001
        """Take the lock if it is free; return whether it was. Windows has no shared form of it."""
        os.lseek(descriptor, _FAR_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def try_lock(descriptor: int, *, shared: bool = False) -> bool:
        """Take the lock if it is free; return whether it was.

        Raises OSError where the file system knows no `flock`.
        """
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def is_locked(path: Path) -> bool:
    """Return whether some process holds the lock of this file; False where there is no such file.

    Raises StoreUnavailable where the file system knows no `flock`.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not try_lock(descriptor, shared=True)
    except OSError as error:
        raise StoreUnavailable(unlockable(path, error)) from error
    finally:
        os.close(descriptor)


def is_at(path: Path, descriptor: int) -> bool:
    """Return whether the file that is open here is the one that lies there now."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except OSError:
        return False


@contextmanager
def locked(path: Path, *, shared: bool, timeout: float) -> Iterator[bool]:
    """Hold the lock of `path` (created when missing) for the block; yield False where `timeout` seconds did not do.

    Source: flock(2), which gives no timeout of its own; so it is tried again at growing intervals.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        descriptor = os.open(path, os.O_RDONLY)
    try:
        deadline = time.monotonic() + timeout
        pause = 0.001
        try:
            while not (taken := try_lock(descriptor, shared=shared)) and time.monotonic() < deadline:
                time.sleep(pause)
                pause = min(pause * 1.5, 0.02)
        except OSError as error:
            raise StoreUnavailable(unlockable(path, error)) from error
        yield taken
    finally:
        os.close(descriptor)


def unlockable(path: Path, error: OSError) -> str:
    """Return what to tell someone whose file system knows no `flock`."""
    return (
        f"the file system of {path.parent} does not support flock ({error.strerror}), so nothing can be recorded "
        "or read safely there. Set TRACER_STORE to a file on a local disk."
    )
