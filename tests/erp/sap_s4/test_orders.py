"""Orders beyond the suite: what is found, what is parked, whom they are for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from crossdock.contract.lookups import FixedLookups
from crossdock.erp.sap_s4.mapping.pricing import price_of
from crossdock.errors import (
    ConfigurationError,
    Conflict,
    MappingError,
    MissingEntry,
    NotReady,
    Rejected,
    Temporary,
)
from crossdock.flows import FLOWS
from crossdock.flows.guests import guest_of
from crossdock.model.change import ChangeKind
from crossdock.model.order import Buyer
from crossdock.sandbox.erps.sap_s4 import StandIn
from tests.erp.sap_s4.proxy import Proxy, told
from tests.erp.sap_s4.samples import change, customer, key_of, line, order
from tests.erp.sap_s4.tables import BY_CLASS, connected, settings

ORDERS = FLOWS["orders"]


def put(connector: Any, number: int = 1, **more: Any) -> Any:
    return connector.sink(ORDERS).put(order(number, **more), key_of(number))


def sent(proxy: Proxy) -> Any:
    return told(next(seen for seen in proxy.seen if seen.method == "POST" and "A_SalesOrder" in seen.target))


def rows(stand_in: StandIn, name: str) -> list[dict[str, Any]]:
    return stand_in.tables.rows[name]


def test_the_body_is_a_deep_insert(proxy: Proxy) -> None:
    receipt = put(connected(proxy.url))

    assert sent(proxy) == {
        "SalesOrderType": "OR",
        "SalesOrganization": "1010",
        "DistributionChannel": "10",
        "OrganizationDivision": "00",
        "SoldToParty": "10100001",
        "PurchaseOrderByCustomer": "000000001",
        "CustomerPurchaseOrderDate": "/Date(1795132800000)/",
        "TransactionCurrency": "EUR",
        "to_Item": [
            {
                "SalesOrderItem": "10",
                "Material": "SIM-0001",
                "SalesOrderItemText": "Shirt",
                "RequestedQuantity": "3.000",
                "PurchaseOrderByShipToParty": "11",
                "to_PricingElement": [
                    {"ConditionType": "PMP0", "ConditionRateValue": "19.99", "ConditionCurrency": "EUR"},
                    {"ConditionType": "DRM1", "ConditionRateValue": "-6", "ConditionCurrency": "EUR"},
                    {"ConditionType": "ZTAX", "ConditionRateValue": "11.87", "ConditionCurrency": "EUR"},
                ],
            },
            {
                "SalesOrderItem": "20",
                "Material": "SHIPPING",
                "SalesOrderItemText": "Flat Rate",
                "RequestedQuantity": "1.000",
                "to_PricingElement": [
                    {"ConditionType": "PMP0", "ConditionRateValue": "5", "ConditionCurrency": "EUR"},
                    {"ConditionType": "ZTAX", "ConditionRateValue": "1.1", "ConditionCurrency": "EUR"},
                ],
            },
        ],
        "to_Text": [
            {"Language": "EN", "LongTextID": "TX01", "LongText": "ring twice"},
            {
                "Language": "EN",
                "LongTextID": "TX02",
                "LongText": "Wilhelmina Canary\nHarbour 1\n10115 Berlin Berlin\nDE\n+49 30 901820\n"
                "wilhelmina@canary.example",
            },
        ],
    }
    assert (receipt.number, receipt.links) == ("1", {"11": "10"})


def test_terms_come_from_lookups_or_settings(proxy: Proxy) -> None:
    tables = {
        "payment_terms": {"checkmo": "NT30"},
        "shipping_methods": {"flatrate_flatrate": "01"},
        "materials": {"SIM-0001": "TG11"},
        "customers": {"7": "10100001"},
    }
    area = {
        "organization": "1010",
        "channel": "10",
        "division": "00",
        "plant": "1010",
        "unit": "PC",
        "incoterms": "DAP",
    }
    partners = {"incoterms_location": "Berlin", "partners": {"ZM": "18"}}
    put(
        connected(proxy.url, lookups=FixedLookups(tables), sales=area | partners, sold_to={}),
        shipping_method="flatrate_flatrate",
    )

    body = sent(proxy)
    assert body["CustomerPaymentTerms"] == "NT30"
    assert body["ShippingCondition"] == "01"
    assert (body["IncotermsClassification"], body["IncotermsLocation1"]) == ("DAP", "Berlin")
    assert body["to_Partner"] == [{"PartnerFunction": "ZM", "Customer": "18"}]
    assert {name: body["to_Item"][0][name] for name in ("Material", "ProductionPlant", "RequestedQuantityUnit")} == {
        "Material": "TG11",
        "ProductionPlant": "1010",
        "RequestedQuantityUnit": "PC",
    }


def test_a_table_without_the_entry_is_told(proxy: Proxy) -> None:
    with pytest.raises(MissingEntry, match="payment_terms"):
        put(connected(proxy.url, lookups=FixedLookups({"payment_terms": {"other": "1"}})))


def test_a_rate_without_a_tax_class_is_parked(proxy: Proxy) -> None:
    with pytest.raises(MappingError, match="nothing for 22 %"):
        put(connected(proxy.url, **BY_CLASS | {"taxes": {"classes": {"19": "1"}}}))
    assert not [seen for seen in proxy.seen if seen.writes]


@pytest.mark.parametrize(
    ("amount", "quantity", "wanted"),
    [
        ("59.97", "3", ("19.99", 1)),
        ("10.00", "3", ("10.00", 3)),
        ("10.00", "1.5", ("20.00", 3)),
        ("0.00", "2", ("0.00", 1)),
        ("-5.00", "3", ("-5.00", 3)),
        ("0.01", "0.125", ("0.08", 1)),
    ],
)
def test_a_price_is_told_such_that_the_row_comes_out(amount: str, quantity: str, wanted: tuple[str, int]) -> None:
    rate, per = price_of(Decimal(amount), Decimal(quantity))

    assert (str(rate), per) == wanted
    assert rate * Decimal(quantity) / per == Decimal(amount)


def test_sums_that_sap_would_not_compute_are_refused_before_anything_is_sent(proxy: Proxy) -> None:
    taxed = msgspec.structs.replace(line().amounts, tax=Decimal("11.88"))
    totals = msgspec.structs.replace(order(1).totals, tax=Decimal("12.98"), grand_total=Decimal("71.95"))
    with pytest.raises(Rejected, match=r"tax 12\.97 instead of 12\.98 \(-0\.01\), gross 71\.94 instead of 71\.95"):
        put(connected(proxy.url, **BY_CLASS), lines=(line(amounts=taxed),), totals=totals)
    assert proxy.seen == []


def test_sums_that_came_out_otherwise_are_parked_and_blocked(proxy: Proxy, stand_in: StandIn) -> None:
    """SAP's customising says another rate than the store: the order is there, and nobody delivers it."""
    wrong = BY_CLASS | {"taxes": {"classes": {"22": "2", "0": "0"}}}
    connector = connected(proxy.url, **wrong)

    with pytest.raises(Rejected, match=r"sales order 1 is there, and does not come .* tax 5\.90 instead of 12\.97"):
        put(connector)
    with pytest.raises(Rejected, match="sales order 1 is there"):
        put(connector)  # a replay makes no second one
    with pytest.raises(Rejected, match="sales order 1 is there"):
        connector.sink(ORDERS).find(order(1), key_of(1))

    assert stand_in.there() == ["000000001"]
    assert rows(stand_in, "A_SalesOrder")[0]["DeliveryBlockReason"] == "09"


