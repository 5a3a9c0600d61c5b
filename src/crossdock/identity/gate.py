"""The outermost layer: from where, how large, how often; and what every HTML answer says to a browser.

It comes before routing and before any body is read. Health and the API's description are for everybody.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, Protocol

import msgspec
import structlog
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

from crossdock.identity.refusals import PROBLEM, Forbidden, Refusal, TooMany, Unauthenticated, told
from crossdock.identity.seen import ADDRESS, GROUP, group_of
from crossdock.model.base import Record
from crossdock.security.access import Permission, Token
from crossdock.security.headers import HTML
from crossdock.security.limits import Limiter
from crossdock.security.network import Network, address_of, caller, is_within

log = structlog.get_logger("crossdock.identity")
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]


class Rules(Record, frozen=True, kw_only=True):
    """Of one group. `body_limit` 0: whoever reads the body limits it. `per_minute`: of each address; 0: any number."""

    allow: tuple[Network, ...] = ()
    body_limit: int = 0
    per_minute: int = 0
    scope: Permission | None = None


ANYBODY = Rules()
REFUSED = frozenset({401, 403, 413, 429})
PAGE_HEADERS = [(name.encode(), value.encode()) for name, value in HTML.items()]


class KnowsTokens(Protocol):
    """Whom the gate asks where a group needs a token of itself."""

    async def bearer(self, header: str) -> Token | None:
        """Whose it is, if it holds."""

    def count_failure(self, scope: Any) -> None:
        """Raises TooMany."""


class Gate:
    """An ASGI application before another one."""

    def __init__(
        self,
        app: App,
        rules: Mapping[str, Rules],
        trusted: tuple[Network, ...],
        doorman: KnowsTokens,
        steady: Callable[[], float] = time.monotonic,
        *,
        refused: Callable[[str, int], None] = lambda _group, _status: None,
    ) -> None:
        self._refused = refused
        self._app = app
        self._rules = rules
        self._trusted = trusted
        self._doorman = doorman
        self._steady = steady
        self._limiters = {group: Limiter(one.per_minute) for group, one in rules.items() if one.per_minute}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; what is no HTTP goes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        group = scope[GROUP] = group_of(scope["path"])
        scope[ADDRESS] = self._address(scope)
        rules = self._rules.get(group, ANYBODY)
        try:
            await self._check(scope, group, rules)
        except Refusal as refusal:
            # counted; a line for each would let anybody fill the log
            log.debug("refused at the gate", group=group, status=refusal.status_code)
            self._refused(group, refusal.status_code)
            await refuse(send, refusal)
            return
        taken = _counted(receive, rules.body_limit) if rules.body_limit else receive
        # a store waits for its webhook's answer, which is no page
        await self._app(scope, taken, send if group == "webhooks" else self._watched(group, send))

    def _watched(self, group: str, send: Send) -> Send:
        """Refusals are counted; no page of ours goes out without its headers, whoever has made it."""

        async def watched(event: MutableMapping[str, Any]) -> None:
            if event["type"] == "http.response.start":
                if event["status"] in REFUSED:
                    self._refused(group, event["status"])
                event = {**event, "headers": _protected(event.get("headers", ()))}
            await send(event)

        return watched

    def _address(self, scope: Scope) -> str:
        peer = scope["client"][0] if scope.get("client") else ""
        forwarded = (
            [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
            if self._trusted
            else []
        )
        return address_of(peer, forwarded, self._trusted)

    async def _check(self, scope: Scope, group: str, rules: Rules) -> None:
        if rules.allow and not is_within(scope[ADDRESS], rules.allow):
            raise Forbidden("not from this address")
        limiter = self._limiters.get(group)
        if limiter is not None and (wait := limiter.take(caller(scope[ADDRESS]), self._steady())):
            raise TooMany(wait)
        if rules.body_limit and _declared(scope) > rules.body_limit:
            raise Refusal(413, f"more than {rules.body_limit} bytes")
        if rules.scope is not None:
            await self._let_in(scope, rules.scope)

    async def _let_in(self, scope: Scope, permission: Permission) -> None:
        header = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        token = await self._doorman.bearer(header)
        if token is None:
            self._doorman.count_failure(scope)
            raise Unauthenticated
        if permission not in token.permissions:
            raise Forbidden(f"this needs {permission}")


def _declared(scope: Scope) -> int:
    given = dict(scope["headers"]).get(b"content-length", b"0")
    return int(given) if given.isdigit() and len(given) < 19 else 0


def _counted(receive: Receive, limit: int) -> Receive:
    """A body without a length, or with a wrong one, is stopped where it becomes too large."""
    seen = 0

    async def counted() -> MutableMapping[str, Any]:
        nonlocal seen
        event = await receive()
        seen += len(event.get("body", b""))
        if seen > limit:
            raise RequestEntityTooLarge
        return event

    return counted


def _protected(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    rows = list(headers)
    there = {name.lower(): value for name, value in rows}
    if there.get(b"content-type", b"").startswith(b"text/html"):
        rows += [(name, value) for name, value in PAGE_HEADERS if name not in there]
    return rows


async def refuse(send: Send, refusal: Refusal) -> None:
    """RFC 9457, before any framework."""
    body = msgspec.json.encode(told(refusal.status_code, refusal.detail))
    rows = [(b"content-type", PROBLEM.encode()), (b"content-length", str(len(body)).encode())]
    rows += [(name.lower().encode(), value.encode()) for name, value in (refusal.headers or {}).items()]
    await send({"type": "http.response.start", "status": refusal.status_code, "headers": rows})
    await send({"type": "http.response.body", "body": body})
