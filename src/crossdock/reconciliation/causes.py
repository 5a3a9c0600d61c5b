"""Why two sides differ: decided from what Crossdock knows of the subject. Pure, and the only place that decides it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation

from crossdock.model.base import Record
from crossdock.reconciliation.drift import Cause, Repair

UNDER_WAY = frozenset({"pending", "leased"})


class Standing(Record, frozen=True, kw_only=True):
    """Our delivery about a subject, as it stood when both sides had been read.

    `desired` is the content that the target was to have, `confirmed` the one that it was last known to have taken.
    """

    id: int
    state: str  # pending leased delivered superseded dead
    desired: str = ""
    confirmed: str = ""
    version: str = ""
    fence: int = 0
    resolved: bool = False  # dead, and a person has ended it
    moved_at: datetime | None = None  # the last time that anything became of it
    code: str = ""
    reason: str = ""
    held_by: int | None = None  # a feed that waits for a person and would change it


class Judged(Record, frozen=True, kw_only=True):
    """A cause with what to do about it."""

    cause: Cause
    repair: Repair
    why: str


class When(Record, frozen=True, kw_only=True):
    """`began`: both sides were read after it, so what moved since is left out.

    What is on its way, or was changed in the ERP, since `young` is in motion too.
    """

    began: datetime
    young: datetime

    def is_moving(self, known: Standing | None) -> bool:
        """Whether something became of it while it was compared, or it is on its way since a moment ago."""
        if known is None or known.moved_at is None:
            return False
        return known.moved_at >= (self.young if known.state in UNDER_WAY else self.began)


class Facts(Record, frozen=True, kw_only=True):
    """What is known of a state at which the sides differ. `erp` is its content there as it is now, None for absent.

    `wanted` is the first compared field as the store should hold it, `reserved` what of it the ERP does not have: the
    store keeps it aside for orders.
    """

    erp: str | None
    wanted: str
    store: str
    version: str = ""
    as_of: datetime | None = None
    reserved: Decimal = Decimal(0)
    known: Standing | None = None
    readable: bool = True  # the ERP can be read again


def of_state(facts: Facts, when: When, rounding: Decimal) -> Judged | None:
    """Of a stock level, a price, a product; None where it is in motion: the next run sees it at rest."""
    if when.is_moving(facts.known):
        return None
    judged = _of_state(facts, rounding)
    is_new = facts.as_of is not None and facts.as_of >= when.young
    return None if is_new and judged.cause in {Cause.CHANGED_IN_ERP, Cause.NEVER_CAPTURED} else judged


def _of_state(facts: Facts, rounding: Decimal) -> Judged:
    if facts.known is not None:
        return _of_known(facts, facts.known, rounding)
    if facts.erp is None:
        return Judged(cause=Cause.UNKNOWN, repair=Repair.NONE, why="the store has it, the ERP never told of it")
    return Judged(cause=Cause.NEVER_CAPTURED, repair=_read(facts), why="the ERP has it and never told of it")


def _of_known(facts: Facts, known: Standing, rounding: Decimal) -> Judged:
    if (unsettled := _unsettled(facts, known)) is not None:
        return unsettled
    if facts.erp is None:
        return Judged(cause=Cause.CHANGED_IN_ERP, repair=Repair.NONE, why="the ERP lists it no more")
    if facts.erp != known.desired:
        return _changed(facts, facts.erp, known, rounding)
    if rounds(facts.wanted, facts.store, rounding):
        return Judged(cause=Cause.ROUNDING, repair=Repair.NONE, why=f"a difference of at most {rounding}")
    return _moved_in_store(facts, known)


def _unsettled(facts: Facts, known: Standing) -> Judged | None:
    """Refused, or on its way; of what the ERP lists no more neither is."""
    if known.state == "dead":
        return of_dead(known)
    if facts.erp is not None and known.held_by is not None:
        why = f"feed {known.held_by} waits for a person"
        return Judged(cause=Cause.STILL_WAITING, repair=Repair.WAIT, why=why)
    return of_waiting(known) if known.state in UNDER_WAY else None


def _moved_in_store(facts: Facts, known: Standing) -> Judged:
    """The ERP has what it told, and the store has something else."""
    if facts.reserved and _apart(facts.wanted, facts.store) == abs(facts.reserved):
        why = f"the difference is what the store reserves for orders that the ERP has, {facts.reserved}"
        return Judged(cause=Cause.RESERVATION, repair=Repair.OWE, why=why)
    if known.state == "delivered" and known.confirmed == known.desired:
        why = f"the store took {known.confirmed}, and has something else now"
        return Judged(cause=Cause.OVERWRITTEN, repair=Repair.OWE, why=why)
    return Judged(cause=Cause.UNKNOWN, repair=Repair.NONE, why=f"its delivery {known.id} is {known.state}")


def _changed(facts: Facts, erp: str, known: Standing, rounding: Decimal) -> Judged:
    """The ERP does not have what it last told."""
    if facts.version and known.version and facts.version < known.version:
        why = f"the ERP has version {facts.version.lstrip('0')}, and told {known.version.lstrip('0')} before"
        return Judged(cause=Cause.CHANGED_IN_ERP, repair=Repair.NONE, why=why)
    if rounds(erp, known.desired, rounding) and rounds(facts.wanted, facts.store, rounding):
        return Judged(cause=Cause.ROUNDING, repair=Repair.NONE, why=f"a difference of at most {rounding}")
    why = f"the ERP has {erp}, and last told {known.desired}"
    return Judged(cause=Cause.CHANGED_IN_ERP, repair=_read(facts), why=why)


def of_dead(known: Standing) -> Judged:
    """Refused, of whatever flow."""
    if known.resolved:
        why = f"delivery {known.id} was ended by a person"
        return Judged(cause=Cause.DEAD_LETTER, repair=Repair.NONE, why=why)
    why = f"dead letter {known.id}: {known.code}: {known.reason}"
    return Judged(cause=Cause.DEAD_LETTER, repair=Repair.REPLAY, why=why)


def of_waiting(known: Standing) -> Judged:
    """Under way, of whatever flow."""
    told = f": {known.reason}" if known.reason else ""
    return Judged(cause=Cause.STILL_WAITING, repair=Repair.WAIT, why=f"delivery {known.id} is {known.state}{told}")


class OrderFacts(Record, frozen=True, kw_only=True):
    """What is known of an order. Values are those of one field, or ABSENT; `told` what was delivered of that field.

    `excused` says why nothing of it is owed: it was never asked for, is not paid, goes to another ERP.
    """

    store_value: str
    erp_value: str
    told: str = ""
    look: Standing | None = None
    delivery: Standing | None = None
    excused: str = ""
    waiting: str = ""  # why it has not been looked at yet
    in_store: bool = True
    in_erp: bool | None = None  # None: the ERP cannot be asked
    times: int = 1  # how often the ERP has it


def of_order(facts: OrderFacts, rounding: Decimal) -> Judged | None:
    """None where it is as it should be. What is in motion is not asked about."""
    if not facts.in_store:
        return Judged(cause=Cause.UNKNOWN, repair=Repair.NONE, why="the ERP has it, the store does not list it")
    if facts.delivery is None:
        return _of_unpromised(facts)
    if facts.delivery.state == "dead":
        return of_dead(facts.delivery)
    if facts.delivery.state in UNDER_WAY:
        return of_waiting(facts.delivery)
    asked = facts.delivery.state == "delivered" and facts.in_erp is not None
    return _of_delivered(facts, rounding) if asked else None


def _of_unpromised(facts: OrderFacts) -> Judged | None:
    look = facts.look
    if look is not None and look.state == "dead":
        return of_dead(look)
    if look is not None and look.state in UNDER_WAY:
        return of_waiting(look)
    if facts.excused:
        return None
    if facts.waiting:
        return Judged(cause=Cause.STILL_WAITING, repair=Repair.WAIT, why=facts.waiting)
    if look is not None and look.state != "superseded":
        return None  # looked at, and nothing is owed: its reason stands in `crossdock explain order`
    return Judged(cause=Cause.NEVER_CAPTURED, repair=Repair.LOOK, why="the store has it, and it was never heard of")


def _of_delivered(facts: OrderFacts, rounding: Decimal) -> Judged | None:
    if not facts.in_erp:
        why = "the ERP said that it has it, and has it no more"
        return Judged(cause=Cause.CHANGED_IN_ERP, repair=Repair.NONE, why=why)
    if facts.times > 1:
        return Judged(cause=Cause.UNKNOWN, repair=Repair.NONE, why=f"the ERP has it {facts.times} times")
    return None if same(facts.store_value, facts.erp_value) else _of_values(facts, rounding)


def _of_values(facts: OrderFacts, rounding: Decimal) -> Judged:
    if rounds(facts.erp_value, facts.store_value, rounding):
        return Judged(cause=Cause.ROUNDING, repair=Repair.NONE, why=f"a difference of at most {rounding}")
    if facts.told and same(facts.told, facts.erp_value):
        why = f"{facts.told} was delivered, and the store has something else now"
        return Judged(cause=Cause.OVERWRITTEN, repair=Repair.LOOK, why=why)
    if facts.told and same(facts.told, facts.store_value):
        why = f"{facts.told} was delivered, and the ERP has something else now"
        return Judged(cause=Cause.CHANGED_IN_ERP, repair=Repair.NONE, why=why)
    return Judged(cause=Cause.UNKNOWN, repair=Repair.NONE, why="neither side has what was delivered")


def of_document(look: Standing | None, deliveries: Sequence[Standing], *, there: bool) -> Judged | None:
    """Of an ERP's document: what was heard of it, what that promised, and whether the store has it."""
    if look is None:
        return Judged(cause=Cause.NEVER_CAPTURED, repair=Repair.READ, why="the ERP has it, and it was never heard of")
    for one in (look, *deliveries):
        if one.state == "dead":
            return of_dead(one)
        if one.state in UNDER_WAY:
            return of_waiting(one)
    if there or not any(one.state == "delivered" for one in deliveries):
        return None
    why = "the store took it, and has it no more"
    return Judged(cause=Cause.OVERWRITTEN, repair=Repair.NONE, why=why)


