"""The stand-ins' own endpoints under /sandbox: place and change orders, see everything, change what goes wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from crossdock.sandbox.clock import Clock
from crossdock.sandbox.faults import Faults, Lottery
from crossdock.sandbox.orders import KINDS
from crossdock.sandbox.wire import Answer, Asked

if TYPE_CHECKING:
    from crossdock.sandbox.store import Store

MOVES = "cancel|hold|unhold|pay|ship|refund|edit"
TOLD = "increment_id state status ext_order_id updated_at grand_total order_currency_code total_paid total_refunded"
HELP = f"place, orders/ID, orders/ID/({MOVES}), state, products, source-items, prices, faults, clock, hooks, log"


def answer(store: Store, asked: Asked) -> Answer:
    """Without any login: the stand-in listens on this machine only."""
    verb = asked.path.removeprefix("/sandbox/").rstrip("/")
    try:
        body = asked.json() if asked.body else {}
    except ValueError:
        return Answer(status=400, body={"message": "the body is no JSON"})
    if found := re.fullmatch(rf"orders/(\d+)(?:/({MOVES}))?", verb):
        return _order(store, int(found[1]), found[2], body)
    if verb == "place":
        return _place(store, body)
    if verb == "state":
        return Answer(body={str(number): _told(store, number) for number in store.orders})
    if verb == "products":
        added = store.catalog.add(body.get("skus") or [f"BULK-{n:07}" for n in range(int(body.get("count", 0)))])
        return Answer(body={"added": added, "products": len(store.catalog.rows)})
    if verb == "source-items":
        return Answer(body=[*store.source_items.values()])
    if verb == "prices":
        return _prices(store, asked.method, body)
    if verb == "hooks":
        return _hooks(store, asked.method, body)
    if verb == "log":
        return Answer(body=[*store.requests])
    return common(asked, body, store.lottery, store.clock) or Answer(status=404, body={"message": HELP})


def common(asked: Asked, body: Any, lottery: Lottery, clock: Clock) -> Answer | None:
    """What both stand-ins have: faults and clock. PUT sets all, so that what is left out is off again."""
    if asked.path == "/sandbox/faults":
        if asked.method == "PUT":
            try:
                lottery.faults = msgspec.convert(body, Faults, strict=False)
            except msgspec.ValidationError as error:
                return Answer(status=400, body={"message": str(error)})
        return Answer(body={"faults": lottery.faults, "drawn": lottery.drawn})
    if asked.path == "/sandbox/clock":
        if asked.method == "PUT":
            clock.shift(float(body.get("offset_s", 0)))
        return Answer(body={"now": clock().isoformat(), "offset_s": clock.offset.total_seconds()})
    return None


def _place(store: Store, body: Any) -> Answer:
    kinds = body.get("kinds") or [""]
    if any(kind not in {"", *KINDS} for kind in kinds):
        return Answer(status=400, body={"message": f"kinds are {', '.join(KINDS)}"})
    return Answer(body=[store.place(kinds[n % len(kinds)]) for n in range(int(body.get("count", 1)))])


def _order(store: Store, number: int, move: str | None, body: Any) -> Answer:
    if number not in store.orders:
        return Answer(status=404, body={"message": f"no order {number}"})
    if move is None:
        return Answer(body=store.orders[number])
    if move == "edit":
        return Answer(body=store.edit(number))
    if move == "refund":
        made = store.document(number, "refund", body)
        return Answer(body=made) if isinstance(made, int) else Answer(status=400, body={"message": made.message})
    return Answer(body=store.change(number, move))


def _told(store: Store, number: int) -> dict[str, Any]:
    order = store.orders[number]
    told = {name: order.get(name) for name in TOLD.split()}
    comments = [row["comment"] for row in store.comments.get(number, [])]
    return told | {"comments": comments, "visible": store.visible(number) is not None}


def _prices(store: Store, method: str, body: Any) -> Answer:
    """All of them, by kind. PUT {"scope": "website"} makes it a store whose websites have prices of their own."""
    if method == "PUT" and body.get("scope") in {"global", "website"}:
        store.prices.scope = body["scope"]
    told: dict[str, Any] = {kind: [*rows.values()] for kind, rows in store.prices.kept.items()}
    return Answer(body=told | {"scope": store.prices.scope})


def _hooks(store: Store, method: str, body: Any) -> Answer:
    if method == "PUT":
        store.hooks.enabled = bool(body.get("enabled", True))
    counted = {name: getattr(store.hooks, name) for name in ("enabled", "sent", "failed", "lost")}
    return Answer(
        body=counted | {"waiting": store.hooks.waiting(), "subscriptions": [*store.hooks.subscriptions.values()]}
    )
