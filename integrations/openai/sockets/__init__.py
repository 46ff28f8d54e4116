"""Record what is said over WebSockets, which passes by `request`: a span a session, and one a response inside.

The modules of these surfaces are large, and few programs use them, so they are not imported for our sake: they are
wrapped when a resource of the client is made that has a `connect`. The program gets the SDK's own objects; we listen
to the `send`, `recv` and `close` of the WebSocket below them, to which every way of sending and receiving leads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any
from weakref import WeakKeyDictionary

import openai

from tracer.errors import contain, logger
from tracer.integrations.hooks import Hook, Hooked, Method, moved
from tracer.integrations.openai.body import Fields
from tracer.integrations.openai.provider import where
from tracer.integrations.openai.sockets.protocol import Conversation, Protocol
from tracer.integrations.openai.sockets.realtime import REALTIME
from tracer.integrations.openai.sockets.session import Session, breaking
from tracer.integrations.openai.surfaces.responses import RESPONSES
from tracer.recorder import current_span, recording, use

_PROTOCOLS = {"Realtime": REALTIME, "Responses": Protocol("responses", Conversation, RESPONSES)}
"""By the SDK's names of the resources. Of other sessions only the beginning and the end are recorded."""

_asked: WeakKeyDictionary[Any, tuple[Protocol, Fields]] = WeakKeyDictionary()
"""What a connection manager was made for, and what is known of it before it connects."""

_sessions: WeakKeyDictionary[Any, Session] = WeakKeyDictionary()
"""The session that a connection manager has begun."""

_entering: ContextVar[Session | None] = ContextVar("tracer_openai_session", default=None)

_seen: set[type] = set()
_hooked = Hooked()


def instrument() -> None:
    """Wrap the resources that the program has imported already, and all others when their first one is made."""
    if problems := moved(RESOURCE_HOOKS):
        logger.error("%s", _said(problems))
        return
    _hooked.put_on(RESOURCE_HOOKS)
    for resource in _connectable():
        _look_at(resource)


def moved_hooks() -> list[str]:
    """Return what this version of the SDK has changed of the resources that have been imported, in words."""
    problems = moved(RESOURCE_HOOKS)
    return problems or [each for resource in _connectable() for each in moved(socket_hooks(resource))]


def uninstrument() -> None:
    _hooked.take_off()
    _seen.clear()


def socket_hooks(resource: type) -> tuple[Hook, ...]:
    """Return what is wrapped of a resource that has a `connect`."""
    name, module = resource.__name__, resource.__module__
    manager, connection = f"{name}ConnectionManager", f"{name}Connection"
    is_async = name.startswith("Async")
    enter, leave = (_async_enter, _async_leave) if is_async else (_enter, _leave)
    dunders = ("__aenter__", "__aexit__") if is_async else ("__enter__", "__exit__")
    return (
        Hook(module, manager, "__init__", _manager(name.removeprefix("Async")), ("client",)),
        Hook(module, manager, dunders[0], enter, ()),
        Hook(module, manager, "enter", enter, ()),
        Hook(module, manager, dunders[1], leave, ("exc",)),
        Hook(module, connection, "__init__", _connection, ("connection",)),
    )


def _said(problems: list[str]) -> str:
    return f"in openai {openai.__version__}, {'; '.join(problems)}: these sessions are not recorded"


def _connectable() -> list[type]:
    """Return the resources that the program has imported and that have a `connect`."""
    owners = [hook.find_owner() for hook in RESOURCE_HOOKS]
    return [resource for owner in owners for resource in _below(owner) if _can_connect(resource)]


def _can_connect(resource: type) -> bool:
    return "connect" in vars(resource)


def _below(owner: Any) -> Iterator[type]:
    for each in owner.__subclasses__():
        yield each
        yield from _below(each)


def _look_at(resource: type) -> None:
    if resource in _seen or not _can_connect(resource):
        return
    _seen.add(resource)
    if problems := moved(socket_hooks(resource)):
        logger.error("%s", _said(problems))
        _hooked.put_on([Hook(resource.__module__, resource.__name__, "connect", _missing(_said(problems)), ())])
    else:
        _hooked.put_on(socket_hooks(resource))


def _resource(original: Method) -> Method:
    @wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        with contain("the WebSockets of an OpenAI client"):
            _look_at(type(self))

    return init


def _missing(said: str) -> Callable[[Method], Method]:
    def wrap(original: Method) -> Method:
        @wraps(original)
        def connect(*args: Any, **kwargs: Any) -> Any:
            with contain("what is not recorded of OpenAI"):
                if (around := current_span()) is not None:
                    around.attribute("tracer.missed", [said])
            return original(*args, **kwargs)

        return connect

    return wrap


def _manager(resource: str) -> Callable[[Method], Method]:
    protocol = _PROTOCOLS.get(resource) or Protocol(resource.lower(), Conversation, None)

    def wrap(original: Method) -> Method:
        @wraps(original)
        def init(self: Any, *, client: Any, **kwargs: Any) -> None:
            original(self, client=client, **kwargs)
            with contain("the start of an OpenAI session"):
                _asked[self] = protocol, {**where(client, ""), "request_model": _given(kwargs.get("model"))}

        return init

    return wrap


