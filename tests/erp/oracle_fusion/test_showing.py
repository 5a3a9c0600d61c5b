"""What Oracle has of an order, held against what would have been sent: whoever has put it there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from crossdock.contract.lookups import FixedLookups
from crossdock.contract.shadow import Compared, Fate, Shown
from crossdock.errors import Rejected, Temporary
from crossdock.flows import FLOWS
from crossdock.model.change import ChangeKind
from crossdock.model.money import LineAmounts, Totals
from crossdock.model.order import Order, OrderLine
from crossdock.sandbox.erps.oracle_fusion import StandIn
from crossdock.sandbox.wire import Answer, Asked
from crossdock.shadowing.fields import compare
from crossdock.transport.looking import looking
from tests.erp.oracle_fusion.oracle import connected
from tests.erp.oracle_fusion.samples import change, key_of, line, order
from tests.erp.oracle_fusion.test_orders import TABLES
from tests.erp.oracle_fusion.test_recorded import ORDERS as RECORDED
from tests.erp.oracle_fusion.test_recorded import read
from tests.material import needs_shared

ORDERS, CANCELLATIONS, HOLDS = FLOWS["orders"], FLOWS["cancellations"], FLOWS["holds"]
CHARGE = "lines[].charges.QP_SALE_PRICE"
CODES = ("QP_LIST_PRICE", "QP_DISCOUNT_ADJ", "QP_NET_PRICE", "QP_EXCLUSIVE_TAX", "QP_NET_PRICE_PLUS_TAX")
# our names of its parts, and prices for one piece: both are said by other fields
NEVER = {
    *(
        f"lines[].{name}"
        for name in ("SourceTransactionLineNumber", "SourceTransactionScheduleId", "SourceScheduleNumber")
    ),
    *(f"{CHARGE}.{name}" for name in ("SourceChargeId", "SequenceNumber")),
    *(
        f"{CHARGE}.chargeComponents.{code}.{name}"
        for code in CODES
        for name in (
            *("SourceChargeComponentId", "SequenceNumber"),
            *("ChargeCurrencyUnitPrice", "HeaderCurrencyUnitPrice"),
        )
    ),
}
ALL_TERMS: Mapping[str, Any] = {
    "lookups": FixedLookups(TABLES | {"units": {"SIM-0001": "Pcs", "SIM-0002": "Pcs"}}),
    "customer": {},
    "transaction_type": "STD",
    "warehouse": "V1",
    "address_in": "ShippingInstructions",
}
FOLLOWERS: Mapping[str, Any] = {
    "flows": ["orders", "holds", "cancellations"],
    "hold": {"code": "WEB", "release_reason": "OK"},
    "cancel": {"reason": "x"},
}


def hat(**more: Any) -> OrderLine:
    amounts = {"price": "10.00", "gross": "10.00", "net": "10.00", "tax": "2.20"} | more.pop("amounts", {})
    told = LineAmounts(**{name: Decimal(amount) for name, amount in amounts.items()})
    return line("12", sku="SIM-0002", name="Hat", quantity=Decimal(1), amounts=told, **more)


def bought(*lines: OrderLine) -> Order:
    """An order of these lines with shipping, and its sums."""
    net = sum((one.amounts.net for one in lines), Decimal(5))
    tax = sum((one.amounts.tax for one in lines), Decimal("1.10"))
    totals = Totals(
        currency="EUR", tax=tax, shipping=Decimal("5.00"), shipping_tax=Decimal("1.10"), grand_total=net + tax
    )
    return order(1, lines=lines, totals=totals)


ORDER = bought(line(), hat())


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


def put(connector: Any, record: Order = ORDER) -> None:
    connector.sink(ORDERS).put(record, key_of(1))


def by_another_hand(oracle: StandIn, record: Order = ORDER) -> dict[str, Any]:
    """No key of ours, and names of its own for lines, schedules and charges."""
    put(connected(oracle), record)
    kept = oracle.orders.kept[-1]
    kept["Comments"] = record.note
    for place, one in enumerate(kept["lines"], 1):
        one |= {"SourceTransactionLineId": f"L{place}", "SourceTransactionScheduleId": f"S{place}"}
        one |= {"SourceTransactionLineNumber": str(10 * place)}
        one["charges"][0]["SourceChargeId"] = f"C{place}"
    return kept


@pytest.mark.parametrize("more", [{}, ALL_TERMS, {"submit": False}, {"framework_version": 2}])
def test_what_our_own_sink_made_is_equal_in_every_field(oracle: StandIn, more: Mapping[str, Any]) -> None:
    connector = connected(oracle, **more)
    record = msgspec.structs.replace(ORDER, shipping_method="flatrate_flatrate", website="base")
    assert seen(connector, record) is None
    put(connector, record)
    oracle.requests.clear()

    found = seen(connector, record)

    assert found is not None
    assert (found.fate, found.unlike, found.number) == (Fate.EQUAL, (), "1001")
    assert set(found.uncompared) == NEVER
    assert found.compared > 130
    assert [one.method for one in oracle.requests] == ["GET"] * 3


def test_the_same_order_by_another_hand_is_equal(oracle: StandIn) -> None:
    """Another sequence, its own names, Oracle's own forms and additions."""
    kept = by_another_hand(oracle)
    kept["lines"].reverse()
    margin = {"PriceElementCode": "QP_MARGIN", "PriceElementUsageCode": "MARGIN"}
    kept |= {"TransactionOn": "2026-11-20T10:30:05.123+01:00", "ShippingCarrier": None, "Comments": "ring twice \n"}
    kept["billToCustomer"][0] |= {"PartyName": "Guests", "SiteUseId": 1}
    for one in kept["lines"]:
        one |= {"OrderedQuantity": float(one["OrderedQuantity"]), "StatusCode": "AWAIT_SHIP"}
        charge = one["charges"][0]
        charge["chargeComponents"].append(charge["chargeComponents"][0] | margin)
        one["charges"].append(charge | {"ChargeDefinitionCode": "QP_SHIPPING", "chargeComponents": []})
        for component in charge["chargeComponents"]:
            component["HeaderCurrencyExtendedAmount"] += 1e-9
            component["HeaderCurrencyUnitPrice"] = round(component["HeaderCurrencyUnitPrice"], 2)

    found = seen(connected(oracle))

    assert found is not None
    assert (found.unlike, found.fate) == ((), Fate.EQUAL)
    assert set(found.uncompared) == NEVER | {"lines[].SourceTransactionLineId"}


