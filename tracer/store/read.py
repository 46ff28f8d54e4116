"""Ask the store: a `Store` is a path, and each question opens it, answers, and closes it again.

Every answer holds the live rows of running programs too. Nothing here writes.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import duckdb
from duckdb import DuckDBPyConnection

from tracer.config import from_environment, resolved_store
from tracer.errors import QueryError, TraceNotFound
from tracer.journal.layout import Layout
from tracer.missed import NOTES
from tracer.rows import PROCESS_COLUMNS
from tracer.span_row import SpanRow
from tracer.store import absorb, attachments, live, purge
from tracer.store.answer import MEMORY, SECONDS, Limits, Params, Question, Rows, ask, fetch
from tracer.store.database import attached, connect, is_absent, store_error, told
from tracer.store.filters import Condition, all_of, by_hand, parse
from tracer.store.kept import Kept, state_of
from tracer.store.lookup import found
from tracer.store.newest import NEWEST_FIRST, Newest, after, newest
from tracer.store.statement import check_where, one_that_reads
from tracer.tree import Trace

T = TypeVar("T")

CONTENT_COLUMNS = ("input", "output", "system_instructions", "tool_definitions", "attributes", "events", "links")
"""The columns that `Store.trace(…, content=False)` leaves out: nearly all of a trace's bytes."""

_SPAN_FIELDS = tuple(field.name for field in fields(SpanRow))

_MARKS = (*NOTES, "tracer.plumbing")
_HAS_MARKS = "regexp_matches(attributes, '\"(" + "|".join(map(re.escape, _MARKS)) + ")\"')"
_MARKS_ALONE = "json_object(" + ", ".join(f"""'{name}', attributes->'$."{name}"'""" for name in _MARKS) + ")"

_LIGHT = {name: f"null as {name}" for name in CONTENT_COLUMNS} | {
    "attributes": f"case when {_HAS_MARKS} then {_MARKS_ALONE} end as attributes"
}

_PROCESSES = f"""
    select {", ".join(name for name in PROCESS_COLUMNS if name != "git_diff")} from processes
    where list_contains(?::varchar[], process_id) order by start_ns
"""

_NOT_A_TEST = Condition("not coalesce(list_contains(tags, 'pytest'), false)")


