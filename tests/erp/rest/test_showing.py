"""What a custom ERP shows of a customer, and of what it cannot be asked for, to a shadow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from crossdock.contract.shadow import Compared, Fate
from crossdock.erp.rest.connector import build
from crossdock.errors import Rejected
from crossdock.flows import CUSTOMERS, ERASURES, ORDERS
from crossdock.model.customer import CustomerChange, Erasure
from crossdock.shadowing.fields import compare
from crossdock.transport.looking import looking
from tests.erp.rest.samples import NOW, customer, order
from tests.recorded_server import Asked, Reply, serve


class Erp:
    """Answers each look with what it is told to; keeps what it was asked for."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.asked: list[str] = []

    def answer(self, asked: Asked) -> Reply:
        self.asked.append(f"{asked.method} {asked.path}?{asked.raw_query}")
        return Reply(200, self.rows)


@pytest.fixture
def erp() -> Iterator[tuple[Erp, str]]:
    made = Erp()
    with serve(made.answer) as server:
        yield made, server.url


def sink(url: str, flow: Any, **more: Any) -> Any:
    auth = {"scheme": "bearer", "token": "env:TOKEN"}
    settings = {"base_url": url, "auth": auth, "flows": ["orders", "customers"]} | more
    return build("erp", settings, resolve=lambda _: "t0ken").sink(flow)


def looked(url: str, change: CustomerChange, path: str = "/people?email={email}", **answers: Any) -> Compared | None:
    end = sink(url, CUSTOMERS, paths={"show_customer": path}, answers=answers)
    with looking():
        shown = end.show(change, "key")
    return None if shown is None else compare(shown)


def there(**changes: Any) -> dict[str, Any]:
    """The sample's customer as another hand has put it there, under the ERP's own numbers."""
    place = {
        "number": "A-9",
        "first_name": "Wilhelmina",
        "last_name": "Canary",
        "street": ["Birdcage Walk 7"],
        "city": "Berlin",
        "country": "DE",
        "telephone": "+49 30 1234567",
        "default_billing": True,
    }
    own = {"number": "A-1", "city": "Bonn", "street": ["Rheinweg 1"]}
    person = {"email": "wilhelmina@canary.example", "first_name": "Wilhelmina", "last_name": "Canary"}
    more = {"vat_id": "DE123456789", "subscribed": True, "attributes": {"tier": "gold"}}
    return (
        {"number": "C-7", "website": "base", "email": "wilhelmina@canary.example"}
        | {
            "customer": person | more,
            "addresses": [own, place],
        }
        | changes
    )


def test_what_another_hand_has_put_there_is_equal_whatever_it_is_called(erp: tuple[Erp, str]) -> None:
    made, url = erp
    assert looked(url, customer()) is None
    made.rows = [there()]
    found = looked(url, customer())
    assert found is not None
    assert (found.fate, found.unlike, found.number) == (Fate.EQUAL, (), "C-7")
    assert found.uncompared == ("guest", "metadata.magento_customer_id", "reference")
    assert found.compared == 15
    assert made.asked[-1] == "GET /people?email=wilhelmina%40canary.example"


def test_it_differs_in_exactly_what_differs(erp: tuple[Erp, str]) -> None:
    made, url = erp
    place = there()["addresses"][1] | {"city": "Potsdam"}
    made.rows = [there(addresses=[place], customer=there()["customer"] | {"attributes": {"tier": "silver"}})]
    found = looked(url, customer())
    assert found is not None
    unlike = {one.field: (one.ours, one.theirs) for one in found.unlike}
    assert unlike == {
        "customer.attributes.tier": ("gold", "silver"),
        "addresses[0].city": ("Berlin", "Potsdam"),
    }
    made.rows = [there(addresses=[])]
    found = looked(url, customer())
    assert found is not None
    assert {one.field for one in found.unlike} >= {"addresses[0].city", "addresses[0].street"}
    made.rows = [there(), there(number="C-8")]
    doubled = looked(url, customer())
    assert doubled is not None
    assert (doubled.fate, doubled.reason) == (Fate.DIFFERENT, "it is there 2 times")


def test_fields_may_stand_elsewhere(erp: tuple[Erp, str]) -> None:
    made, url = erp
    made.rows = [{"id": 9, "mail": "wilhelmina@canary.example", "email": "WILHELMINA@canary.example", "family": "C."}]
    found = looked(url, customer(), shows_customer={"customer.last_name": "family", "customer.email": "mail"})
    assert found is not None
    assert found.number == "9"
    assert {one.field for one in found.unlike} == {"customer.last_name", "email"}


@pytest.mark.parametrize(
    ("row", "known", "is_them"),
    [
        ({"number": "C-7", "email": "another@canary.example"}, "C-7", True),
        ({"number": "C-8", "email": "wilhelmina@canary.example"}, "C-7", False),
        ({"number": "C-8", "reference": "1", "email": "another@canary.example"}, "", True),
        ({"number": "C-8", "reference": "2", "email": "wilhelmina@canary.example"}, "", False),
        ({"number": "C-8", "email": "wilhelmina@canary.example", "website": "base"}, "", True),
        ({"number": "C-8", "email": "wilhelmina@canary.example", "website": "outlet"}, "", False),
        ({"number": "C-8"}, "", False),
    ],
)
def test_whom_an_entry_is_of(erp: tuple[Erp, str], row: dict[str, Any], known: str, is_them: bool) -> None:
    made, url = erp
    made.rows = [row]
    assert (looked(url, msgspec.structs.replace(customer(), number=known)) is not None) is is_them


def test_what_it_cannot_be_asked_for_is_unseen_and_not_asked_for(erp: tuple[Erp, str]) -> None:
    made, url = erp
    guest = msgspec.structs.replace(customer(), id="", guest=True)
    for change, path in ((customer(), ""), (guest, "/people/{id}")):
        found = looked(url, change, path)
        assert found is not None
        assert (found.fate, found.compared) == (Fate.UNSEEN, 0)
    shown = sink(url, ORDERS, finds=False).show(order(), "key")
    assert (compare(shown).fate, shown.theirs) == (Fate.UNSEEN, {})
    assert made.asked == []


def test_an_erasure_without_the_erps_number_is_a_persons(erp: tuple[Erp, str]) -> None:
    made, url = erp
    nobody = Erasure(customer_id="5", number="", asked_at=NOW, asked_by="ann")
    with pytest.raises(Rejected, match="number of this customer is not known"):
        sink(url, ERASURES).put(nobody, "key")
    assert made.asked == []
