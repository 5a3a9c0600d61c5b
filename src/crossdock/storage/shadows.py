"""What shadow deliveries found: names of fields in plain, their values under the subject's key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Select, bindparam, case, delete, exists, func, select, update
from sqlalchemy.engine import Connection

from crossdock.contract.shadow import PARKED, SHADOW, Compared, Fate, Unlike
from crossdock.delivery.records import Attempt, Delivery, State
from crossdock.model.base import Record
from crossdock.storage import archive, trail
from crossdock.storage.payloads import Payloads
from crossdock.storage.prepared import Prepared
from crossdock.storage.rows import decode_memo, encode_memo, payload_subject
from crossdock.storage.tables import deliveries, shadows, subject_keys

GONE = Prepared(delete(shadows).where(shadows.c.delivery_id == bindparam("wanted")))
PLACE = re.compile(r"\[\d+\]")  # entries of a list are one field
KEEP = Prepared(shadows.insert().inline())
NAMES = msgspec.json.Decoder(list[str])
VALUES = msgspec.json.Decoder(list[Unlike])


class Comparison(Record, frozen=True, kw_only=True):
    """A shadow delivery as it was last compared. `fields` differ, in the target's words; `unlike` holds the values."""

    delivery: int
    flow: str
    source: str
    target: str
    subject: str
    reference: str
    fate: Fate
    number: str
    compared: int
    fields: tuple[str, ...]
    uncompared: tuple[str, ...]
    reason: str
    at: datetime
    unlike: tuple[Unlike, ...] = ()


class Differing(Record, frozen=True, kw_only=True):
    """A comparison with the fields that differ, and no more: many are read. `called` is how people call it."""

    delivery: int
    target: str
    flow: str
    called: str
    fields: tuple[str, ...]


class ShadowFilter(Record, frozen=True, kw_only=True):
    """Every given part must match; `since` and `until` are when it was compared."""

    source: str = ""
    target: str = ""
    flow: str = ""
    fate: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None


def keep(connection: Connection, payloads: Payloads, delivery: Delivery, found: Compared, now: datetime) -> None:
    """The newest comparison of a delivery takes the place of the one before."""
    GONE.run(connection, {"wanted": delivery.id})
    subject = payload_subject(delivery.source, delivery.subject)
    body = msgspec.json.encode(found.unlike) if found.unlike else b""
    values = {
        "delivery_id": delivery.id,
        **{name: getattr(delivery, name) for name in ("flow", "source", "target", "subject", "reference")},
        "fate": str(found.fate),
        "number": found.number,
        "compared": found.compared,
        "fields": _text(dict.fromkeys(PLACE.sub("[]", one.field) for one in found.unlike)),
        "uncompared": _text(found.uncompared),
        "reason": found.reason,
        "detail": payloads.sealed(connection, subject, body, now),
        "at": now,
    }
    KEEP.later(connection, values)


def counts(connection: Connection, which: ShadowFilter) -> dict[tuple[str, str, str, str], int]:
    """By (source, target, flow, fate)."""
    group = (shadows.c.source, shadows.c.target, shadows.c.flow, shadows.c.fate)
    query = _filtered(select(*group, func.count().label("number")), which).group_by(*group)
    return {(row.source, row.target, row.flow, row.fate): row.number for row in connection.execute(query)}


def listed(connection: Connection, which: ShadowFilter, limit: int, after: int = 0) -> list[Comparison]:
    """By delivery, behind `after`, without values."""
    query = _filtered(select(shadows), which).where(shadows.c.delivery_id > after)
    return [_comparison(row) for row in connection.execute(query.order_by(shadows.c.delivery_id).limit(limit))]


def newest(connection: Connection, which: ShadowFilter, fates: Sequence[Fate], limit: int) -> list[Comparison]:
    """The last deliveries of these fates, without values."""
    query = _filtered(select(shadows), which).where(shadows.c.fate.in_([str(fate) for fate in fates]))
    return [_comparison(row) for row in connection.execute(query.order_by(shadows.c.delivery_id.desc()).limit(limit))]