class CellFacts(Record, frozen=True, kw_only=True):
    """A field of a customer in which the sides differ, beside what each of them was last known to have."""

    erp_as_known: bool
    store_as_known: bool
    store_owns: bool = False
    write: Standing | None = None  # the newest write about this customer


def of_customer(facts: CellFacts) -> Judged:
    """Neither value is ever told."""
    if facts.write is not None and facts.write.state == "dead" and not facts.write.resolved:
        return of_dead(facts.write)
    if facts.write is not None and facts.write.state in UNDER_WAY:
        return of_waiting(facts.write)
    if not facts.erp_as_known:
        return Judged(cause=Cause.CHANGED_IN_ERP, repair=Repair.READ, why="the ERP has not told of it yet")
    if facts.store_as_known:
        why = "both have what they were known to have: the field's owner decides at the next look"
        return Judged(cause=Cause.UNKNOWN, repair=Repair.LOOK, why=why)
    if facts.store_owns:
        why = "the store has changed it, and it was not heard of"
        return Judged(cause=Cause.NEVER_CAPTURED, repair=Repair.LOOK, why=why)
    why = "the store has something else than it was known to have"
    return Judged(cause=Cause.OVERWRITTEN, repair=Repair.LOOK, why=why)


def rounds(one: str, other: str, most: Decimal) -> bool:
    """Whether two amounts differ, and by no more than that."""
    left, right = _amount(one), _amount(other)
    return left is not None and right is not None and ZERO < abs(left - right) <= most


def same(one: str, other: str) -> bool:
    """As amounts where both are, else as text."""
    left, right = _amount(one), _amount(other)
    return left == right if left is not None and right is not None else one == other


ZERO = Decimal(0)


def _amount(text: str) -> Decimal | None:
    """The amount that a text begins with, `19.90 EUR`; None for what is none."""
    try:
        found = Decimal(text.split(" ", 1)[0])
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _apart(one: str, other: str) -> Decimal | None:
    left, right = _amount(one), _amount(other)
    return abs(left - right) if left is not None and right is not None else None


def _read(facts: Facts) -> Repair:
    return Repair.READ if facts.readable else Repair.NONE
