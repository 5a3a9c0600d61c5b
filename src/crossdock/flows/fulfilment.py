"""Shipments, invoices, credit memos and order updates, ERP to store. Pure.

A document comes with the ERP's own number and the order's. It is read strictly: what it does not say is not guessed,
a warehouse that is not mapped is refused (Magento takes a shipment that names no source from `default`, even where that
is not in the stock: recorded). Then it walks in its order's own lane: never two writes to one order at once. Parcels
are written to a shipment, and walk beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

import msgspec

from crossdock.contract.flow import Duty, Known, Route
from crossdock.contract.message import Message
from crossdock.errors import MappingError, NotReady, Rejected
from crossdock.flows.keys import effect_key
from crossdock.model.fulfilment import (
    Action,
    CreditMemo,
    FulfilledLine,
    Fulfilment,
    Invoice,
    OrderUpdate,
    Resolved,
    Shipment,
    Track,
    Tracking,
)
from crossdock.model.money import ZERO

Raw = Mapping[str, Any]
LONGEST = 100  # characters of a number: it stands in a comment and in a key
STEP = Decimal("0.0001")
MOST = Decimal("99999999.9999")  # Magento: quantities are decimal(12,4)
UNDER_WAY = ("pending", "leased")
KINDS: Mapping[str, type[Fulfilment]] = MappingProxyType(
    {
        "shipments": Shipment,
        "tracks": Tracking,
        "invoices": Invoice,
        "credit_memos": CreditMemo,
        "order_updates": OrderUpdate,
    }
)


def look(message: Message, found: Resolved, known: Sequence[Known], routes: Sequence[Route]) -> tuple[Duty, ...]:  # noqa: ARG001  a look's signature
    """The duties of one document, each in its order's lane: a shipment from several warehouses is several."""
    options = next(
        (
            route.states.get("inventory", {})
            for route in routes
            if route.target == found.store and found.flow in route.flows
        ),
        None,
    )
    if options is None:
        return (Duty(flow=found.flow, target=found.store, reason=f"no route takes {found.flow} there"),)
    if found.shadowed:
        reason = "its order is a shadow: another integration carries what comes of it"
        return (Duty(flow=found.flow, target=found.store, reason=reason),)
    records = read(found.flow, found.document, message.source, options)
    several = len(records) > 1
    dead = _replaced(found)
    mark = f":{found.beside}" if dead else ""
    return tuple(
        Duty(
            flow=found.flow,
            target=found.store,
            key=key_of(message.source, found.flow, record, several=several) + mark,
            instead_of=dead,
            subject=found.order_id,
            reference=found.order_number,
            payload=msgspec.json.encode(
                msgspec.structs.replace(record, order_id=found.order_id, order_number=found.order_number)
            ),
            lane=f"{found.store}:order:{found.order_id}{_beside(record)}",
        )
        for record in records
    )


def _beside(record: Fulfilment) -> str:
    """Parcels wait for their shipment, which may come later by another road: in a lane that nothing else waits in.

    A parcel is written to its shipment alone, so nothing that is done to the order meanwhile is undone by it.
    """
    return f":tracks:{record.number}" if isinstance(record, Tracking) else ""


def _replaced(found: Resolved) -> tuple[str, ...]:
    """Keys of what was refused under this number, and gives way. Raises Rejected, NotReady where something does not."""
    if any(one.state == "delivered" for one in found.taken):
        raise Rejected(
            "its number was carried out with another content: the ERP must give this one a number of its own"
        )
    if any(one.state in UNDER_WAY for one in found.taken):
        raise NotReady("what came first under its number is still under way")
    dead = [one for one in found.taken if one.state == "dead"]
    if any(one.maybe_sent for one in dead):
        raise Rejected("what came first under its number may have been carried out: a person must look at the store")
    return tuple(one.key for one in dead)


def key_of(source: str, flow: str, record: Fulfilment, *, several: bool) -> str:
    """Names the effect by the ERP's own number, and by the place where one document leaves from several."""
    if isinstance(record, Tracking):
        revision = " ".join(sorted(track.number for track in record.tracks))
        return effect_key(source, flow, record.number, "make", hashlib.sha256(revision.encode()).hexdigest()[:16])
    revision = record.place if several and isinstance(record, Shipment) else ""
    return effect_key(source, flow, record.number, "make", revision)