def differing(connection: Connection, which: ShadowFilter, limit: int, after: int = 0) -> list[Differing]:
    """By delivery, behind `after`: those of which a field differs."""
    called = case((shadows.c.reference == "", shadows.c.subject), else_=shadows.c.reference).label("called")
    told = select(shadows.c.delivery_id, shadows.c.target, shadows.c.flow, called, shadows.c.fields)
    query = _filtered(told, which).where(shadows.c.fields != _text(()), shadows.c.delivery_id > after)
    return [
        Differing(delivery=number, target=target, flow=flow, called=name, fields=tuple(NAMES.decode(fields)))
        for number, target, flow, name, fields in connection.execute(query.order_by(shadows.c.delivery_id).limit(limit))
    ]


def uncompared(connection: Connection, which: ShadowFilter) -> dict[str, list[str]]:
    """By target, the fields that it does not give back in at least one of them."""
    query = _filtered(select(shadows.c.target, shadows.c.uncompared).distinct(), which)
    found: dict[str, set[str]] = {}
    for target, names in connection.execute(query.where(shadows.c.uncompared != _text(()))):
        found.setdefault(target, set()).update(NAMES.decode(names))
    return {target: sorted(names) for target, names in sorted(found.items())}


def shadowed_ids(connection: Connection, which: ShadowFilter, limit: int, after: int = 0) -> list[int]:
    """Deliveries behind `after` that are only compared, and not being compared again by now; by their numbers."""
    query = _still(select(shadows.c.delivery_id), which).where(shadows.c.delivery_id > after)
    return [*connection.execute(query.order_by(shadows.c.delivery_id).limit(limit)).scalars()]


def shadowed_places(connection: Connection, which: ShadowFilter, limit: int) -> list[tuple[str, str, str]]:
    """(source, target, subject) of such deliveries."""
    place = (shadows.c.source, shadows.c.target, shadows.c.subject)
    query = _still(select(*place), which).group_by(*place).order_by(func.min(shadows.c.delivery_id))
    return [(row.source, row.target, row.subject) for row in connection.execute(query.limit(limit))]


def how_many(connection: Connection, which: ShadowFilter, after: int = 0) -> int:
    """How many such deliveries there are behind `after`."""
    query = _still(select(func.count()).select_from(shadows), which).where(shadows.c.delivery_id > after)
    found: int = connection.execute(query).scalar_one()
    return found


def how_many_places(connection: Connection, which: ShadowFilter) -> int:
    """How many subjects at how many targets such deliveries are of."""
    each = _still(select(shadows.c.source, shadows.c.target, shadows.c.subject).distinct(), which)
    return connection.execute(select(func.count()).select_from(each.subquery())).scalar_one()


def whole(connection: Connection, payloads: Payloads, delivery_id: int) -> Comparison | None:
    """One with its values; without them where they were forgotten, or erased."""
    row = connection.execute(
        select(shadows, subject_keys.c.wrapped)
        .join(subject_keys, subject_keys.c.subject == shadows.c.source + ":" + shadows.c.subject, isouter=True)
        .where(shadows.c.delivery_id == delivery_id)
    ).one_or_none()
    if row is None:
        return None
    body = payloads.opened(row.wrapped, payload_subject(row.source, row.subject), row.detail)
    return msgspec.structs.replace(_comparison(row), unlike=tuple(VALUES.decode(body)) if body else ())


def reopen(
    connection: Connection, payloads: Payloads, ids: Sequence[int], action: str, by: str, why: str, now: datetime
) -> int:
    """Shadow deliveries once more: `again` to compare, `send` to send them, looked for before that."""
    done = 0
    for delivery_id in ids:
        mine = (deliveries.c.id == delivery_id, deliveries.c.state == State.SHADOWED)
        row = connection.execute(select(deliveries).where(*mine).with_for_update()).one_or_none()
        if row is None:
            continue
        values: dict[str, Any] = {"state": State.PENDING, "is_open": 1, "due_at": now, "opened_at": now}
        values |= {"attempts": 0, "unexpected": 0, "settled_at": None, "reason": ""}
        if action == "send":
            memo = {name: value for name, value in decode_memo(row.memo).items() if name != SHADOW}
            # another integration may have put it there: looked for first, and that look proves absence at once
            values |= {"memo": encode_memo(memo), "maybe_sent": True, "sent_at": row.opened_at}
            if PARKED in memo:
                values |= {"state": State.DEAD, "code": "parked", "owner": "business", "reason": memo[PARKED]}
                values |= {"maybe_sent": False}
            connection.execute(delete(shadows).where(shadows.c.delivery_id == delivery_id))
        connection.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(**values))
        _note(connection, payloads, row, f"shadow-{action}", by, why, now)
        done += 1
    return done


