"""Which versions of which packages a program ran with."""

from __future__ import annotations

import os
import re
import sys
from functools import partial

from tracer.errors import attempt

ALWAYS = (
    "llm-tracer",
    "openai",
    "langchain",
    "langchain-core",
    "langchain-openai",
    "langgraph",
    "anthropic",
    "litellm",
    "llama-index-core",
    "pydantic-ai",
    "opentelemetry-sdk",
)
"""Those that are told if they are installed, imported or not."""


def versions() -> dict[str, str]:
    """Return the versions of ALWAYS and of what the program has imported, by the names of distributions.

    Both are told by names alone: those of the metadata folders, and those of the modules. So `yaml` is found to be
    PyYAML, but a module whose name is quite another than its distribution's is not. `importlib.metadata` would know it:
    after it has read all those folders, which takes a hundred times as long.
    Source: https://packaging.python.org/en/latest/specifications/recording-installed-packages/
    """
    installed: dict[str, str] = {}
    for folder in list(sys.path):
        for name in attempt(partial(os.listdir, folder or "."))[0] or ():
            if told := _METADATA_FOLDER.fullmatch(name):
                installed.setdefault(re.sub("[-_.]+", "-", told["name"]).lower(), told["version"])
    imported = _imported()
    return {name: installed[name] for name in sorted(installed) if name in ALWAYS or name in imported}


_METADATA_FOLDER = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)(-[^-]+)?\.(dist|egg)-info")


def _imported() -> set[str]:
    """Return names that the distributions of all imported modules may have."""
    modules = [name for name in list(sys.modules) if name.count(".") < _DEEPEST]
    plain = {re.sub("[-_.]+", "-", name).lower() for name in modules}
    return plain | {f"{before}{name}" for name in plain for before in ("py", "python-") if "-" not in name}


_DEEPEST = 3
"""Levels of a namespace in which distributions share it, as in `opentelemetry.exporter.otlp`."""
