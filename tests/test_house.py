"""The house stands on its floors: nothing imports upward or in a circle, and the ground stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import tracer

ROOT = Path(__file__).parent.parent

FLOORS = [
    {"clock", "errors", "plain", "rows", "span_row", "semconv", "units"},
    {"config", "missed", "on_import", "references"},
    {"tree"},
    {"capture", "fields", "functions", "journal", "compare", "scoring"},
    {"outcome", "process"},
    {"span"},
    {"attachments", "context", "records", "watcher", "otel.outgoing", "otel.dialects"},
    {"capturing", "propagation"},
    {"recorder"},
    {"otel.foreign"},
    {"calls", "otel.incoming", "otel.provider", "integrations.genai", "integrations.hooks"},
    {"iteration", "integrations.model_calls"},
    {
        "integrations.instrumentors",
        "integrations.langchain",
        "integrations.openai",
        "integrations.pydantic_ai",
        "integrations.tested",
    },
    {"decorators", "integrations"},
    {"api"},
    {""},
    {"store"},
    {"render"},
    {"markdown"},
    {"cli.options", "demo"},
    {"cli.reading"},
    {
        "viewer",
        "cli.absorb",
        "cli.attachment",
        "cli.demo",
        "cli.doctor",
        "cli.export",
        "cli.ls",
        "cli.purge",
        "cli.run",
        "cli.show",
        "cli.sql",
        "cli.view",
    },
    {"cli"},
    {"__main__"},
]
"""From the ground up. A module is on the floor of its longest prefix here; it may import its own floor's
package and the floors below. `""` is `tracer/__init__.py`, which everyone above may use."""

HEAVY = {"duckdb", "streamlit", "openai", "langchain_core", "tiktoken", "opentelemetry.sdk", "rich", "genai_prices"}


def modules() -> dict[str, Path]:
    places = {"": ROOT / "tracer", "integrations": ROOT / "integrations", "viewer": ROOT / "viewer"}
    found = {}
    for prefix, folder in places.items():
        for path in folder.rglob("*.py"):
            parts = (
                [prefix, *path.relative_to(folder).with_suffix("").parts]
                if prefix
                else list(path.relative_to(folder).with_suffix("").parts)
            )
            found[".".join(parts).removesuffix("__init__").rstrip(".")] = path
    return found


def room(module: str) -> str:
    """The entry of FLOORS that a module belongs to."""
    rooms = {room for floor in FLOORS for room in floor}
    while module not in rooms:
        module = module.rpartition(".")[0]
    return module


def imports(path: Path) -> set[str]:
    """The modules of ours that a file imports, type-checking and lazy imports included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and (node.module + ".").startswith("tracer."):
            base = node.module.removeprefix("tracer").lstrip(".")
            names = {f"{base}.{alias.name}".lstrip(".") for alias in node.names}
            found |= {name if name in modules() else base for name in names}
        elif isinstance(node, ast.Import):
            found |= {
                a.name.removeprefix("tracer").lstrip(".") for a in node.names if (a.name + ".").startswith("tracer.")
            }
    return found


def test_nothing_imports_upward() -> None:
    floor = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
    upward = [
        f"{module or 'tracer'} imports {imported}"
        for module, path in modules().items()
        for imported in imports(path)
        if room(module) != room(imported) and floor[room(imported)] >= floor[room(module)] and module != ""
    ]
    assert upward == []


def test_recording_and_reading_meet_only_in_the_journal() -> None:
    reading = ("store", "render", "viewer", "cli")
    recording = ("recorder", "decorators", "integrations", "otel", "span", "context", "api", "")
    for module, path in modules().items():
        if module.startswith("integrations"):
            assert not [i for i in imports(path) if i.split(".")[0] in reading], module
        if module.startswith(("viewer", "store")):
            imported = imports(path) - {"integrations.openai_request"}  # pure: it reads what was recorded
            assert not [i for i in imported if i.split(".")[0] in recording], module


def test_importing_tracer_is_light() -> None:
    program = "import sys, tracer; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    )
    assert HEAVY & loaded == set()


def test_all_is_what_is_exported() -> None:
    assert sorted(tracer.__all__) == tracer.__all__
    assert [name for name in tracer.__all__ if not hasattr(tracer, name)] == []


def test_every_package_is_listed_for_the_distribution() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    packages = {path.parent for path in modules().values() if path.name == "__init__.py"}
    for package in packages:
        folder = package.relative_to(ROOT).parts
        name = ".".join(folder if folder[0] == "tracer" else ("tracer", *folder))
        assert f'"{name}"' in text, name
