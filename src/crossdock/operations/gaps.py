"""An account of one store's orders: ids that exist against ids that were seen, each gap with its cause. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from crossdock.delivery.records import State
from crossdock.delivery.store import DeliveryView
from crossdock.magento.census import Counted, Reach
from crossdock.model.base import Record

Kind = Literal["parked", "waiting", "before", "gone", "elsewhere", "missed"]
Run = tuple[int, int]
Looks = Mapping[str, DeliveryView]


class Gap(Record, frozen=True, kw_only=True):
    """Ids that are not both in the store and seen. Of these kinds only `missed` is a fault:

    - parked: heard of, and it could not be read: a dead letter.
    - waiting: the next scan reads it.
    - before: changed last before the first scan began, and so never asked for.
    - gone: no such order in the store: its transaction was rolled back, or it was deleted.
    - elsewhere: in the store, but not in the list that the connection is shown.
    - missed: exists, polling has read past it, and nothing was ever heard of it.
    """

    ids: str
    kind: Kind
    why: str
    number: str = ""


class Hour(Record, frozen=True, kw_only=True):
    """One closed hour, by the store's clock. `existing` - `seen` gaps are orders that the store lists."""

    hour: datetime
    existing: int
    seen: int
    gaps: tuple[Gap, ...]


class Examined(Record, frozen=True, kw_only=True):
    """What was found out about one store from `since` on. `runs` are missing ids; `unlisted` exist all the same."""

    since: datetime
    orders: Sequence[Counted]
    looks: Looks
    reach: Reach | None
    runs: Sequence[Run] = ()
    unlisted: Sequence[Counted] = ()


def account(found: Examined) -> list[Hour]:
    """Hour by hour, for the hours in which there are orders."""
    hours = _hours(found)
    listed: defaultdict[datetime, list[Counted]] = defaultdict(list)
    gaps: defaultdict[datetime, list[tuple[int, Gap]]] = defaultdict(list)
    for order in found.orders:
        listed[hours[order.id]].append(order)
        if (gap := _gap(order, found.looks.get(str(order.id)), found.reach)) is not None:
            gaps[hours[order.id]].append((order.id, gap))
    for run in found.runs:
        hour = hours.get(run[0] - 1) or hours[run[1] + 1]
        gaps[hour] += _of_run(run, found)
    return [
        Hour(
            hour=hour,
            existing=len(orders),
            seen=sum(_is_seen(found.looks.get(str(order.id))) for order in orders),
            gaps=tuple(gap for _, gap in sorted(gaps[hour], key=lambda one: one[0])),
        )
        for hour, orders in sorted(listed.items())
    ]


def missed(hours: Iterable[Hour]) -> list[Gap]:
    """The gaps that nothing excuses."""
    return [gap for hour in hours for gap in hour.gaps if gap.kind == "missed"]


def floor_hour(moment: datetime) -> datetime:
    """The beginning of its hour."""
    return moment.replace(minute=0, second=0, microsecond=0)


def _hours(found: Examined) -> dict[int, datetime]:
    """By id. One that breaks the list tells no time: it is put with the one before it."""
    hours: dict[int, datetime] = {}
    last = floor_hour(found.since)
    for order in found.orders:
        last = last if order.created_at is None else floor_hour(order.created_at)
        hours[order.id] = last
    return hours


def _is_seen(look: DeliveryView | None) -> bool:
    return look is not None and look.state not in {State.DEAD, State.SUPERSEDED}


def _gap(order: Counted, look: DeliveryView | None, reach: Reach | None) -> Gap | None:
    if _is_seen(look):
        return None
    kind, why = _parked(look) if look is not None and look.state == State.DEAD else _unseen(order, reach)
    return Gap(ids=str(order.id), kind=kind, why=why, number=order.number)


def _parked(look: DeliveryView) -> tuple[Kind, str]:
    if look.resolved:
        return "parked", f"could not be read; a person has dealt with it: {look.resolved}"
    return "parked", f"heard of, could not be read: dead letter {look.id}, {look.code}: {look.reason}"


def _unseen(order: Counted, reach: Reach | None) -> tuple[Kind, str]:
    changed = order.updated_at
    if reach is None:
        return "waiting", "this store was never polled yet"
    if changed is None:
        return "missed", "breaks the store's list, and was never heard of"
    if reach.began is not None and changed < reach.began:
        return "before", f"changed last {_at(changed)}, before the first scan, which began at {_at(reach.began)}"
    if changed > reach.read_up_to:
        return "waiting", f"changed {_at(changed)}, not polled yet: read up to {_at(reach.read_up_to)}"
    if changed >= reach.again_from:
        return "waiting", f"changed {_at(changed)}, in the overlap: the next scan reads from {_at(reach.again_from)}"
    return "missed", f"MISSED: changed {_at(changed)}, read up to {_at(reach.read_up_to)}, never heard of"


def _of_run(run: Run, found: Examined) -> list[tuple[int, Gap]]:
    """The run without those that exist all the same; these are named by themselves."""
    there = {order.id: order for order in found.unlisted if run[0] <= order.id <= run[1]}
    gaps = [(number, gap) for number, order in there.items() if (gap := _elsewhere(order, found)) is not None]
    low = run[0]
    for number in (*sorted(there), run[1] + 1):
        if number > low:
            gaps.append((low, _gone((low, number - 1), found)))
        low = number + 1
    return gaps


def _elsewhere(order: Counted, found: Examined) -> Gap | None:
    """None for one that the list shows: it was created in another hour, and is counted there."""
    if order.listed:
        return None
    seen = "seen all the same" if _is_seen(found.looks.get(str(order.id))) else "it is not carried"
    why = f"of store view {order.store_view}, which the store's list leaves out for this connection: {seen}"
    return Gap(ids=str(order.id), kind="elsewhere", why=why, number=order.number)


def _gone(run: Run, found: Examined) -> Gap:
    ids = str(run[0]) if run[0] == run[1] else f"{run[0]}-{run[1]}"
    seen = [number for number in found.looks if number.isdigit() and run[0] <= int(number) <= run[1]]
    before = f" (seen before it went: {', '.join(seen)})" if seen else ""
    cause = (
        "rolled back or deleted, or its transaction is still open" if _late(run, found) else "rolled back or deleted"
    )
    return Gap(ids=ids, kind="gone", why=f"the store has no such order: {cause}{before}")


def _late(run: Run, found: Examined) -> bool:
    """Whether the order that follows is so young that polling still waits for what was begun before it."""
    after = next((order.created_at for order in found.orders if order.id > run[1]), None)
    return after is not None and found.reach is not None and after >= found.reach.again_from


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"