def test_what_is_found_is_linked_by_the_ids_of_its_lines(proxy: Proxy) -> None:
    connector = connected(proxy.url)
    put(connector)

    found = put(connector)

    assert (found.found, found.number, found.links) == (True, "1", {"11": "10"})


def test_anothers_order_under_our_reference_is_a_conflict(stand_in: StandIn, proxy: Proxy) -> None:
    put(connected(proxy.url))
    stand_in.do(lambda: rows(stand_in, "A_SalesOrder")[0].update(SoldToParty="10100002"))

    with pytest.raises(Conflict, match="another customer"):
        put(connected(proxy.url))
    assert put(connected(proxy.url, reference_prefix="M-")).number == "2"


def test_two_of_ours_are_a_conflict_and_are_counted(stand_in: StandIn, proxy: Proxy) -> None:
    connector = connected(proxy.url)
    put(connector, 1)
    put(connector, 2)
    stand_in.do(lambda: rows(stand_in, "A_SalesOrder")[1].update(PurchaseOrderByCustomer="000000001"))

    with pytest.raises(Conflict, match="sales orders 1, 2"):
        put(connector, 1)
    sink = connector.sink(ORDERS)
    assert sink.count(order(1), "") == 2  # type: ignore[attr-defined]
    assert sink.count_many([(order(1), ""), (order(2), "")]) == [2, 0]  # type: ignore[attr-defined]


