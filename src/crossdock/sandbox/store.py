"""A stand-in Magento store: the REST calls that matter for orders, as recorded from a real 2.4.7, and its webhooks.

This module holds the state and what can happen to it; `routes` speaks REST, `admin` answers under /sandbox. What is
answered is held against recordings by tests/sandbox_recordings; where they disagree the sandbox is wrong.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from crossdock.sandbox import (
    admin,
    attributes,
    bulk,
    catalog,
    customers,
    documents,
    house,
    media,
    php,
    prices,
    routes,
    stock,
)
from crossdock.sandbox.clock import Clock
from crossdock.sandbox.documents import Plan, Refused
from crossdock.sandbox.faults import DEADLOCK, NONE, Faults, Lottery
from crossdock.sandbox.hooks import Hooks
from crossdock.sandbox.oauth import Credentials, Gate
from crossdock.sandbox.orders import STAMP, OrderMaker
from crossdock.sandbox.wire import Answer, Asked

Row = dict[str, Any]
LOGGED = 5000


class Store:
    """The state and the endpoints. One thread calls all of it; nothing here blocks."""

    def __init__(
        self,
        clock: Clock,
        *,
        seed: int = 1,
        token: str = "sandbox",
        faults: Faults = NONE,
        credentials: Credentials | None = None,
    ) -> None:
        self.clock = clock
        self.maker = OrderMaker(seed)
        self.lottery = Lottery(faults, seed)
        self.gate = Gate(credentials or Credentials(token=token), clock, self.lottery)
        self.hooks = Hooks(self.lottery)
        self.orders: dict[int, Row] = {}
        self.memos: dict[int, Row] = {}
        self.invoices: dict[int, Row] = {}
        self.shipments: dict[int, Row] = {}
        self.comments: dict[int, list[Row]] = {}
        self._commented = 0
        self.visible_from: dict[int, datetime] = {}
        self.placed_at: dict[int, datetime] = {}  # by the real clock
        self.transactions: dict[int, Row] = {}  # none: an offline payment method has none
        self.catalog = catalog.Catalog()
        self.options = attributes.Options()
        self.pictures = media.Pictures()
        self.started = self.stamp()
        self.prices = prices.PriceBook(row["sku"] for row in self.catalog.rows.values())
        self.source_items = stock.first_items()
        self.customers = customers.first_customers(self.stamp())
        self.next_customer = 4
        self.next_address = 4
        self.requests: deque[str] = deque(maxlen=LOGGED)
        self.jobs = bulk.Jobs(self, seed)
        self.schedule: Callable[[float, Callable[[], None]], object] = lambda _seconds, act: act()  # a server's is real

    @property
    def faults(self) -> Faults:
        """What goes wrong now."""
        return self.lottery.faults

    def answer(self, asked: Asked) -> Answer:
        """One request, with what the lottery has in store for it."""
        if asked.path.startswith("/sandbox/"):
            return admin.answer(self, asked)
        self.requests.append(f"{asked.method} {asked.target}")
        # rights come before what was sent (Webapi/Controller/Rest/InputParamsResolver.php)
        if (right := routes.right(asked)) and (refused := self.gate.refuse(asked, right)):
            return php.told(asked, refused)
        if (refused := house.too_large(self.faults.house, asked)) is not None:
            return php.told(asked, refused)
        call = bulk.find(asked) if "/async/" in asked.path else routes.find(asked)
        if isinstance(call, Answer):
            return php.told(asked, call)
        if not right and call.resource and (refused := self.gate.refuse(asked, call.resource)):
            return php.told(asked, refused)
        return self._with_faults(call)

    def _with_faults(self, call: routes.Call) -> Answer:
        asked, kind = call.asked, call.kind
        what, writes = f"{asked.method} {asked.path}", asked.method != "GET"
        if (instead := self.lottery.before(kind, what, self.clock(), writes=writes)) is not None:
            return instead
        limit = self.faults.bugs.deadlock_above
        if writes and limit and asked.writing > limit:
            self.lottery.count("deadlock_above")
            return Answer(status=400, body=DEADLOCK)
        # what a call finds at its beginning may be gone when it acts: the gap is where parallel documents race
        effect = call.prepared(self) if self.faults.bugs.documents_race else lambda: call.carried_out(self)

        def done() -> Answer:
            return self.lottery.around(kind, what, lambda: php.told(asked, effect()))

        pause = self.faults.latency_s
        return Answer(delay=pause, later=done) if pause else done()

    def place(self, kind: str = "") -> int:
        """One order, and the webhook of it; its entity_id. Raises KeyError for an unknown kind."""
        number = max(self.orders, default=0) + 1
        order = self.maker.make(number, self._stamp_time(), kind)
        order |= house.unpaid(self.faults.house, self._stamp_time())
        self._insert(number, order)
        return number

    def edit(self, number: int) -> int | None:
        """As in the back office: the order is cancelled and a new one, NUMBER-1, takes its place. The new entity_id."""
        old = self.orders[number]
        if not self.change(number, "cancel"):
            return None
        new = max(self.orders) + 1
        order = self.maker.make(new, self._stamp_time())
        first = old.get("original_increment_id", old["increment_id"])
        count = old.get("edit_increment", 0) + 1
        order |= {"increment_id": f"{first}-{count}", "original_increment_id": first, "edit_increment": count}
        order |= {"relation_parent_id": str(number), "relation_parent_real_id": old["increment_id"]}
        self._touch(old, {"relation_child_id": str(new), "relation_child_real_id": order["increment_id"]})
        self._insert(new, order)
        return new

    def change(self, number: int, move: str) -> bool:
        """cancel, hold, unhold, pay or ship; False where the state does not allow it."""
        order = self.orders[number]
        if move in {"pay", "ship"}:
            return isinstance(self.document(number, {"pay": "invoice"}.get(move, move), {}), int)
        before = order["state"]
        if move == "cancel":
            done = documents.cancel(order)
        elif move == "hold":
            done = before not in {"canceled", "closed", "complete", "holded"}
            if done:
                order |= {"hold_before_state": before, "hold_before_status": order["status"]}
                order |= {"state": "holded", "status": "holded"}
        else:
            done = before == "holded"
            if done:
                order |= {"state": order.pop("hold_before_state"), "status": order.pop("hold_before_status")}
        if done:
            self._touch(order)
            self.fire("updated", order)
            if move != "unhold":  # misspelt inside the real module: it never fires
                self.fire({"cancel": "cancelled", "hold": "holded"}[move], order)
        return done

    def plan(self, number: int, name: str, told: Row) -> Plan | Refused:
        """What an invoice, ship or refund call would do now."""
        order = self.orders[number]
        if name == "refund":
            return documents.refund_plan(order, told, unchecked=self.faults.bugs.refund_unchecked)
        return {"invoice": documents.invoice_plan, "ship": documents.ship_plan}[name](order, told)

    def document(self, number: int, name: str, told: Row) -> int | Refused:
        """Invoice, ship or refund; the document's id."""
        plan = self.plan(number, name, told)
        return plan if isinstance(plan, Refused) else self.make(number, name, plan)

    def make(self, number: int, name: str, plan: Plan) -> int:
        """Carries out a plan without looking again."""
        order = self.orders[number]
        before = order["state"]
        made_by: dict[str, tuple[dict[int, Row], Callable[..., Row]]] = {
            "invoice": (self.invoices, documents.make_invoice),
            "ship": (self.shipments, documents.make_shipment),
            "refund": (self.memos, documents.make_memo),
        }
        kept, make = made_by[name]
        entity = len(kept) + 1
        kept[entity] = document = make(order, plan, entity, self.stamp())
        if name == "ship":
            stock.deduct(self, document, document["extension_attributes"]["source_code"])
        self._touch(order)
        if order["state"] != before:
            self.fire("updated", order)
        self._tell(name, order, document)
        if name == "refund":
            text = f"We refunded {order['order_currency_code']} {document['grand_total']} offline."
            self.comment(order, {"comment": text, "is_customer_notified": 0, "entity_name": "creditmemo"})
        return entity

    def refund(self, number: int, arguments: Row | None = None) -> int:
        """All that is left of an invoiced order; the credit memo's id. Raises ValueError where nothing is left."""
        made = self.document(number, "refund", {"arguments": arguments} if arguments else {})
        if isinstance(made, Refused):
            raise ValueError(made.message)  # noqa: TRY004  the order's state is wrong, no type
        return made

    def write(self, order: Row, told: Row) -> None:
        """The narrow save: what is told, and updated_at. Both events are false, and both really come."""
        self._touch(order, told)
        if self.faults.bugs.silent_saves:
            return
        self.fire("created", order)
        self.fire("paid", order)

    def comment(self, order: Row, told: Row) -> None:
        """Does not move updated_at."""
        history = self.comments.setdefault(order["entity_id"], [])
        self._commented += 1
        row = {
            "comment": told["comment"][:65535],
            "created_at": self.stamp(),
            "entity_id": self._commented,
            "is_customer_notified": told.get("is_customer_notified"),
            "is_visible_on_front": told.get("is_visible_on_front", 0),
            "parent_id": order["entity_id"],
            "status": told.get("status", order["status"]),
        }
        if "entity_name" in told:
            row["entity_name"] = told["entity_name"]
        history.append(row)
        order["status_histories"] = [*reversed(history)]

    def track(self, told: Row) -> Row | None:
        """One more track of a shipment, as it is answered; None where there is no such shipment."""
        shipment = self.shipments.get(int(told.get("parent_id", 0)))
        if shipment is None:
            return None
        stamp = self.stamp()
        row: Row = {"weight": None, "qty": None, "description": None, "created_at": stamp, "updated_at": stamp} | told
        row["entity_id"] = 500 + len(shipment["tracks"])
        shipment["tracks"].append(row | {"description": row["description"] or None})  # an empty text is read as null
        return row

    def visible(self, number: int) -> Row | None:
        """The order, where its commit is through."""
        order = self.orders.get(number)
        until = self.visible_from.get(number)
        return None if order is None or (until and self.clock() < until) else order

    def all_visible(self) -> Sequence[Row]:
        """By entity_id."""
        return [order for number in self.orders if (order := self.visible(number)) is not None]

    def fire(self, event: str, order: Row) -> None:
        """A webhook about an order."""
        self.hooks.fire(f"sales.order.{event}", order)

    def stamp(self) -> str:
        """The database's time."""
        return self._stamp_time().strftime(STAMP)

    def _stamp_time(self) -> datetime:
        return self.clock() - timedelta(seconds=self.faults.bugs.stamps_behind_s)

    def _insert(self, number: int, order: Row) -> None:
        bugs, now = self.faults.bugs, self.clock()
        self.orders[number] = order
        self.placed_at[number] = self.clock.real()
        if bugs.invisible_at_first_s:
            self.visible_from[number] = now + timedelta(seconds=bugs.invisible_at_first_s)
        if self.lottery.draw_bug("late_commits", f"order {number}"):
            self.visible_from[number] = now + timedelta(seconds=bugs.late_commit_s)
        self.fire("created", order)
        order["email_sent"] = 1

    def _touch(self, order: Row, changes: Row | None = None) -> None:
        order |= changes or {}
        documents.refresh_shipping(order)
        if not self.faults.bugs.updated_at_stays:
            order["updated_at"] = self.stamp()

    def _tell(self, name: str, order: Row, document: Row) -> None:
        if name == "invoice":
            self.hooks.fire("sales.invoice.created", document)
            self.hooks.fire("sales.invoice.paid", document)
            if not order["total_due"]:
                self.fire("paid", order)
        elif name == "ship":
            self.hooks.fire("sales.shipment.created", document)
            self.fire("shipped", order)
        else:
            self.hooks.fire("sales.creditmemo.created", document)
