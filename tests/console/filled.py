"""A desk with a busy morning on it: what pages are looked at with."""

from __future__ import annotations

from crossdock.contract.shadow import SHADOW, Compared, Fate, Unlike
from crossdock.delivery.records import Attempt, Settlement, State, Verdict
from tests.unit.operations.desks import LEASE, Bench
from tests.unit.operations.records import order

UNKNOWN = "HTTP 422: unknown SKU A-{n}"


def fill(at: Bench, orders: int = 90) -> None:
    """Orders delivered over the last hour, some dead of several causes, some waiting."""
    start = at.clock.now
    at.clock.forward(minutes=-59)
    shadows(at)
    number = 1000
    while at.clock.now < start:
        for _ in range(1 + (number * 7) % 4):
            number += 1
            at.order(number, total=f"{(number * 37) % 400 + 20}.90")
        at.clock.forward(seconds=1 + number % 3)
        at.settle(State.DELIVERED, attempts=(sent(at, 201, '{"id":"E1","number":"SO-1"}'),))
        at.clock.forward(seconds=45 + (number * 11) % 120)
    at.clock.now = start
    for step in range(orders // 10):
        number = 2000 + step
        at.order(number, record=order(number, f"A-{number}", 1 + step % 3, f"{step * 31 + 49}.90"))
        refused = f'{{"error":"unknown SKU A-{number}","field":"lines[0].sku","contact":"Ada Example"}}'
        at.settle(State.DEAD, code="rejected", reason=UNKNOWN, attempts=(sent(at, 422, refused, f"{number:09}"),))
        at.clock.forward(seconds=7)
    for step in range(3):
        at.dead(
            2100 + step, "lookups.payment_terms: has no entry for 'paypal_express'", "lookup-missing", total="120.00"
        )
    at.dead(2200, "HTTP 500 and no answer that can be read", "outcome-unknown", total="1999.00")
    at.order(3900, flow="looks")
    for step in range(4):
        at.order(3000 + step)
    at.clock.forward(minutes=4)
    at.store.pause("erp", "the ERP is being upgraded until 11:00", "user:ada", at.clock.now)


def shadows(at: Bench) -> None:
    """Orders that another integration carries, as they were compared."""
    for step, fate in enumerate((Fate.EQUAL, Fate.DIFFERENT, Fate.MISSING, Fate.REFUSED, Fate.UNSEEN, Fate.DIFFERENT)):
        at.order(5000 + step, memo={SHADOW: "1"})
        unlike = (
            Unlike(field="items[0].price", ours="19.99", theirs="19.90"),
            Unlike(field="customer.email", ours="ada@example.com", theirs="eve@example.com"),
        )
        differs = fate is Fate.DIFFERENT
        why = "" if fate in {Fate.EQUAL, Fate.DIFFERENT} else "lookup-missing: lookups.terms: has no entry for 'paypal'"
        found = Compared(
            fate=fate, number="SO-9", compared=14, unlike=unlike if differs else (), uncompared=("note",), reason=why
        )
        (leased,) = at.store.lease("w", at.clock.now, at.clock.now + LEASE, {"erp": 9}, limit=9)
        verdict = Verdict(state=State.SHADOWED, due_at=at.clock.now, attempts=1, reason=found.told())
        at.store.settle(leased, Settlement(verdict=verdict, compared=found), at.clock.now)


def sent(at: Bench, status: int, answer: str, number: str = "000000123") -> Attempt:
    body = (
        b'{"order_number":"%s","customer":{"name":"Ada Example","email":"ada@example.com"},"lines":[{"sku":"A-1","qty":2,"price":19.990}]}'
        % number.encode()
    )
    return Attempt(
        operation="POST /orders",
        started_at=at.clock.now,
        actor="crossdock",
        status=status,
        request=body,
        response=answer.encode(),
    )
