"""Orders into a custom ERP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crossdock.contract.message import Receipt
from crossdock.contract.shadow import Shown
from crossdock.erp.rest.answers import read_receipt
from crossdock.erp.rest.client import RestClient, fill
from crossdock.erp.rest.lookup import Wanted, how_many, pick, receipt_of
from crossdock.erp.rest.mapping import build_order_payload
from crossdock.erp.rest.settings import AnswerSettings, RestSettings
from crossdock.erp.rest.shaping import Build
from crossdock.erp.rest.showing import shown, unseen
from crossdock.errors import Conflict, DeliveryError, OutcomeUnknown, Rejected
from crossdock.model.order import Order

MANY = 50  # numbers in one address


class OrderSink:
    """POSTs an order with its key, and looks it up by its number."""

    def __init__(self, client: RestClient, settings: RestSettings, build: Build[Order] = build_order_payload) -> None:
        self._client = client
        self._settings = settings
        self._build = build

    def put(self, order: Order, key: str) -> Receipt:
        """Sends it. What the ERP says is there already counts as done where its content is the same."""
        path = fill(self._settings.paths.orders, **_places(order, key))
        try:
            response = self._client.write(path, self._build(order, key), key)
        except Conflict as conflict:
            return self._there_already(order, key, conflict)
        if response.status == 204:
            return self._named_by_a_find(order, key)
        return read_receipt(response, self._settings.answers, reference=order.number)

    def find(self, order: Order, key: str) -> Receipt | None:
        """The ERP's order under our number. Raises Conflict where that is another order of ours."""
        if not self._settings.finds:
            raise Rejected("this ERP cannot be asked for an order: a person must look")
        answers = self._settings.answers
        data = self._client.look(fill(self._settings.paths.find, **_places(order, key)))
        entry = pick(data, _wanted(order, key, answers.reference_field), answers)
        return receipt_of(entry, answers, numbered=True) if entry else None

    def show(self, order: Order, key: str) -> Shown | None:
        """What the ERP has under our number, whoever has put it there: as far as its find tells."""
        if not self._settings.finds:
            return unseen(self._build(order, key))
        data = self._client.look(fill(self._settings.paths.find, **_places(order, key)))
        answers = self._settings.answers
        return shown(data, _wanted(order, key, answers.reference_field), answers, self._build(order, key))

    def count(self, order: Order, key: str) -> int:
        """How many orders of ours the ERP has under our number. Raises Conflict where another content is there."""
        answers = self._settings.answers
        data = self._client.look(fill(self._settings.paths.find, **_places(order, key)))
        return how_many(data, _wanted(order, key, answers.reference_field), answers)

    @property
    def count_at_once(self) -> int:
        """As many numbers as an address bears."""
        return MANY if self._settings.paths.find_many else 1

    def count_many(self, rows: Sequence[tuple[Order, str]]) -> list[int]:
        """Of each order, how often the answer to one request holds it."""
        answers = self._settings.answers
        numbers = ",".join(order.number for order, _ in rows)
        data = self._client.look(fill(self._settings.paths.find_many, numbers=numbers))
        wanted = [_wanted(order, key, answers.reference_field) for order, key in rows]
        return [_counted(data, one, answers) for one in wanted]

    def _there_already(self, order: Order, key: str, conflict: Conflict) -> Receipt:
        if not self._settings.finds:
            raise Rejected(f"{conflict} (and it cannot be looked up)", status=conflict.status) from conflict
        found = self.find(order, key)
        if found is None:
            raise conflict
        return found

    def _named_by_a_find(self, order: Order, key: str) -> Receipt:
        found = self.find(order, key) if self._settings.finds else None
        if found is None:
            raise OutcomeUnknown("HTTP 204 names no id, and the order cannot be found (yet)", status=204)
        return found


def _places(order: Order, key: str) -> dict[str, str]:
    return {"number": order.number, "order_number": order.number, "id": order.id, "key": key}


def _counted(data: Any, wanted: Wanted, answers: AnswerSettings) -> int:
    """0 too where the entries leave it open: then it is asked for alone, and that tells why."""
    try:
        return how_many(data, wanted, answers)
    except DeliveryError:
        return 0


def _wanted(order: Order, key: str, field: str) -> Wanted:
    return Wanted(
        key=key,
        field=field,
        reference=order.number,
        store_id=order.id,
        facts=(
            ("totals.grand_total || grand_total", order.totals.grand_total),
            ("payment.currency || currency", order.totals.currency),
        ),
    )