def amounts(place: int, *codes: str) -> set[str]:
    return {
        f"lines[{place}].charges.QP_SALE_PRICE.chargeComponents.{code}.{currency}CurrencyExtendedAmount"
        for code in codes
        for currency in ("Charge", "Header")
    }


SUMS = {f"totals.{code}" for code in ("QP_TOTAL_NET_PRICE", "QP_TOTAL_TAX", "QP_TOTAL_PAY_NOW")}


@pytest.mark.parametrize(
    ("there", "fields"),
    [
        (
            bought(line(), hat(amounts={"gross": "9.00", "net": "9.00", "tax": "1.98"})),
            SUMS | amounts(1, *(code for code in CODES if code != "QP_DISCOUNT_ADJ")),
        ),
        (bought(line()), SUMS | {"lines.length", "lines[1].ProductNumber"}),
        (
            bought(line(quantity=Decimal(2)), hat()),
            {"lines[0].OrderedQuantity", "lines[0].charges.QP_SALE_PRICE.PricedQuantity"},
        ),
        (msgspec.structs.replace(ORDER, note="ring once"), {"Comments"}),
    ],
    ids=["price", "line missing", "quantity", "note"],
)
def test_what_another_hand_did_otherwise_is_told_and_nothing_else(
    oracle: StandIn, there: Order, fields: set[str]
) -> None:
    by_another_hand(oracle, there)
    assert differing(connected(oracle)) == fields


