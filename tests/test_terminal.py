"""Nothing that a model, a user or a stranger wrote can drive the terminal in which it is shown."""

from __future__ import annotations

import json
import re
import unicodedata
from contextlib import suppress
from pathlib import Path

import pytest
from journal_lines import call, span, trace_id, written

import programs
from tracer.cli import main
from tracer.journal.layout import Layout
from tracer.plain import plain, plain_json, plain_lines
from tracer.store.absorb import absorb
from tracer.store.notes import note_failure

HOSTILE = {
    "colours": "\x1b[31mred\x1b[0m",
    "clearing": "\x1b[2J\x1b[H",
    "a title": "\x1b]0;owned\x07",
    "a link": "\x1b]8;;http://127.0.0.1/\x1b\\click\x1b]8;;\x1b\\",
    "the clipboard": "\x1b]52;c;cm0gLXJmIC8=\x07",
    "device control": "\x1bP$q\x1b\\",
    "a C1 sequence": "\x9b31mred\x9d0;owned\x9c",
    "overwriting": "safe\b\b\b\bevil\rworse",
    "bell and nul": "\x07\x00",
    "vertical": "a\x0bb\x0cc",
    "a deletion": "abc\x7f\x7f",
    "direction": "user\u202egnp.exe\u2066\u2069\u200f\u061c",
    "line ends": "a\u2028b\u2029c\x85d",
    "invisible": "a\ufeff\U000e0041\U000e007fb\ufff9",
    "half a character": "a\ud800b",
    "markup of rich": "[bold red]x[/] [link=http://127.0.0.1]y[/link] :bomb: [/nothing]",
}


def harmful(text: str) -> list[str]:
    """The characters that a terminal might obey: all controls but the line feed, and what turns or hides text."""
    bad = {"\u2028", "\u2029", "\ufeff"} | {chr(code) for code in range(0x202A, 0x202F)}
    return [c for c in text if (unicodedata.category(c) in ("Cc", "Cs") and c != "\n") or c in bad]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which every text is hostile: names, inputs, errors, ids of users, what programs say of themselves."""
    path = tmp_path_factory.mktemp("hostile") / "traces.duckdb"
    lines: list[dict[str, object] | bytes] = []
    # Half a character is let in by no JSON parser.
    for number, text in enumerate(text.replace("\ud800", "") for text in HOSTILE.values()):
        who = {"session_id": text, "user_id": text, "tags": [text], "metadata": {text: text}}
        root = span("root", trace=number, **who) | {"name": text, "trace_id": trace_id(number)}
        error = {"status": "ERROR", "status_message": f"{text}\n{text}", "error_type": text}
        lines += [
            root | {"input": {"q": text}, "output": text},
            call("failed", trace=number, parent="root", **error) | {"name": text, "request_model": text, "kind": "llm"},
            span("odd", trace=number, parent="root") | {"kind": text},
        ]
    facts = {"process_id": "p", "argv": list(HOSTILE.values())[:3], "dropped_spans": 1, "drop_reason": "\x1b[31m"}
    written(path, *lines, {"record": "process", "data": facts}, b"\x1b]0;owned\x07 broken\n")
    absorb(path)
    note_failure(Layout(path), ValueError("\x1b[31mred"))
    return path


def commands() -> list[list[str]]:
    shown = [["show", trace_id(number)] for number in range(len(HOSTILE) - 1)]
    return [
        ["ls", "--limit", "50"],
        *shown,
        ["sql", 'select name, input, status_message, tags, metadata, 1 as "\x1b[31mcolumn" from spans'],
        ["doctor"],
        ["purge", "--older-than", "1h", "--dry-run"],
    ]


@pytest.mark.parametrize("command", commands(), ids=lambda command: " ".join(command)[:24])
def test_no_control_character_but_the_line_feed_is_printed(
    store: Path, command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRACER_STORE", str(store))
    for form in ([], ["--json"] if command[0] != "purge" else []):
        main([*command, *form])
        printed = capsys.readouterr()
        assert printed.out
        assert harmful(printed.out + printed.err) == []
        if form:
            json.loads(printed.out)


@pytest.mark.parametrize(
    "command", [["ls", "--limit", "50"], ["show", trace_id(15)], ["sql", "select name from spans"]]
)
def test_on_a_terminal_markup_makes_no_links_and_our_colours_are_all_there_is(store: Path, command: list[str]) -> None:
    shown = programs.tracer(store, *command, FORCE_COLOR="1", TERM="xterm-256color").stdout
    assert "[link=http://127.0.0.1]" in shown
    assert ":bomb:" in shown
    assert harmful(re.sub(r"\x1b\[[0-9;]*m", "", shown)) == []
    assert "\x1b]" not in shown


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("command", ["ls", "--where", "show", "sql", "purge", "run", "nonsense", "--option", "filter"])
def test_errors_quote_what_was_asked_without_obeying_it(
    store: Path, command: str, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = text.replace("\x00", "").replace("\ud800", "")  # no argument of a program holds these
    arguments = {
        "ls": ["ls", f"modle:{text}"],
        "--where": ["ls", "--where", text],
        "filter": ["ls", f"since:{text}"],
        "show": ["show", text],
        "sql": ["sql", f'select "{text}"'],
        "purge": ["purge", text, "--yes"],
        "run": ["run", text],
        "nonsense": [text],
        "--option": ["ls", f"--{text}"],
    }
    monkeypatch.setenv("TRACER_STORE", str(store))
    with suppress(SystemExit):
        main(arguments[command])
    printed = capsys.readouterr()
    assert printed.out + printed.err
    assert harmful(printed.out + printed.err) == []


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_every_form_of_plain_text_is_harmless(text: str) -> None:
    assert harmful(plain(text)) == []
    assert harmful(plain_lines(text)) == []
    as_json = plain_json(json.dumps([text], ensure_ascii=False))
    assert harmful(as_json) == []
    assert json.loads(as_json) == [text]
    as_json.encode()


def test_ordinary_texts_are_left_alone() -> None:
    for text in ("Grüße, 世界 👩‍👩‍👧 – “quoted” שלום", "a b"):
        assert plain(text) == plain_lines(text) == text
        assert json.loads(plain_json(json.dumps([text], ensure_ascii=False))) == [text]
    assert plain("a\nb\tc") == "a⏎ b c"
    assert plain_lines("a\nb\tc") == "a\nb c"
