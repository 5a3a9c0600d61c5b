"""Orders: what is sent, what a second time does, what is parked, jobs, cancellations, customers."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from crossdock.contract.lookups import FixedLookups
from crossdock.erp.netsuite.connector import NetsuiteConnector, build
from crossdock.errors import (
    Conflict,
    MappingError,
    Misconfigured,
    MissingEntry,
    NotReady,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    UnderWay,
)
from crossdock.flows import FLOWS
from crossdock.model.address import Address
from crossdock.model.money import LineAmounts
from crossdock.model.order import Buyer
from crossdock.sandbox.erps.netsuite.account import Account
from crossdock.sandbox.erps.netsuite.records import error
from crossdock.sandbox.wire import Answer
from crossdock.transport.wire import HttpRequest, HttpResponse
from tests.erp.netsuite.conftest import Netsuite
from tests.erp.netsuite.samples import cancellation, customer, key_of, line, order

ORDERS = FLOWS["orders"]


def sent(netsuite: Netsuite, record: str = "salesOrder") -> list[dict[str, Any]]:
    kept = netsuite.stand_in.do(lambda account: [*account.records.sent])
    return [msgspec.to_builtins(body) for _, named, body in kept if named == record]


def strike(netsuite: Netsuite, *spoilers: Callable[[Callable[[], Answer]], Answer]) -> None:
    netsuite.stand_in.do(lambda account: account.injected.extend(spoilers))


def test_an_order_is_a_sales_order(netsuite: Netsuite) -> None:
    connector = netsuite.connector(
        time_zone="Europe/Berlin",
        subsidiary="3",
        order_status="B",
        custom={"body": {"payment.transaction_id": "custbody_txn"}},
    )
    receipt = connector.sink(ORDERS).put(order(1), key_of(1))
    (body,) = sent(netsuite)
    assert (receipt.external_id, receipt.number, receipt.found) == ("102", "SO102", False)
    assert receipt.links == {"11": "1"}
    assert body["tranDate"] == "2026-11-21", "the day in Berlin, not in Greenwich"
    assert body["memo"] == "crossdock: v1:store:order:1:place"
    assert body["custbody_txn"] == "T-1"
    assert body["subsidiary"] == {"id": "3"}
    assert body["shippingAddress"]["country"] == {"id": "DE"}
    goods, shipping = body["item"]["items"]
    assert goods["description"] == "Shirt\nSKU SIM-0001\nSize: L"
    assert (str(goods["amount"]), str(goods["rate"]), str(goods["quantity"])) == ("53.97", "17.99000000", "3")
    assert (str(shipping["amount"]), shipping["description"]) == ("5.00", "Flat Rate")
    assert [row["taxDetailsReference"]["id"] for row in body["taxDetails"]["items"]] == ["line1", "line2"]
    assert [str(row["taxAmount"]) for row in body["taxDetails"]["items"]] == ["11.87", "1.10"]


def test_links_go_by_the_field_that_keeps_the_line_id(netsuite: Netsuite) -> None:
    sink = netsuite.connector(custom={"line_id": "custcol_line_id"}).sink(ORDERS)
    put = sink.put(order(1), key_of(1))
    netsuite.stand_in.do(reversed_lines)
    found = sink.find(order(1), key_of(1))
    assert found is not None
    assert found.links == put.links == {"11": "1"}


def reversed_lines(account: Account) -> None:
    """A person has moved a line, and added one."""
    (there,) = account.records.kept["salesOrder"].values()
    there["item"]["items"].reverse()
    there["item"]["items"].append({"item": {"id": "501"}, "line": 9, "amount": 0})


def test_a_second_put_by_another_hand_doubles_no_line(netsuite: Netsuite) -> None:
    """The request that was thought lost arrives after ours: what it does is replace the lines by the same."""
    sink = netsuite.connector().sink(ORDERS)
    sink.put(order(1), key_of(1))
    body = netsuite.account.records.sent[-1][2]
    netsuite.stand_in.do(lambda account: account.records.upsert("salesOrder", "MAG-000000001", body, replace=True))
    (there,) = netsuite.orders("000000001")
    assert len(there["item"]["items"]) == 2
    assert there["total"] == Decimal("71.94")
    assert "replace=item" in netsuite.account.requests[-2]


def test_without_replacing_a_second_put_would_have_doubled_them(netsuite: Netsuite) -> None:
    """As the help page on sublists says of lines without a key: what the parameter is for."""
    netsuite.connector().sink(ORDERS).put(order(1), key_of(1))
    body = netsuite.account.records.sent[-1][2]
    netsuite.stand_in.do(lambda account: account.records.upsert("salesOrder", "MAG-000000001", body, replace=False))
    (there,) = netsuite.orders("000000001")
    assert len(there["item"]["items"]) == 4


def test_nothing_is_sent_for_what_is_there(netsuite: Netsuite) -> None:
    sink = netsuite.connector().sink(ORDERS)
    sink.put(order(1), key_of(1))
    assert sink.put(order(1), key_of(1)).found
    assert len(sent(netsuite)) == 1


def test_a_strangers_sales_order_is_not_touched(netsuite: Netsuite) -> None:
    sink = netsuite.connector().sink(ORDERS)
    sink.put(order(1), "v1:another:order:1:place")
    with pytest.raises(Conflict, match="with another key: set external_id_prefix"):
        sink.put(order(1), key_of(1))
    assert sink.find(order(1), key_of(1)) is None
    assert len(sent(netsuite)) == 1


def test_the_key_can_stand_in_a_field_of_its_own_and_is_counted(netsuite: Netsuite) -> None:
    sink = netsuite.connector(custom={"key": "custbody_key"}).sink(ORDERS)
    sink.put(order(1), key_of(1))
    assert sent(netsuite)[0]["custbody_key"] == key_of(1)
    assert sink.put(order(1), key_of(1)).found
    memo = netsuite.connector().sink(ORDERS)
    memo.put(order(2), key_of(2))
    rows = [(order(number), key_of(number)) for number in (2, 3)]
    assert memo.count_many(rows) == [1, 0]  # type: ignore[attr-defined]
    assert memo.count(order(2), "v1:another") == 0  # type: ignore[attr-defined]


def test_sums_that_would_differ_are_parked_before_anything_is_made(netsuite: Netsuite) -> None:
    amounts = LineAmounts(net=Decimal("53.97"), gross=Decimal("59.97"), tax=Decimal("11.80"))
    with pytest.raises(Rejected, match=r"tax 12.90 instead of 12.97 \(-0.07\)"):
        netsuite.connector().sink(ORDERS).put(order(1, lines=(line(amounts=amounts),)), key_of(1))
    assert sent(netsuite) == sent(netsuite, "customer") == []


def test_sums_that_netsuite_makes_otherwise_are_told_and_the_order_is_looked_at_again(netsuite: Netsuite) -> None:
    netsuite.stand_in.do(lambda account: account.records.rates.__setitem__("6", Decimal(20)))  # type: ignore[index]
    sink = netsuite.connector(taxes={"mode": "codes", "codes": {"22": "6"}}).sink(ORDERS)
    with pytest.raises(Rejected, match=r"is in NetSuite with other sums: tax 11.79 instead of 12.97"):
        sink.put(order(1), key_of(1))
    with pytest.raises(Rejected, match="other sums"):
        sink.find(order(1), key_of(1))
    netsuite.stand_in.do(corrected)
    found = sink.find(order(1), key_of(1))
    assert found is not None
    assert found.found


def corrected(account: Account) -> None:
    (there,) = account.records.kept["salesOrder"].values()
    there |= {"taxTotal": Decimal("12.97"), "total": Decimal("71.94")}
    account.records.rates["6"] = Decimal(22)  # type: ignore[index]


def test_a_tax_as_a_line_is_money_and_no_tax(netsuite: Netsuite) -> None:
    netsuite.connector(taxes={"mode": "line"}).sink(ORDERS).put(order(1), key_of(1))
    (there,) = netsuite.orders()
    assert (there["taxTotal"], there["total"]) == (0, Decimal("71.94"))
    (body,) = sent(netsuite)
    assert [str(line["amount"]) for line in body["item"]["items"]] == ["53.97", "5.00", "12.97"]
    assert not [name for line in body["item"]["items"] for name in line if "tax" in name.lower()]
    assert "taxDetails" not in body


def test_what_cannot_be_named_is_parked_by_its_name(netsuite: Netsuite) -> None:
    door = netsuite.table()
    cases: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({"taxes": {"mode": "details", "codes": {}}}, MappingError, "taxes.codes: has nothing for VAT or 22"),
        ({"items": {}}, MappingError, "items.shipping: is not set"),
    ]
    for more, kind, text in cases:
        with pytest.raises(kind, match=text):
            netsuite.connector(**more).sink(ORDERS).put(order(1), key_of(1))
    bare = build("erp", door | {"currencies": {}})
    with pytest.raises(MissingEntry, match="EUR"):
        bare.sink(ORDERS).put(order(1), key_of(1))
    assert sent(netsuite) == []


def test_lookups_come_before_settings(netsuite: Netsuite) -> None:
    tables = {
        "currencies": {"EUR": "4"},
        "tax_codes": {"VAT": "7"},
        "payment_terms": {"checkmo": "5"},
        "shipping_methods": {"flatrate_flatrate": "77"},
        "countries": {"DE": "DE"},
        "locations": {"1": "12"},
    }
    connector = build("erp", netsuite.table(), lookups=FixedLookups(tables))
    connector.sink(ORDERS).put(order(1, store_id="1"), key_of(1))
    (body,) = sent(netsuite)
    assert (body["terms"], body["shipMethod"], body["location"]) == ({"id": "5"}, {"id": "77"}, {"id": "12"})
    assert body["shippingCost"] == 0
    assert body["taxDetails"]["items"][0]["taxCode"] == {"id": "7"}
    with pytest.raises(MissingEntry, match="payment_terms"):
        connector.sink(ORDERS).put(
            order(2, payment=msgspec.structs.replace(order(2).payment, method="paypal")), key_of(2)
        )


def test_unknown_skus_are_refused_or_stood_in_for(netsuite: Netsuite) -> None:
    netsuite.stand_in.do(lambda account: setattr(account, "sells_everything", False))
    with pytest.raises(Rejected, match="no active item for SIM-0001"):
        netsuite.connector().sink(ORDERS).put(order(1), key_of(1))
    extra = netsuite.table()["items"]
    items = extra | {"placeholder": extra["fee"]}
    netsuite.connector(unknown_sku="placeholder", items=items).sink(ORDERS).put(order(1), key_of(1))
    assert sent(netsuite)[0]["item"]["items"][0]["item"] == {"id": extra["fee"]}


def test_a_guest_is_one_customer_an_address_or_the_one_for_all(netsuite: Netsuite) -> None:
    guest = Buyer(email="Ada@Example.com")
    connector = netsuite.connector()
    for number in (1, 2):
        connector.sink(ORDERS).put(order(number, buyer=guest), key_of(number))
    assert len(sent(netsuite, "customer")) == 1
    first, second = sent(netsuite)
    assert first["entity"] == second["entity"]
    shared = netsuite.connector(customers={"guest": first["entity"]["id"]})
    shared.sink(ORDERS).put(order(3, buyer=Buyer(email="bob@example.com")), key_of(3))
    assert len(sent(netsuite, "customer")) == 1


def test_a_customer_is_not_made_where_that_is_off(netsuite: Netsuite) -> None:
    with pytest.raises(Rejected, match="no customer M7"):
        netsuite.connector(customers={"create": False}).sink(ORDERS).put(order(1), key_of(1))
    assert sent(netsuite, "customer") == []


def test_an_order_number_that_no_external_id_can_hold_is_parked(netsuite: Netsuite) -> None:
    strange = msgspec.structs.replace(order(1), number="A/1")
    with pytest.raises(MappingError, match="number"):
        netsuite.connector().sink(ORDERS).put(strange, key_of(1))


def test_a_field_that_the_account_does_not_have_is_refused_not_dropped(netsuite: Netsuite) -> None:
    custom = {"body": {"payment.transaction_id": "custbody_unknown"}}
    with pytest.raises(Rejected, match="custbody_unknown"):
        netsuite.connector(custom=custom).sink(ORDERS).put(order(1), key_of(1))
    assert netsuite.orders() == []


def test_an_order_made_but_not_read_again_may_be_there(netsuite: Netsuite) -> None:
    sink = netsuite.connector().sink(ORDERS)

    def unreadable(effect: Callable[[], Answer]) -> Answer:
        made = effect()
        netsuite.account.lottery.faults = msgspec.structs.replace(netsuite.account.lottery.faults, down=1.0)
        return made

    strike(netsuite, unreadable)
    with pytest.raises(OutcomeUnknown, match="made, but not read again"):
        sink.put(order(1), key_of(1))
    netsuite.account.lottery.faults = msgspec.structs.replace(netsuite.account.lottery.faults, down=0.0)
    assert sink.find(order(1), key_of(1)) is not None


def test_too_many_at_once_is_a_limit_whatever_the_status(netsuite: Netsuite) -> None:
    strike(netsuite, lambda _: error(400, "SSS_REQUEST_LIMIT_EXCEEDED", "Concurrent request limit exceeded."))
    with pytest.raises(RateLimited):
        netsuite.connector().sink(ORDERS).put(order(1), key_of(1))
    assert netsuite.orders() == []


class Gone:
    """A proxy before NetSuite that has lost its way to it."""

    def send(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=404, body=b"<html>no such host</html>")


def test_a_proxys_404_is_no_proof_of_absence(netsuite: Netsuite) -> None:
    connector = build("erp", netsuite.table(auth=netsuite.tba()), http=Gone())
    with pytest.raises(Misconfigured):
        connector.sink(ORDERS).find(order(1), key_of(1))


# --- created only -----------------------------------------------------------------------------------------------------


def test_created_only_a_request_that_comes_late_changes_nothing(netsuite: Netsuite) -> None:
    netsuite.connector(write="create").sink(ORDERS).put(order(1), key_of(1))
    body = netsuite.account.records.sent[-1][2]
    assert body["externalId"] == "MAG-000000001"
    late = netsuite.stand_in.do(lambda account: account.records.create("salesOrder", body))
    assert isinstance(late, Answer)
    assert late.status == 400
    assert len(netsuite.orders()) == 1


# --- asynchronous jobs ------------------------------------------------------------------------------------------------


def queueing(netsuite: Netsuite) -> NetsuiteConnector:
    return netsuite.connector(write="queue", job_poll_s=3)


def test_a_job_is_under_way_and_then_the_order_is_there(netsuite: Netsuite) -> None:
    sink = queueing(netsuite).sink(ORDERS)
    netsuite.account.jobs_wait = True
    for _ in range(3):
        with pytest.raises(UnderWay) as caught:
            sink.put(order(1), key_of(1))
        assert caught.value.look_in == 3
    assert len(netsuite.account.jobs) == 1, "the same order is one job"
    netsuite.account.jobs_wait = False
    assert sink.put(order(1), key_of(1)).external_id == "102"
    assert len(netsuite.orders()) == 1


def test_a_job_that_failed_is_a_dead_letter_and_a_corrected_order_another_job(netsuite: Netsuite) -> None:
    strange = netsuite.connector(write="queue", price_level="", custom={"body": {"number": "custbody_unknown"}}).sink(
        ORDERS
    )
    with pytest.raises(UnderWay):
        strange.put(order(1), key_of(1))
    with pytest.raises(Rejected, match=r"job 1 has failed: HTTP 400 INVALID_CONTENT at custbody_unknown"):
        strange.put(order(1), key_of(1))
    with pytest.raises(UnderWay, match="job 2"):
        queueing(netsuite).sink(ORDERS).put(order(1), key_of(1))


def test_a_job_whose_answer_was_lost_is_found_by_its_key(netsuite: Netsuite) -> None:
    sink = queueing(netsuite).sink(ORDERS)

    def reset(effect: Callable[[], Answer]) -> Answer:
        effect()
        return Answer(reset=True)

    strike(netsuite, reset)
    with pytest.raises(OutcomeUnknown):
        sink.put(order(1), key_of(1))
    assert sink.find(order(1), key_of(1)) is None
    assert sink.put(order(1), key_of(1)).external_id
    assert len(netsuite.account.jobs) == 1
    assert len(netsuite.orders()) == 1


# --- cancellations ----------------------------------------------------------------------------------------------------


def test_what_is_begun_is_not_closed(netsuite: Netsuite) -> None:
    connector = netsuite.connector(flows=["orders", "cancellations"])
    connector.sink(ORDERS).put(order(1), key_of(1))
    netsuite.stand_in.do(shipped)
    with pytest.raises(Rejected, match="shipped or billed in part"):
        connector.sink(FLOWS["cancellations"]).put(cancellation(1), "v1:store:order:1:cancel")


def shipped(account: Account) -> None:
    (there,) = account.records.kept["salesOrder"].values()
    there["item"]["items"][0]["quantityFulfilled"] = 1


def test_lines_that_came_instead_of_being_closed_are_told(netsuite: Netsuite) -> None:
    """Were the sublist not known by `line`, the request would add lines: that must not pass for a cancellation."""
    connector = netsuite.connector(flows=["orders", "cancellations"])
    connector.sink(ORDERS).put(order(1), key_of(1))

    def adds(effect: Callable[[], Answer]) -> Answer:
        answer = effect()
        (there,) = netsuite.account.records.kept["salesOrder"].values()
        there["item"]["items"].append({"line": 7, "isClosed": True})
        return answer

    strike(netsuite, adds)
    with pytest.raises(Rejected, match="has 3 lines where it had 2"):
        connector.sink(FLOWS["cancellations"]).put(cancellation(1), "v1:store:order:1:cancel")


def test_an_order_that_is_not_there_yet_is_waited_for(netsuite: Netsuite) -> None:
    connector = netsuite.connector(flows=["orders", "cancellations"])
    with pytest.raises(NotReady):
        connector.sink(FLOWS["cancellations"]).put(cancellation(1), "v1:store:order:1:cancel")


# --- customers --------------------------------------------------------------------------------------------------------


def test_a_customer_is_told_what_changed_and_nothing_else(netsuite: Netsuite) -> None:
    connector = netsuite.connector(flows=["customers"], customers={"attributes": {"tier": "custentity_tier"}})
    sink = connector.sink(FLOWS["customers"])
    receipt = sink.put(customer(5), "k1")
    first = sent(netsuite, "customer")[0]
    assert first == {
        "email": "wilhelmina@canary.example",
        "firstName": "Wilhelmina",
        "lastName": "Canary",
        "vatRegNumber": "DE123456789",
        "custentity_tier": "gold",
        "isPerson": True,
    }
    change = customer(5, fields={"last_name": "Finch"}, number=receipt.external_id, new=False)
    assert sink.find(change, "k2") is None
    assert sink.put(change, "k2").external_id == receipt.external_id
    assert sent(netsuite, "customer")[1] == {"lastName": "Finch"}
    assert sink.find(change, "k2") is not None
    with pytest.raises(NotReady):
        sink.put(customer(5, fields={"last_name": "Finch"}, number="999"), "k3")


def test_a_group_is_told_by_its_lookup_and_not_without_it(netsuite: Netsuite) -> None:
    change = customer(5, fields={"last_name": "Finch", "group": "Wholesale"})
    plain = netsuite.connector(flows=["customers"])
    plain.sink(FLOWS["customers"]).put(change, "k1")
    lookups = FixedLookups({"customer_groups": {"Wholesale": "3"}})
    mapped = build("erp", netsuite.table(flows=["customers"]), lookups=lookups)
    mapped.sink(FLOWS["customers"]).put(change, "k2")
    assert [body.get("category") for body in sent(netsuite, "customer")] == [None, {"id": "3"}]
    with pytest.raises(MissingEntry, match="Retail"):
        mapped.sink(FLOWS["customers"]).put(customer(6, fields={"group": "Retail"}), "k3")


def test_a_record_may_be_named_by_its_external_id(netsuite: Netsuite) -> None:
    """And by its name in small letters: the help pages write both."""

    def named(effect: Callable[[], Answer]) -> Answer:
        answer = effect()
        location = answer.headers["Location"].rpartition("/")[0].lower() + "/eid:M7"
        return msgspec.structs.replace(answer, headers={"Location": location})

    netsuite.stand_in.do(lambda account: setattr(account, "struck", "customer"))
    strike(netsuite, named)
    netsuite.connector().sink(ORDERS).put(order(1), key_of(1))
    assert sent(netsuite)[0]["entity"] == {"id": "101"}


def test_an_orders_customer_is_the_one_that_was_told(netsuite: Netsuite) -> None:
    connector = netsuite.connector(flows=["orders", "customers"])
    receipt = connector.sink(FLOWS["customers"]).put(customer(7), "k1")
    connector.sink(ORDERS).put(order(1, billing=Address(country="DE")), key_of(1))
    assert sent(netsuite)[0]["entity"] == {"id": receipt.external_id}
