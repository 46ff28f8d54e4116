"""The recorder of this process: opens spans, keeps those that are open, and hands every row to the journal.

There is one, made at import and set by `configure`. Nothing here raises into the traced program, touches a
network, waits for a lock or imports duckdb.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson
from opentelemetry.context import Context

from tracer.capture import cut_row
from tracer.clock import CLOCK, now_ns
from tracer.config import Config, changed, from_environment, resolved_store
from tracer.context import (
    Entered,
    add_parent_resolver,
    current_span,
    enter_span,
    find_parent,
    get_current,
    leave,
    remove_parent_resolver,
    scope_of,
    sdk_is_installed,
    span_outside,
)
from tracer.errors import contain, logger
from tracer.journal.layout import MAX_LINE_BYTES
from tracer.span import Span, UnrecordedSpan
from tracer.watcher import Watcher

if TYPE_CHECKING:
    from pathlib import Path

    from tracer.journal.writer import Writer
    from tracer.otel.outgoing import Outgoing
    from tracer.records import Records

__all__ = [
    "RECORDER",
    "Recorder",
    "Span",
    "add_parent_resolver",
    "current_span",
    "find_parent",
    "new_span",
    "recording",
    "remove_parent_resolver",
    "start_span",
    "use",
]

_FIND_PARENT: Any = object()


class Recorder:
    """Where spans begin and end. `open_spans` holds those between the two, oldest first; `configured` the names of the
    settings that were not left as they are by default."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.configured: set[str] = set()
        self.open_spans: dict[str, Span] = {}
        self.is_ready = False
        self._missed_because = ""
        self._missed_spans = 0
        self._preparing: set[int] = set()  # threads, by their ids; a signal handler may come by here again
        self._began_ns = time.time_ns()
        self._is_forked = False  # from a process that records itself
        self._writer: Writer | None = None
        self._records: Records | None = None
        self._held = threading.local()  # by the thread that forks: its `writer`
        self._first_write = threading.RLock()
        self._outgoing: Outgoing | None = None
        self.unrecorded = UnrecordedSpan(self)
        self.watcher = Watcher(self.tick)

    @property
    def store(self) -> Path:
        """The store's path: settled at the first span, whatever the working directory becomes later."""
        return self.writer.layout.store

    @property
    def store_so_far(self) -> Path:
        """The same, but it settles nothing."""
        return self._writer.layout.store if self._writer is not None else resolved_store(self.config)

    @property
    def writer(self) -> Writer:
        if self._writer is None:
            self.get_ready()  # the process that started this one may have said where the store is
            from tracer.journal.writer import Writer

            with self._first_write:
                if self._writer is None:
                    made = Writer(resolved_store(self.config))
                    self._writer = self._writer or made  # a signal handler may have come by in the midst
        return self._writer

    def _records_of(self, writer: Writer) -> Records:
        """Return what the journal of this writer was told beside spans."""
        from tracer.records import Records

        if self._records is None or self._records.writer is not writer:
            self._records = Records(writer, self.write_record, began_ns=self._began_ns, is_forked=self._is_forked)
        return self._records

    def configure(self, **changes: Any) -> None:
        """Change what is given; raises UsageError for a value that cannot be right."""
        before, self.config = self.config, changed(self.config, changes)
        if self.config.store != before.store:
            self._forget_store()
        if self.is_ready:
            self._capture_anew()
        if self.config.processors != before.processors:
            self._shut_outgoing()
        self.configured |= changes.keys()
        with contain("the settings of other processes"):
            from tracer import propagation

            propagation.hand_settings(self)

    def _capture_anew(self) -> None:
        """Let values become JSON as the settings say that hold now."""
        from tracer.capturing import Capturing

        self.capturing = Capturing(self.config, lambda: self.writer)
        self.capture = self.capturing.capture  # which each span asks for

    def new_span(
        self, name: str, kind: str, parent: Span | None, context: Mapping[str, Any], function_id: str | None
    ) -> Span:
        """Return a span that has not begun: with ids, its place in the tree, and what it inherits. We are ready."""
        parent_id: str | None
        if parent is not None:
            trace_id, parent_id = parent.trace_id, parent.span_id
        else:
            trace_id, parent_id = self._root_ids(context)
        return Span(
            self,
            name,
            kind,
            trace_id=trace_id,
            span_id=self._randbits(64).to_bytes(8, "big").hex(),
            parent=parent,
            parent_id=parent_id,
            inherited=scope_of(context)[1],
            function_id=function_id,
        )

    def get_ready(self) -> bool:
        """Return whether spans can be recorded, having done before the first one what all of them need."""
        thread = threading.get_ident()
        if self.is_ready or thread in self._preparing:
            return self.is_ready
        self._preparing.add(thread)
        try:
            return self._prepare()
        finally:
            self._preparing.discard(thread)

    def _prepare(self) -> bool:
        """Import what only spans need, seed their ids, and see what they belong to: before the first span, and anew in
        a forked child.

        What the end of the process needs is among it: imported then, some of it (any named tuple) makes Python forget
        that the program ends for a Ctrl-C, so that its exit code would be another. Where too many files are open,
        return False, and let a later span try again.
        """
        try:
            import pathlib  # noqa: F401
            from random import Random

            import ahocorasick_rs  # noqa: F401

            from tracer import capturing, propagation, records  # noqa: F401
            from tracer.journal import absorber, writer  # noqa: F401
        except OSError as error:
            if not self._missed_because:
                logger.error(
                    "llm-tracer cannot record (%s): spans are dropped while that lasts, and the program goes on", error
                )
            self._missed_because = "too many open files"
            return False
        self._randbits = Random(os.urandom(16)).getrandbits
        propagation.begin(self)
        self._capture_anew()
        self.is_ready = True
        if self._missed_spans:
            self.writer.dropped_spans += self._missed_spans
            self.writer.drop_reason = self._missed_because or "a signal came while recording was about to begin"
        self._missed_spans = 0
        self._missed_because = ""
        return True

    def missed(self) -> Span:
        """Count a span that could not be recorded since we were not ready, and return what stands for it."""
        self._missed_spans += 1
        return self.unrecorded

    def _root_ids(self, context: Mapping[str, Any]) -> tuple[str, str | None]:
        """Return a root's trace id and parent: those of a valid current OpenTelemetry span, else a new trace."""
        if (around := span_outside(context)) is not None:
            return around.trace_id, around.span_id
        # The first 48 bits are Unix milliseconds, so that traces sort by time and a look-up prunes by it.
        milliseconds = (now_ns() // 1_000_000) & (1 << 48) - 1
        return (milliseconds.to_bytes(6, "big") + self._randbits(80).to_bytes(10, "big")).hex(), None

    # What a span asks of us.

    def enter(self, span: Span) -> Entered:
        return enter_span(span, becomes_current=self.shows_itself())

    leave = staticmethod(leave)

    def shows_itself(self) -> bool:
        return not sdk_is_installed() or bool(self.config.processors)

    def began(self, span: Span) -> None:
        self.open_spans[span.span_id] = span
        self.watcher.ensure_running()

    def ended(self, span: Span) -> None:
        if self.open_spans.pop(span.span_id, None) is not None:
            self._write_span(span, ended=True)

    def write_record(self, record: str, data: Mapping[str, Any]) -> bool:
        """Append a line that is no span: a process, a function or a score. Return whether that could be done."""
        return self.get_ready() and self.writer.write(self.capturing.line({"record": record, "data": data}))

    def tick(self, slow_ns: int) -> None:
        """Do what is due now and then, off the program's threads: write spans that have been open for `slow_ns`,
        tell what this process is, seal old segments, start absorbing when enough waits."""
        CLOCK.follow_wall_clock(back=not self.open_spans)
        if self._writer is not None:
            if self._writer.has_begun and not self._writer.is_described:
                for span in list(self.open_spans.values()):  # where the journal was deleted, they are to be seen again
                    span.is_open_written = False
            self._records_of(self._writer).tell(self.config)
        self._write_open_spans(slow_ns)
        if self._writer is not None:
            self._writer.seal_if_old()
            if self._writer.sealed_enough():
                self._start_absorber()

    def _write_open_spans(self, slow_ns: int) -> None:
        """Write a line for each span that has been open for `slow_ns` and has none yet."""
        started_before = now_ns() - slow_ns
        for span in list(self.open_spans.values()):
            if span.start_ns > started_before:
                break
            if not span.is_open_written:
                span.is_open_written = True
                self._write_span(span, ended=False)

    def _start_absorber(self, *, at_exit: bool = False, environ: Mapping[str, str] | None = None) -> None:
        from tracer.journal import absorber

        absorber.start(self.store, at_exit=at_exit, retention=self.config.retention or "", environ=environ)

    def close(self) -> None:
        """End recording at the exit of the program: everything is durable already, so there is nothing to wait for."""
        self.watcher.stop(for_good=True)
        with contain("the end of the process"):
            if self._missed_spans:
                from tracer.journal.writer import tell_lost

                tell_lost(self._missed_spans)
            self._write_open_spans(0)
            if self._writer is not None:
                from tracer.capture.search import leave_native_code  # which is imported by now

                leave_native_code()
                environ = self._records_of(self._writer).tell_last(self.config)
                self._writer.close()
                self._start_absorber(at_exit=True, environ=environ)
            self._shut_outgoing()

    def before_fork(self) -> None:
        """Let no thread of ours be running, which would be gone in the child, and no thread be opening a file of ours,
        which the child would keep open unknowingly."""
        self.watcher.stop()
        writer = self._writer
        self._held.writer = writer if writer is not None and writer.hold() else None

    def after_fork_in_parent(self) -> None:
        if (writer := self._held.writer) is not None:
            writer.release()
        if self.open_spans:
            self.watcher.ensure_running()

    def after_fork_in_child(self) -> None:
        """Begin anew in a forked child: the open spans, the journal and the watcher are the parent's."""
        self._began_ns = time.time_ns()
        self._is_forked |= self._writer is not None
        if self._writer is not None:
            self.config = self.config._replace(store=self.store)  # it is settled, wherever the child works
            with contain("a fork"):
                self._writer.forget()
        self.open_spans = {}
        self._writer = None
        self._first_write = threading.RLock()
        self.is_ready = False
        self._missed_because = ""
        self._missed_spans = 0
        self._preparing = set()
        contain.count = 0
        self.watcher = Watcher(self.tick)

    def _write_span(self, span: Span, *, ended: bool) -> None:
        writer = self._writer or self.writer
        row = span.row(ended=ended)
        row["process_id"] = writer.process_id
        line = self.capturing.line(row)
        if len(line) >= MAX_LINE_BYTES:
            line = cut_row(line, MAX_LINE_BYTES - 1)
        if not writer.write(line) and ended:
            writer.dropped_spans += 1
        if self.config.processors and ended:
            self._send_out(line)

    def _send_out(self, line: bytes) -> None:
        if self._outgoing is None:
            from tracer.otel.outgoing import Outgoing

            self._outgoing = Outgoing(self.config.processors)
        self._outgoing.send(orjson.loads(line))

    def _shut_outgoing(self) -> None:
        if self._outgoing is not None:
            outgoing, self._outgoing = self._outgoing, None
            outgoing.shutdown()

    def _forget_store(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer = None


RECORDER = Recorder(from_environment())
atexit.register(RECORDER.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=RECORDER.before_fork,
        after_in_parent=RECORDER.after_fork_in_parent,
        after_in_child=RECORDER.after_fork_in_child,
    )


def recording() -> bool:
    """Return whether spans are recorded at all."""
    return RECORDER.config.enabled


_OPENING = contain("a span")


def new_span(
    name: str,
    kind: str = "other",
    *,
    parent: Span | None = _FIND_PARENT,
    context: Context | None = None,
    function_id: str | None = None,
) -> Span:
    """Return a span that has not begun; `begin` starts it. For code that learns its input before its turn comes."""
    with _OPENING:
        if not RECORDER.config.enabled:
            return RECORDER.unrecorded
        if not RECORDER.is_ready:
            if not RECORDER.get_ready():
                return RECORDER.missed()
            if not RECORDER.config.enabled:  # as the process that started this one has it
                return RECORDER.unrecorded
        around = get_current() if context is None else context
        if parent is _FIND_PARENT:
            parent = find_parent(around)
        return RECORDER.new_span(name, kind, parent, around, function_id)
    return RECORDER.unrecorded


def start_span(
    name: str,
    *,
    kind: str = "other",
    parent: Span | None = _FIND_PARENT,
    start_ns: int | None = None,
    context: Context | None = None,
    **fields: Any,
) -> Span:
    """Return a span that has begun, but is not made current. `fields` are as for `Span.set`.

    `parent=None` begins a new trace; with no parent given it is what `find_parent` says.
    """
    span = new_span(name, kind, parent=parent, context=context).begin(start_ns)
    return span.set(**fields) if fields else span


class use:
    """Make the span current for the block: `with use(span): …`. Unlike `with span:`, this does not end it."""

    __slots__ = ("_entered", "_span")

    def __init__(self, span: Span) -> None:
        self._span = span
        self._entered: Entered | None = None

    def __enter__(self) -> None:
        if self._span.is_recording():
            with contain("the current span"):
                self._entered = RECORDER.enter(self._span)

    def __exit__(self, *_: object) -> None:
        if self._entered is not None:
            leave(self._entered)
