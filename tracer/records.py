"""What the journal is told beside spans: what this process is, its functions' sources, and what could not be recorded.

All of it is told off the program's threads, a moment after the first span, or at the end of a program that is shorter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tracer import functions
from tracer.errors import contain
from tracer.journal import detached
from tracer.process import describe, uncommitted
from tracer.process.packages import versions

if TYPE_CHECKING:
    from tracer.config import Config
    from tracer.journal.writer import Writer

Write = Callable[[str, Mapping[str, Any]], bool]
"""Appends a record with its data to the journal; returns whether that could be done."""


class Records:
    """What one journal has been told of this process, and is to be told.

    `began_ns` is when this process began, as far as we can say. A forked child leaves the repository to its parent.
    """

    def __init__(self, writer: Writer, write: Write, *, began_ns: int, is_forked: bool) -> None:
        self.writer = writer
        self._write = write
        self._began_ns = began_ns
        self._asks_git = not is_forked
        self._question: str | None = None
        self._packages: dict[str, str] = {}
        self._functions_told = 0
        self._missed_told = (0, 0)

    def tell(self, config: Config) -> None:
        """Tell what has not been told yet."""
        writer = self.writer
        if writer.has_begun:
            if not writer.is_described:
                self._describe(config)
            self._tell_functions(config)
        self._tell_missed()
        if self._question and detached.may_start() and detached.is_unnoticed():
            asked, self._question = self._question, None
            uncommitted.ask(writer.layout.store, asked)

    def tell_last(self, config: Config) -> dict[str, str]:
        """Tell all, at the exit of the program; return the variables of an absorber that is to do the rest."""
        if not self.writer.is_described:
            with contain("the description of the process"):
                self._describe(config)
        elif (packages := versions()) != self._packages:  # imported since
            self._write("process", {"process_id": self.writer.process_id, "packages": packages})
        self._tell_functions(config)
        self._tell_missed()
        return {uncommitted.ASKED: self._question} if self._question else {}

    def _describe(self, config: Config) -> None:
        writer = self.writer
        writer.is_described = True
        self._functions_told = 0
        facts = {"process_id": writer.process_id, "start_ns": self._began_ns, **describe()}
        facts["capture_content"] = config.capture_content
        self._packages = facts["packages"]
        if facts["git"] and self._asks_git and config.capture_code and config.capture_content:
            self._asks_git = False
            store = writer.layout.store
            self._question = uncommitted.question(store, writer.process_id, facts["git"], self._began_ns, config.redact)
            if self._question is None:
                facts["git_note"] = "not looked at: only the program itself could redact it, with its own functions"
        self._write("process", facts)

    def _tell_functions(self, config: Config) -> None:
        for function in list(functions.met.values())[self._functions_told :]:
            facts = function.facts()
            if not (config.capture_code and config.capture_content):
                facts = {**facts, "source": None}
            if not self._write("function", facts):
                return
            self._functions_told += 1

    def _tell_missed(self) -> None:
        """Tell how many spans were dropped, and how often we failed, as soon as lines can be written again."""
        writer = self.writer
        missed = (writer.dropped_spans, contain.count)
        if missed == self._missed_told:
            return
        facts: dict[str, Any] = {"process_id": writer.process_id}
        if writer.dropped_spans:
            facts |= {"dropped_spans": writer.dropped_spans, "drop_reason": writer.drop_reason}
        if contain.count:
            facts["recording_failures"] = contain.count
        if self._write("process", facts):
            self._missed_told = missed
