"""What SAP has of an order, held against what would have been sent: whoever has put it there."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from crossdock.contract.lookups import FixedLookups
from crossdock.contract.shadow import Compared, Fate, Shown
from crossdock.erp.sap_s4.mapping.showing import shown_of
from crossdock.errors import MappingError, Rejected
from crossdock.flows import FLOWS
from crossdock.model.change import ChangeKind
from crossdock.model.money import LineAmounts, Totals
from crossdock.model.order import Order, OrderLine
from crossdock.sandbox.erps.sap_s4 import StandIn
from crossdock.shadowing.fields import compare
from crossdock.transport.looking import looking
from tests.erp.sap_s4.cap import Cap
from tests.erp.sap_s4.proxy import Proxy
from tests.erp.sap_s4.samples import change, key_of, line, order
from tests.erp.sap_s4.tables import BY_CLASS, ON_CAP, connected, settings
from tests.erp.sap_s4.test_recorded import ORDERS as RECORDED
from tests.erp.sap_s4.test_recorded import PIECES, read
from tests.material import needs_shared

ORDERS, CANCELLATIONS, HOLDS = FLOWS["orders"], FLOWS["cancellations"], FLOWS["holds"]
# SAP numbers items by itself; the id of our line is another's affair
NEVER = ("to_Item[].SalesOrderItem",)
BY_ANOTHER: Mapping[str, Any] = {"line_id_field": ""}  # and it knows nothing of our lines' ids
ALL_TERMS: Mapping[str, Any] = {
    "sales": {
        "organization": "1010",
        "channel": "10",
        "division": "00",
        "plant": "1010",
        "unit": "PC",
        "item_category": "TAN",
        "incoterms": "DAP",
        "incoterms_location": "Berlin",
        "partners": {"ZM": "18"},
        "payment_terms": "NT30",
        "shipping_condition": "01",
    },
    "texts": {"note": "TX01", "ship_to": "TX02", "bill_to": "TX03"},
}


def cap_line(**more: Any) -> OrderLine:
    amounts = {"price": "10.00", "gross": "10.00", "net": "10.00", "tax": "2.20"} | more.pop("amounts", {})
    told = LineAmounts(**{name: Decimal(amount) for name, amount in amounts.items()})
    return line(more.pop("ident", "12"), sku="SIM-0002", name="Cap", quantity=Decimal(1), amounts=told, **more)


def bought(*lines: OrderLine) -> Order:
    """An order of these lines with shipping, and its sums."""
    net = sum((one.amounts.net for one in lines), Decimal(5))
    tax = sum((one.amounts.tax for one in lines), Decimal("1.10"))
    totals = Totals(
        currency="EUR",
        tax=tax,
        shipping=Decimal("5.00"),
        shipping_tax=Decimal("1.10"),
        grand_total=net + tax,
    )
    return order(1, lines=lines, totals=totals)


ORDER = bought(line(), cap_line())


def seen(connector: Any, record: Any = ORDER, flow: Any = ORDERS) -> Compared | None:
    """What a shadow sees, under the key of nobody."""
    with looking():
        found: Shown | None = connector.sink(flow).show(record, "the key of nobody")
    return None if found is None else compare(found)


def differing(connector: Any, record: Any = ORDER) -> set[str]:
    found = seen(connector, record)
    assert found is not None
    assert found.fate is (Fate.DIFFERENT if found.unlike else Fate.EQUAL)
    return {one.field for one in found.unlike}


def put(connector: Any, record: Order = ORDER) -> Any:
    return connector.sink(ORDERS).put(record, key_of(1))


@pytest.mark.parametrize("more", [{}, BY_CLASS, ALL_TERMS], ids=["by hand", "by class", "every field"])
def test_what_our_own_sink_made_is_equal_in_every_field(proxy: Proxy, more: Mapping[str, Any]) -> None:
    connector = connected(proxy.url, **more)
    assert seen(connector) is None
    put(connector)
    proxy.seen.clear()

    found = seen(connector)

    assert found is not None
    assert (found.fate, found.unlike, found.number) == (Fate.EQUAL, (), "1")
    assert found.uncompared == NEVER
    assert found.compared > 30
    assert {one.method for one in proxy.seen} == {"GET"}
    assert len(proxy.seen) == 1


def test_tax_that_sap_rounds_for_the_whole_order_is_compared_of_the_whole(proxy: Proxy) -> None:
    rounded = BY_CLASS | {"taxes": {"classes": {"22": "1"}, "rounding": "document"}}
    record = bought(line())  # one rate, so that the stand-in's items come to the same
    connector = connected(proxy.url, **rounded)
    put(connector, record)
    found = seen(connector, record)
    assert found is not None
    assert (found.fate, found.uncompared) == (Fate.EQUAL, NEVER)
    with_items = seen(connected(proxy.url, **BY_CLASS), record)
    assert with_items is not None
    assert with_items.compared == found.compared + 2  # the tax of each item


def test_the_same_order_by_another_hand_is_equal(proxy: Proxy, stand_in: StandIn) -> None:
    """Other item numbers, another sequence, no ids of ours, SAP's own forms and additions."""
    put(connected(proxy.url, **BY_ANOTHER), bought(cap_line(), line()))
    rows = stand_in.tables.rows

    def as_sap_has_it() -> None:
        (head,) = rows["A_SalesOrder"]
        head |= {"SoldToParty": "0010100001", "CustomerPurchaseOrderDate": "/Date(1795132800000+0000)/"}
        head |= {"TotalNetAmount": "68.970"}
        for item in rows["A_SalesOrderItem"]:
            item |= {"SalesOrderItemText": f"{item['SalesOrderItemText']}  ", "HigherLevelItem": "000000"}
        free = rows["A_SalesOrderItem"][0] | {"SalesOrderItem": "40", "HigherLevelItem": "10", "Material": "FREE"}
        rows["A_SalesOrderItem"].append(free)
        rows["A_SalesOrderHeaderPartner"].append({"SalesOrder": "1", "PartnerFunction": "SP", "Customer": "10100001"})
        rows["A_SalesOrderText"].append(rows["A_SalesOrderText"][0] | {"LongTextID": "TX99"})
        rows["A_SalesOrderText"].append(rows["A_SalesOrderText"][0] | {"Language": "DE", "LongText": "zweimal"})
        for text in rows["A_SalesOrderText"][:2]:
            text["LongText"] = text["LongText"].replace("\n", "\r\n") + "\n"
        price = rows["A_SalesOrderItemPrElement"][0]
        price["ConditionRateValue"] = "10.000000000"
        for step, off in (("15", {"ConditionIsForStatistics": True}), ("16", {"ConditionInactiveReason": "A"})):
            rows["A_SalesOrderItemPrElement"].append(
                price | off | {"PricingProcedureStep": step, "ConditionAmount": "9.00"}
            )

    stand_in.do(as_sap_has_it)

    found = seen(connected(proxy.url))

    assert found is not None
    assert found.unlike == ()
    assert found.fate is Fate.EQUAL
    assert found.uncompared == ("to_Item[].PurchaseOrderByShipToParty", *NEVER)


