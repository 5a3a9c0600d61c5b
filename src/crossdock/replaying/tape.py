"""What a target answered then, in the place of the target."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from urllib.parse import urlsplit

import msgspec

from crossdock.errors import OutcomeUnknown
from crossdock.exchanges import operation_of
from crossdock.model.base import Record
from crossdock.storage.replays import Row
from crossdock.transport.kept import asked_of
from crossdock.transport.wire import HttpRequest, HttpResponse

OK = 200
LOGIN = HttpResponse(
    status=OK, body=b'{"access_token":"rehearsed","token_type":"Bearer","expires_in":3600}'
)  # a login is never recorded


class Said(Record, frozen=True):
    """A request: how it is called in the trail, its body, and the hash of its address, "" where none was kept."""

    operation: str
    body: bytes = b""
    asked: str = ""

    def is_like(self, other: Said) -> bool:
        """The same but for the body; of remote procedures, which share an address, the same one."""
        return self.is_there(other) and procedure_in(self.body) == procedure_in(other.body)

    def is_there(self, other: Said) -> bool:
        """The same address."""
        return self.operation == other.operation and (self.asked == other.asked or not (self.asked and other.asked))

    def is_as(self, other: Said) -> bool:
        """The same, byte for byte."""
        return self.body == other.body and self.is_there(other)


class NotRecorded(Exception):
    """Something is asked that was not asked then, or whose answer was not kept."""


Elsewhere = Callable[[Said], Row | None]


class Recording:
    """The tape of one delivery.

    `rows` are answered first, each once and in their order: those of the attempt that is replayed. Then `more`: those
    of its other attempts. Then `elsewhere`: what other deliveries were told, for look-ups that are done once for all.
    """

    def __init__(self, rows: Sequence[Row], more: Sequence[Row], elsewhere: Elsewhere) -> None:
        self.sent: list[Said] = []
        self._rows = rows
        self._left = list(rows)
        self._more = more
        self._elsewhere = elsewhere

    def answer(self, request: HttpRequest) -> HttpResponse:
        """As then. Raises NotRecorded, OutcomeUnknown where there was none then either."""
        if request.private:
            return request.rehearsed or LOGIN
        said = Said(
            operation_of(request.method, urlsplit(request.url).path), request.body or b"", asked_of(request.full_url())
        )
        looks = request.looks or request.method == "GET"
        if not looks:
            self.sent.append(said)
        row = self._told(said) or (self._elsewhere(said) if looks else self._like(said))
        if row is None or row.forgotten or (looks and not row.beside.asked and not row.response):
            raise NotRecorded(f"{said.operation} was not answered then")
        if row.status is None:
            raise OutcomeUnknown(f"{said.operation}: no answer then either")
        return HttpResponse(status=row.status, headers=row.beside.headers, body=row.response)

    def _told(self, said: Said) -> Row | None:
        """The answer to the same request: the next one of the attempt, else the last one of any."""
        for row in self._left:
            if said.is_as(said_in(row)):
                self._left.remove(row)
                return row
        return _last(row for row in (*self._more, *self._rows) if said.is_as(said_in(row)))

    def _like(self, said: Said) -> Row | None:
        """Another body has the answer that its like had."""
        for row in self._left:
            if not row.beside.looks and said.is_like(said_in(row)):
                self._left.remove(row)
                return row
        rows = (row for row in (*self._more, *self._rows) if not row.beside.looks)
        return _last(row for row in rows if said.is_like(said_in(row)))


def _last(rows: Iterable[Row]) -> Row | None:
    """That tells something, if any does."""
    found = list(rows)
    return next((row for row in reversed(found) if row.tells), found[-1] if found else None)


def procedure_in(body: bytes) -> str:
    """What a body of JSON-RPC calls; "" for any other."""
    if b'"method"' not in body[:100]:
        return ""
    try:
        return msgspec.json.decode(body, type=_Call).method
    except msgspec.MsgspecError:
        return ""


class _Call(msgspec.Struct):
    method: str
    params: msgspec.Raw


def said_in(row: Row) -> Said:
    """What was asked."""
    return Said(row.operation, row.request, row.beside.asked)


__all__ = ["Elsewhere", "NotRecorded", "Recording", "Said", "said_in"]
