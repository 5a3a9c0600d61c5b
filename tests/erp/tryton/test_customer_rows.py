"""Parties of a real Tryton as rows of customers: what is told of whom, and in whose words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from crossdock.contract.connector import Watermark
from crossdock.erp.tryton.connector import build
from crossdock.flows import FLOWS, customer_rows
from crossdock.model.agreement import same
from crossdock.model.customer import Customer, CustomerChange
from tests.erp.tryton.clerk import Clerk
from tests.erp.tryton.samples import NOW, customer, erasure, key_of, numbers, order, place
from tests.tryton_server import Tryton

pytestmark = pytest.mark.services


class Road:
    """Customers both ways. `told` gives what has changed since it was asked last, by number."""

    def __init__(self, tryton: Tryton, *, rpc: bool = False, party: dict[str, Any] | None = None, **reads: Any) -> None:
        table = tryton.session_settings if rpc else tryton.settings
        settings = table(
            flows=["orders", "customers"], party=party or {}, reads={"customers": {"overlap_s": 0} | reads}
        )
        connector = build("erp", settings)
        self._connector = connector
        self._source = connector.rows("customers")
        self._at: Watermark | None = None
        self.told()
        self.told()  # what was read last by a full run is read once more

    def put(self, change: CustomerChange) -> str:
        return self._connector.sink(FLOWS["customers"]).put(change, key_of(next(numbers))).external_id

    def order(self, number: int) -> None:
        record = order(number, buyer=msgspec.structs.replace(order(1).buyer, id=str(number)))
        self._connector.sink(FLOWS["orders"]).put(record, key_of(number))

    def erase(self, number: int) -> None:
        self._connector.sink(FLOWS["erasures"]).put(erasure(number), "key")

    def told(self) -> dict[str, Customer]:
        rows: dict[str, Customer] = {}
        for page in self._source.changes(self._at):
            rows |= {str(row["number"]): customer_rows.read(row, "base", NOW) for row in page.rows}
            self._at = page.watermark
        return rows

    def all(self) -> dict[str, Customer]:
        """By a full run, which tells what only we have written too; what has changed is heard by it as well."""
        self._at = None
        found = self.told()
        self.told()
        return found


@pytest.fixture
def number() -> int:
    return next(numbers) * 10


@pytest.mark.parametrize("rpc", [False, True])
def test_what_the_shop_told_comes_back_in_its_own_words(tryton: Tryton, number: int, rpc: bool) -> None:
    road = Road(tryton, rpc=rpc)
    change = customer(
        number,
        first_name="Juan",
        last_name="García Márquez",
        vat_id="DE 136 695 976",
        addresses__m1=place(company="Canary - Sons", telephone="030/901820", last_name="de la Cruz"),
        addresses__m3=place(region="Baja Bavaria", region_code="", country="FR", street=[" Rue 1 "], telephone=""),
    )
    code = road.put(change)
    assert road.told() == {}, "what we have written ourselves is no news"
    found = road.all()[code]
    lost = {"subscribed"}
    assert [name for name, value in change.fields.items() if not same(found.fields.get(name), value)] == [*lost]
    assert found.fields.keys() == change.fields.keys() - lost


def test_what_a_person_has_changed_is_told_and_nothing_else_is(tryton: Tryton, clerk: Clerk, number: int) -> None:
    road = Road(tryton)
    change = customer(
        number,
        first_name="Juan",
        last_name="García Márquez",
        addresses__m3=place(first_name="Juan", last_name="García Márquez"),
    )
    code = road.put(change)
    before = road.all()[code]
    first, second, _ = clerk.addresses(code)
    clerk.client.write("party.party", clerk.party(code)["id"], {"name": "Juan García"})
    clerk.client.write("party.address", first["id"], {"city": "Potsdam", "party_name": "Nest AG - Wilma Canary"})
    phones = {row["address"]: row["id"] for row in clerk.contacts(code) if row["type"] == "phone"}
    clerk.client.write("party.contact_mechanism", phones[second["id"]], {"value": "+49 331 901820"})
    found = road.told()[code]
    assert {name for name in found.fields if not same(found.fields[name], before.fields.get(name))} == {
        "last_name",
        "addresses.m1",
        "addresses.m2",
    }
    assert found.fields["last_name"] == "García"
    changed = {"company": "Nest AG", "first_name": "Wilma", "last_name": "Canary", "city": "Potsdam"}
    assert same(found.fields["addresses.m1"], change.fields["addresses.m1"] | changed)
    assert same(found.fields["addresses.m2"], change.fields["addresses.m2"] | {"telephone": "+49 331 901820"})
    assert found.changed_at > before.changed_at


def test_an_edit_that_nobody_has_heard_when_we_write_is_told_all_the_same(
    tryton: Tryton, clerk: Clerk, number: int
) -> None:
    """Also where our own write is the newest change by then."""
    road = Road(tryton)
    code = road.put(customer(number))
    clerk.client.write("party.address", clerk.addresses(code)[0]["id"], {"city": "Potsdam"})
    change = msgspec.structs.replace(customer(number), fields={"last_name": "Finch"}, number=code)
    road.put(change)
    assert road.told()[code].fields["addresses.m1"]["city"] == "Potsdam"


def test_an_address_of_a_persons_is_told_and_one_that_an_order_has_made_is_not(
    tryton: Tryton, clerk: Clerk, number: int
) -> None:
    road = Road(tryton)
    code = road.put(customer(number, addresses__m2=None, default_shipping=None))
    road.order(number)
    assert len(clerk.addresses(code)) == 2
    assert {name for name in road.all()[code].fields if name.startswith("addresses.")} == {"addresses.m1"}
    values = {"street": "Nest 9", "city": "Wien", "country": clerk.country("AT"), "invoice": True}
    made = clerk.client.create("party.address", values | {"party": clerk.party(code)["id"]})
    fields = road.told()[code].fields
    assert fields[f"addresses.{made}"]["city"] == "Wien"
    assert (fields[f"addresses.{made}"]["first_name"], fields["default_billing"]) == ("Wilhelmina", "m1")
    clerk.client.write("party.address", made, {"active": False})
    assert road.told()[code].fields[f"addresses.{made}"] is None


def test_a_part_that_is_deleted_is_told_too(tryton: Tryton, clerk: Clerk, number: int) -> None:
    """As the client does it: inside the party, whose time moves then."""
    road = Road(tryton)
    code = road.put(customer(number))
    before = road.all()[code]
    (identifier,) = clerk.parts("identifier", code, "code")
    clerk.client.write("party.party", clerk.party(code)["id"], {"identifiers": [["delete", [identifier["id"]]]]})
    found = road.told()[code]
    assert found.fields["vat_id"] is None
    assert found.changed_at > before.changed_at


def test_who_is_told(tryton: Tryton, clerk: Clerk, number: int) -> None:
    clerk.category("Shop")
    road = Road(tryton, category="Shop")
    supplier = clerk.client.create("party.party", {"name": "Feather Ltd", "code": f"S{number}"})
    theirs = {"categories": [["add", [clerk.category("Shop")]]], "code": f"C{number}", "name": "Ada Lovelace King"}
    clerk.client.create("party.party", theirs)
    road.order(number)
    guest = msgspec.structs.replace(customer(0, email=f"g{number}@canary.example"), id="", guest=True)
    nobody = road.put(guest)
    told = road.told()
    assert {f"S{number}", nobody} & told.keys() == set()
    assert {f"C{number}", f"M{number}"} <= told.keys()
    names = told[f"C{number}"].fields
    assert (names["first_name"], names["last_name"]) == ("Ada Lovelace", "King")
    assert "last_name" not in told[f"M{number}"].fields, "an order's party may be called as its company is"
    clerk.client.write("party.party", supplier, {"categories": [["add", [clerk.category("Shop")]]]})
    assert set(road.told()) == {f"S{number}"}


def test_one_who_is_archived_or_forgotten_says_nothing(tryton: Tryton, clerk: Clerk, number: int) -> None:
    road = Road(tryton)
    first, second = road.put(customer(number)), road.put(customer(number + 1))
    assert {first, second} <= road.all().keys()
    clerk.client.write("party.party", clerk.party(first)["id"], {"active": False})
    road.erase(number + 1)
    assert road.told() == {}


def test_groups_and_own_fields_come_back(tryton: Tryton, clerk: Clerk, number: int) -> None:
    clerk.category("Trade"), clerk.category("Private")
    party = {"groups": {"Wholesale": "Trade", "General": "Private"}, "fields": {"attributes.erp_code": "code"}}
    road = Road(tryton, party=party)
    code = road.put(customer(number, group="Wholesale"))
    assert road.all()[code].fields["group"] == "Wholesale"
    moves = [["add", [clerk.category("Private")]], ["remove", [clerk.category("Trade")]]]
    clerk.client.write("party.party", clerk.party(code)["id"], {"categories": moves})
    fields = road.told()[code].fields
    assert (fields["group"], fields["attributes.erp_code"]) == ("General", code)


def test_the_moment_of_a_row_is_that_of_its_newest_part(tryton: Tryton, clerk: Clerk, number: int) -> None:
    road = Road(tryton)
    code = road.put(customer(number))
    clerk.client.write("party.address", clerk.addresses(code)[1]["id"], {"city": "Ulm"})
    stamp = clerk.addresses(code)[1]["write_date"]
    assert abs(road.told()[code].changed_at - stamp) < timedelta(milliseconds=1)