def test_a_price_may_be_written_for_another_number_of_pieces(proxy: Proxy, stand_in: StandIn) -> None:
    """10.00 for three pieces: there is no price in cents for one of them."""
    uneven = {"price": Decimal("3.33"), "gross": Decimal("10.00"), "net": Decimal("10.00"), "tax": Decimal("2.20")}
    record = bought(line(amounts=LineAmounts(**uneven)))
    put(connected(proxy.url, **BY_ANOTHER), record)
    price = stand_in.tables.rows["A_SalesOrderItemPrElement"][0]
    assert (price["ConditionRateValue"], price["ConditionQuantity"]) == ("10", "3")
    stand_in.do(lambda: price.update(ConditionRateValue="20.000000000", ConditionQuantity="6"))
    assert differing(connected(proxy.url), record) == set()
    stand_in.do(lambda: price.update(ConditionQuantity="5"))
    assert differing(connected(proxy.url), record) == {"to_Item[0].to_PricingElement.PMP0.ConditionRateValue"}


def test_sums_of_an_order_with_rejected_items_are_not_compared(proxy: Proxy, stand_in: StandIn) -> None:
    """What SAP counts of them is not known; that they are rejected is for the flow cancellations."""
    put(connected(proxy.url))
    rows = stand_in.tables.rows
    stand_in.do(lambda: rows["A_SalesOrder"][0].update(TotalNetAmount="0.00"))
    assert differing(connected(proxy.url)) == {"TotalNetAmount"}
    stand_in.do(lambda: rows["A_SalesOrderItem"][0].update(SalesDocumentRjcnReason="61"))
    found = seen(connected(proxy.url))
    assert found is not None
    assert (found.fate, found.unlike) == (Fate.EQUAL, ())
    assert found.uncompared == ("TotalNetAmount", *NEVER, "to_PricingElement.ZTAX.ConditionAmount")


PMP0, ZTAX = ("to_Item[1].to_PricingElement." + kind for kind in ("PMP0", "ZTAX"))
SUMS = {"TotalNetAmount", "to_PricingElement.ZTAX.ConditionAmount"}