def message_id(store: str, flow: str, raw: Raw) -> str:
    """Under which a document is heard once, however it comes. Raises MappingError."""
    number = number_of(raw)
    if flow != "tracks":
        return f"{store}:{flow}:{number}"
    told = " ".join(sorted(track.number for track in _tracks(raw)))
    return f"{store}:{flow}:{number}#{hashlib.sha256(told.encode()).hexdigest()[:16]}"


def order_number(raw: Raw) -> str:
    """The order's number as people read it. Raises MappingError."""
    return _text(raw, "order", LONGEST)


def number_of(raw: Raw) -> str:
    """The document's own number. Raises MappingError."""
    number = _text(raw, "number", LONGEST)
    if len(number.replace("%", "%25").replace(":", "%3A")) > LONGEST:  # as it stands in a key
        raise MappingError("number", f"is longer than {LONGEST} characters, with each : and % counted as three")
    return number


def read(flow: str, raw: Raw, origin: str, options: Raw) -> tuple[Fulfilment, ...]:
    """The records of a document as it came; `options` are those of the route's stock. Raises MappingError."""
    reader = READERS.get(flow)
    if reader is None:
        raise MappingError("flow", f"is none of {', '.join(READERS)}")
    common = {
        "number": number_of(raw),
        "origin": origin,
        "order_id": "",
        "order_number": order_number(raw),
        "comment": _optional(raw, "comment", 2000),
        "notify": _flag(raw, "notify"),
    }
    return reader(raw, common, options)


def _shipments(raw: Raw, common: dict[str, Any], options: Raw) -> tuple[Fulfilment, ...]:
    places: Mapping[str, str] = options.get("warehouses") or {}
    rows = _rows(raw)
    if not rows:  # all that is open leaves from one place
        return (Shipment(**common, place=_place(raw, places), tracks=_tracks(raw), shipped_at=_moment(raw)),)
    by_place: dict[str, list[FulfilledLine]] = {}
    for row, line in rows:
        by_place.setdefault(_place(row if "warehouse" in row else raw, places), []).append(line)
    return tuple(
        Shipment(**common, place=place, lines=tuple(lines), tracks=_tracks(raw), shipped_at=_moment(raw))
        for place, lines in by_place.items()
    )


def _tracking(raw: Raw, common: dict[str, Any], options: Raw) -> tuple[Fulfilment, ...]:  # noqa: ARG001
    if not (tracks := _tracks(raw)):
        raise MappingError("tracks", "is missing")
    return (Tracking(**common, tracks=tracks),)


def _invoices(raw: Raw, common: dict[str, Any], options: Raw) -> tuple[Fulfilment, ...]:  # noqa: ARG001  a reader's signature
    return (Invoice(**common, lines=_lines(raw), capture=_flag(raw, "capture")),)


def _credit_memos(raw: Raw, common: dict[str, Any], options: Raw) -> tuple[Fulfilment, ...]:  # noqa: ARG001
    return (
        CreditMemo(
            **common,
            lines=_lines(raw),
            shipping=_amount(raw, "shipping") if raw.get("shipping") is not None else None,
            adjustment_positive=_amount(raw, "adjustment_positive"),
            adjustment_negative=_amount(raw, "adjustment_negative"),
            online=_flag(raw, "online"),
        ),
    )


def _order_updates(raw: Raw, common: dict[str, Any], options: Raw) -> tuple[Fulfilment, ...]:  # noqa: ARG001
    action = raw.get("action")
    if action not in [one.value for one in Action]:
        raise MappingError("action", f"is none of {', '.join(Action)}")
    if action == Action.COMMENT and not common["comment"]:
        raise MappingError("comment", "is missing")
    status = _optional(raw, "status", 32)
    return (OrderUpdate(**common, action=Action(action), status=status, visible=_flag(raw, "visible")),)


