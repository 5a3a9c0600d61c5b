"""Asynchronous and bulk calls: accepted at once with 202, carried out later, asked after under /V1/bulk.

Recorded: the token, the JSON and what is required are checked at once and for all entries together; what goes wrong
later stands in the operations alone. A successful answer stands in `result_serialized_data`, as JSON inside a string.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from crossdock.sandbox import php, products, routes
from crossdock.sandbox.faults import LOCKED, lock_time_out
from crossdock.sandbox.routes import Call
from crossdock.sandbox.search import listed
from crossdock.sandbox.wire import ENCODER, Answer, Asked

if TYPE_CHECKING:
    from crossdock.sandbox.store import Store

COMPLETE, RETRIABLE, FAILED, OPEN = 1, 2, 3, 4
COLUMNS = {"start_time", "id", "bulk_uuid", "topic_name", "status", "error_code"}
PLACE = re.compile(r"(/rest(?:/(?!async)\w+)?)/async(/bulk)?(/V1/.*)")
PARAMETER = re.compile(r"(?<=/)by([A-Z]\w*)")
SERVICES = {
    "ship": r"Magento\Sales\Model\ShipOrder::execute",
    "invoice": r"Magento\Sales\Model\InvoiceOrder::execute",
    "refund": r"Magento\Sales\Model\RefundOrder::execute",
}
STORAGES = {"base-prices": "BasePrice", "special-price": "SpecialPrice", "tier-prices": "TierPrice"}
Row = dict[str, Any]


def find(asked: Asked) -> Call | Answer:
    """What would be carried out, or why nothing is accepted."""
    place = PLACE.fullmatch(asked.path)
    if place is None or asked.method == "GET":
        return Answer(status=400, body={"message": "Specified request cannot be processed."})
    known = routes.resource(asked.method, PARAMETER.sub("0", place[3]))
    if known is None:
        return Answer(status=404, body={"message": routes.NO_ROUTE})
    inner: list[Call] = []
    for entry in _entries(asked) if place[2] else [asked.body]:
        path, missing = _filled(place[3], entry)
        if missing:
            return routes.required(missing)
        call = routes.find(msgspec.structs.replace(asked, path=place[1] + path, body=entry))
        if isinstance(call, Answer):
            return call
        if call.act is products.save and (refused := products.refuse(call.body)) is not None:
            return refused
        inner.append(call)
    return Call(asked=asked, act=_accept, kind="write", resource=known, inner=tuple(inner))


def _entries(asked: Asked) -> list[bytes]:
    """A body that is no list acts as one entry of nothing."""
    try:
        body = asked.json()
    except ValueError:
        return [asked.body]
    return [ENCODER.encode(one) for one in body] if isinstance(body, list) else [b"{}"]


def _filled(path: str, entry: bytes) -> tuple[str, str]:
    """The synchronous path, /V1/order/byOrderId/ship with the entry's own orderId; or the name that is missing."""
    for found in PARAMETER.finditer(path):
        name = found[1][0].lower() + found[1][1:]
        try:
            value = msgspec.json.decode(entry).get(name)
        except (ValueError, AttributeError):
            return path, ""  # the synchronous call says what is wrong with it
        if not isinstance(value, int | str):
            return path, name
        path = path.replace(found[0], str(value))
    return path, ""


