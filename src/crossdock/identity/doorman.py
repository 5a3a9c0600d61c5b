"""Knows who asks: a token, a signature, a session. Everything else is one and the same 401."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

import anyio
import anyio.to_thread
import structlog
from litestar import Request

from crossdock.errors import SignatureError, StorageError
from crossdock.identity.refusals import Forbidden, Refusal, TooMany, Unauthenticated
from crossdock.identity.seen import address_in, group_in
from crossdock.model.base import Record
from crossdock.security import signed_requests
from crossdock.security.access import EVERY_ERP, Person, Token, Who
from crossdock.security.limits import Limiter
from crossdock.security.network import caller
from crossdock.security.tokens import KeptToken, hash_of, is_token

log = structlog.get_logger("crossdock.identity")
THREADS = 8  # of their own: what waits for a push must not keep others at the door
USED_EVERY = timedelta(minutes=1)
ERP_GROUP = "erp"
OF_PEOPLE = frozenset({"operations", "console"})  # elsewhere a session counts for nothing
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
BACKGROUND = "x-crossdock-background"  # of what a page asks by itself: nobody is there because of it
CSRF_HEADER, CSRF_FIELD = "x-csrf-token", "csrf"


class Client(Record, frozen=True, kw_only=True):
    """A system of the settings file: its token, or secrets with which it signs. Both may be there."""

    name: str
    connection: str
    token: str = ""
    secrets: tuple[str, ...] = ()

    def who(self) -> Token:
        """May push all that its connection may."""
        return Token(id=0, name=self.name, scopes=frozenset({EVERY_ERP}), connection=self.connection)


class KeepsTokens(Protocol):
    """What the database is asked for."""

    def token_of(self, digest: str) -> KeptToken | None:
        """By its hash, whatever its state."""

    def token_used(self, token_id: int, now: datetime) -> None:
        """Nobody waits for it."""

    def is_new_nonce(self, client: str, nonce: str, now: datetime, until: datetime) -> bool:
        """Whether it came for the first time; it is remembered until then."""


class KnowsSessions(Protocol):
    """Who is asked for people."""

    def person(self, cookie: str, *, used: bool = True) -> Person | None:
        """Whose session it is, if it holds. `used`: somebody is there, so that it holds on."""


class Limits(Record, frozen=True, kw_only=True):
    """Requests a minute: `known` for each that is known, by group (0: any number); `failures` for each address."""

    known: Mapping[str, int]
    failures: int = 60
    tolerance: timedelta = timedelta(minutes=5)


class Doorman:
    """Called in the event loop; asks the database in threads. `clients`: those of the settings, asked each time."""

    def __init__(
        self,
        clients: Callable[[], Sequence[Client]],
        tokens: KeepsTokens,
        limits: Limits,
        clock: Callable[[], datetime],
        steady: Callable[[], float] = time.monotonic,
        *,
        sessions: KnowsSessions | None = None,
        cookie: str = "",
    ) -> None:
        self._sessions = sessions
        self._cookie = cookie
        self._clients = clients
        self._tokens = tokens
        self._limits = limits
        self._clock = clock
        self._steady = steady
        self._failures = Limiter(limits.failures)
        self._known = {group: Limiter(rate) for group, rate in limits.known.items()}
        self._threads = anyio.CapacityLimiter(THREADS)

    async def admit(self, request: Request[Any, Any, Any]) -> Who:
        """Who it is. Raises Unauthenticated, TooMany, and Refusal 503 where the database cannot be asked."""
        try:
            who = await self._who(request)
        except StorageError as error:
            raise Refusal(503, "it cannot be told now who asks: send it again", {"Retry-After": "5"}) from error
        if who is None:
            self.count_failure(request.scope)
            raise Unauthenticated
        limiter = self._known.get(group_in(request.scope))
        if limiter is not None and (wait := limiter.take(who.actor, self._steady())):
            raise TooMany(wait)
        return who

    def count_failure(self, scope: Any) -> None:
        """Raises TooMany where an address has failed too often; one who is known is never kept out by it."""
        if wait := self._failures.take(caller(address_in(scope)), self._steady()):
            raise TooMany(wait)

    async def bearer(self, header: str) -> Token | None:
        """Whose token it is, if it holds."""
        scheme, _, given = header.partition(" ")
        given = given.strip()
        if scheme.lower() != "bearer" or not given:
            return None
        if (client := self._of_settings(given)) is not None:
            return client.who()
        return await self._in_thread(partial(self._kept, given)) if is_token(given) else None

    async def _who(self, request: Request[Any, Any, Any]) -> Who | None:
        headers = request.headers
        if "authorization" in headers:
            return await self.bearer(headers["authorization"])
        if signed_requests.SIGNATURE in headers and group_in(request.scope) == ERP_GROUP:
            return await self._signed(request)
        if self._sessions is not None and group_in(request.scope) in OF_PEOPLE:
            return await self._person(request, self._sessions)
        return None

    async def _person(self, request: Request[Any, Any, Any], sessions: KnowsSessions) -> Person | None:
        cookie = request.cookies.get(self._cookie, "")
        ask = partial(sessions.person, cookie, used=BACKGROUND not in request.headers)
        found: Person | None = await self._in_thread(ask) if cookie else None
        if found is not None and request.method not in SAFE:
            await _prove_form(request, found)
        return found

    async def _signed(self, request: Request[Any, Any, Any]) -> Token | None:
        signed = signed_requests.read(request.headers)
        client = next((one for one in self._clients() if one.name == signed.client), None)
        if client is None or not client.secrets:
            return None  # before a body is read for nothing
        now, tolerance = self._clock(), self._limits.tolerance
        try:
            signed_requests.verify(
                signed, client.secrets, request.method, target_of(request.scope), await request.body(), now, tolerance
            )
        except SignatureError as error:
            log.warning("signed request refused", detail=str(error))
            return None
        # remembered for as long as its time stamp is taken, whichever way the clocks differ
        until = now + 2 * tolerance
        fresh = await self._in_thread(partial(self._tokens.is_new_nonce, signed.client, signed.nonce, now, until))
        return client.who() if fresh else None

    def _of_settings(self, given: str) -> Client | None:
        digest = hash_of(given)
        found = [one for one in self._clients() if one.token and hmac.compare_digest(hash_of(one.token), digest)]
        return found[0] if found else None

    def _kept(self, given: str) -> Token | None:
        now, digest = self._clock(), hash_of(given)
        kept = self._tokens.token_of(digest)
        if kept is None or kept.state(now) != "good":
            return None
        if kept.last_used_at is None or now - kept.last_used_at > USED_EVERY:
            self._tokens.token_used(kept.id, now)
        return kept.token()

    async def _in_thread(self, act: Callable[[], Any]) -> Any:
        return await anyio.to_thread.run_sync(act, limiter=self._threads)


async def _prove_form(request: Request[Any, Any, Any], person: Person) -> None:
    """A browser sends a cookie along whoever has made it ask: the page itself must have known the session."""
    given = request.headers.get(CSRF_HEADER) or (await request.form()).get(CSRF_FIELD, "")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), person.csrf.encode()):
        raise Forbidden("this was not sent from a page of this session: load the page again")


def target_of(scope: Any) -> str:
    """Path and query as they came."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope.get("query_string", b"")
    return (raw.partition(b"?")[0] + (b"?" + query if query else b"")).decode("latin-1")