def test_other_words_of_the_other_hand_are_told(oracle: StandIn) -> None:
    """Another customer and site, prices that are not frozen, the discount within the price, a draft."""
    kept = by_another_hand(oracle)
    kept |= {"BuyingPartyNumber": "9", "FreezePriceFlag": False, "SubmittedFlag": False, "StatusCode": "DOO_DRAFT"}
    kept["shipToCustomer"] = [{"SiteId": 5}]
    charge = kept["lines"][0]["charges"][0]
    charge["chargeComponents"] = [
        one for one in charge["chargeComponents"] if one["PriceElementCode"] != "QP_DISCOUNT_ADJ"
    ]
    del kept["lines"][2]["charges"][:]
    assert differing(connected(oracle)) == {
        *("BuyingPartyNumber", "FreezePriceFlag", "SubmittedFlag", "shipToCustomer[0].SiteId"),
        *amounts(0, "QP_DISCOUNT_ADJ"),
        *amounts(2, "QP_LIST_PRICE", "QP_NET_PRICE", "QP_EXCLUSIVE_TAX", "QP_NET_PRICE_PLUS_TAX"),
        *SUMS,
    }


def test_an_order_of_another_source_system_is_found_by_its_number(oracle: StandIn) -> None:
    kept = by_another_hand(oracle)
    kept |= {"SourceTransactionSystem": "LEG", "SourceTransactionId": "4711"}
    assert differing(connected(oracle)) == {"SourceTransactionSystem", "SourceTransactionId"}
    put(connected(oracle))  # beside ours it is another order
    assert differing(connected(oracle)) == set()


def test_twice_there_is_told_and_a_cancelled_one_beside_it_is_not_counted(oracle: StandIn) -> None:
    kept = by_another_hand(oracle)
    oracle.orders.kept.append(kept | {"HeaderId": 300000009, "OrderNumber": "1009"})
    found = seen(connected(oracle))
    assert found is not None
    assert (found.fate, found.reason, found.unlike) == (Fate.DIFFERENT, "it is there 2 times", ())
    oracle.orders.kept[-1]["CanceledFlag"] = True
    again = seen(connected(oracle))
    assert again is not None
    assert (again.fate, again.number) == (Fate.EQUAL, "1001")


def test_of_a_revision_that_a_person_is_at_the_submitted_version_is_shown(oracle: StandIn) -> None:
    kept = by_another_hand(oracle)
    draft = {"HeaderId": 999999999, "SubmittedFlag": False, "StatusCode": "DOO_DRAFT", "BuyingPartyNumber": "9"}
    oracle.orders.kept.append(kept | draft)
    assert differing(connected(oracle)) == set()
    oracle.orders.kept[-1] |= {"SubmittedFlag": True, "StatusCode": "OPEN"}
    assert differing(connected(oracle)) == {"BuyingPartyNumber"}


def test_what_oracle_does_not_tell_is_named_and_no_difference(oracle: StandIn) -> None:
    """Fields that a release does not have, children that do not come with it, codes that nothing is told of."""
    kept = by_another_hand(oracle)
    for one in kept["lines"]:
        del one["OrderedUOMCode"]
        one["charges"][0]["ChargeSubtypeCode"] = None
        for component in one["charges"][0]["chargeComponents"]:
            component["ChargeCurrencyExtendedAmount"] = None

    def less(asked: Asked, done: Callable[[], Answer]) -> Answer:
        answer = done()
        if asked.query.get("expand") == "billToCustomer,shipToCustomer,totals":
            for name in ("FreezeTaxFlag", "totals", "shipToCustomer"):
                del answer.body[name]
            answer.body["billToCustomer"]["hasMore"] = True
        return answer

    oracle.around = less
    found = seen(connected(oracle))
    assert found is not None
    assert (found.fate, found.unlike) == (Fate.EQUAL, ())
    assert set(found.uncompared) == {
        *NEVER,
        *("FreezeTaxFlag", "lines[].SourceTransactionLineId", "lines[].OrderedUOMCode", f"{CHARGE}.ChargeSubtypeCode"),
        *(f"{CHARGE}.chargeComponents.{code}.ChargeCurrencyExtendedAmount" for code in CODES),
        *(f"totals.{code.removeprefix('totals.')}" for code in SUMS),
        *("billToCustomer[].AccountNumber", "billToCustomer[].SiteUseId", "shipToCustomer[].SiteId"),
    }