def _given(value: Any) -> str | None:
    return value if isinstance(value, str) else None


class _entrance:
    """The connecting: `with _entrance(manager): …`. A session that is not reached ends here."""

    def __init__(self, manager: Any) -> None:
        self._session: Session | None = None
        with contain("the start of an OpenAI session"):
            if recording() and manager in _asked:
                self._session = _sessions[manager] = Session(*_asked[manager])

    def __enter__(self) -> None:
        self._outer = _entering.get()
        _entering.set(self._session)
        self._use = use(self._session.span) if self._session else None
        if self._use is not None:
            self._use.__enter__()

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if self._use is not None:
            self._use.__exit__()
        _entering.set(self._outer)
        if error is not None and self._session is not None:
            self._session.failed(error)


def _enter(original: Method) -> Method:
    @wraps(original)
    def enter(self: Any) -> Any:
        with _entrance(self):
            return original(self)

    return enter


def _async_enter(original: Method) -> Method:
    @wraps(original)
    async def enter(self: Any) -> Any:
        with _entrance(self):
            return await original(self)

    return enter


def _leave(original: Method) -> Method:
    @wraps(original)
    def leave(self: Any, kind: Any, error: BaseException | None, trace: Any) -> Any:
        session = _leaving(self, error)
        try:
            return original(self, kind, error, trace)
        finally:
            if session is not None:
                session.closed()

    return leave


def _async_leave(original: Method) -> Method:
    @wraps(original)
    async def leave(self: Any, kind: Any, error: BaseException | None, trace: Any) -> Any:
        session = _leaving(self, error)
        try:
            return await original(self, kind, error, trace)
        finally:
            if session is not None:
                session.closed()

    return leave


def _leaving(manager: Any, error: BaseException | None) -> Session | None:
    session = _sessions.pop(manager, None)
    if session is not None:
        session.left(error)
    return session


def _connection(original: Method) -> Method:
    @wraps(original)
    def init(self: Any, connection: Any, **kwargs: Any) -> None:
        with contain("the connection of an OpenAI session"):
            if (session := _entering.get()) is not None:
                _listen(connection, session)
                if (make := kwargs.get("make_ws")) is not None:
                    session.is_kept_up = True
                    kwargs["make_ws"] = _anew(make, session)
        original(self, connection, **kwargs)

    return init


def _anew(make: Method, session: Session) -> Method:
    """Return what makes a new connection, where the client puts one in the place of one that broke."""
    if iscoroutinefunction(make):

        async def make_async(*args: Any) -> Any:
            return _heard(await make(*args), session)

        return make_async
    return lambda *args: _heard(make(*args), session)


def _heard(socket: Any, session: Session) -> Any:
    with contain("the connection of an OpenAI session"):
        _listen(socket, session)
    return socket


def _listen(socket: Any, session: Session) -> None:
    """Have the session hear what passes through a WebSocket of the `websockets` package."""
    listen = _listen_async if iscoroutinefunction(socket.send) else _listen_sync
    listen(socket, session)
    session.connected(socket.response)


def _listen_sync(socket: Any, session: Session) -> None:
    send, recv, close = socket.send, socket.recv, socket.close

    def sending(message: Any, *args: Any, **kwargs: Any) -> Any:
        session.sent(message)
        with breaking(session):
            return send(message, *args, **kwargs)

    def receiving(*args: Any, **kwargs: Any) -> Any:
        with breaking(session):
            message = recv(*args, **kwargs)
        session.received(message)
        return message

    def closing(*args: Any, **kwargs: Any) -> Any:
        session.is_being_closed = True
        try:
            return close(*args, **kwargs)
        finally:
            session.closed()

    socket.send, socket.recv, socket.close = sending, receiving, closing


def _listen_async(socket: Any, session: Session) -> None:
    send, recv, close = socket.send, socket.recv, socket.close

    async def sending(message: Any, *args: Any, **kwargs: Any) -> Any:
        session.sent(message)
        with breaking(session):
            return await send(message, *args, **kwargs)

    async def receiving(*args: Any, **kwargs: Any) -> Any:
        with breaking(session):
            message = await recv(*args, **kwargs)
        session.received(message)
        return message

    async def closing(*args: Any, **kwargs: Any) -> Any:
        session.is_being_closed = True
        try:
            return await close(*args, **kwargs)
        finally:
            session.closed()

    socket.send, socket.recv, socket.close = sending, receiving, closing


RESOURCE_HOOKS = (
    Hook("openai._resource", "SyncAPIResource", "__init__", _resource, ("client",)),
    Hook("openai._resource", "AsyncAPIResource", "__init__", _resource, ("client",)),
)
"""Where the SDK makes the resources of a client: each class is looked at when it comes by first."""
