"""Record OpenAI calls as `chat` and `embeddings` spans, whatever server the client talks to.

The SDK has no public hook, so three methods of its base clients are wrapped. `request` is the logical call, its
retries included; `_build_request` begins each try, and `_process_response` sees the response that was accepted. All
ways into the API lead through them: parse and stream helpers, raw and streaming responses, Azure, copies of clients,
plain `client.post`. What the program gets is what the SDK made; of a response that is still to be read only the byte
stream is replaced.

Here is the wiring; `call` tells a call to its span, `tee` listens to bodies, `stream` reads them, and `surfaces` is the
table of what is recorded, with a file for each family that translates it. WebSockets pass by all that: see `sockets`.

Source: https://github.com/open-telemetry/semantic-conventions-genai
"""

from __future__ import annotations

from functools import wraps
from typing import Any

import openai

from tracer.errors import TracerError, contain
from tracer.integrations.hooks import Hook, Hooked, Method, moved
from tracer.integrations.openai import sockets
from tracer.integrations.openai.call import current_call, requesting

_hooked = Hooked()


def instrument() -> None:
    """Record what every client does from now on, those that exist included. A second call does nothing.

    Raises TracerError where the SDK has changed what is wrapped; nothing is wrapped then.
    """
    if _hooked:
        return
    if changes := moved(_HOOKS):
        raise TracerError(f"in openai {openai.__version__}, {'; '.join(changes)}: its calls are not recorded")
    _hooked.put_on(_HOOKS)
    with contain("the WebSockets of OpenAI"):
        sockets.instrument()


def uninstrument() -> None:
    """Put the SDK's own methods back. Calls under way are recorded to their end."""
    sockets.uninstrument()
    _hooked.take_off()


def moved_hooks() -> list[str]:
    """Return what this version of the SDK has changed of the methods that we wrap, in words; normally nothing."""
    return moved(_HOOKS) + sockets.moved_hooks()


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


def _build_request(original: Method) -> Method:
    # Here each try begins: a call that is cancelled in its third knows so.
    @wraps(original)
    def build_request(self: Any, options: Any, *, retries_taken: int = 0, **kwargs: Any) -> Any:
        with contain("a try of an OpenAI call"):
            if call := current_call():
                call.trying(retries_taken)
        return original(self, options, retries_taken=retries_taken, **kwargs)

    return build_request


def _process_response(original: Method) -> Method:
    # One for both clients: of the asynchronous method this passes the coroutine on.
    @wraps(original)
    def process_response(self: Any, *, response: Any, **kwargs: Any) -> Any:
        with contain("the response of an OpenAI call"):
            if call := current_call():
                call.answered(response)
        return original(self, response=response, **kwargs)

    return process_response


_REQUEST_NEEDS = ("cast_to", "options", "stream", "stream_cls")
_TRY_NEEDS = ("options", "retries_taken")
_RESPONSE_NEEDS = ("response",)

_BASE = "openai._base_client"
_HOOKS = (
    Hook(_BASE, "BaseClient", "_build_request", _build_request, _TRY_NEEDS),
    Hook(_BASE, "SyncAPIClient", "request", _request, _REQUEST_NEEDS),
    Hook(_BASE, "SyncAPIClient", "_process_response", _process_response, _RESPONSE_NEEDS),
    Hook(_BASE, "AsyncAPIClient", "request", _async_request, _REQUEST_NEEDS),
    Hook(_BASE, "AsyncAPIClient", "_process_response", _process_response, _RESPONSE_NEEDS),
)