READERS: Mapping[str, Callable[[Raw, dict[str, Any], Raw], tuple[Fulfilment, ...]]] = MappingProxyType(
    {
        "shipments": _shipments,
        "tracks": _tracking,
        "invoices": _invoices,
        "credit_memos": _credit_memos,
        "order_updates": _order_updates,
    }
)


def _rows(raw: Raw) -> list[tuple[Raw, FulfilledLine]]:
    rows = raw.get("lines") or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise MappingError("lines", "is no list of lines")
    return [(row, _line(row, f"lines[{place}]")) for place, row in enumerate(rows)]


def _lines(raw: Raw) -> tuple[FulfilledLine, ...]:
    return tuple(line for _, line in _rows(raw))


def _line(row: Raw, where: str) -> FulfilledLine:
    line, sku = _named(row, "line"), _named(row, "sku")
    if not (line or sku):
        raise MappingError(f"{where}.line", "neither line nor sku is there")
    return FulfilledLine(
        line=line,
        sku=sku,
        quantity=_quantity(row, where),
        back_to_stock=_flag(row, "back_to_stock"),
    )


def _quantity(row: Raw, where: str) -> Decimal:
    quantity = _decimal(row.get("qty"), f"{where}.qty")
    if not ZERO < quantity <= MOST:
        raise MappingError(f"{where}.qty", f"is not above 0 and at most {MOST}")
    return quantity


def _amount(raw: Raw, name: str) -> Decimal:
    amount = _decimal(raw.get(name, 0), name)
    if amount < 0:
        raise MappingError(name, "is below 0")
    return amount


def _decimal(value: Any, where: str) -> Decimal:
    """Whole numbers, decimal numbers and their text; a float would have lost what it was."""
    if value is None or isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise MappingError(where, "is no number")
    try:
        number = Decimal(value.strip() if isinstance(value, str) else value)
    except InvalidOperation:
        raise MappingError(where, "is no number") from None
    if not number.is_finite() or abs(number) > MOST or number != number.quantize(STEP):
        raise MappingError(where, "is no number of at most 4 decimals that the store can hold")
    return number


def _place(row: Raw, places: Mapping[str, str]) -> str:
    warehouse = _named(row, "warehouse")
    if not warehouse:
        raise MappingError("warehouse", "is missing")
    if warehouse not in places:
        raise MappingError("warehouse", f"{warehouse[:40]!r} is not in the route's options.inventory.warehouses")
    return places[warehouse]


def _tracks(raw: Raw) -> tuple[Track, ...]:
    tracks = raw.get("tracks") or []
    if not isinstance(tracks, list) or not all(isinstance(one, dict) for one in tracks):
        raise MappingError("tracks", "is no list of parcels")
    return tuple(
        Track(
            number=_text(one, "number", 255),
            carrier=_optional(one, "carrier", 32) or "custom",
            title=_optional(one, "title", 255),
        )
        for one in tracks
    )


def _moment(raw: Raw) -> datetime | None:
    told = raw.get("shipped_at")
    if told in (None, ""):
        return None
    try:
        moment = datetime.fromisoformat(str(told))
    except ValueError:
        raise MappingError("shipped_at", "is no ISO 8601 time") from None
    if moment.tzinfo is None:
        raise MappingError("shipped_at", "has no time zone")
    return moment.astimezone(UTC)


def _named(row: Raw, name: str) -> str:
    value = row.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else ""


def _text(raw: Raw, name: str, longest: int) -> str:
    text = _named(raw, name)
    if not text:
        raise MappingError(name, "is missing")
    if len(text) > longest:
        raise MappingError(name, f"is longer than {longest} characters")
    if any(one < " " and one not in "\t\r\n" for one in text):  # a database's text holds no NUL
        raise MappingError(name, "has control characters")
    return text


def _optional(raw: Raw, name: str, longest: int) -> str:
    return _text(raw, name, longest) if raw.get(name) not in (None, "") else ""


def _flag(raw: Raw, name: str) -> bool:
    value = raw.get(name, False)
    if not isinstance(value, bool):
        raise MappingError(name, "is neither true nor false")
    return value
