"""Look at the settings that this environment makes for the programs that are started in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tracer.plain import plain
from tracer.store.health import Finding

_TELLS_MORE = {
    "TRACER_STORE": "",
    "TRACER_ENABLED": "nothing is recorded",
    "TRACER_CAPTURE_CONTENT": "texts are not recorded",
    "TRACER_CAPTURE_CODE": "sources and uncommitted changes are not recorded",
    "TRACER_RETENTION": "",
    "TRACER_ABSORB": "no process is started in the background",
    "TRACER_RAISE": "our failures are raised into programs, as our own tests want it",
}
"""Our variables, and what is so where they are switched off, or in the last case on."""

_IS_UNUSUAL = ("TRACER_ENABLED", "TRACER_RAISE")


def in_force(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Tell each variable of ours that is set. What programs set themselves, by `configure`, is not seen here."""
    ours = {name: value for name, value in sorted(environ.items()) if name.startswith("TRACER_")}
    if not ours:
        yield Finding("ok", "settings", "none by TRACER_…; programs may set theirs by `tracer.configure`")
    for name, value in ours.items():
        yield _setting(name, value)


def _setting(name: str, value: str) -> Finding:
    text, facts = plain(f"{name}={value}"), {"name": name, "value": value}
    if name not in _TELLS_MORE:
        advice = f"Is it misspelt? There are {', '.join(_TELLS_MORE)}"
        return Finding("note", "settings", f"{text}, which means nothing to us", advice, facts)
    is_off = value.strip().lower() in ("0", "false", "no", "off")
    if not (more := _TELLS_MORE[name]) or is_off == (name == "TRACER_RAISE"):
        return Finding("ok", "settings", text, facts=facts)
    if name in _IS_UNUSUAL:
        return Finding("note", "settings", f"{text}: {more}", f"unset {name}", facts)
    return Finding("ok", "settings", f"{text}: {more}", facts=facts)
