"""What a run was: the facts about this process that let someone understand, weeks later, what produced its spans."""

from __future__ import annotations

import os
import platform
import re
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tracer.errors import attempt

PACKAGES = (
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


def describe() -> dict[str, Any]:
    """Return the facts about this process, read from files alone: no program is started for them."""
    return {
        "pid": os.getpid(),
        "start_ns": time.time_ns(),
        "argv": sys.orig_argv,
        "executable": sys.executable,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cwd": attempt(os.getcwd)[0],  # it may have been deleted
        "packages": _packages(),
        "git": attempt(lambda: _git(Path.cwd()))[0],
    }


def _packages() -> dict[str, str]:
    """Return the versions of those of PACKAGES that are installed, as the names of their metadata folders tell them.

    `importlib.metadata` says the same; it takes as long to import as all else here together.
    Source: https://packaging.python.org/en/latest/specifications/recording-installed-packages/
    """
    found: dict[str, str] = {}
    for folder in sys.path:
        for name in attempt(partial(os.listdir, folder or "."))[0] or ():
            if told := _METADATA_FOLDER.fullmatch(name):
                found.setdefault(re.sub("[-_.]+", "-", told["name"]).lower(), told["version"])
    return {name: found[name] for name in PACKAGES if name in found}


_METADATA_FOLDER = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)(-[^-]+)?\.(dist|egg)-info")


def _git(folder: Path) -> dict[str, str] | None:
    """Return commit, branch and remote of the repository that `folder` lies in; None where there is none.

    Source: https://git-scm.com/docs/gitrepository-layout
    """
    git = next((place / ".git" for place in (folder, *folder.parents) if (place / ".git").is_dir()), None)
    if git is None:
        return None
    facts = {}
    head = _text(git / "HEAD")
    if head.startswith("ref: "):
        reference = head[5:]
        facts["branch"] = reference.removeprefix("refs/heads/")
        head = _text(git / reference) or _packed(git, reference)
    if head:
        facts["commit"] = head
    if remote := _remote(git):
        facts["remote"] = remote
    return facts or None


def _packed(git: Path, reference: str) -> str:
    for line in _text(git / "packed-refs").splitlines():
        if line.endswith(" " + reference):
            return line.split()[0]
    return ""


def _remote(git: Path) -> str:
    """Return the URL of `origin` without the user name and password that it may carry."""
    in_origin = False
    for line in _text(git / "config").splitlines():
        text = line.strip()
        if text.startswith("["):
            in_origin = text == '[remote "origin"]'
        elif in_origin and text.startswith("url"):
            url = text.partition("=")[2].strip()
            parts = urlsplit(url)
            return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if "://" in url else url
    return ""


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
