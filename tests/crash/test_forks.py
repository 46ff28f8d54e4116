"""Programs fork and spawn whenever they like: parent and child each keep a journal of their own."""

from __future__ import annotations

from pathlib import Path

import programs
from tracer.store import Store


def test_forks_and_spawns_in_the_middle_of_a_span_record_under_it(store_path: Path) -> None:
    program = """
        import multiprocessing, os, sys, tracer

        @tracer.trace
        def work(number):
            return number

        if __name__ == "__main__":
            with tracer.span("parent"):
                with multiprocessing.get_context("fork").Pool(3) as pool:
                    assert pool.map(work, range(20)) == list(range(20))
                    pool.close()
                    pool.join()
    """
    programs.run(program, store_path)
    (found,) = Store(store_path).traces()
    rows = Store(store_path).trace(found["trace_id"]).rows
    assert sorted(row.output for row in rows if row.name == "work") == list(range(20))
    assert len({row.parent_id for row in rows if row.name == "work"}) == 1
    assert [row.status for row in rows if row.name == "parent"] == ["OK"]
