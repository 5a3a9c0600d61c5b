"""Shipments, invoices, credit memos and order updates into a store.

Each reads the order first and looks whether the document is already there: by the mark that its comment bears. Of four
identical calls at once a real store carries out one; of two in a row it makes two documents where the order is open
enough for them (recorded), so the mark is what dedupes, and the order's lane is the lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from crossdock.contract.connector import Page, Watermark
from crossdock.contract.message import Message, Receipt
from crossdock.errors import (
    ConfigurationError,
    DeliveryError,
    InvalidPayload,
    NotOpen,
    NotReady,
    OutcomeUnknown,
    Rejected,
    Temporary,
)
from crossdock.flows.fulfilment import order_number
from crossdock.magento.client import MagentoClient, segment
from crossdock.magento.mapping.fulfilment import invoice_body, is_cancelled, pieces, refund_body, ship_body, track_body
from crossdock.magento.mapping.marks import mark
from crossdock.magento.mapping.naming import people_in
from crossdock.magento.mapping.wire import JsonObject, comments, decode, rows, text
from crossdock.magento.search import criteria, where
from crossdock.model.fulfilment import (
    Action,
    CreditMemo,
    Fulfilment,
    Invoice,
    OrderUpdate,
    Resolved,
    Shipment,
    Tracking,
)
from crossdock.transport.told import naming_nobody

PAGE = 100
ENCODER = msgspec.json.Encoder()
DECODER = msgspec.json.Decoder(Resolved)


class FulfilmentSource:
    """The source of the look at a document of an ERP: which order of the store it is about."""

    def __init__(self, client: MagentoClient, name: str, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._name = name
        self._clock = clock

    def parse(self, message: Message) -> Resolved:
        """Pure. Raises InvalidPayload."""
        try:
            return DECODER.decode(message.payload)
        except msgspec.DecodeError as error:
            raise InvalidPayload("a document of another form") from error

    def read(self, message: Message) -> Message:
        """The same, with the order's id at the store. Raises Rejected where the store has no such order."""
        told = decode(message.payload)
        document = told.get("document")
        if not isinstance(document, dict):
            raise InvalidPayload("a document of another form")
        number = order_number(document)
        asked_at = self._clock()
        record = Resolved(
            flow=text(told, "flow"),
            store=self._name,
            order_id=self._order_id(number, text(told, "order_id")),
            order_number=number,
            document=document,
        )
        return msgspec.structs.replace(message, reference=number, payload=ENCODER.encode(record), read_at=asked_at)

    def _order_id(self, number: str, known: str) -> str:
        """Where we know the order it is read by its id: one broken order fails every list that it is in."""
        if known:
            answer = self._client.find(f"V1/orders/{segment(known)}", (("fields", "entity_id,increment_id"),))
            if answer is not None and text(decode(answer.body), "increment_id") == number:
                return known
        query = criteria(
            ((where("increment_id", "eq", number),),),
            sort=("entity_id",),
            size=2,
            fields="items[entity_id,increment_id]",
        )
        found = rows(decode(self._client.fetch("GET", "V1/orders", query).body), "items")
        if len(found) != 1:
            raise Rejected(f"the store has {'several orders' if found else 'no order'} {number}")
        return text(found[0], "entity_id")

    def changes(self, since: Watermark | None) -> Iterator[Page]:  # noqa: ARG002  the port's signature
        """None: these come from an ERP."""
        raise ConfigurationError([f"connections.{self._name}: a store is not asked for what an ERP did"])


