"""Customers, both ways: what a look at one of the store's, or a word of an ERP about one of its own, comes to. Pure.

There is one place where both sides are held against each other: the look at the store's customer. What an ERP tells is
only put into its registers, and the store's customer is looked at. So edits on both sides at once come to one decision,
and what was written by us, seen again, asks for nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from crossdock.contract.flow import Duty, Known, Route
from crossdock.contract.message import Message, Receipt
from crossdock.contract.shadow import SHADOW
from crossdock.errors import NotReady, Rejected
from crossdock.flows.agreeing import ADDRESS, DEFAULTS, decide
from crossdock.flows.keys import effect_key
from crossdock.flows.shadow import is_compared, is_shadow
from crossdock.model.agreement import Agreement, Cell, News, Side, same
from crossdock.model.customer import Customer, CustomerChange, CustomerSighting, Pair, PushedCustomer

FLOW, NEW, LOOK = "customers", "new_customers", "customer_looks"
NEEDED = ("email", "first_name", "last_name")
STANDING = ("pending", "leased", "dead")  # a write that is owed, or waits for a person: no second one beside it
ANOTHER = "the store's customer is known to this ERP under another number"
LOOK_AGAIN = 5.0  # seconds, if nothing comes before
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def subject_of(customer_id: str) -> str:
    """A customer of a store among its subjects; orders are numbers."""
    return f"customer:{customer_id}"


# --- looking at a customer of the store -------------------------------------------------------------------------------


def look(message: Message, sighting: CustomerSighting, known: Sequence[Known], routes: Sequence[Route]) -> list[Duty]:
    """The duties to both sides, for each ERP by itself."""
    if sighting.erased:
        return [Duty(flow=FLOW, target=pair.target, reason="erased: nothing is carried") for pair in sighting.pairs]
    duties: list[Duty] = []
    for pair in sighting.pairs:
        anothers = _is_anothers(message, sighting.customer, pair, known, routes)
        found = _of_pair(message, sighting, pair, known, anothers=anothers)
        duties += [_compared(duty) if anothers and duty.target == pair.target else duty for duty in found]
    return duties


def _compared(duty: Duty) -> Duty:
    return msgspec.structs.replace(duty, memo=duty.memo | {SHADOW: "1"})


def _is_anothers(
    message: Message, customer: Customer, pair: Pair, known: Sequence[Known], routes: Sequence[Route]
) -> bool:
    """Whether what the ERP is to be told of it is only compared. What the ERP tells goes by the route from there."""
    told = [one for one in known if one.flow == FLOW and one.target == pair.target]
    options = next((one.options for one in routes if one.target == pair.target and FLOW in one.flows), {})
    return is_compared(effect_key(message.source, "customer", customer.id, "carry"), told, options)


def named(customer: Customer, agreement: Agreement) -> tuple[dict[str, Any], dict[str, str]]:
    """The store's fields with addresses under the pair's names for them, and the names that this look has found out."""
    found = bound(customer, agreement)
    names = {place: name for name, place in (*agreement.places.items(), *found.items())}

    def renamed(name: str) -> str:
        place = name.removeprefix(f"{ADDRESS}m")
        return f"{ADDRESS}{names[place]}" if name.startswith(ADDRESS) and place in names else name

    fields = {renamed(name): value for name, value in customer.fields.items()}
    for name in DEFAULTS:
        if fields.get(name):
            fields[name] = renamed(f"{ADDRESS}{fields[name]}").removeprefix(ADDRESS)
    return fields, found


def bound(customer: Customer, agreement: Agreement) -> dict[str, str]:
    """Addresses that the ERP has told of and that the store has too, by their content: name -> the store's id."""
    waiting = [
        (name, cell.value)
        for name, cell in sorted(agreement.target.items())
        if name.startswith(ADDRESS) and cell.value and name.removeprefix(ADDRESS) not in agreement.places
    ]
    taken = set(agreement.places.values())
    found: dict[str, str] = {}
    for name, value in sorted(customer.fields.items()):
        place = name.removeprefix(f"{ADDRESS}m")
        if not name.startswith(ADDRESS) or place in taken or name in agreement.target:
            continue
        match = next((one for one, told in waiting if one.removeprefix(ADDRESS) not in found and same(told, value)), "")
        if match:
            found[match.removeprefix(ADDRESS)] = place
    return found


def noticed(sighting: CustomerSighting, pair: Pair) -> tuple[News, dict[str, str]]:
    """What the reading of the store's customer tells the pair's registers."""
    fields, found = named(sighting.customer, pair.agreement)
    cells = pair.agreement.source
    gone = {name: None for name, cell in cells.items() if name not in fields and cell.value is not None}
    fresh = {
        name: value
        for name, value in fields.items()
        if name not in cells or not cells[name].sure or not same(cells[name].value, value)
    }
    news = News(
        side=Side.SOURCE,
        values=fresh | gone,
        at=sighting.customer.changed_at,
        seen_at=sighting.seen_at,
        live=True,
    )
    return news, found