def test_customer_numbers_may_be_padded(stand_in: StandIn, proxy: Proxy) -> None:
    put(connected(proxy.url))
    stand_in.do(lambda: rows(stand_in, "A_SalesOrder")[0].update(SoldToParty="0010100001"))

    assert put(connected(proxy.url)).found


def test_what_was_cancelled_in_sap_is_not_made_again(proxy: Proxy, stand_in: StandIn) -> None:
    connector = connected(proxy.url)
    put(connector)
    connector.sink(FLOWS["cancellations"]).put(change(1), "key")

    with pytest.raises(Rejected, match="cancelled in SAP"):
        put(connector)
    assert len(rows(stand_in, "A_SalesOrder")) == 1


def test_under_its_own_number_an_order_is_there_once(proxy: Proxy, stand_in: StandIn) -> None:
    connector = connected(proxy.url, own_numbers=True)
    assert put(connector).number == "000000001"

    stand_in.do(lambda: rows(stand_in, "A_SalesOrder")[0].update(PurchaseOrderByCustomer="else"))
    with pytest.raises(Conflict, match="with another reference"):
        put(connector)
    with pytest.raises(MappingError, match="digits"):
        connector.sink(ORDERS).put(msgspec.structs.replace(order(1), number="000000001-1"), "key")


def test_a_reference_is_never_cut(proxy: Proxy) -> None:
    with pytest.raises(MappingError, match="1 to 35"):
        connected(proxy.url).sink(ORDERS).put(msgspec.structs.replace(order(1), number="9" * 36), "key")


def test_customers_are_searched_by_the_shops_id(proxy: Proxy, stand_in: StandIn) -> None:
    connector = connected(proxy.url, sold_to={"ask": True, "prefix": "m"}, flows=["orders", "customers"])
    with pytest.raises(NotReady):
        put(connector)

    number = connector.sink(FLOWS["customers"]).put(customer(7), "key").number

    assert put(connector).number == "1"
    assert rows(stand_in, "A_SalesOrder")[0]["SoldToParty"] == number
    with pytest.raises(NotReady):
        put(connector, 2, buyer=Buyer(email="g@example.com"))


def test_a_guest_is_found_as_the_flow_customers_has_made_him(proxy: Proxy, stand_in: StandIn) -> None:
    connector = connected(proxy.url, sold_to={"ask": True, "prefix": "web-"}, flows=["orders", "customers"])
    ordered = order(2, buyer=Buyer(email="Ada@Example.com", last_name="Rossi"), website="base")
    number = connector.sink(FLOWS["new_customers"]).put(guest_of(ordered), "key").number

    assert connector.sink(ORDERS).put(ordered, "key").number == "1"
    assert rows(stand_in, "A_SalesOrder")[0]["SoldToParty"] == number
    (partner,) = rows(stand_in, "A_BusinessPartner")
    assert len(partner["BusinessPartnerIDByExtSystem"]) == 20
    assert partner["BusinessPartnerIDByExtSystem"].startswith("WEB-G")


