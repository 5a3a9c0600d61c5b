"""Who a customer is: what a look stands on while another thread finishes an account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from crossdock.contract.flow import Route
from crossdock.contract.message import Message
from crossdock.flows import CUSTOMER_LOOKS
from crossdock.model.agreement import Agreement
from crossdock.model.base import Record
from crossdock.model.customer import Customer, CustomerSighting, Pair
from crossdock.pairs import Pairs

NOW = datetime(2026, 11, 26, tzinfo=UTC)
LOOK = Message(id="1", source="store", flow="customer_looks", subject="customer:5", occurred_at=NOW)
ROUTES = {
    "store": [Route(source="store", target="erp", flows=frozenset({"customers"}))],
    "erp": [Route(source="erp", target="store", flows=frozenset({"customers"}))],
}


class Known(Record, frozen=True, kw_only=True):
    target: str = "erp"
    external_id: str = ""
    agreement: Agreement = Agreement()


class Making:
    """An account that the ERP has asked for; it is finished between any two questions, after `asked` of them."""

    def __init__(self, asked: int) -> None:
        self.left = asked

    def _finished(self) -> bool:
        self.left -= 1
        return self.left < 0

    def standings(self, source: str, subject: str) -> Sequence[Known]:
        assert (source, subject) == ("store", "customer:5")
        return [Known(external_id="P-1")] if self._finished() else []

    def is_making(self, source: str, target: str, flow: str, fingerprint: str) -> bool:
        assert (source, target, flow, fingerprint) == ("erp", "store", "new_customers", "#p@example.com")
        return not self._finished()

    def subject_of(self, source: str, target: str, external_id: str) -> str:
        raise NotImplementedError

    def is_erased(self, source: str, subject: str) -> bool:
        return False


def pair(book: Making) -> Pair:
    customer = Customer(number="", id="5", changed_at=NOW, fields={"email": "p@example.com"})
    pairs = Pairs(book, ROUTES, "#{}".format)
    found: CustomerSighting = pairs.completed(CUSTOMER_LOOKS, LOOK, CustomerSighting(customer=customer, seen_at=NOW))
    (only,) = found.pairs
    return only


@pytest.mark.parametrize("asked", range(5))
def test_an_account_is_never_strange_while_it_is_finished(asked: int) -> None:
    """Else the ERP is told of somebody new, and has them twice."""
    found = pair(Making(asked))
    assert found.awaited != bool(found.number), "either it is waited for, or its number is known"


@pytest.mark.parametrize(
    ("mode", "kept"), [("shadow", {"erp": "erp_number", "next": ""}), ("live", {"erp": "", "next": ""})]
)
def test_an_erp_that_is_only_compared_with_takes_no_number_attribute_from_another(
    mode: str, kept: dict[str, str]
) -> None:
    flows = frozenset({"customers"})
    routes = {
        "store": [
            Route(source="store", target="erp", flows=flows),
            Route(source="store", target="next", flows=flows, options={"mode": mode}),
        ]
    }
    customer = Customer(id="5", changed_at=NOW, fields={})
    sighting = CustomerSighting(customer=customer, seen_at=NOW, number_attribute="erp_number")
    found: CustomerSighting = Pairs(Making(99), routes, "#{}".format).completed(CUSTOMER_LOOKS, LOOK, sighting)
    assert {one.target: one.number_attribute for one in found.pairs} == kept
