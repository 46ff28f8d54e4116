"""The runs that we know: found by the ids that LangChain gives them, and forgotten with those.

**How long a run is known.** As long as anyone can name it: LangChain hands on the `UUID` object that a run began
with, to the run's end and to its children, so a run is forgotten with that object. A child that starts after its
parent ended still finds it. A run that is forgotten while it is open will never be told to end: LangChain is
silent about a cancelled `ainvoke` of a model, and about the other calls of a `generate([a, b, c])` that raised.
"""

from __future__ import annotations

import atexit
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID
from weakref import finalize

from tracer import rows
from tracer.clock import now_ns
from tracer.integrations.model_calls import OpenCall
from tracer.recorder import Span


@dataclass(eq=False, slots=True)
class Run:
    """A run and its span.

    `children` are the runs below it that are open; `put_off_input` is what a streaming chain gave in place of its
    input; `call` waits for the request of a model call; `scored` are the documents of a retriever whose scores are
    known.
    """

    span: Span
    parent: Run | None
    metadata: Mapping[str, Any]
    children: set[Run] = field(default_factory=set)
    call: OpenCall | None = None
    put_off_input: Any = None
    scored: list[tuple[Any, float]] | None = None
    is_retriever: bool = False
    is_streaming: bool = False
    has_answered: bool = False
    is_graph: bool = False
    was_interrupted: bool = False

    @property
    def is_open(self) -> bool:
        return self.span.is_recording()

    @property
    def is_left(self) -> bool:
        """Whether a streaming run ends because its consumer left: else steps end before the chain that they are in."""
        return bool(self.children) or (self.parent is not None and not self.parent.is_open)


_runs: dict[int, Run] = {}
_forgotten: deque[tuple[Run, int]] = deque()
"""Open runs that nobody can end any more, and since when. The garbage collector may tell us of one in the middle of
anything, even of our own writing, so it is only noted here and ended at the next occasion."""


def known(run_id: UUID | None) -> Run | None:
    return _runs.get(run_id.int) if run_id is not None else None


def find_open(run_id: UUID) -> Run | None:
    """Return the run if it is open; None if it is not recorded, or another handler of ours has ended it already."""
    _end_forgotten()
    run = known(run_id)
    return run if run is not None and run.is_open else None


def remember(run_id: UUID, run: Run) -> Run:
    _runs[run_id.int] = run
    if run.parent is not None:
        run.parent.children.add(run)
    finalize(run_id, _forget, run_id.int, run).atexit = False
    return run


def close(run: Run, end_ns: int | None = None) -> None:
    """End the span of a run, now or at `end_ns`, and let go of what only the open run needed."""
    if run.call is not None:
        run.call.close()
    if run.parent is not None:
        run.parent.children.discard(run)
    run.put_off_input = run.scored = None
    run.span.end(end_ns)


def _forget(key: int, run: Run) -> None:
    if _runs.get(key) is run:
        del _runs[key]
    if run.is_open:
        _forgotten.append((run, now_ns()))


@atexit.register
def _end_forgotten() -> None:
    while _forgotten:
        try:
            run, noticed_ns = _forgotten.popleft()
        except IndexError:  # another thread was faster
            return
        if run.is_open:
            run.span.set(status=rows.CANCELLED, status_message="given up by its caller; LangChain told no end")
            close(run, noticed_ns)