def test_without_a_number_nobody_is_asked_for(proxy: Proxy) -> None:
    with pytest.raises(MappingError, match=r"sold_to\.number"):
        put(connected(proxy.url, sold_to={}))


def test_without_that_flow_an_unknown_customer_is_parked(proxy: Proxy) -> None:
    with pytest.raises(Rejected, match="no customer"):
        put(connected(proxy.url, sold_to={"ask": True}))


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"sales": None}, "orders need sales"),
        ({"texts": {}}, "texts.ship_to"),
        ({"conditions": {"price": "P"}, "taxes": {"told": "class"}}, "conditions.tax is needed to compare"),
        ({"conditions": {"price": "P"}, "check": "none"}, "to tell a rate or an amount"),
        ({"blocks": {}}, "blocks.rejection, blocks.hold"),
        ({"sap_client": "1"}, "sap_client"),
        ({"sales": {"organization": "10100", "channel": "10", "division": "00"}}, "organization"),
    ],
)
def test_settings_that_cannot_be_run_are_refused(more: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        settings(**more)


# --- what becomes of orders -------------------------------------------------------------------------------------------


def test_every_item_is_rejected_in_one_change_set(proxy: Proxy, stand_in: StandIn) -> None:
    connector = connected(proxy.url)
    put(connector)
    connector.sink(FLOWS["cancellations"]).put(change(1), "key")

    batches = [seen for seen in proxy.seen if seen.target.endswith("$batch")]
    assert len(batches) == 1
    assert batches[0].body.count(b"PATCH A_SalesOrderItem(") == 2
    assert {row["SalesDocumentRjcnReason"] for row in rows(stand_in, "A_SalesOrderItem")} == {"61"}


def test_a_change_set_is_done_whole_or_not_at_all(proxy: Proxy, stand_in: StandIn) -> None:
    connector = connected(proxy.url)
    put(connector)
    fields = stand_in.tables.change

    def refuse_the_second(name: str, keys: Any, body: Any, etag: str) -> None:
        if keys["SalesOrderItem"] == "20":
            raise_refused()
        fields(name, keys, body, etag)

    stand_in.tables.change = refuse_the_second  # type: ignore[method-assign]
    with pytest.raises(Rejected, match="V1/555"):
        connector.sink(FLOWS["cancellations"]).put(change(1), "key")
    assert {row["SalesDocumentRjcnReason"] for row in rows(stand_in, "A_SalesOrderItem")} == {None}


def raise_refused() -> None:
    from crossdock.sandbox.erps.sap_s4.tables import Refused

    raise Refused(400, "V1/555", "no")


def test_what_is_being_delivered_is_not_cancelled(proxy: Proxy, stand_in: StandIn) -> None:
    connector = connected(proxy.url)
    put(connector)
    stand_in.do(lambda: rows(stand_in, "A_SalesOrderItem")[0].update(DeliveryStatus="B"))

    with pytest.raises(Rejected, match="being delivered"):
        connector.sink(FLOWS["cancellations"]).put(change(1), "key")


def test_an_order_that_is_not_there_yet_is_waited_for(proxy: Proxy) -> None:
    for flow, kind in (("cancellations", ChangeKind.CANCEL), ("holds", ChangeKind.HOLD)):
        with pytest.raises(NotReady):
            connected(proxy.url).sink(FLOWS[flow]).put(change(1, kind), "key")


def test_a_hold_is_set_and_taken_away_and_anothers_block_stays(proxy: Proxy, stand_in: StandIn) -> None:
    connector = connected(proxy.url)
    put(connector)
    sink = connector.sink(FLOWS["holds"])
    sink.put(change(1, ChangeKind.HOLD), "key")
    assert rows(stand_in, "A_SalesOrder")[0]["DeliveryBlockReason"] == "08"
    sink.put(change(1, ChangeKind.UNHOLD), "key")
    assert rows(stand_in, "A_SalesOrder")[0]["DeliveryBlockReason"] == ""

    stand_in.do(lambda: rows(stand_in, "A_SalesOrder")[0].update(DeliveryBlockReason="01"))
    for kind in (ChangeKind.HOLD, ChangeKind.UNHOLD):
        with pytest.raises(Conflict, match="delivery block 01"):
            sink.put(change(1, kind), "key")


def test_what_another_changed_meanwhile_is_looked_at_again(proxy: Proxy, stand_in: StandIn) -> None:
    connector = connected(proxy.url)
    put(connector)
    stand_in.tables.etag = lambda name, row: 'W/"old"'  # type: ignore[method-assign]
    connector.sink(FLOWS["holds"]).put(change(1, ChangeKind.HOLD), "key")
    etags = iter(['W/"read"', 'W/"changed"'])

    def one_by_one(name: str, row: Any) -> str:
        return next(etags) if name == "A_SalesOrder" else ""

    stand_in.tables.etag = one_by_one  # type: ignore[method-assign]

    with pytest.raises(Temporary, match="412"):
        connector.sink(FLOWS["holds"]).put(change(1, ChangeKind.UNHOLD), "key")


# --- customers --------------------------------------------------------------------------------------------------------


def test_only_what_differs_is_changed_in_one_change_set(proxy: Proxy, stand_in: StandIn) -> None:
    connector = connected(proxy.url, flows=["orders", "customers"], partner={"tax_type": "0"})
    sink = connector.sink(FLOWS["customers"])
    number = sink.put(customer(7), "key").number
    proxy.seen.clear()

    moved = {**customer(7).fields["addresses.m1"], "city": "Hamburg", "telephone": "+49 40 1"}
    office = {**customer(7).fields["addresses.m1"], "street": ["Office 1"]}
    fields = {"last_name": "Sparrow", "email": "w@sparrow.example", "addresses.m1": moved, "addresses.m2": office}
    told_change = customer(7, number=number, fields=fields)
    sink.put(told_change, "key")

    (partner,) = rows(stand_in, "A_BusinessPartner")
    assert (partner["FirstName"], partner["LastName"]) == ("Wilhelmina", "Sparrow")
    cities = {row["AddressIDByExternalSystem"]: row["CityName"] for row in rows(stand_in, "A_BusinessPartnerAddress")}
    assert cities == {"M1": "Hamburg", "M2": "Berlin"}
    assert [row["EmailAddress"] for row in rows(stand_in, "A_AddressEmailAddress")] == ["w@sparrow.example"]
    assert "+49 40 1" in {row["PhoneNumber"] for row in rows(stand_in, "A_AddressPhoneNumber")}
    assert sum(seen.target.endswith("$batch") for seen in proxy.seen) == 1

    proxy.seen.clear()
    sink.put(customer(7, number=number, fields={"addresses.m2": None}), "key")
    assert [row["AddressIDByExternalSystem"] for row in rows(stand_in, "A_BusinessPartnerAddress")] == ["M1"]


def test_a_change_of_nothing_sends_nothing_and_what_has_no_place_is_told(proxy: Proxy) -> None:
    connector = connected(proxy.url, flows=["orders", "customers"])
    sink = connector.sink(FLOWS["customers"])
    sink.put(customer(7), "key")
    proxy.seen.clear()

    receipt = sink.put(customer(7, fields={"first_name": "Wilhelmina", "group": "Wholesale"}), "key")

    assert not [seen for seen in proxy.seen if seen.writes]
    assert receipt.detail == "SAP has no place for group"


def test_a_number_that_sap_does_not_know_is_parked(proxy: Proxy) -> None:
    with pytest.raises(Rejected, match="no customer 4711"):
        connected(proxy.url, flows=["orders", "customers"]).sink(FLOWS["customers"]).put(
            customer(7, number="4711"), "key"
        )
