"""The company over HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from typing import TypeVar
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import msgspec

from crossdock.sandbox.clock import Clock
from crossdock.sandbox.erps.dynamics_fo.books import Books
from crossdock.sandbox.erps.dynamics_fo.contract import (
    BLANKS,
    CLIENT,
    COMPANY,
    KEYS,
    SECRET,
    SHOWN,
    TAKEN,
    TEXT,
    TOKEN,
    TOKEN_PATH,
    checked,
)
from crossdock.sandbox.erps.odata import Asking, Filter, Refusal, Row, found
from crossdock.sandbox.faults import NONE, Faults, Lottery
from crossdock.sandbox.wire import Answer, Asked, WireServer

T = TypeVar("T")
WAIT_SECONDS = 30
CRLF = b"\r\n"


class FoServer:
    """The stand-in over HTTP. `do` runs something on its books in its own thread, where nothing races."""

    def __init__(self, *, seed: int = 1, faults: Faults = NONE, page: int = 10_000, numbers: str = "manual") -> None:
        self.clock = Clock()
        self.lottery = Lottery(faults, seed)
        self.books = Books(numbers)
        self.page = page
        self.received: dict[str, datetime] = {}
        self.tokens: set[str] = set()  # those that are good
        self.issued = 0
        self._server = WireServer(self.answer, self.clock)
        self.url = self._server.url

    def start(self) -> None:
        """Begin to serve."""
        self._server.start()

    def stop(self) -> None:
        """Break what is open."""
        self._server.stop()

    def do(self, act: Callable[[Books], T]) -> T:
        """The result of `act(books)`."""
        done: Future[T] = Future()

        def run() -> None:
            try:
                done.set_result(act(self.books))
            except Exception as error:  # noqa: BLE001  the caller gets it
                done.set_exception(error)

        self._server.loop.call_soon_threadsafe(run)
        return done.result(WAIT_SECONDS)

    def answer(self, asked: Asked) -> Answer:
        """One request, with what the lottery has in store for it."""
        if asked.path == TOKEN_PATH:
            return self._token(asked)
        if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return Answer(status=401, raw=b"")
        kind, what = kind_of(asked), f"{asked.method} {asked.path}"
        if (instead := self.lottery.before(kind, what, self.clock(), writes=False)) is not None:
            return instead
        return self.lottery.around(kind, what, lambda: self._safely(asked))

    def _safely(self, asked: Asked) -> Answer:
        before = self.books.copied()
        try:
            return self._batch(asked) if asked.path == "/data/$batch" else self._taken(asked)
        except Refusal as refusal:
            self.books.tables = before
            return told(refusal)

    def _token(self, asked: Asked) -> Answer:
        form = dict(parse_qsl(asked.body.decode()))
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET) or "scope" not in form:
            return Answer(status=401, body={"error": "invalid_client"})
        self.issued += 1
        token = f"{TOKEN}-{self.issued}"
        self.tokens.add(token)
        return Answer(body={"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    def _batch(self, asked: Asked) -> Answer:
        """One change set, done whole or not at all."""
        (change_set,) = parts_of(asked.headers.get("content-type", ""), asked.body)
        inner = [request_in(part) for part in change_set.get_payload() if isinstance(part, Message)]
        before, answers = self.books.copied(), list[bytes]()
        for one in inner:
            try:
                answers.append(http_part(self._taken(one)))
            except Refusal as refusal:
                self.books.tables = before
                return batched(http_part(told(refusal)))
        whole = multipart("changesetresponse_1", answers)
        return batched(b"Content-Type: multipart/mixed; boundary=changesetresponse_1\r\n\r\n" + whole)

    def _taken(self, asked: Asked) -> Answer:
        match = re.fullmatch(r"/data/(\w+)(\(.*\))?", asked.path)
        if match is None or match[1] not in SHOWN:
            raise Refusal(404, "", f"Resource not found for the segment '{asked.path.rpartition('/')[2]}'.")
        table, key = match[1], match[2]
        if asked.method == "GET" and not key:
            return self._listed(table, asked)
        if asked.method == "POST" and not key and table in TAKEN:
            row = self.books.make(table, checked(table, asked.json()))
            if table == "SalesOrderHeadersV2":
                self.received.setdefault(str(row.get("CustomersOrderReference")), self.clock.real())
            return Answer(status=201, body=shown(row))
        if asked.method in {"PATCH", "DELETE"} and key:
            return self._changed(table, key, asked)
        raise Refusal(405, "", "The HTTP method is not allowed.")

    def _listed(self, table: str, asked: Asked) -> Answer:
        fields = SHOWN[table]
        asking = Asking.of(asked.query, asked.headers, fields)
        asking = msgspec.structs.replace(asking, size=min(asking.size, self.page))
        test = Filter(asking.where, fields, with_in=False).test if asking.where else (lambda _row: True)
        everywhere = asked.query.get("cross-company") == "true"
        rows = [row for row in self.books.tables[table] if everywhere or row["dataAreaId"] == "dat"]
        page = found(rows, asking, test)
        body: Row = {"value": [shown(row, asking.select or (), table) for row in page.rows]}
        if page.next is not None:
            query = urlencode({**asked.query, "$skiptoken": str(page.next)})
            body["@odata.nextLink"] = f"{self.url}{asked.path}?{query}"
        return Answer(body=body)

    def _changed(self, table: str, key: str, asked: Asked) -> Answer:
        told_key = dict(re.findall(r"(\w+)='((?:[^']|'')*)'", key))
        if set(told_key) != set(KEYS[table]):
            raise Refusal(400, "", "The key does not have all of its parts.")
        rows = self.books.tables[table]
        row = next((one for one in rows if all(one[name] == value for name, value in told_key.items())), None)
        if row is None:
            raise Refusal(404, "", "No resources were found.")
        if asked.headers.get("if-match", "*") not in {"*", row["_etag"]}:
            raise Refusal(412, "", "The record was changed by another user.")
        if asked.method == "DELETE":
            self.books.drop(table, row)
            return Answer(status=204, raw=b"")
        self.books.replace(table, row, checked(table, asked.json()))
        return Answer(status=204, raw=b"")


def kind_of(asked: Asked) -> str:
    """The class of endpoint that faults go by: find, create, change."""
    return {"GET": "find", "POST": "create"}.get(asked.method, "change")


def shown(row: Row, select: tuple[str, ...] = (), table: str = "") -> Row:
    """As the interface tells it; a blank field as its type has it."""
    names, kinds = select or tuple(name for name in row if not name.startswith("_")), SHOWN.get(table, {})
    return {"@odata.etag": row["_etag"]} | {name: row.get(name, BLANKS[kinds.get(name, TEXT)]) for name in names}


def told(refusal: Refusal) -> Answer:
    """An error's body: the code is empty, the useful text lies inside."""
    inner = {"message": refusal.message, "type": "Microsoft.Dynamics.Platform.Integration", "stacktrace": ""}
    return Answer(
        status=refusal.status,
        body={"error": {"code": "", "message": "An error has occurred.", "innererror": inner}},
    )