def _of_pair(
    message: Message, sighting: CustomerSighting, pair: Pair, known: Sequence[Known], *, anothers: bool
) -> Iterator[Duty]:
    if pair.awaited:
        yield Duty(flow=FLOW, target=pair.target, reason="is just being made for this ERP", again_in=LOOK_AGAIN)
        return
    news, found = noticed(sighting, pair)
    places = {**pair.agreement.places, **found}
    agreement = msgspec.structs.replace(pair.agreement.after(news), places=places)
    mine = [one for one in known if one.flow == FLOW and one.memo.get("pair") == pair.target]
    decision = decide(_without(agreement, pair), pair.owners, new=not pair.number, flying=_flying(mine, pair.target))
    if not pair.number and not all(sighting.customer.fields.get(name) for name in NEEDED):
        yield Duty(flow=FLOW, target=pair.target, reason="has no name or e-mail address yet")
        return
    ground = (message, sighting.customer, pair, agreement)
    if pair.to_target:
        standing = (*STANDING, "shadowed") if anothers else STANDING  # once it is ours, what was compared is owed
        yield from _told(ground, pair.target, decision.to_target, mine, standing)
    if pair.to_source or pair.number_attribute:
        wanted = (decision.to_source if pair.to_source else {}) | _number(pair, agreement)
        yield from _told(ground, message.source, wanted, mine)
    if decision.asks:
        yield from _asked(ground, decision.asks, mine)


def _number(pair: Pair, agreement: Agreement) -> dict[str, Cell]:
    """The ERP's number, where it is kept in an attribute and does not stand there yet."""
    name = f"attributes.{pair.number_attribute}"
    there = agreement.source.get(name)
    if not (pair.number_attribute and pair.number) or (there and same(there.value, pair.number)):
        return {}
    return {name: Cell(value=pair.number, at=there.at if there else NEVER)}


def _without(agreement: Agreement, pair: Pair) -> Agreement:
    """But for the attribute that only we write."""
    name = f"attributes.{pair.number_attribute}"
    rest = {one: cell for one, cell in agreement.source.items() if one != name}
    return msgspec.structs.replace(agreement, source=rest)


def _flying(mine: Sequence[Known], target: str) -> frozenset[str]:
    """Fields of writes to the ERP that may be there any moment, or not."""
    return frozenset(
        name
        for one in mine
        if one.target == target and not is_shadow(one.memo)
        if one.state == "leased" or (one.state == "pending" and one.maybe_sent)
        for name in one.memo.get("fields", "").split()
    )


Ground = tuple[Message, Customer, Pair, Agreement]


def _told(
    ground: Ground, target: str, cells: Mapping[str, Cell], mine: Sequence[Known], standing: Sequence[str] = STANDING
) -> Iterator[Duty]:
    """One write with all that is owed to this side; older ones that were not begun end by it.

    `standing`: states of a write of the same beside which no other one is owed.
    """
    message, customer, pair, agreement = ground
    there = [one for one in mine if one.target == target and "asks" not in one.memo]
    mark = _mark(cells, agreement)
    old = tuple(
        one.key for one in there if one.state == "pending" and not one.maybe_sent and one.memo.get("mark") != mark
    )
    if not cells or any(one.memo.get("mark") == mark and one.state in standing for one in there):
        if old:
            yield Duty(flow=FLOW, target=target, supersedes=old, reason="it has changed since")
        return
    change = _change(customer, pair, agreement, cells, mark="" if target == pair.target else "source")
    yield Duty(
        flow=FLOW,
        target=target,
        key=_key(message, customer, pair, f"{'tell' if target == pair.target else 'write'}", f"{len(there)}-{mark}"),
        payload=msgspec.json.encode(change),
        supersedes=old,
        memo={"pair": pair.target, "mark": mark, "fields": " ".join(sorted(cells))},
        lane=f"{message.source}:{message.subject}",
    )


def _asked(ground: Ground, names: Sequence[str], mine: Sequence[Known]) -> Iterator[Duty]:
    """A dead letter from birth, once for each state of the conflict: names of fields, never their values."""
    message, customer, pair, agreement = ground
    cells = {name: agreement.source[name] for name in names if name in agreement.source}
    mark = _mark(cells, agreement)
    if any(one.memo.get("mark") == mark and "asks" in one.memo for one in mine):
        return
    words = ", ".join(name.replace(ADDRESS, "address ") for name in names)
    yield Duty(
        flow=FLOW,
        target=pair.target,
        key=_key(message, customer, pair, "ask", mark),
        payload=msgspec.json.encode(_change(customer, pair, agreement, cells, mark="")),
        park=True,
        reason=f"changed on both sides: {words}. `crossdock customers decide` says which side's stands",
        memo={"pair": pair.target, "mark": mark, "asks": " ".join(names)},
        lane=f"{message.source}:{message.subject}:asks",
    )