@pytest.mark.parametrize(
    ("there", "fields"),
    [
        (
            bought(line(), cap_line(amounts={"gross": "9.00", "net": "9.00", "tax": "1.98"})),
            {
                *SUMS,
                *(f"{kind}.{field}" for kind in (PMP0, ZTAX) for field in ("ConditionAmount", "ConditionRateValue")),
                "to_Item[1].NetAmount",
            },
        ),
        (bought(line()), {*SUMS, "to_Item.length", "to_Item[1].Material"}),
        (
            bought(line(quantity=Decimal(2)), cap_line()),
            {"to_Item[0].RequestedQuantity", "to_Item[0].to_PricingElement.PMP0.ConditionRateValue"},
        ),
        (msgspec.structs.replace(ORDER, note="ring once"), {"to_Text.TX01"}),
        (msgspec.structs.replace(ORDER, note=""), {"to_Text.TX01"}),
        (
            msgspec.structs.replace(ORDER, lines=(line(), msgspec.structs.replace(cap_line(), name="Hat"))),
            {"to_Item[1].SalesOrderItemText"},
        ),
    ],
    ids=["price", "line missing", "quantity", "note", "no note", "text"],
)
def test_what_another_hand_did_otherwise_is_told_and_nothing_else(proxy: Proxy, there: Order, fields: set[str]) -> None:
    put(connected(proxy.url, **BY_ANOTHER), there)
    assert differing(connected(proxy.url)) == fields


def test_other_words_of_the_other_hand_are_told(proxy: Proxy, stand_in: StandIn) -> None:
    """Another customer, other terms, a discount within the price: what is there in the end is the same."""
    put(connected(proxy.url, conditions={"price": "PMP0", "tax": "ZTAX"}, **BY_ANOTHER))
    stand_in.do(lambda: stand_in.tables.rows["A_SalesOrder"][0].update(SoldToParty="10100002", SalesOrderType="ZWEB"))
    condition = "to_Item[0].to_PricingElement"
    assert differing(connected(proxy.url)) == {
        "SalesOrderType",
        "SoldToParty",
        f"{condition}.PMP0.ConditionAmount",
        f"{condition}.PMP0.ConditionRateValue",
        f"{condition}.DRM1.ConditionAmount",
    }


def test_twice_there_is_told_and_a_cancelled_one_beside_it_is_not_counted(proxy: Proxy, stand_in: StandIn) -> None:
    glue = connected(proxy.url, **BY_ANOTHER)
    put(glue)
    put(glue, order(2))
    stand_in.do(lambda: stand_in.tables.rows["A_SalesOrder"][1].update(PurchaseOrderByCustomer="000000001"))
    found = seen(connected(proxy.url))
    assert found is not None
    assert (found.fate, found.reason, found.unlike) == (Fate.DIFFERENT, "it is there 2 times", ())

    items = stand_in.tables.rows["A_SalesOrderItem"]
    stand_in.do(lambda: [one.update(SalesDocumentRjcnReason="61") for one in items if one["SalesOrder"] == "2"])
    again = seen(connected(proxy.url))
    assert again is not None
    assert (again.fate, again.number) == (Fate.EQUAL, "1")


def test_what_sap_does_not_tell_is_named_and_no_difference(proxy: Proxy, stand_in: StandIn) -> None:
    """An older release without a field; sums that were not computed."""
    connector = connected(proxy.url, **ALL_TERMS)
    put(connector)
    rows = stand_in.tables.rows

    def older() -> None:
        rows["A_SalesOrder"][0].pop("IncotermsLocation1")
        rows["A_SalesOrder"][0]["TotalNetAmount"] = None
        for row in (*rows["A_SalesOrderItem"], *rows["A_SalesOrderItemPrElement"]):
            row |= {name: None for name in ("NetAmount", "ConditionAmount", "RequestedQuantity") if name in row}

    stand_in.do(older)
    found = seen(connector)
    assert found is not None
    assert found.fate is Fate.EQUAL
    assert set(found.uncompared) == {
        *NEVER,
        "IncotermsLocation1",
        "TotalNetAmount",
        "to_Item[].NetAmount",
        "to_Item[].RequestedQuantity",
        "to_PricingElement.ZTAX.ConditionAmount",
        *(f"to_Item[].to_PricingElement.{kind}.ConditionAmount" for kind in ("PMP0", "DRM1", "ZTAX")),
    }


def test_what_was_not_expanded_is_not_taken_for_empty() -> None:
    wanted: dict[str, Any] = {"SalesOrderType": "OR", "to_Item": [{"Material": "A", "to_PricingElement": {"PMP0": {}}}]}
    wanted |= {"to_Partner": {"ZM": "18"}, "to_Text": {"TX01": "x"}}
    link = {"__deferred": {"uri": "x"}}
    item = {"Material": "A", "to_PricingElement": link}
    row = {"SalesOrderType": "OR", "to_Partner": link, "to_Text": link, "to_Item": {"results": [item]}}
    assert shown_of(row, wanted, settings()) == {"SalesOrderType": "OR", "to_Item": [{"Material": "A"}]}


