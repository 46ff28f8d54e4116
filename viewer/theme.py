"""The colours of the page, light and dark: as Streamlit's options, and as styles for a file that has no Streamlit."""

from __future__ import annotations

LIGHT = {
    "primaryColor": "#4d55cc",
    "backgroundColor": "#ffffff",
    "secondaryBackgroundColor": "#f5f6f8",
    "textColor": "#1d2129",
    "borderColor": "#e3e6eb",
}

DARK = {
    "primaryColor": "#8f97ff",
    "backgroundColor": "#12141a",
    "secondaryBackgroundColor": "#1a1d25",
    "textColor": "#e4e6eb",
    "borderColor": "#2a2e38",
}

_HUES = ("red", "orange", "yellow", "green", "blue", "violet", "gray")
_ON_LIGHT = ("#d23c46", "#d9692b", "#b98a00", "#16915f", "#3b7ff5", "#8e55e8", "#6b7280")
_ON_DARK = ("#ff8a8f", "#f2a069", "#e8c45c", "#74d5a5", "#83b5ff", "#c08cff", "#9aa1ad")

_FONTS = """--st-font: system-ui, "Segoe UI", sans-serif; --st-code-font: ui-monospace, "Source Code Pro", monospace;"""


def css() -> str:
    """Return what Streamlit gives the styles of the page: its variables, in both lights, on a page without margins."""
    return f"""
:root {{ color-scheme: light dark; {_FONTS} {_variables(LIGHT, _ON_LIGHT)} }}
@media (prefers-color-scheme: dark) {{ :root {{ {_variables(DARK, _ON_DARK)} }} }}
body {{ margin: 0; }}
"""


def _variables(theme: dict[str, str], hues: tuple[str, ...]) -> str:
    named = {"".join(f"-{c.lower()}" if c.isupper() else c for c in name): colour for name, colour in theme.items()}
    for hue, colour in zip(_HUES, hues, strict=True):
        named |= {f"{hue}-color": colour, f"{hue}-text-color": colour}
    return " ".join(f"--st-{name}: {colour};" for name, colour in named.items())