class FulfilmentSink:
    """The sink of `shipments`, `tracks`, `invoices`, `credit_memos` and `order_updates`."""

    def __init__(self, client: MagentoClient) -> None:
        self._client = client

    def put(self, record: Fulfilment, key: str) -> Receipt:  # noqa: ARG002  the mark is what dedupes
        """Does it where it is not done. Raises DeliveryError; OutcomeUnknown is answered by `find`."""
        order = self._order(record)
        with naming_nobody(people_in(order)):
            return self._found(order, record) or self._done(order, record)

    def find(self, record: Fulfilment, key: str) -> Receipt | None:  # noqa: ARG002
        """A receipt where it is done. Raises DeliveryError."""
        return self._found(self._order(record), record)

    def preview(self, record: Fulfilment) -> dict[str, Any]:
        """What it would look for; the body depends on what is open of the order then."""
        return {"order": record.order_number, "mark": mark(record, "update" if isinstance(record, OrderUpdate) else "")}

    def _order(self, record: Fulfilment) -> JsonObject:
        answer = self._client.find(f"V1/orders/{segment(record.order_id)}")
        if answer is None:
            raise Rejected("the store has no such order", status=404)
        order = decode(answer.body)
        if not text(order, "entity_id"):
            raise Temporary("an order in an unknown form")
        return order

    def _found(self, order: JsonObject, record: Fulfilment) -> Receipt | None:
        if isinstance(record, OrderUpdate):
            return self._updated(order, record)
        if isinstance(record, Tracking):
            shipment = self._shipment(record)
            return None if shipment is None or _untracked(shipment, record) else _receipt(shipment, found=True)
        path, _ = PLACES[type(record)]
        document = self._marked(path, record)
        if document is None:
            return None
        moved = pieces(order, rows(document, "items")) if isinstance(record, Shipment) else {}
        return msgspec.structs.replace(_receipt(document, found=True), moved=moved)

    def _done(self, order: JsonObject, record: Fulfilment) -> Receipt:
        if isinstance(record, OrderUpdate):
            return self._update(order, record)
        if isinstance(record, Tracking):
            return self._track(record)
        if text(order, "state") == "holded":
            raise NotOpen("the order is on hold")
        if isinstance(record, CreditMemo) and record.online:
            return self._made(
                f"V1/invoice/{self._invoice(record)}/refund", refund_body(order, record) | {"isOnline": True}
            )
        _, verb = PLACES[type(record)]
        body = _body(order, record)
        made = self._made(f"V1/order/{segment(record.order_id)}/{verb}", body)
        moved = pieces(order, body["items"]) if isinstance(record, Shipment) else {}
        return msgspec.structs.replace(made, moved=moved)

    def _made(self, path: str, body: Mapping[str, Any]) -> Receipt:
        answer = self._client.post(path, body)
        number = str(answer) if isinstance(answer, str | int) and not isinstance(answer, bool) else ""
        if not number.isdecimal():  # the new document's id, as a JSON string (recorded)
            raise OutcomeUnknown("the store's answer does not name the new document")
        return Receipt(external_id=number)

    def _invoice(self, record: CreditMemo) -> str:
        found = [text(row, "entity_id") for row in self._documents("V1/invoices", record.order_id)]
        if not found:
            raise NotOpen("to be given back online the order needs an invoice, it has none yet")
        if len(found) > 1:
            raise Rejected(f"to be given back online the order needs one invoice, it has {len(found)}")
        return found[0]

    # --- parcels ---------------------------------------------------------------------------------------------------

    def _shipment(self, record: Tracking) -> JsonObject | None:
        begins = f"ERP shipment {record.number} "
        ends = f"(crossdock {record.origin})"
        for document in self._documents("V1/shipments", record.order_id):
            for comment in comments(document):
                if comment.endswith(ends) and begins in comment:
                    return document
        return None

    def _track(self, record: Tracking) -> Receipt:
        shipment = self._shipment(record)
        if shipment is None:
            # read, it may have been seen before its shipment was; pushed too soon, it waits as well
            raise NotReady(f"the store has no shipment {record.number} of this order yet")
        for track in _untracked(shipment, record):
            entity = track_body(track) | {
                "order_id": int(record.order_id),
                "parent_id": int(text(shipment, "entity_id")),
                "weight": 0,
                "qty": 1,
                "description": "",
            }
            answer = self._client.post("V1/shipment/track", {"entity": entity})
            if not isinstance(answer, dict) or answer.get("track_number") != track.number:
                raise OutcomeUnknown("the store's answer does not show the parcel")
        return _receipt(shipment, found=False)

    # --- the order as a whole --------------------------------------------------------------------------------------

    def _updated(self, order: JsonObject, record: OrderUpdate) -> Receipt | None:
        state = text(order, "state")
        done = {
            Action.CANCEL: is_cancelled(order),
            Action.HOLD: state == "holded",
            Action.UNHOLD: state != "holded" and _has(order, mark(record, "unhold")),
            Action.COMMENT: _has(order, _words(record)),
        }
        return _receipt(order, found=True) if done[record.action] else None

    def _update(self, order: JsonObject, record: OrderUpdate) -> Receipt:
        path = f"V1/orders/{segment(record.order_id)}"
        if not _has(order, _words(record)):
            # before the move: whoever sees the order moved can see who moved it, and does not tell it back
            self._comment(path, record)
        if record.action is Action.COMMENT:
            return _receipt(order, found=False)
        if record.action is Action.UNHOLD and text(order, "state") != "holded":
            return _receipt(order, found=True)
        if self._client.post(f"{path}/{record.action}", {}) is not True:
            # `false` with 200: refused, or done already (recorded)
            if self._updated(self._order(record), record) is None:
                raise Rejected(f"the store refuses to {record.action} an order that is {text(order, 'state')}")
            return _receipt(order, found=True)
        if self._updated(self._order(record), record) is None:
            raise OutcomeUnknown("the store says that it is done, and its order does not show it")
        return _receipt(order, found=False)

    def _comment(self, path: str, record: OrderUpdate) -> None:
        history = {
            "comment": _words(record),
            "is_customer_notified": int(record.notify and record.visible),
            "is_visible_on_front": int(record.visible),
            "parent_id": int(record.order_id),
        }
        status = {"status": record.status} if record.status and record.action is Action.COMMENT else {}
        if self._client.post(f"{path}/comments", {"statusHistory": history | status}) is not True:
            raise OutcomeUnknown("the store's answer does not say that the comment was kept")

    # --- documents of an order -------------------------------------------------------------------------------------

    def _marked(self, path: str, record: Fulfilment) -> JsonObject | None:
        wanted = mark(record)
        return next(
            (
                document
                for document in self._documents(path, record.order_id)
                if any(comment.endswith(wanted) for comment in comments(document))
            ),
            None,
        )

    def _documents(self, path: str, order_id: str) -> Iterator[JsonObject]:
        last = 0
        while True:
            groups = ((where("order_id", "eq", order_id),), (where("entity_id", "gt", last),))
            query = criteria(groups, sort=("entity_id",), size=PAGE)
            found = rows(decode(self._client.fetch("GET", path, query).body), "items")
            fresh = [row for row in found if int(text(row, "entity_id") or 0) > last]
            yield from fresh
            if len(found) < PAGE or not fresh:
                return
            last = max(int(text(row, "entity_id")) for row in fresh)