def parts_of(content_type: str, body: bytes) -> list[Message]:
    """Of a multipart body. Raises Refusal."""
    whole = message_from_bytes(b"Content-Type: " + content_type.encode() + CRLF + CRLF + body)
    payload = whole.get_payload()
    parts = [part for part in payload if isinstance(part, Message)] if isinstance(payload, list) else []
    if len(parts) != 1 or not parts[0].is_multipart():
        raise Refusal(400, "", "the batch is no multipart with one change set")
    return parts


def request_in(part: Message) -> Asked:
    """The request in a part."""
    if part.get_content_type() != "application/http" or not part.get("content-id"):
        raise Refusal(400, "", "a part of a change set has no request or no content id")
    payload = part.get_payload(decode=True)
    head, _, body = (payload if isinstance(payload, bytes) else b"").partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    where = urlsplit(target)
    return Asked(
        method=method,
        path=unquote(where.path),
        query=dict(parse_qsl(where.query)),
        headers=headers,
        body=body.removesuffix(CRLF),
    )


def http_part(answer: Answer) -> bytes:
    """An answer as a part."""
    head = f"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nHTTP/1.1 {answer.status} -\r\n"
    content = answer.content()
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content


def multipart(boundary: str, parts: list[bytes]) -> bytes:
    """The parts, held apart."""
    return b"".join(f"--{boundary}\r\n".encode() + part + CRLF for part in parts) + f"--{boundary}--\r\n".encode()


def batched(part: bytes) -> Answer:
    """The answer to a batch of one."""
    headers = {"Content-Type": "multipart/mixed; boundary=batchresponse_1"}
    return Answer(status=200, raw=multipart("batchresponse_1", [part]), headers=headers)


__all__ = ["COMPANY", "FoServer"]