def test_of_an_order_that_was_cancelled_since_amounts_are_not_compared(oracle: StandIn) -> None:
    kept = by_another_hand(oracle)
    kept |= {"CanceledFlag": True, "StatusCode": "CANCELED"}
    for one in kept["lines"]:
        one["OrderedQuantity"] = 0
    found = seen(connected(oracle))
    assert found is not None
    assert (found.fate, found.unlike) == (Fate.EQUAL, ())
    assert {"lines[].OrderedQuantity", "totals.QP_TOTAL_TAX"} < set(found.uncompared)


def test_an_order_that_goes_while_it_is_looked_at_is_looked_at_again(oracle: StandIn) -> None:
    by_another_hand(oracle)

    def gone(asked: Asked, done: Callable[[], Answer]) -> Answer:
        return Answer(status=404, raw=b"Not Found") if "expand" in asked.query else done()

    oracle.around = gone
    with pytest.raises(Temporary, match="a moment ago"):
        seen(connected(oracle))


def test_what_would_not_go_is_refused_before_oracle_is_asked(oracle: StandIn) -> None:
    with pytest.raises(Rejected):
        seen(connected(oracle), msgspec.structs.replace(ORDER, totals=order(1).totals))
    assert oracle.requests == []


@needs_shared
@pytest.mark.timeout(120)
def test_recorded_orders_are_shown_as_they_were_sent(oracle: StandIn) -> None:
    for place, path in enumerate(RECORDED):
        record = read(path)
        connector = connected(oracle, reference_prefix=f"R{place}-")  # some recordings show one order at two moments
        put(connector, record)
        found = seen(connector, record)
        assert found is not None, path.stem
        assert (found.fate, found.unlike) == (Fate.EQUAL, ()), path.stem
        assert set(found.uncompared) <= NEVER, path.stem
    assert len(RECORDED) > 200


# --- what becomes of orders -------------------------------------------------------------------------------------------


def test_a_cancellation_is_shown_line_by_line(oracle: StandIn) -> None:
    connector = connected(oracle, **FOLLOWERS)
    assert seen(connector, change(1), CANCELLATIONS) is None
    kept = by_another_hand(oracle)
    assert seen(connector, change(1), CANCELLATIONS) is None
    kept["lines"][0]["OrderedQuantity"] = 0
    part = seen(connector, change(1), CANCELLATIONS)
    assert part is not None
    assert [(one.field, one.ours, one.theirs) for one in part.unlike] == [
        ("lines[1].OrderedQuantity", "0", "1"),
        ("lines[2].OrderedQuantity", "0", "1"),
    ]
    assert part.uncompared == ("lines[].CancelReason",)
    kept["CanceledFlag"] = True
    whole = seen(connector, change(1), CANCELLATIONS)
    assert whole is not None
    assert (whole.fate, whole.number, whole.compared) == (Fate.EQUAL, "1001", 6)


@pytest.mark.parametrize(
    ("kind", "held", "there"),
    [
        (ChangeKind.HOLD, True, True),
        (ChangeKind.HOLD, False, False),
        (ChangeKind.UNHOLD, False, True),
        (ChangeKind.UNHOLD, True, False),
    ],
)
def test_a_hold_is_shown_by_the_flag_alone(oracle: StandIn, kind: ChangeKind, *, held: bool, there: bool) -> None:
    connector = connected(oracle, **FOLLOWERS)
    by_another_hand(oracle)["OnHoldFlag"] = held
    found = seen(connector, change(1, kind), HOLDS)
    assert (found is not None) is there
    if found is not None:
        assert (found.fate, found.compared) == (Fate.EQUAL, 1)
        assert "holdRequests[].HoldCode" in found.uncompared