def test_a_customer_that_a_shadow_does_not_carry_is_not_compared(proxy: Proxy) -> None:
    put(connected(proxy.url))
    asking = connected(proxy.url, sold_to={"ask": True}, flows=["orders", "customers"])
    found = seen(asking)
    assert found is not None
    assert (found.fate, found.uncompared) == (Fate.EQUAL, ("SoldToParty", *NEVER))


def test_what_would_not_go_is_refused_before_sap_is_asked(proxy: Proxy) -> None:
    wrong = msgspec.structs.replace(ORDER, totals=order(1).totals)
    with pytest.raises(Rejected, match="would not come to the order's sums"):
        connected(proxy.url).preview(ORDERS, wrong)
    with pytest.raises(MappingError):
        connected(proxy.url, sold_to={}, lookups=FixedLookups({})).preview(ORDERS, ORDER)
    assert proxy.seen == []


@needs_shared
def test_recorded_orders_are_shown_as_they_were_sent(stand_in: StandIn) -> None:
    connector = connected(stand_in.url, credits="payment")
    numbers: set[str] = set()
    for path in RECORDED:
        record = read(path)
        if record.number in numbers or path.stem in PIECES:
            continue
        numbers.add(record.number)
        put(connector, record)
        found = seen(connector, record)
        assert found is not None, path.stem
        assert (found.fate, found.unlike) == (Fate.EQUAL, ()), path.stem
        assert set(found.uncompared) == {*NEVER}, path.stem
    assert len(numbers) > 190


# --- what becomes of orders -------------------------------------------------------------------------------------------


def test_a_cancellation_is_shown_by_the_reason_of_each_item(proxy: Proxy, stand_in: StandIn) -> None:
    connector = connected(proxy.url)
    assert seen(connector, change(1), CANCELLATIONS) is None
    put(connector)
    assert seen(connector, change(1), CANCELLATIONS) is None
    items = stand_in.tables.rows["A_SalesOrderItem"]
    stand_in.do(lambda: items[0].update(SalesDocumentRjcnReason="50"))

    found = seen(connector, change(1), CANCELLATIONS)
    assert found is not None
    assert [(one.field, one.ours, one.theirs) for one in found.unlike] == [
        (f"to_Item[{place}].SalesDocumentRjcnReason", "61", reason) for place, reason in enumerate(("50", "", ""))
    ]

    stand_in.do(lambda: [one.update(SalesDocumentRjcnReason="61") for one in items])
    whole = seen(connector, change(1), CANCELLATIONS)
    assert whole is not None
    assert (whole.fate, whole.number) == (Fate.EQUAL, "1")


@pytest.mark.parametrize(
    ("kind", "block", "fate"),
    [
        (ChangeKind.HOLD, "", None),
        (ChangeKind.HOLD, "08", Fate.EQUAL),
        (ChangeKind.HOLD, "01", Fate.DIFFERENT),
        (ChangeKind.UNHOLD, "08", None),
        (ChangeKind.UNHOLD, "", Fate.EQUAL),
        (ChangeKind.UNHOLD, "01", Fate.DIFFERENT),
    ],
)
def test_a_hold_is_shown_by_its_block(
    proxy: Proxy, stand_in: StandIn, kind: ChangeKind, block: str, fate: Fate | None
) -> None:
    connector = connected(proxy.url)
    put(connector)
    stand_in.do(lambda: stand_in.tables.rows["A_SalesOrder"][0].update(DeliveryBlockReason=block))
    found = seen(connector, change(1, kind), HOLDS)
    assert (found and found.fate) == fate


# --- on a server of others --------------------------------------------------------------------------------------------


@pytest.mark.services
def test_on_cap_the_fields_that_were_sent_come_back(cap: Cap, cap_proxy: Proxy) -> None:
    """It computes nothing, so no sums are told; all else goes through SAP's own definitions and back."""
    cap.reset()
    connector = connected(cap_proxy.url, **ALL_TERMS, **ON_CAP)
    assert seen(connector) is None
    put(connector)

    found = seen(connector)

    assert found is not None
    assert (found.fate, found.unlike) == (Fate.EQUAL, ())
    assert set(found.uncompared) == {
        *NEVER,
        "TotalNetAmount",
        "to_Item[].NetAmount",
        "to_PricingElement.ZTAX.ConditionAmount",
        *(f"to_Item[].to_PricingElement.{kind}.ConditionAmount" for kind in ("PMP0", "DRM1", "ZTAX")),
    }
    assert differing(connector, bought(line(quantity=Decimal(2)), cap_line())) == {
        "to_Item[0].RequestedQuantity",
        "to_Item[0].to_PricingElement.PMP0.ConditionRateValue",
    }
