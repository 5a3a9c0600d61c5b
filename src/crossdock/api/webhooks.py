"""POST /webhooks/{connection}/{event}: a bare ASGI handler, since a store waits for it and holds its queue."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import unquote

import msgspec
import structlog
from prometheus_client import CollectorRegistry, Counter

from crossdock.contract.message import Message
from crossdock.errors import InvalidPayload, MessageError, SignatureError, StorageError

log = structlog.get_logger("crossdock.api")
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Door = Callable[[str, Mapping[str, str], bytes, datetime], Sequence[Message]]
RETRY_AFTER = 5


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
    ) -> None:
        self._doors = doors
        self._intake = intake
        self._clock = clock
        self._limit = body_limit
        self._counted = Counter(
            "crossdock_webhooks",
            "Webhooks by connection and what became of them",
            ["connection", "outcome"],
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        parts = [unquote(part) for part in scope["path"].split("/")[2:]]
        door = self._doors.get(parts[0]) if len(parts) == 2 else None
        if door is None:
            await problem(send, 404, "there is no such door")
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
            messages = door(event, headers, body, self._clock())
            return await self._record(connection, messages, body)
        except SignatureError as error:
            log.warning("webhook refused", connection=connection, event_name=event[:80], code=error.code)
            return 401, {"detail": str(error)}
        except TooLarge as error:
            return 413, {"detail": str(error)}
        except InvalidPayload as error:
            unknown = error.code == "unknown-event"
            return (422 if unknown else 400), {"detail": str(error)}
        except StorageError:
            log.exception("webhook not stored", connection=connection)
            return 503, {"detail": "it could not be stored: send it again"}

    async def _record(self, connection: str, messages: Sequence[Message], body: bytes) -> tuple[int, dict[str, Any]]:
        fingerprint = hashlib.sha256(body).hexdigest()
        futures = [asyncio.wrap_future(self._intake.offer(message, fingerprint)) for message in messages]
        outcomes = await asyncio.gather(*futures)  # the answer waits for the commit
        if any(one.outcome == "conflict" for one in outcomes):
            log.error("an event id came again with another content", connection=connection)
            return 409, {"detail": "this id came before with another content"}
        fresh = any(one.outcome == "new" for one in outcomes)
        ids = [one.id for one in outcomes]
        return 202, {"id": ids[0] if ids else "", "status": "accepted" if fresh else "duplicate"}


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
    body = msgspec.json.encode(answer)
    rows = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    rows += [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    await send({"type": "http.response.start", "status": status, "headers": rows})
    await send({"type": "http.response.body", "body": body})


async def problem(send: Send, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
    """RFC 9457."""
    answer = {"type": "about:blank", "title": TITLES.get(status, "Error"), "status": status, "detail": detail}
    await respond(send, status, answer, headers, "application/problem+json")


TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Content Too Large",
    422: "Unprocessable Content",
    503: "Service Unavailable",
}