def open_ids(connection: Connection, source: str, target: str, subjects: Sequence[str]) -> list[int]:
    """Every shadow delivery of these subjects at a target, oldest first. What was archived is brought back."""
    found: list[int] = []
    for subject in subjects:
        archive.bring_back(connection, source, subject)
        query = select(deliveries.c.id).where(
            deliveries.c.source == source,
            deliveries.c.subject == subject,
            deliveries.c.target == target,
            deliveries.c.state == State.SHADOWED,
        )
        found += connection.execute(query.order_by(deliveries.c.id)).scalars()
    return found


def bring_back(connection: Connection, ids: Sequence[int]) -> None:
    """The subjects of these, where they were archived."""
    query = select(shadows.c.source, shadows.c.subject).where(shadows.c.delivery_id.in_(ids)).distinct()
    for source, subject in connection.execute(query).all():
        archive.bring_back(connection, source, subject)


def forget_values(connection: Connection, before: datetime) -> None:
    """Values go with the bodies that they were taken from."""
    connection.execute(update(shadows).where(shadows.c.at < before, shadows.c.detail.is_not(None)).values(detail=None))


def forget_comparisons(connection: Connection, before: datetime) -> None:
    """The rows go with those of the trail."""
    connection.execute(delete(shadows).where(shadows.c.at < before))


def _still(query: Select[Any], which: ShadowFilter) -> Select[Any]:
    """A delivery that is not in its table is archived, as it was. Of who was erased there is nothing left to carry."""
    moved = exists().where(deliveries.c.id == shadows.c.delivery_id, deliveries.c.state != State.SHADOWED)
    subject = shadows.c.source + ":" + shadows.c.subject
    erased = exists().where(subject_keys.c.subject == subject, subject_keys.c.erased_at.is_not(None))
    return _filtered(query, which).where(~moved, ~erased)


def _filtered(query: Select[Any], which: ShadowFilter) -> Select[Any]:
    for name in ("source", "target", "flow", "fate", "subject"):
        if wanted := getattr(which, name):
            query = query.where(shadows.c[name] == wanted)
    if which.since is not None:
        query = query.where(shadows.c.at >= which.since)
    return query if which.until is None else query.where(shadows.c.at < which.until)


def _comparison(row: Any) -> Comparison:
    names = ("flow", "source", "target", "subject", "reference", "number", "compared", "reason", "at")
    return Comparison(
        delivery=row.delivery_id,
        fate=Fate(row.fate),
        fields=tuple(NAMES.decode(row.fields)),
        uncompared=tuple(NAMES.decode(row.uncompared)),
        **{name: getattr(row, name) for name in names},
    )


def _text(names: Any) -> str:
    return msgspec.json.encode(list(names)).decode()


def _note(connection: Connection, payloads: Payloads, row: Any, action: str, by: str, why: str, now: datetime) -> None:
    attempt = Attempt(
        operation=action, entity=row.flow, entity_id=row.subject, key=row.key, started_at=now, actor=by, detail=why
    )
    trail.append(connection, payloads, attempt, None, now, source=row.source, delivery_id=row.id)


__all__ = [
    "Comparison",
    "Differing",
    "ShadowFilter",
    "bring_back",
    "counts",
    "differing",
    "forget_comparisons",
    "forget_values",
    "how_many",
    "how_many_places",
    "keep",
    "listed",
    "newest",
    "open_ids",
    "reopen",
    "shadowed_ids",
    "shadowed_places",
    "uncompared",
    "whole",
]