class Store:
    """The traces of one DuckDB file and of the journal beside it. Creating a Store touches nothing on the disk.

    Without a path it is the store that this process would record to: `TRACER_STORE`, or that of the project around
    the working directory. All questions raise StoreLocked, StoreTooNew, StoreDamaged or StoreUnavailable where
    the file cannot be read; where there is no file yet, the answers are empty.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = Path(os.path.abspath(path)) if path is not None else resolved_store(from_environment())
        self._layout = Layout(self.path)
        self._kept = Kept()

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r})"

    def sql(
        self,
        query: str,
        params: Params = None,
        *,
        within: Condition | None = None,
        limit: int | None = None,
        timeout: float | None = SECONDS,
        memory: str = MEMORY,
    ) -> Rows:
        """Return the rows of one SQL statement that reads, asked when they are first looked at.

        It sees the views `spans`, `traces`, `processes`, `functions` and `scores`, and the stored tables as `store.…`;
        neither files nor the network, nor settings of this machine. With `within` (see `Store.condition`) the views
        `spans` and `traces` hold only the traces of which that is true. `limit` is the most rows, `timeout` the most
        seconds (None: for ever), `memory` the most that DuckDB and the rows may take, such as "512MB". DuckDB looks at
        the time between steps of its work, so that a single step of enormous size ends late.
        Raises QueryError for SQL that cannot be answered, or not within these.
        """
        limits = Limits(limit, timeout, memory)
        return Rows(lambda form: self._ask(query, params, form, limits, within=within))

    @staticmethod
    def condition(filter: str | None, *, include_tests: bool = False) -> Condition:
        """Return what a line of the filter language asks of a trace. Raises QueryError where it cannot be read."""
        tests = [] if include_tests else [_NOT_A_TEST]
        return all_of([*tests, parse(filter)] if filter else tests)

    def traces(
        self,
        filter: str | None = None,
        *,
        where: str | None = None,
        limit: int = 50,
        before: tuple[int, str] | None = None,
        include_tests: bool = False,
        timeout: float | None = SECONDS,
    ) -> Rows:
        """Return rows of `traces`, newest first.

        `filter` is a line of the filter language (see tracer.store.filters), `where` a SQL condition over `traces`.
        `before` is the (start_ns, trace_id) of the last row of the page before this one. Traces recorded
        under pytest are left out unless `include_tests`. `timeout` is the most seconds (None: for ever). Raises
        QueryError for a filter that cannot be read, or not be answered in that time.
        """
        conditions = [self.condition(filter, include_tests=include_tests)]
        if where:
            conditions.append(by_hand(where))
        if before:
            conditions.append(after(before))
        chosen = all_of(conditions)
        query = f"from traces where {chosen.sql} {NEWEST_FIRST}"
        parameters = [*chosen.parameters, limit]
        return Rows(lambda form: self._ask(query, parameters, form, Limits(seconds=timeout), written=chosen.written))

    def newest(
        self,
        filter: str | None = None,
        *,
        limit: int = 50,
        before: tuple[int, str] | None = None,
        include_tests: bool = False,
        seconds: float = 1.0,
    ) -> Newest:
        """Return what `traces` does, as far as it is found in about so many seconds.

        It is searched from the newest on; where the time was up before there were enough, `searched_to_ns` is how far
        back, and `before=(searched_to_ns, "")` goes on from there.
        """
        condition = self.condition(filter, include_tests=include_tests)
        with self._open(limits=Limits()) as connection:
            for text in condition.written:
                check_where(connection, text)
            return newest(connection, condition, limit=limit, before=before, seconds=seconds)

    def trace(self, trace_id: str, *, content: bool = True) -> Trace:
        """Return the trace whose id begins with `trace_id`, of 8 characters or more.

        Without `content` its rows lack the columns that hold texts, and attributes but for those that say what was
        not recorded, and what is plumbing. Raises TraceNotFound where there is none, or more than one.
        """
        columns = _SPAN_FIELDS if content else [_LIGHT.get(name, name) for name in _SPAN_FIELDS]
        with self._open(traces=False) as connection:
            id_, start_ns, end_ns = found(connection, trace_id)
            _, rows = fetch(
                connection.sql(
                    f"select {', '.join(columns)} from spans where trace_id = ? and start_ns between ? and ? "
                    "order by start_ns, span_id",
                    params=[id_, start_ns, end_ns],
                )
            )
            spans = [SpanRow(*row) for row in rows]
            names, told = fetch(connection.sql(_PROCESSES, params=[list({row.process_id for row in spans})]))
        return Trace(id_, spans, [dict(zip(names, row, strict=True)) for row in told])

    def summary(self, trace_id: str) -> dict[str, Any]:
        """Return the row of `traces` of the trace with this id. Raises TraceNotFound where there is none."""
        for row in self.sql("from traces where trace_id = ?", [trace_id]):
            return row
        raise TraceNotFound(f"there is no trace {trace_id!r}")

    def span(self, trace_id: str, span_id: str) -> SpanRow:
        """Return one span with all its columns. Raises TraceNotFound where there is none."""
        with self._open(traces=False) as connection:
            id_, start_ns, end_ns = found(connection, trace_id)
            _, rows = fetch(
                connection.sql(
                    f"select {', '.join(_SPAN_FIELDS)} from spans "
                    "where trace_id = ? and span_id = ? and start_ns between ? and ?",
                    params=[id_, span_id.strip().lower(), start_ns, end_ns],
                )
            )
        if not rows:
            raise TraceNotFound(f"trace {id_} has no span {span_id!r}")
        return SpanRow(*rows[0])

    def attachment(self, hash: str) -> attachments.Attachment:
        """Return the image, sound or file that spans refer to by this hash, or by its first 8 characters or more.

        Raises AttachmentNotFound where there is none, or more than one.
        """
        with told(self._layout):
            return attachments.find(self._layout, hash)

    def process(self, process_id: str) -> dict[str, Any] | None:
        """Return what is known of a recording process (argv, Python, packages, git, its uncommitted diff …); None where
        nothing is."""
        return next(iter(self.sql("from processes where process_id = ?", [process_id])), None)

    def function(self, function_id: str) -> dict[str, Any] | None:
        """Return a traced function (module, qualname, file, line, source), by the id that its spans have; None where it
        is not known."""
        return next(iter(self.sql("from functions where function_id = ?", [function_id])), None)

    def scores(self, trace_id: str) -> Rows:
        """Return the scores of a trace and of its spans, oldest first."""
        return self.sql("from scores where trace_id = ? order by time_ns", [trace_id])

    def fingerprint(self) -> str:
        """Return a text that changes whenever something was recorded or absorbed, or a process ended.

        It looks at files only, with no lock and no DuckDB: cheap enough to be asked every second.
        """
        with told(self._layout):
            state = state_of(self._layout, self._layout.segments())
            facts = repr((state, sorted(live.living(self._layout))))
        self._kept.forget_others(state)
        return hashlib.blake2b(facts.encode(), digest_size=16).hexdigest()

    def size(self) -> int:
        """Return the bytes of the DuckDB file, without the journal; 0 while there is none."""
        with told(self._layout):
            return 0 if is_absent(self.path) else self.path.stat().st_size

    def waiting(self) -> bool:
        """Return whether there is something for an absorber to do."""
        return absorb.waiting(self.path)

    def absorb(self) -> absorb.Absorbed:
        """Move what waits in the journal into DuckDB now, in this process. Readers see it either way."""
        return absorb.main(self.path)

    def purge(
        self,
        *trace_ids: str,
        older_than: str | None = None,
        session_id: str | None = None,
        user_id: str | None = None,
    ) -> purge.Purged:
        """Delete traces for good, and return what that was: those for which all that is given holds.

        `older_than` is an age such as "30d", `trace_ids` are ids or their beginnings. Nobody is asked. Raises
        UsageError where nothing is given, and TraceNotFound for an id that none or several begin with.
        """
        chosen = purge.selection(trace_ids, older_than=older_than, session_id=session_id, user_id=user_id)
        return purge.purge(self.path, chosen)

    def _ask(
        self,
        query: str,
        params: Params,
        form: Callable[[Question], T],
        limits: Limits,
        *,
        written: tuple[str, ...] = (),
        within: Condition | None = None,
    ) -> T:
        with self._open(limits=limits) as connection:
            for text in (*written, *(within.written if within else ())):
                check_where(connection, text)
            prepare = partial(live.narrow, condition=within or Condition())
            return ask(connection, one_that_reads(connection, query), params, limits, form, prepare=prepare)

    @contextmanager
    def _open(self, *, traces: bool = True, limits: Limits | None = None) -> Iterator[DuckDBPyConnection]:
        """Yield a connection with the views, shut off from files and network; what DuckDB refuses is a QueryError."""
        with told(self._layout), closing(connect(self._layout)) as connection:
            try:
                with attached(self._layout, connection):
                    held = live.show(connection, self._layout, self._kept, traces=traces)
                    if limits is not None:
                        connection.execute(limits.settings)
                    connection.execute("set enable_external_access = false; set lock_configuration = true")
                    yield connection
                    del held
            except (duckdb.ProgrammingError, duckdb.DataError) as error:
                raise QueryError(str(error)) from error
            except duckdb.Error as error:
                raise store_error(self._layout, error) or QueryError(str(error)) from error
