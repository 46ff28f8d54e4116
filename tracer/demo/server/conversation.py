"""A conversation as the built-in model sees it, whichever of the two APIs it came through."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tracer.demo.server.replies import JsonObject

_MARKED = re.compile(r"^\s*(?:question|query|input)\s*:\s*", re.I | re.M)


@dataclass(frozen=True, slots=True)
class Turn:
    """One message: role system, user, assistant or tool; `tool_name` says whose result a tool turn is."""

    role: str
    text: str
    tool_name: str | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    description: str
    parameters: JsonObject


@dataclass(frozen=True, slots=True)
class Conversation:
    """The turns, oldest first, and what the request asks of the answer.

    `tool_choice` is auto, none, required, or the name of a tool. `json_schema` is the shape that the
    answer must have as JSON; None for plain text.
    """

    turns: Sequence[Turn]
    tools: Sequence[Tool] = ()
    tool_choice: str = "auto"
    json_schema: JsonObject | None = None
    reasons: bool = False

    @property
    def instructions(self) -> str:
        return "\n".join(turn.text for turn in self.turns if turn.role == "system")

    @property
    def results(self) -> list[Turn]:
        """What tools gave since the user last spoke."""
        return [turn for turn in self.turns[self._asked_at :] if turn.role == "tool"]

    @property
    def questions(self) -> list[str]:
        """What the user asked, turn by turn, without the passages that a prompt may carry."""
        return [_question(turn.text)[0] for turn in self.turns if turn.role == "user"] or [""]

    @property
    def passages(self) -> list[str]:
        """Everything that may hold the answer: context in prompts, what tools gave, what was said before."""
        found = [turn.text for turn in self.results]
        for index, turn in enumerate(self.turns):
            if turn.role == "user":
                found.append(_question(turn.text)[1])
            elif turn.role == "system":
                found.append(_context(turn.text))
            elif index < self._asked_at:
                found.append(turn.text)
        return [passage for passage in found if passage.strip()]

    @property
    def _asked_at(self) -> int:
        asked = [index for index, turn in enumerate(self.turns) if turn.role == "user"]
        return asked[-1] if asked else 0


def _question(text: str) -> tuple[str, str]:
    """The question in a prompt, and the rest of it: marked by `Question:`, or its last paragraph that asks."""
    marks = list(_MARKED.finditer(text))
    if marks:
        question, _, rest = text[marks[-1].end() :].partition("\n")
        return question.strip(), text[: marks[-1].start()] + rest
    paragraphs = [part for part in re.split(r"\n\s*\n", text) if part.strip()]
    asking = [part for part in paragraphs if "?" in part or "？" in part] or paragraphs or [""]
    return asking[-1].strip(), "\n\n".join(part for part in paragraphs if part is not asking[-1])


def _context(instructions: str) -> str:
    """The passages in a system prompt: what follows `Context:` or the like, or its first paragraph."""
    marked = re.search(r"(?:context|passages|documents|sources|facts)\s*:?\s*\n|<context>", instructions, re.I)
    return instructions[marked.end() :] if marked else instructions.partition("\n\n")[2]