PLACES: Mapping[type[Fulfilment], tuple[str, str]] = {
    Shipment: ("V1/shipments", "ship"),
    Invoice: ("V1/invoices", "invoice"),
    CreditMemo: ("V1/creditmemos", "refund"),
}


def _body(order: JsonObject, record: Fulfilment) -> dict[str, Any]:
    if isinstance(record, Shipment):
        return ship_body(order, record)
    if isinstance(record, Invoice):
        return invoice_body(order, record)
    if isinstance(record, CreditMemo):
        return refund_body(order, record)
    raise DeliveryError(f"no document is made of {type(record).__name__}")


def _words(record: OrderUpdate) -> str:
    """What people read in the order's history. One that customers see bears no mark: its text is found."""
    if record.action is Action.COMMENT and record.visible:
        return record.comment
    marked = mark(record, record.action)
    return f"{record.comment} | {marked}" if record.comment else marked


def _has(order: JsonObject, words: str) -> bool:
    return any(comment.endswith(words) for comment in comments(order, "status_histories"))


def _untracked(shipment: JsonObject, record: Tracking) -> list[Any]:
    known = {text(track, "track_number") for track in rows(shipment, "tracks")}
    return [track for track in record.tracks if track.number not in known]


def _receipt(document: JsonObject, *, found: bool) -> Receipt:
    return Receipt(external_id=text(document, "entity_id"), found=found)
