"""Record OpenAI calls as `chat` and `embeddings` spans, whatever server the client talks to.

The SDK has no public hook, so two private methods of its base clients are wrapped. `request` is the logical call, its
retries included, and `_process_response` sees the response that was accepted. All ways into the API lead through
them: parse and stream helpers, raw and streaming responses, Azure, copies of clients, plain `client.post`. What the
program gets is what the SDK made; of a response that is still to be read only the byte stream is replaced.

Here is the wiring; `call` tells a call to its span, `stream` listens to bodies, and `surfaces` is the table of what is
recorded, with a file for each family that translates it.

Source: https://github.com/open-telemetry/semantic-conventions-genai
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from inspect import signature, unwrap
from typing import Any

import openai
from openai._base_client import AsyncAPIClient, SyncAPIClient

from tracer.errors import TracerError, contain
from tracer.integrations.openai.call import current_call, requesting

Method = Callable[..., Any]

_originals: list[tuple[type, str, Method]] = []


def instrument() -> None:
    """Record what every client does from now on, those that exist included. A second call does nothing.

    Raises TracerError where the SDK has changed what is wrapped; nothing is wrapped then.
    """
    if _originals:
        return
    if moved := moved_hooks():
        raise TracerError(f"in openai {openai.__version__}, {'; '.join(moved)}: its calls cannot be recorded")
    for owner, name, wrap, _ in _HOOKS:
        for place in (*_wrapped_elsewhere(owner, name), owner):
            original = vars(place)[name]
            _originals.append((place, name, original))
            setattr(place, name, wrap(original))


def _wrapped_elsewhere(owner: type, name: str) -> Iterator[type]:
    """Yield the subclasses in which another instrumentor has wrapped this very method: they would not come by ours.

    A subclass with a method of its own is none of them: that calls the owner's.
    """
    subclass: type
    for subclass in owner.__subclasses__():
        if name in vars(subclass) and unwrap(vars(subclass)[name]) is unwrap(vars(owner)[name]):
            yield subclass
        yield from _wrapped_elsewhere(subclass, name)


def uninstrument() -> None:
    """Put the SDK's own methods back. Calls under way are recorded to their end."""
    while _originals:
        owner, name, original = _originals.pop()
        setattr(owner, name, original)


def moved_hooks() -> list[str]:
    """Return what this version of the SDK has changed of the methods that we wrap, in words; normally nothing."""
    moved = []
    for owner, name, _, needed in _HOOKS:
        method = vars(owner).get(name)
        if method is None:
            moved.append(f"{owner.__name__}.{name} is gone")
        elif lacking := [parameter for parameter in needed if parameter not in signature(method).parameters]:
            moved.append(f"{owner.__name__}.{name} does not take {', '.join(lacking)}")
    return moved


def _request(original: Method) -> Method:
    @wraps(original)
    def request(self: Any, cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
        with requesting(self, options):
            return original.__get__(self)(cast_to, options, *args, **kwargs)

    return request


def _async_request(original: Method) -> Method:
    @wraps(original)
    async def request(self: Any, cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
        with requesting(self, options):
            return await original.__get__(self)(cast_to, options, *args, **kwargs)

    return request


def _process_response(original: Method) -> Method:
    # One for both clients: of the asynchronous method this passes the coroutine on.
    @wraps(original)
    def process_response(self: Any, *, response: Any, retries_taken: int = 0, **kwargs: Any) -> Any:
        with contain("the response of an OpenAI call"):
            if call := current_call():
                call.answered(response, retries_taken)
        return original(self, response=response, retries_taken=retries_taken, **kwargs)

    return process_response


_REQUEST_NEEDS = ("cast_to", "options", "stream", "stream_cls")
_RESPONSE_NEEDS = ("response", "retries_taken")

_HOOKS: tuple[tuple[type, str, Callable[[Method], Method], tuple[str, ...]], ...] = (
    (SyncAPIClient, "request", _request, _REQUEST_NEEDS),
    (SyncAPIClient, "_process_response", _process_response, _RESPONSE_NEEDS),
    (AsyncAPIClient, "request", _async_request, _REQUEST_NEEDS),
    (AsyncAPIClient, "_process_response", _process_response, _RESPONSE_NEEDS),
)