class Jobs:
    """What was accepted. The uuids depend on the seed alone."""

    def __init__(self, store: Store, seed: int) -> None:
        self._store = store
        self._seed = seed
        self._kept: dict[str, Row] = {}
        self._waiting: deque[tuple[str, int, Call]] = deque()
        self._consuming = False
        self._begun = 0
        self._due = 0.0
        self.carried_out = 0
        self.longest = 0  # that the queue ever was
        self.idle_s = 0.0  # that the consumer had nothing to do between its first and its last operation
        self._idle_since: float | None = None

    def accept(self, calls: Sequence[Call]) -> Row:
        """The 202's body. Each call is carried out `bulk_s` later, one after the other."""
        count = len(self._kept) + 1
        uuid = str(UUID(bytes=sha256(f"{self._seed} bulk {count}".encode()).digest()[:16], version=4))
        topic = _topic(calls[0]) if calls else ""
        self._kept[uuid] = {
            "operations_list": [_operation(n, uuid, call) for n, call in enumerate(calls)],
            "user_type": 1,
            "bulk_id": uuid,
            "description": f"Topic {topic}",
            "start_time": self._store.stamp(),
            "user_id": 1,
            "operation_count": len(calls),
        }
        faults = self._store.faults
        if not faults.bugs.bulk_never_starts:
            waiting = [(uuid, place, call) for place, call in enumerate(calls)]
            self._store.schedule(faults.bulk_s, lambda: self._begin(waiting))
        hashes = [sha256(call.asked.body).hexdigest() for call in calls]
        items = [{"id": n, "data_hash": told, "status": "accepted"} for n, told in enumerate(hashes)]
        return {"bulk_uuid": uuid, "request_items": items, "errors": False}

    def status(self, uuid: str, *, detailed: bool) -> Row | None:
        """None for a uuid that is not known."""
        kept = self._kept.get(uuid)
        if kept is None:
            return None
        short = ("id", "status", "result_message", "error_code")
        rows = [one if detailed else {name: one[name] for name in short} for one in self._told(uuid)]
        return kept | {"operations_list": rows}

    def count(self, uuid: str, status: int) -> int:
        """How many operations of it have this status; 0 for a uuid that is not known."""
        return sum(one["status"] == status for one in self._told(uuid))

    def _told(self, uuid: str) -> list[Row]:
        rows: list[Row] = self._kept[uuid]["operations_list"] if uuid in self._kept else []
        bugs = self._store.faults.bugs
        if bugs.bulk_stays_open:
            blank = {"status": OPEN, "result_message": None, "result_serialized_data": None, "error_code": None}
            return [one | blank for one in rows]
        if bugs.bulk_told_failed:
            failed = {"status": FAILED, "result_message": "Something went wrong.", "error_code": 0}
            return [one | failed if one["status"] == OPEN else one for one in rows]
        return rows

    def all_operations(self) -> list[Row]:
        """Of every bulk, each with the time at which its bulk began."""
        return [
            one | {"start_time": kept["start_time"]} for uuid, kept in self._kept.items() for one in self._told(uuid)
        ]

    def _begin(self, calls: Sequence[tuple[str, int, Call]]) -> None:
        self._waiting.extend(calls)
        self.longest = max(self.longest, len(self._waiting))
        if not self._consuming and self._waiting:
            self._consuming = True
            if self._idle_since is not None:
                self.idle_s += time.monotonic() - self._idle_since
            self._due = time.monotonic()
            self._consume()

    def _consume(self) -> None:
        """One consumer: what is due by its speed, then again a little later."""
        speed = self._store.faults.bulk_per_s
        while self._waiting and (not speed or self._due <= time.monotonic()):
            self._run(*self._waiting.popleft())
            self._due += 1 / speed if speed else 0.0
        if self._waiting:
            self._store.schedule(max(0.001, self._due - time.monotonic()), self._consume)
            return
        self._consuming, self._idle_since = False, time.monotonic()

    def _run(self, uuid: str, place: int, call: Call) -> None:
        operation, bugs = self._kept[uuid]["operations_list"][place], self._store.faults.bugs
        self._begun += 1
        if bugs.bulk_lost_every and self._begun % bugs.bulk_lost_every == 0:
            self._store.lottery.count("bulk_lost")
            return
        if bugs.bulk_retriable_every and self._begun % bugs.bulk_retriable_every == 0:
            self._store.lottery.count("bulk_retriable")
            operation.update({"status": RETRIABLE, "result_message": LOCKED["message"], "error_code": LOCKED["code"]})
            return
        locked = self._store.lottery.happens("locked", call.kind, f"async {call.asked.path}")
        answer = lock_time_out(call.asked.path) if locked else call.carried_out(self._store)
        self.carried_out += 1
        operation.update(_result(call, answer))


def search(store: Store, call: Call) -> Answer:
    """All operations of all bulks; the time stands in `extension_attributes` (recorded)."""
    answer = listed(store.jobs.all_operations(), call.asked.query, COLUMNS, store.faults.bugs)
    if answer.status != 200:
        return answer
    told = [{"extension_attributes": {"start_time": row["start_time"]}, **row} for row in answer.body["items"]]
    rows = [{name: value for name, value in row.items() if name != "start_time"} for row in told]
    return Answer(body=answer.body | {"items": rows})


def _accept(store: Store, call: Call) -> Answer:
    return Answer(status=202, body=store.jobs.accept(call.inner))


def _operation(number: int, uuid: str, call: Call) -> Row:
    return {
        "id": number,
        "bulk_uuid": uuid,
        "topic_name": _topic(call),
        "serialized_data": _envelope(call),
        "result_serialized_data": None,
        "status": OPEN,
        "result_message": None,
        "error_code": None,
    }


def _envelope(call: Call) -> str:
    """What waits in the queue: the body as a text inside (recorded of a failed one)."""
    inside = call.asked.body.decode(errors="replace")
    told = {"entity_id": None, "entity_link": "", "meta_information": inside, "store_id": "0"}
    return ENCODER.encode(told).decode()


def _result(call: Call, answer: Answer) -> Row:
    if answer.status < 300:
        told = php.encode(answer.body).decode()
        text = f"Service execution success {_service(call)}"
        done = {"status": COMPLETE, "serialized_data": None, "result_serialized_data": told}
        return done | {"result_message": text, "error_code": None}
    return {"status": FAILED, "result_message": _filled_in(answer), "error_code": answer.body.get("code", 0)}


def _filled_in(answer: Answer) -> str:
    """The text with its parameters in it, unlike a synchronous answer's (recorded)."""
    text, told = str(answer.body["message"]), answer.body.get("parameters") or {}
    named = told if isinstance(told, dict) else {str(place): value for place, value in enumerate(told, 1)}
    for name, value in named.items():
        text = text.replace(f"%{name}", str(value))
    return text


def _service(call: Call) -> str:
    if call.act is products.save:
        return r"Magento\Catalog\Model\ProductRepository\Interceptor::save"
    if (storage := STORAGES.get(_last(call))) is not None:
        proxy = r"\Interceptor" if storage == "TierPrice" else ""
        return rf"Magento\Catalog\Model\Product\Price\{storage}Storage{proxy}::update"
    return SERVICES.get(call.parts[-1] if call.parts else "", "of this call")


def _last(call: Call) -> str:
    return call.asked.path.rpartition("/")[2]


def _topic(call: Call) -> str:
    if call.act is products.save:
        return f"async.magento.catalog.api.productrepositoryinterface.save.{call.asked.method.lower()}"
    if (storage := STORAGES.get(_last(call))) is not None:
        return f"async.magento.catalog.api.{storage.lower()}storageinterface.update.{call.asked.method.lower()}"
    name = call.parts[-1] if call.parts and call.parts[-1].isalpha() else call.kind
    method = call.asked.method.lower()
    return f"async.magento.sales.api.{name}orderinterface.execute.{method}"
