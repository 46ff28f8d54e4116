"""What the protocols that OpenAI speaks over a WebSocket have in common: events as JSON objects, both ways."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tracer.integrations.openai.body import Body, Fields
from tracer.integrations.openai.surface import Surface


class Conversation:
    """What a session knows by its events. This one knows nothing: each request says all that it asks for."""

    transcripts = 0
    """How often something was added to what a request has asked already."""

    def sent(self, event: Body) -> None:
        """The program is about to send this."""

    def received(self, event: Body) -> None:
        """The server has sent this."""

    def session_fields(self) -> Fields:
        """Return what is known of the session as a whole."""
        return {}

    def request(self, create: Body) -> Body:
        """Return what a `response.create` asks now that the server begins with it; an empty one is its own accord."""
        return {name: value for name, value in create.items() if name not in ("type", "event_id")}


@dataclass(frozen=True, slots=True)
class Protocol:
    """One kind of session. `surface` tells how the responses inside are read; None where they are not known to us."""

    name: str
    conversation: Callable[[], Conversation]
    surface: Surface | None
