"""Look whether all is well with the store, what is installed, the settings and this machine, and say what to do
where it is not. A test span is sent all the way, to a store of its own beside yours.

✓ is well, ! is worth knowing, ✗ needs you. The exit code is 1 if anything does.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
from pathlib import Path

from rich.table import Table
from rich.text import Text

from tracer.cli import options as shared
from tracer.cli import reading
from tracer.cli.doctor.installed import integrations, versions
from tracer.cli.doctor.road import send
from tracer.cli.doctor.settings import in_force
from tracer.config import from_environment, project_root
from tracer.plain import plain
from tracer.store.health import Finding, examine
from tracer.units import counted

_MARKS = {"ok": ("✓", "green"), "note": ("!", "yellow"), "bad": ("✗", "bold red")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    shared.add_store(parser)
    shared.add_json(parser)


def run(options: argparse.Namespace) -> int:
    path = shared.store_path(options)
    findings = [*examine(path, _why(options)), *versions(), *integrations(), *in_force(os.environ), *send(path)]
    if options.json:
        shared.print_json(dataclasses.asdict(finding) for finding in findings)
    else:
        console = reading.console()
        console.print(_drawn(findings))
        console.print(_summed_up(findings))
    return 1 if any(finding.level == "bad" for finding in findings) else 0


def _why(options: argparse.Namespace) -> str:
    """Return why it is this store."""
    if options.store is not None:
        return "as --store says"
    if from_environment().store is not None:
        return "as TRACER_STORE says"
    if (found := project_root(Path.cwd())) is not None:
        return f"for the project's root has {found[1]}"
    return "for the working directory is in no project"


def _drawn(findings: list[Finding]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    before = ""
    for finding in findings:
        mark, style = _MARKS[finding.level]
        text = Text(plain(finding.text))
        if finding.next:
            text.append(f"\n→ {plain(finding.next)}", "bold" if finding.level == "bad" else "dim")
        topic = "" if finding.topic == before else finding.topic
        table.add_row(Text(mark, style), Text(topic, "dim"), text)
        before = finding.topic
    return table


def _summed_up(findings: list[Finding]) -> Text:
    bad = sum(finding.level == "bad" for finding in findings)
    if bad:
        return Text(f"\n{counted(bad, 'thing')} {'needs' if bad == 1 else 'need'} you.", "bold red")
    return Text("\nAll is well.", "green")
