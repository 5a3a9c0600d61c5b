"""Causes, as a table: what is known of a subject, and what follows from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from crossdock.reconciliation.causes import Facts, OrderFacts, Standing, When, of_order, of_state, rounds, same
from crossdock.reconciliation.drift import ABSENT, Cause, Drift, Repair, chosen

NOW = datetime(2026, 11, 25, 2, 15, tzinfo=UTC)
WHEN = When(began=NOW, young=NOW - timedelta(minutes=10))
LONG_AGO = NOW - timedelta(hours=5)
CENT = Decimal("0.01")
DELIVERED = Standing(id=7, state="delivered", desired="9", confirmed="9", fence=3, moved_at=LONG_AGO)
DRIFTED = Facts(erp="9", wanted="9", store="500", known=DELIVERED)


def known(**changes: object) -> Standing:
    return msgspec.structs.replace(DELIVERED, **changes)


def facts(**changes: object) -> Facts:
    return msgspec.structs.replace(DRIFTED, **changes)


CASES: list[tuple[str, Facts, Cause, Repair]] = [
    ("the store moved", facts(), Cause.OVERWRITTEN, Repair.OWE),
    ("the store lacks it", facts(store=ABSENT), Cause.OVERWRITTEN, Repair.OWE),
    ("the ERP moved", facts(erp="8", wanted="8", store="9"), Cause.CHANGED_IN_ERP, Repair.READ),
    ("both moved", facts(erp="8", wanted="8"), Cause.CHANGED_IN_ERP, Repair.READ),
    ("and cannot be read", facts(erp="8", readable=False), Cause.CHANGED_IN_ERP, Repair.NONE),
    ("the ERP went back", facts(erp="8", version="005", known=known(version="006")), Cause.CHANGED_IN_ERP, Repair.NONE),
    ("the ERP lists it no more", facts(erp=None, wanted=ABSENT), Cause.CHANGED_IN_ERP, Repair.NONE),
    ("nobody told", facts(known=None), Cause.NEVER_CAPTURED, Repair.READ),
    ("only the store knows", facts(known=None, erp=None, wanted=ABSENT), Cause.UNKNOWN, Repair.NONE),
    ("promised", facts(known=known(state="pending")), Cause.STILL_WAITING, Repair.WAIT),
    ("under way", facts(known=known(state="leased")), Cause.STILL_WAITING, Repair.WAIT),
    ("held", facts(erp="8", known=known(held_by=4)), Cause.STILL_WAITING, Repair.WAIT),
    ("refused", facts(known=known(state="dead")), Cause.DEAD_LETTER, Repair.REPLAY),
    ("refused, and ended", facts(known=known(state="dead", resolved=True)), Cause.DEAD_LETTER, Repair.NONE),
    ("a cent", facts(store="9.01"), Cause.ROUNDING, Repair.NONE),
    ("more than a cent", facts(store="9.02"), Cause.OVERWRITTEN, Repair.OWE),
    ("what is reserved", facts(wanted="12", store="9", reserved=Decimal(3)), Cause.RESERVATION, Repair.OWE),
    ("twice what is reserved", facts(wanted="12", store="15", reserved=Decimal(3)), Cause.RESERVATION, Repair.OWE),
    ("another quantity", facts(wanted="12", store="14", reserved=Decimal(3)), Cause.OVERWRITTEN, Repair.OWE),
    ("taken as another", facts(known=known(confirmed="8")), Cause.UNKNOWN, Repair.NONE),
]


@pytest.mark.parametrize(("_name", "told", "cause", "repair"), CASES, ids=[case[0] for case in CASES])
def test_of_a_state(_name: str, told: Facts, cause: Cause, repair: Repair) -> None:
    judged = of_state(told, WHEN, CENT)
    assert judged is not None
    assert (judged.cause, judged.repair) == (cause, repair)
    assert judged.why


MOVING = [
    facts(known=known(moved_at=NOW)),
    facts(known=known(state="pending", moved_at=NOW - timedelta(minutes=9))),
    facts(erp="8", as_of=NOW - timedelta(minutes=9)),
    facts(known=None, as_of=NOW + timedelta(seconds=1)),
]


@pytest.mark.parametrize("told", MOVING)
def test_what_moves_is_no_drift_yet(told: Facts) -> None:
    assert of_state(told, WHEN, CENT) is None


def test_what_was_delivered_before_it_began_is_at_rest_however_lately() -> None:
    assert of_state(facts(known=known(moved_at=NOW - timedelta(seconds=1))), WHEN, CENT) is not None


ORDER = OrderFacts(store_value="10.00", erp_value="10", told="10", look=DELIVERED, delivery=DELIVERED, in_erp=True)
PROMISED = known(state="pending")
DEAD = known(state="dead", code="rejected", reason="unknown SKU")
ORDERS: list[tuple[str, dict[str, object], tuple[Cause, Repair] | None]] = [
    ("the same", {}, None),
    ("a cent", {"erp_value": "10.01"}, (Cause.ROUNDING, Repair.NONE)),
    ("the store moved", {"store_value": "60"}, (Cause.OVERWRITTEN, Repair.LOOK)),
    ("the ERP moved", {"erp_value": "17"}, (Cause.CHANGED_IN_ERP, Repair.NONE)),
    ("both moved", {"erp_value": "17", "store_value": "60"}, (Cause.UNKNOWN, Repair.NONE)),
    ("nobody knows what went", {"erp_value": "17", "told": ""}, (Cause.UNKNOWN, Repair.NONE)),
    ("gone from the ERP", {"in_erp": False, "erp_value": ABSENT}, (Cause.CHANGED_IN_ERP, Repair.NONE)),
    ("twice in the ERP", {"times": 2}, (Cause.UNKNOWN, Repair.NONE)),
    ("the ERP cannot be asked", {"in_erp": None, "erp_value": "17"}, None),
    ("on its way", {"delivery": PROMISED, "in_erp": False}, (Cause.STILL_WAITING, Repair.WAIT)),
    ("refused", {"delivery": DEAD, "in_erp": False}, (Cause.DEAD_LETTER, Repair.REPLAY)),
    ("ended before it went", {"delivery": known(state="superseded"), "in_erp": False}, None),
    ("nothing is owed", {"delivery": None, "in_erp": False}, None),
    ("its look waits", {"delivery": None, "look": PROMISED}, (Cause.STILL_WAITING, Repair.WAIT)),
    ("its look is dead", {"delivery": None, "look": DEAD}, (Cause.DEAD_LETTER, Repair.REPLAY)),
    ("never heard of", {"delivery": None, "look": None}, (Cause.NEVER_CAPTURED, Repair.LOOK)),
    ("not polled yet", {"delivery": None, "look": None, "waiting": "soon"}, (Cause.STILL_WAITING, Repair.WAIT)),
    ("before our time", {"delivery": None, "look": None, "excused": "older"}, None),
    ("only in the ERP", {"in_store": False, "look": None, "delivery": None}, (Cause.UNKNOWN, Repair.NONE)),
]


@pytest.mark.parametrize(("_name", "changes", "expected"), ORDERS, ids=[case[0] for case in ORDERS])
def test_of_an_order(_name: str, changes: dict[str, object], expected: tuple[Cause, Repair] | None) -> None:
    judged = of_order(msgspec.structs.replace(ORDER, **changes), CENT)
    assert (None if judged is None else (judged.cause, judged.repair)) == expected


def test_amounts_are_compared_as_amounts() -> None:
    assert same("19.90", "19.9")
    assert same("EUR", "EUR")
    assert not same("none", "0")
    assert not rounds("none", "0.01", CENT)
    assert not rounds("NaN", "0.01", CENT)
    assert not rounds("1", "1", CENT)


def test_of_what_was_found_only_what_can_be_repaired_and_was_asked_for_is_chosen() -> None:
    found = [
        Drift(number=n, key=key, field="f", store_value="", erp_value="", cause=cause, repair=repair)
        for n, (key, cause, repair) in enumerate(
            [
                ("a", Cause.OVERWRITTEN, Repair.OWE),
                ("b", Cause.CHANGED_IN_ERP, Repair.READ),
                ("c", Cause.ROUNDING, Repair.NONE),
            ]
        )
    ]

    def keys(causes: set[str], wanted: set[str]) -> list[str]:
        return [one.key for one in chosen(found, frozenset(causes), frozenset(wanted))]

    assert keys(set(), set()) == ["a", "b"]
    assert keys({"overwritten-in-store"}, set()) == ["a"]
    assert keys(set(), {"b", "c"}) == ["b"]
    assert keys({"overwritten-in-store"}, {"b"}) == []
