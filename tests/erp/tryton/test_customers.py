"""Customers into a real Tryton: what is written of a party, what is left alone, and what an erasure leaves."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from crossdock.contract.connector import Sink
from crossdock.contract.message import Receipt
from crossdock.contract.shadow import Compared, Fate, ShowingSink
from crossdock.erp.tryton.client import Query
from crossdock.erp.tryton.connector import build
from crossdock.erp.tryton.memory import MARK
from crossdock.errors import NotReady, Rejected
from crossdock.flows import FLOWS
from crossdock.model.customer import CustomerChange
from crossdock.shadowing.fields import compare
from crossdock.transport.looking import looking
from tests.erp.tryton.clerk import Clerk
from tests.erp.tryton.samples import change_of, customer, erasure, key_of, numbers, order, place
from tests.tryton_server import Tryton

pytestmark = pytest.mark.services
DEFAULTS = ("default_billing", "default_shipping")


def sink_of(tryton: Tryton, flow: str = "customers", **party: Any) -> Sink[Any]:
    return build("erp", tryton.settings(flows=["orders", "customers"], party=party)).sink(FLOWS[flow])


def put(tryton: Tryton, change: CustomerChange, **party: Any) -> Receipt:
    return sink_of(tryton, **party).put(change, f"v1:store:customer:{change.id}:tell:{next(numbers)}")


@pytest.fixture
def number() -> int:
    return next(numbers) * 10


def known(number: int, **fields: Any) -> CustomerChange:
    """A change of somebody whose number is known."""
    return msgspec.structs.replace(change_of(number, **fields), number=f"M{number}", new=False)


def test_somebody_new_becomes_a_party_with_all_of_it(tryton: Tryton, clerk: Clerk, number: int) -> None:
    receipt = put(tryton, customer(number))
    assert (receipt.external_id, receipt.found) == (f"M{number}", False)
    assert receipt.detail == "not kept in Tryton: subscribed"
    party = clerk.party(receipt.external_id)
    assert (party["name"], party["email"]) == ("Wilhelmina Canary", "wilhelmina@canary.example")
    (identifier,) = clerk.parts("identifier", f"M{number}", "type", "code")
    assert (identifier["type"], identifier["code"], identifier["id"]) == (
        "eu_vat",
        "DE136695976",
        party["tax_identifier"],
    )
    first, second = clerk.addresses(f"M{number}")
    assert first["street"] == "Birdcage Walk 7\nFloor 2\nBerlin"
    assert (first["party_name"], first["postal_code"], first["city"]) == ("Wilhelmina Canary", "10115", "Berlin")
    assert (first["invoice"], first["delivery"], second["invoice"], second["delivery"]) == (1, 0, 0, 1)
    phones = {row["address"]: row["value"] for row in clerk.contacts(f"M{number}") if row["type"] == "phone"}
    assert phones == {first["id"]: "+49 30 901820", second["id"]: "+49 30 901821"}


def test_only_what_is_told_is_written(tryton: Tryton, clerk: Clerk, number: int) -> None:
    put(tryton, customer(number))
    before = clerk.addresses(f"M{number}"), clerk.contacts(f"M{number}")
    clerk.client.write("party.party", clerk.party(f"M{number}")["id"], {"name": "Wilhelmina Canary-Finch"})
    put(tryton, known(number, email="w.canary@canary.example"))
    assert clerk.party(f"M{number}")["name"] == "Wilhelmina Canary-Finch"
    assert clerk.addresses(f"M{number}") == before[0]
    changed = [row for row in clerk.contacts(f"M{number}") if row not in before[1]]
    assert [(row["type"], row["value"]) for row in changed] == [("email", "w.canary@canary.example")]
    assert len(clerk.contacts(f"M{number}")) == len(before[1])


def test_a_last_name_alone_keeps_the_first(tryton: Tryton, clerk: Clerk, number: int) -> None:
    put(tryton, customer(number, first_name="Juan", last_name="García Márquez"))
    put(tryton, known(number, last_name="García"))
    assert clerk.party(f"M{number}")["name"] == "Juan García"


def test_one_address_changes_goes_and_another_is_made(tryton: Tryton, clerk: Clerk, number: int) -> None:
    put(tryton, customer(number))
    first, second = clerk.addresses(f"M{number}")
    told = {"addresses__m1": place(street=["Nest 1"], telephone=""), "addresses__m2": None}
    put(tryton, known(number, **told, addresses__m3=place(city="Wien", country="AT"), default_shipping="m3"))
    rows = {row["id"]: row for row in clerk.addresses(f"M{number}")}
    assert (rows[first["id"]]["street"], rows[first["id"]]["invoice"]) == ("Nest 1\nBerlin", 1)
    assert (rows[second["id"]]["active"], rows[second["id"]]["street"]) == (0, second["street"])
    (third,) = [row for row in rows.values() if row["id"] not in {first["id"], second["id"]}]
    assert (third["city"], third["country"], third["delivery"]) == ("Wien", clerk.country("AT"), 1)
    phones = {row["address"]: row["active"] for row in clerk.contacts(f"M{number}") if row["type"] == "phone"}
    assert phones == {first["id"]: 0, second["id"]: 1, third["id"]: 1}


def test_an_address_that_was_taken_away_comes_back_as_it_is_told(tryton: Tryton, clerk: Clerk, number: int) -> None:
    put(tryton, customer(number))
    put(tryton, known(number, addresses__m2=None))
    put(tryton, known(number, addresses__m2=place(street=["Nest 2"])))
    rows = clerk.addresses(f"M{number}")
    assert [(row["active"], row["street"]) for row in rows][1:] == [(1, "Nest 2\nBerlin")]


def test_a_put_again_writes_nothing(tryton: Tryton, clerk: Clerk, number: int) -> None:
    put(tryton, customer(number))
    before = clerk.party(f"M{number}"), clerk.addresses(f"M{number}"), clerk.contacts(f"M{number}")
    assert put(tryton, customer(number)).found
    assert (clerk.party(f"M{number}"), clerk.addresses(f"M{number}"), clerk.contacts(f"M{number}")) == before


def test_a_put_that_was_cut_off_before_its_note_makes_nothing_twice(tryton: Tryton, clerk: Clerk, number: int) -> None:
    put(tryton, customer(number))
    party = clerk.party(f"M{number}")["id"]
    (note,) = clerk.rows("ir.note", [("resource", "in", [f"party.party,{party}"])], "message")
    clerk.client.delete("ir.note", note["id"])
    assert sink_of(tryton).find(customer(number), "key") is None
    put(tryton, customer(number))
    assert len(clerk.addresses(f"M{number}")) == 2
    assert len(clerk.contacts(f"M{number}")) == 3
    assert sink_of(tryton).find(customer(number), "key") is not None


def test_what_somebody_has_changed_since_is_not_there(tryton: Tryton, clerk: Clerk, number: int) -> None:
    put(tryton, customer(number))
    assert sink_of(tryton).find(customer(number), "key") is not None
    clerk.client.write("party.address", clerk.addresses(f"M{number}")[0]["id"], {"city": "Potsdam"})
    assert sink_of(tryton).find(customer(number), "key") is None


def test_what_tryton_does_not_take_is_kept_unchecked(tryton: Tryton, clerk: Clerk, number: int) -> None:
    put(tryton, customer(number, vat_id="DE1", addresses__m2=place(telephone="ring twice")))
    (identifier,) = clerk.parts("identifier", f"M{number}", "type", "code")
    assert (identifier["type"], identifier["code"]) == (None, "DE1")
    kinds = {row["value"]: (row["type"], row["name"]) for row in clerk.contacts(f"M{number}")}
    assert kinds["ring twice"] == ("other", "phone")
    assert kinds["wilhelmina@canary.example"] == ("email", None)
    put(tryton, known(number, vat_id=None, addresses__m2=place(telephone="030/901822")))
    kinds = {row["value"]: (row["type"], row["name"]) for row in clerk.contacts(f"M{number}")}
    assert kinds["+49 30 901822"] == ("phone", "phone")
    assert [row["active"] for row in clerk.parts("identifier", f"M{number}", "code")] == [0]


def test_a_company_keeps_its_name(tryton: Tryton, clerk: Clerk, number: int) -> None:
    record = order(number, buyer=msgspec.structs.replace(order(1).buyer, id=str(number)))
    record = msgspec.structs.replace(record, billing=msgspec.structs.replace(record.billing, company="Canary Ltd"))
    sink_of(tryton, "orders").put(record, key_of(number))
    receipt = put(tryton, known(number, first_name="Wilma", last_name="Canary"))
    assert clerk.party(f"M{number}")["name"] == "Canary Ltd"
    assert receipt.detail == "not kept in Tryton: name (it is a company's)"


def test_an_orders_address_that_is_the_customers_is_not_made_again(tryton: Tryton, clerk: Clerk, number: int) -> None:
    record = order(number, buyer=msgspec.structs.replace(order(1).buyer, id=str(number)))
    sink_of(tryton, "orders").put(record, key_of(number))
    put(tryton, customer(number))
    streets = [row["street"] for row in clerk.addresses(f"M{number}")]
    assert sorted(streets) == ["Birdcage Walk 7\nFloor 2\nBerlin", "Harbour 1\nBerlin"]


@pytest.mark.parametrize("way", ["email", "tax_identifier"])
def test_a_party_of_a_persons_is_found_and_keeps_its_code(tryton: Tryton, clerk: Clerk, number: int, way: str) -> None:
    email, vat = f"w{number}@canary.example", {"email": "DE136695976", "tax_identifier": "DE 129 273 398"}[way]
    party = {
        "name": "W. Canary",
        "contact_mechanisms": [
            ["create", [{"type": "email", "value": email.upper() if way == "email" else "x@y.example"}]]
        ],
        "identifiers": [["create", [{"type": "eu_vat", "code": vat}]]],
    }
    if way == "tax_identifier":
        vat = "DE129273398"
    clerk.client.create("party.party", party | {"code": f"P{number}"})
    receipt = put(tryton, customer(number, email=email, vat_id=vat), match=[way])
    assert (receipt.external_id, receipt.found) == (f"P{number}", True)
    assert clerk.party(f"P{number}")["name"] == "Wilhelmina Canary"
    assert clerk.rows("party.party", [("code", "=", f"M{number}")], "code") == []


def test_nobody_is_made_where_that_is_not_allowed(tryton: Tryton, number: int) -> None:
    with pytest.raises(Rejected, match=r"party\.create is off"):
        put(tryton, customer(number), create=False)


def test_a_number_that_is_nobodys_an_archived_and_a_merged_party_are_parked(
    tryton: Tryton, clerk: Clerk, number: int
) -> None:
    with pytest.raises(Rejected, match="no party with the code"):
        put(tryton, known(number, first_name="Wilma"))
    put(tryton, customer(number))
    clerk.client.write("party.party", clerk.party(f"M{number}")["id"], {"active": False})
    with pytest.raises(Rejected, match="archived"):
        put(tryton, known(number, first_name="Wilma"))


def test_groups_and_own_fields_both_ways(tryton: Tryton, clerk: Clerk, number: int) -> None:
    clerk.category("Trade"), clerk.category("Private"), clerk.category("Likes birds")
    groups = {"Wholesale": "Trade", "General": "Private"}
    put(tryton, customer(number, group="Wholesale"), groups=groups)
    party = clerk.party(f"M{number}")["id"]
    clerk.client.write("party.party", party, {"categories": [["add", [clerk.category("Likes birds")]]]})
    receipt = put(tryton, known(number, group="General"), groups=groups)
    assert {*clerk.party(f"M{number}")["categories"]} == {clerk.category("Private"), clerk.category("Likes birds")}
    assert receipt.detail == ""
    assert put(tryton, known(number, group="Retail"), groups=groups).detail == "not kept in Tryton: group"


# the wish to be forgotten -------------------------------------------------------------------------------------------


def everything_about(tryton: Tryton, clerk: Clerk, code: str) -> str:
    party = clerk.party(code)["id"]
    parts = [clerk.addresses(code), clerk.contacts(code), clerk.parts("identifier", code, "code", "code_compact")]
    notes = clerk.rows("ir.note", [("resource", "in", [f"party.party,{party}"])], "message")
    return str([clerk.party(code), parts, notes])


def test_nothing_of_a_forgotten_person_is_left_but_the_code(tryton: Tryton, clerk: Clerk, number: int) -> None:
    put(tryton, customer(number))
    party = clerk.party(f"M{number}")["id"]
    clerk.client.create("ir.note", {"resource": f"party.party,{party}", "message": "Wilhelmina likes Canary birds"})
    assert MARK in everything_about(tryton, clerk, f"M{number}")
    sink = sink_of(tryton, "erasures")
    assert sink.find(erasure(number), "key") is None
    sink.put(erasure(number), "key")
    left = everything_about(tryton, clerk, f"M{number}")
    assert [
        text for text in ("Wilhelmina", "Canary", "canary", "Birdcage", "901820", "DE136695976") if text in left
    ] == []
    assert not clerk.party(f"M{number}")["active"]
    assert sink.put(erasure(number), "key").external_id == f"M{number}"
    assert sink.find(erasure(number), "key") is not None


def test_one_who_is_not_there_may_still_come(tryton: Tryton, number: int) -> None:
    with pytest.raises(NotReady):
        sink_of(tryton, "erasures").put(erasure(number), "key")


def test_nobody_is_forgotten_while_an_order_is_open(tryton: Tryton, clerk: Clerk, number: int) -> None:
    record = order(number, buyer=msgspec.structs.replace(order(1).buyer, id=str(number)))
    sink_of(tryton, "orders").put(record, key_of(number))
    with pytest.raises(Rejected, match=r"not ended yet \(sale\.sale\)") as refused:
        sink_of(tryton, "erasures").put(erasure(number), "key")
    assert "Canary" not in str(refused.value)
    assert clerk.party(f"M{number}")["active"]


def test_one_whom_somebody_has_archived_is_forgotten_too(tryton: Tryton, clerk: Clerk, number: int) -> None:
    put(tryton, customer(number))
    put(tryton, known(number, addresses__m2=None))
    clerk.client.write("party.party", clerk.party(f"M{number}")["id"], {"active": False})
    sink_of(tryton, "erasures").put(erasure(number), "key")
    assert "Canary" not in everything_about(tryton, clerk, f"M{number}")
    assert sink_of(tryton, "erasures").find(erasure(number), "key") is not None


def test_one_who_was_merged_into_another_keeps_a_name_that_only_tryton_can_take_away(
    tryton: Tryton, clerk: Clerk, number: int
) -> None:
    put(tryton, customer(number))
    put(tryton, customer(number + 1))
    clerk.merge(f"M{number + 1}", into=f"M{number}")
    with pytest.raises(Rejected, match="replaced by another"):
        put(tryton, known(number + 1, first_name="Wilma"))
    sink = sink_of(tryton, "erasures")
    with pytest.raises(Rejected, match=f"M{number + 1} was merged into this one"):
        sink.put(erasure(number), "key")
    assert "Canary" not in everything_about(tryton, clerk, f"M{number}")
    assert sink.find(erasure(number), "key") is None
    clerk.erase(f"M{number + 1}")
    assert sink.find(erasure(number), "key") is not None


# --- shadow -----------------------------------------------------------------------------------------------------------


def looked(tryton: Tryton, change: CustomerChange, **party: Any) -> Compared | None:
    sink = sink_of(tryton, **party)
    assert isinstance(sink, ShowingSink)
    shows: ShowingSink[CustomerChange] = sink
    with looking():
        found = shows.show(change, "the key of nobody")
    return compare(found) if found else None


def test_what_we_have_put_is_what_would_be_told(tryton: Tryton, clerk: Clerk, number: int) -> None:
    email = f"w{number}@canary.example"
    told = customer(number, email=email)
    assert looked(tryton, told) is None
    put(tryton, told)
    before = clerk.addresses(f"M{number}"), clerk.contacts(f"M{number}")
    found = looked(tryton, told)
    assert found is not None
    assert (found.fate, found.unlike, found.uncompared) == (Fate.EQUAL, (), ("subscribed",))
    assert (found.number, found.compared) == (f"M{number}", 21)
    assert (clerk.addresses(f"M{number}"), clerk.contacts(f"M{number}")) == before


def test_what_another_hand_has_made_is_found_and_differs_where_it_does(
    tryton: Tryton, clerk: Clerk, number: int
) -> None:
    email = f"w{number}@canary.example"
    country = clerk.client.search(Query(model="country.country", domain=(("code", "=", "DE"),), fields=("code",)))
    row = {
        "party_name": "Wilhelmina Canary",
        "street": "Harbour 1\nBerlin",
        "postal_code": "10119",
        "city": "Berlin",
        "country": country.rows[0]["id"],
    }
    party = {
        "name": "Wilhelmina Canary-Finch",
        "code": f"OLD-{number}",
        "addresses": [["create", [row]]],
        "contact_mechanisms": [["create", [{"type": "email", "value": email.upper()}]]],
    }
    clerk.client.create("party.party", party)
    found = looked(tryton, customer(number, email=email))
    assert found is not None
    assert (found.fate, found.number) == (Fate.DIFFERENT, f"OLD-{number}")
    unlike = {one.field: (one.ours, one.theirs) for one in found.unlike}
    assert unlike["name"] == ("Wilhelmina Canary", "Wilhelmina Canary-Finch")
    assert unlike["email"] == (email, email.upper())
    assert unlike["vat_id"] == ("DE136695976", "")
    # the second address is there but for its postcode and its phone; of the first there is nothing
    assert {name for name in unlike if name.startswith("addresses[1]")} == {
        "addresses[1].postal_code",
        "addresses[1].phone",
        "addresses[1].delivery",
    }
    assert unlike["addresses[0].street"] == ("Birdcage Walk 7\nFloor 2\nBerlin", "")


def test_several_who_could_be_meant_and_one_who_is_archived_are_told(tryton: Tryton, clerk: Clerk, number: int) -> None:
    email = f"w{number}@canary.example"
    for hand in "AB":
        contact = {"type": "email", "value": email}
        clerk.client.create(
            "party.party", {"name": hand, "code": f"{hand}-{number}", "contact_mechanisms": [["create", [contact]]]}
        )
    with pytest.raises(Rejected, match="2 parties"):
        looked(tryton, customer(number, email=email))
    put(tryton, customer(number, email=f"z{number}@canary.example"))
    clerk.client.write("party.party", clerk.party(f"M{number}")["id"], {"active": False})
    with pytest.raises(Rejected, match="archived"):
        looked(tryton, known(number, email=email))
