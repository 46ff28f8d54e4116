"""Which commit a program ran from, as the files of its repository tell it: git itself is not started.

Source: https://git-scm.com/docs/gitrepository-layout
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit, urlunsplit


def facts(folder: Path) -> dict[str, str] | None:
    """Return root, commit, branch and remote of the repository that `folder` lies in, as far as they are known; None
    where there is none. A worktree and a submodule are repositories of their own."""
    for place in (folder, *folder.parents):
        if git := _folder_of(place / ".git"):
            return {"root": str(place), **_facts(git)}
    return None


def _folder_of(git: Path) -> Path | None:
    """Return the folder that `.git` is, or in a worktree or submodule names."""
    if git.is_dir():
        return git
    named = _text(git)
    return (git.parent / named[8:].strip()) if named.startswith("gitdir: ") else None


def _facts(git: Path) -> dict[str, str]:
    shared = git / (_text(git / "commondir") or ".")  # what all worktrees have in common
    found = {}
    head = _text(git / "HEAD")
    if head.startswith("ref: "):
        reference = head[5:]
        found["branch"] = reference.removeprefix("refs/heads/")
        head = _text(git / reference) or _text(shared / reference) or _packed(shared, reference)
    if head:
        found["commit"] = head
    if remote := _remote(shared):
        found["remote"] = remote
    return found


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
        elif in_origin and text.partition("=")[0].strip() == "url":
            url = text.partition("=")[2].strip()
            parts = urlsplit(url)
            return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if "://" in url else url
    return ""


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
