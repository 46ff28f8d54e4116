"""The built-in model: a few rules, with no chance in them, that answer a conversation.

It calls a tool whose words fit the question and that it has not called yet; else it answers with those
sentences of the prompt's passages and the tools' results that share most with the question.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from tracer.demo.server.conversation import Conversation, Tool
from tracer.demo.server.replies import JsonObject, Reply
from tracer.demo.server.words import best_sentences, sentences, stems

_LOOKS_THINGS_UP = frozenset(stems("search lookup find retrieve query read browse"))
_WHOLE_QUESTION = frozenset(("query", "question", "q", "text", "input", "search", "topic", "prompt", "message"))
_WHOLE_ANSWER = frozenset(("answer", "response", "summary", "explanation", "reason", "content"))
_FOLLOW_UP = re.compile(r"^(and|but|also|what about|how about)\b|\b(it|its|they|them|that|those|this|one)\b", re.I)
_ARITHMETIC = re.compile(r"\(*\d[\d\s.()]*(?:(?:\*\*|[-+*/%])\s*[\d\s.()]*\d[\d\s.()]*)+")
_QUOTED = re.compile(r"[\"“‘']([^\"“”‘’']+)[\"”’']")
_IDENTIFIER = re.compile(r"\b(?:[A-Z]+[-#]?\d[\w-]*|\d[\w-]*)\b")
_EXACT = {"expression": _ARITHMETIC, **dict.fromkeys(("id", "number", "code", "date"), _IDENTIFIER)}
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_NAME = re.compile(r"(?<!^)(?<![.?!]\s)\b[A-Z][\w'’]+(?:\s[A-Z][\w'’]+)*")


def answer(conversation: Conversation) -> Reply:
    """What the model says next: text, or the call of one tool."""
    reasoning = _reasoning(conversation) if conversation.reasons else None
    tool = next_tool(conversation)
    if tool is not None:
        filler = _Filler(conversation.questions[-1], conversation.questions[-1])
        return Reply(tool_calls=[(tool.name, filler.fill(tool.parameters))], reasoning=reasoning)
    text = compose(conversation)
    if conversation.json_schema is not None:
        filler = _Filler(conversation.questions[-1], text or conversation.questions[-1])
        text = json.dumps(filler.fill(conversation.json_schema), ensure_ascii=False)
    return Reply(text=text or _nothing_found(conversation), reasoning=reasoning)


def next_tool(conversation: Conversation) -> Tool | None:
    """The tool to call now, or None when the answer can be given."""
    called = {turn.tool_name for turn in conversation.results}
    if conversation.tool_choice == "none" or not conversation.tools:
        return None
    if conversation.tool_choice not in ("auto", "required"):
        return next((tool for tool in conversation.tools if tool.name == conversation.tool_choice), None)
    waiting = [tool for tool in conversation.tools if tool.name not in called]
    best = max(waiting, key=lambda tool: _fit(tool, conversation), default=None)
    if best is not None and _fit(best, conversation) >= 1:
        return best
    return conversation.tools[0] if conversation.tool_choice == "required" else None


def _fit(tool: Tool, conversation: Conversation) -> float:
    """How well a tool fits the question; one is enough to call it.

    A word of its name counts one; a word of its description, and arguments found in the question, a half
    each. A tool that looks things up fits any question that nothing has been found for yet. One whose
    arguments should be in the question, and are not, does not fit.
    """
    question = conversation.questions[-1]
    filler = _Filler(question, question)
    filler.fill(tool.parameters)
    if filler.lacks:
        return 0
    asked, name, described = set(stems(question)), set(stems(tool.name)), set(stems(tool.description))
    looks_up = name & _LOOKS_THINGS_UP and "?" in question and not conversation.results
    return len(asked & name) + (len(asked & (described - name)) + filler.found) / 2 + bool(looks_up)


class _Filler:
    """Fills a JSON schema from what was said: values that stand in `question`, each once, else `text`.

    `found` says whether any stood there, and `lacks` whether an id, code, date or expression did not.
    """

    def __init__(self, question: str, text: str) -> None:
        self.question, self.text, self._left = question, text, question
        self.found = self.lacks = False

    def fill(self, schema: JsonObject, name: str = "", root: JsonObject | None = None) -> Any:
        root = schema if root is None else root
        schema = _resolved(schema, root)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return max(schema["enum"], key=lambda option: _shared(str(option), self.question))
        if "properties" in schema:
            wanted = schema.get("required") or list(schema["properties"])
            spoken_of = [key for key in schema["properties"] if key not in wanted and _shared(key, self.question)]
            return {key: self.fill(schema["properties"][key], key, root) for key in (*wanted, *spoken_of)}
        if schema.get("type") == "array":
            return [self.fill(schema.get("items", {}), name, root)]
        if schema.get("type") in ("integer", "number"):
            return self._number(schema["type"], schema.get("default", 1))
        return {"boolean": True, "null": None, "object": {}}.get(schema.get("type", "")) or self._string(name)

    def _number(self, kind: str, default: Any) -> Any:
        found = self._take(_NUMBER) or default
        return int(float(found)) if kind == "integer" else float(found)

    def _string(self, name: str) -> str:
        if name in _WHOLE_QUESTION:
            return self.question
        if name in _WHOLE_ANSWER:
            return self.text
        for ending, pattern in _EXACT.items():
            if name == ending or name.endswith(f"_{ending}"):
                exact = self._take(pattern)
                self.lacks = self.lacks or exact is None
                return exact or self.text
        return self._take(_QUOTED) or self._take(_NAME) or self.text

    def _take(self, pattern: re.Pattern[str]) -> str | None:
        found = pattern.search(self._left)
        if found is None:
            return None
        self.found = True
        self._left = self._left[: found.start()] + self._left[found.end() :]
        return found[pattern.groups].strip()


def _shared(one: str, other: str) -> int:
    return len(set(stems(one)) & set(stems(other)))


def _resolved(schema: JsonObject, root: JsonObject) -> JsonObject:
    """Follow `$ref` within the schema; of alternatives take the first that is not null."""
    while "$ref" in schema:
        path = schema["$ref"].removeprefix("#/").split("/")
        schema = root
        for step in path:
            schema = schema[step]
    options = schema.get("anyOf") or schema.get("oneOf")
    return _resolved(next(one for one in options if one.get("type") != "null"), root) if options else schema


def compose(conversation: Conversation) -> str:
    """The answer in words; empty when nothing that was given bears on the question."""
    for asked_for, write in _TASKS:
        if re.search(asked_for, conversation.instructions, re.I):
            return write(conversation)
    results = [_result(turn.tool_name or "tool", turn.text) for turn in conversation.results]
    brief = [result for result in results if len(result) <= 240]
    found = _best(conversation) if len(brief) < len(results) or not results else []
    return " ".join([*brief, *(one for one in found if one not in " ".join(brief))])


def _best(conversation: Conversation, limit: int = 2) -> list[str]:
    candidates = [one for passage in conversation.passages for one in sentences(passage)]
    *before, question = conversation.questions
    query = dict.fromkeys(stems(" ".join(before[-1:])), 0.5) if _FOLLOW_UP.search(question) else {}
    return best_sentences(candidates, (query | dict.fromkeys(stems(question), 1.0)).items(), limit)


def _result(tool_name: str, text: str) -> str:
    """What a tool gave as a sentence; a JSON object is read out, a bare value says whose it is."""
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    if isinstance(value, dict):
        told = ", ".join(f"{key.replace('_', ' ')}: {item}" for key, item in value.items())
        text = f"{told[:1].upper()}{told[1:]}."
    elif isinstance(value, list):
        text = ", ".join(str(item) for item in value)
    if text.startswith("Error"):
        return f"That did not work: {text.partition(':')[2].strip() or text}."
    if len(text.split()) < 4:
        return f"{tool_name.replace('_', ' ').capitalize()}: {text}."
    return text


def _nothing_found(conversation: Conversation) -> str:
    asked = conversation.questions[-1][:120]
    return f"I answer from the context that I am given, and it says nothing about “{asked}”."


def _split(conversation: Conversation) -> str:
    question = conversation.questions[-1].rstrip("? ")
    parts = [
        part.strip() for part in re.split(r",?\s+and\s+(?=[a-z]+\s)|[;,]\s+(?=and|how|what|where|when|who)", question)
    ]
    return "\n".join(f"{part[:1].upper()}{part[1:]}?" for part in parts if part)


def _rewrite(conversation: Conversation) -> str:
    *before, question = conversation.questions
    if not before or not _FOLLOW_UP.search(question):
        return question
    return f"{question.rstrip('?')} ({before[-1].rstrip('?')})?"


def _summary(conversation: Conversation) -> str:
    first = [
        found[0] for passage in [*conversation.passages, conversation.questions[-1]] if (found := sentences(passage))
    ]
    return " ".join(first[:3]) or conversation.questions[-1]


_TASKS: tuple[tuple[str, Callable[[Conversation], str]], ...] = (
    (r"\bsub-?questions\b", _split),
    (r"\b(?:rewrite|rephrase|standalone)\b", _rewrite),
    (r"\bsummari[sz]e\b", _summary),
)


def _reasoning(conversation: Conversation) -> str:
    words = ", ".join(dict.fromkeys(stems(conversation.questions[-1])))
    return (
        f"The question turns on: {words or 'nothing in particular'}. Passages to look at: {len(conversation.passages)}."
    )
