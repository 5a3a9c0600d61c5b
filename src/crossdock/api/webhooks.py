"""POST /webhooks/{connection}/{event}: a bare ASGI handler, since a store waits for it and holds its queue."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from concurrent.futures import Future
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote

import msgspec
import structlog
from prometheus_client import CollectorRegistry

from crossdock.contract.message import Heard, Message
from crossdock.errors import InvalidPayload, MessageError, SignatureError, StorageError, Temporary
from crossdock.identity.refusals import PROBLEM, told
from crossdock.telemetry.catalogue import WEBHOOKS

log = structlog.get_logger("crossdock.api")
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
# what was heard, or what is to be awaited for it: a door that must ask elsewhere first
Door = Callable[[str, Mapping[str, str], bytes, datetime], Heard | Awaitable[Heard]]
RETRY_AFTER = 5
CHALLENGE_LENGTH = 200
QUERY_LENGTH = 2000


class Outcome(Protocol):
    """What became of a message."""

    @property
    def id(self) -> str:
        """Of the first one that came."""

    @property
    def outcome(self) -> str:
        """new, unchanged, duplicate or conflict."""


class IntakePort(Protocol):
    """Where messages go."""

    def offer(self, message: Message, fingerprint: str = "") -> Future[Any]:
        """Outcome, after the commit; or StorageError."""


class TooLarge(MessageError):
    """The body is over the limit."""

    code = "too-large"


class Webhooks:
    """The ASGI application below /webhooks."""

    def __init__(
        self,
        doors: Mapping[str, Door],
        intake: IntakePort,
        clock: Callable[[], datetime],
        *,
        body_limit: int,
        registry: CollectorRegistry,
        challenged: Collection[str] = (),
    ) -> None:
        self._doors = doors
        self._intake = intake
        self._clock = clock
        self._limit = body_limit
        self._challenged = frozenset(challenged)
        self._counted = WEBHOOKS.counter(registry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        parts = [unquote(part) for part in scope["path"].split("/")[2:]]
        door = self._doors.get(parts[0]) if len(parts) == 2 else None
        if door is None:
            await problem(send, 404, "there is no such door")
            return
        if scope["method"] == "GET" and parts[0] in self._challenged:
            await answer_challenge(send, scope["query_string"])
            return
        if scope["method"] != "POST":
            await problem(send, 405, "only POST", {"allow": "POST"})
            return
        status, answer = await self._take(parts[0], parts[1], door, scope, receive)
        self._counted.labels(parts[0], str(status)).inc()
        if status < 300:
            await respond(send, status, answer)
        else:
            headers = {"retry-after": str(RETRY_AFTER)} if status == 503 else {}
            await problem(send, status, str(answer["detail"]), headers)

    async def _take(
        self, connection: str, event: str, door: Door, scope: Scope, receive: Receive
    ) -> tuple[int, dict[str, Any]]:
        try:
            body = await read_body(scope, receive, self._limit)
            headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
            heard = door(event, headers, body, self._clock())
            if not isinstance(heard, Heard):
                heard = await heard
            return await self._record(connection, heard, body)
        except SignatureError as error:
            log.warning("webhook refused", connection=connection, event_name=event[:80], code=error.code)
            return 401, {"detail": str(error)}
        except TooLarge as error:
            return 413, {"detail": str(error)}
        except InvalidPayload as error:
            return refusal(error), {"detail": str(error)}
        except Temporary as error:
            log.warning("webhook not judged yet", connection=connection, code=error.code, detail=str(error))
            return 503, {"detail": "its signature cannot be checked now: send it again"}
        except StorageError:
            log.exception("webhook not stored", connection=connection)
            return 503, {"detail": "it could not be stored: send it again"}

    async def _record(self, connection: str, heard: Heard, body: bytes) -> tuple[int, dict[str, Any]]:
        prints = heard.fingerprints or (hashlib.sha256(body).hexdigest(),)
        offered = [self._intake.offer(*pair) for pair in zip(heard.messages, prints, strict=True)]
        outcomes = await asyncio.gather(*map(asyncio.wrap_future, offered))  # the answer waits for the commit
        for error in heard.refused:
            log.warning("event of a batch refused", connection=connection, code=error.code, detail=str(error))
            self._counted.labels(connection, str(refusal(error))).inc()
        if any(one.outcome == "conflict" for one in outcomes):
            log.error("an event id came again with another content", connection=connection)
            return 409, {"detail": "this id came before with another content"}
        fresh = any(one.outcome == "new" for one in outcomes)
        ids = [one.id for one in outcomes]
        return 202, {"id": ids[0] if ids else "", "status": "accepted" if fresh else "duplicate"}


def refusal(error: InvalidPayload) -> int:
    """422: of a kind that is not taken; 400: not what its kind looks like."""
    return 422 if error.code == "unknown-event" else 400


async def answer_challenge(send: Send, query: bytes) -> None:
    """Say it back as plain text, which no browser takes for a page; 400 for what is none."""
    given = dict(parse_qsl(query[:QUERY_LENGTH].decode("latin-1"))).get("challenge", "")
    if not (given.isascii() and given.isprintable() and 1 <= len(given) <= CHALLENGE_LENGTH):
        await problem(send, 400, "there is no challenge")
        return
    headers = {"x-content-type-options": "nosniff", "cache-control": "no-store"}
    await respond_bytes(send, 200, given.encode(), headers, "text/plain; charset=utf-8")


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """Raises TooLarge as soon as it is."""
    declared = dict(scope["headers"]).get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > limit:
        raise TooLarge(f"more than {limit} bytes")
    body = bytearray()
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise InvalidPayload("the sender went away")
        body += event.get("body", b"")
        if len(body) > limit:
            raise TooLarge(f"more than {limit} bytes")
        if not event.get("more_body", False):
            return bytes(body)


async def respond(
    send: Send, status: int, answer: Any, headers: Mapping[str, str] | None = None, kind: str = "application/json"
) -> None:
    """JSON."""
    await respond_bytes(send, status, msgspec.json.encode(answer), headers, kind)


async def respond_bytes(send: Send, status: int, body: bytes, headers: Mapping[str, str] | None, kind: str) -> None:
    """As they are."""
    rows = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    rows += [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    await send({"type": "http.response.start", "status": status, "headers": rows})
    await send({"type": "http.response.body", "body": body})


async def problem(send: Send, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
    """RFC 9457."""
    await respond(send, status, told(status, detail), headers, PROBLEM)