def _key(message: Message, customer: Customer, pair: Pair, verb: str, revision: str) -> str:
    return effect_key(message.source, "customer", customer.id, verb, f"{pair.target}-{revision}")


def _mark(cells: Mapping[str, Cell], agreement: Agreement) -> str:
    """Names a state of these fields by their times, never by what they hold: a key is shown, sent and kept."""
    told = []
    for name in sorted(cells):
        sides = (agreement.source.get(name), agreement.target.get(name))
        told.append(
            " ".join([name, cells[name].at.isoformat(), *(one.at.isoformat() if one else "-" for one in sides)])
        )
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:12]


def _change(
    customer: Customer, pair: Pair, agreement: Agreement, cells: Mapping[str, Cell], *, mark: str
) -> CustomerChange:
    there = agreement.source if mark == "source" else agreement.target
    return CustomerChange(
        pair=pair.target,
        id=customer.id,
        number=pair.number,
        website=customer.website,
        email=str(customer.fields.get("email") or ""),
        fields={name: cell.value for name, cell in cells.items()},
        at={name: cell.at for name, cell in cells.items()},
        seen={name: there[name].value for name in cells if name in there},
        places=agreement.places,
        new=not pair.number,
    )


# --- what an ERP tells ------------------------------------------------------------------------------------------------


def look_push(
    message: Message,
    pushed: PushedCustomer,
    known: Sequence[Known],  # noqa: ARG001  a look's signature
    routes: Sequence[Route],
) -> list[Duty]:
    """The store's customer is looked at, or made. What is told goes into its registers as this ends."""
    customer = pushed.customer
    if not any(route.target == pushed.store and FLOW in route.flows for route in routes):
        return [Duty(flow=FLOW, target=pushed.store, reason="no route takes customers there")]
    if pushed.erased:
        return [Duty(flow=FLOW, target=pushed.store, reason="erased: nothing is carried")]
    if pushed.linked and pushed.linked != customer.number:
        raise Rejected(ANOTHER)
    if pushed.customer_id:
        return [_seen_again(pushed.store, pushed.customer_id)]
    if not pushed.create:
        return [Duty(flow=NEW, target=pushed.store, reason="the store has no such customer, and none is to be made")]
    if not (customer.website and all(customer.fields.get(name) for name in NEEDED)):
        raise NotReady("the store has no such customer (yet), and too little is told to make one")
    revision = message.subject.rpartition("#")[2]
    return [
        Duty(
            flow=NEW,
            target=pushed.store,
            key=effect_key(message.source, "customer", customer.number, "create", revision),
            payload=msgspec.json.encode(first_change(message.source, customer)),
            lane=f"{pushed.store}:customer:new:{message.source}:{customer.number}",
        )
    ]


def first_change(pair: str, customer: Customer) -> CustomerChange:
    """All that is told of a customer who is to be made."""
    return CustomerChange(
        pair=pair,
        number=customer.number,
        website=customer.website,
        email=str(customer.fields["email"]),
        fields=customer.fields,
        at=dict.fromkeys(customer.fields, customer.changed_at),
        new=True,
    )


def heard(customer: Customer) -> News:
    """What the ERP's word tells the pair's registers."""
    return News(
        side=Side.TARGET, values=dict(customer.fields), at=customer.changed_at, seen_at=customer.changed_at, live=False
    )


def written(change: CustomerChange, side: Side, now: datetime) -> tuple[News, ...]:
    """What a write that was done tells them: one a moment at which its values were made."""
    return tuple(
        News(
            side=side,
            values={name: value for name, value in change.fields.items() if change.at[name] == moment},
            at=moment,
            seen_at=now,
            given=True,
        )
        for moment in sorted(set(change.at.values()))
    )


def acknowledge(message: Message, target: str, receipt: Receipt) -> Duty | None:
    """After each write the pair is looked at once more: what came meanwhile is seen, whoever was first."""
    if message.subject.startswith("customer:"):
        return _seen_again(message.source, message.subject.partition(":")[2])
    if message.flow == NEW and "#" in message.subject:
        return _seen_again(target, receipt.external_id)
    return None  # a guest: there is nobody in the store to look at


def _seen_again(store: str, customer_id: str) -> Duty:
    return Duty(flow=LOOK, source=store, target=store, subject=subject_of(customer_id), payload=b"")


__all__ = [
    "ANOTHER",
    "FLOW",
    "LOOK",
    "NEW",
    "acknowledge",
    "heard",
    "look",
    "look_push",
    "noticed",
    "subject_of",
    "written",
]
