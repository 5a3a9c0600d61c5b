"""Orders into Oracle: steps that break off, other people's orders, sums that differ."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from crossdock.conformance.faults import Fault
from crossdock.contract.lookups import FixedLookups
from crossdock.erp.oracle_fusion.orders import OrderSink
from crossdock.errors import (
    Conflict,
    MappingError,
    Misconfigured,
    MissingEntry,
    OutcomeUnknown,
    Rejected,
    Temporary,
)
from crossdock.flows import FLOWS
from crossdock.model.change import ChangeKind
from crossdock.model.order import Buyer, Payment
from crossdock.sandbox.erps.oracle_fusion import StandIn
from crossdock.sandbox.wire import Answer
from tests.erp.oracle_fusion.oracle import connected, fail_next
from tests.erp.oracle_fusion.samples import change, followup_key, key_of, order

TABLES = {
    "buying_parties": {"7": "1007"},
    "bill_to_accounts": {"7": "10070"},
    "bill_to_site_uses": {"7": "71"},
    "ship_to_parties": {"7": "300"},
    "ship_to_sites": {"7": "72"},
    "payment_terms": {"checkmo": "Net 30"},
    "shipping_methods": {"flatrate_flatrate": "DHL | Standard |"},
    "tax_codes": {"VAT": "DE_19"},
    "units": {"SIM-0001": "Pcs"},
    "business_units": {"base": "US1 Business Unit"},
    "currencies": {"EUR": "EUR"},
}


def sink_of(oracle: StandIn, **more: Any) -> OrderSink:
    sink = connected(oracle, **more).sink(FLOWS["orders"])
    assert isinstance(sink, OrderSink)
    return sink


def asked(oracle: StandIn) -> list[str]:
    return [f"{one.method} {one.path.rpartition('11.13.18.05/')[2]}" for one in oracle.requests]


# --- what is sent -----------------------------------------------------------------------------------------------------


def test_an_order_is_a_draft_until_its_totals_are_seen(oracle: StandIn) -> None:
    receipt = sink_of(oracle).put(order(1), key_of(1))
    key = "salesOrdersForOrderHub/WEB:000000001"
    assert asked(oracle) == [
        f"GET {key}",
        "GET salesOrdersForOrderHub",
        "POST salesOrdersForOrderHub",
        f"GET {key}",
        f"GET {key}/child/totals",
        f"PATCH {key}",
        f"GET {key}",
        f"GET {key}/child/lines",
    ]
    (kept,) = oracle.orders.kept
    assert (receipt.external_id, receipt.number) == (str(kept["HeaderId"]), kept["OrderNumber"])
    assert receipt.links == {"11": str(kept["lines"][0]["FulfillLineId"])}
    assert oracle.there() == ["000000001"]


def test_every_request_says_its_framework_version(oracle: StandIn) -> None:
    sink_of(oracle, framework_version=6).put(order(1), key_of(1))
    assert {one.headers["rest-framework-version"] for one in oracle.requests} == {"6"}


def test_prices_are_frozen_and_extended_amounts_are_the_orders_own(oracle: StandIn) -> None:
    sink_of(oracle).put(order(1), key_of(1))
    (kept,) = oracle.orders.kept
    assert kept["FreezePriceFlag"] is kept["FreezeShippingChargeFlag"] is kept["FreezeTaxFlag"] is True
    components = kept["lines"][0]["charges"][0]["chargeComponents"]
    told = {one["PriceElementUsageCode"]: one["HeaderCurrencyExtendedAmount"] for one in components}
    assert told == {
        "LIST_PRICE": 59.97,
        "PRICE_ADJUSTMENT": -6.0,
        "NET_PRICE": 53.97,
        "EXCLUSIVE_TAX": 11.87,
        "NET_PRICE_PLUS_TAX": 65.84,
    }
    assert components[0]["HeaderCurrencyUnitPrice"] == 19.99
    assert components[3]["HeaderCurrencyUnitPrice"] == 3.956667
    assert kept["TransactionOn"] == "2026-11-20T09:30:05+00:00"


def test_what_is_called_otherwise_in_oracle_comes_from_tables(oracle: StandIn) -> None:
    sink = sink_of(oracle, lookups=FixedLookups(TABLES | {"tax_codes": {"VAT": "DE_19"}}), customer={})
    sink.put(order(1, shipping_method="flatrate_flatrate", website="base"), key_of(1))
    (kept,) = oracle.orders.kept
    assert kept["BuyingPartyNumber"] == "1007"
    assert kept["billToCustomer"] == [{"AccountNumber": "10070", "SiteUseId": 71}]
    assert kept["shipToCustomer"] == [{"PartyId": 300, "SiteId": 72}]
    assert (kept["PaymentTerms"], kept["ShippingCarrier"], kept["ShippingServiceLevel"]) == (
        "Net 30",
        "DHL",
        "Standard",
    )
    assert "ShippingMode" not in kept
    goods, shipping = kept["lines"]
    assert (goods["OrderedUOMCode"], shipping["OrderedUOMCode"]) == ("Pcs", "Ea")
    assert (goods["TaxClassificationCode"], shipping["TaxClassificationCode"]) == ("DE_19", "DE_19")


def test_a_site_is_looked_up_by_its_own_address(oracle: StandIn) -> None:
    customer = dict(oracle.table()["customer"]) | {"lookup_by": "{customer}/{country}/{postcode}"}
    tables = FixedLookups({"ship_to_sites": {"guest/DE/10115": "99"}})
    guest = Buyer(guest=True)
    sink_of(oracle, customer=customer, lookups=tables).put(order(1, buyer=guest), key_of(1))
    assert oracle.orders.kept[0]["shipToCustomer"] == [{"SiteId": 99}]


@pytest.mark.parametrize("table", ["buying_parties", "ship_to_sites", "payment_terms", "tax_codes", "units"])
def test_a_missing_entry_parks_the_order_before_anything_is_asked(oracle: StandIn, table: str) -> None:
    with pytest.raises(MissingEntry) as caught:
        sink_of(oracle, lookups=FixedLookups({table: {"other": "x"}})).put(order(1), key_of(1))
    assert caught.value.table == table
    assert [one.method for one in oracle.requests if one.method != "GET"] == []


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"customer": {}}, "customer.buyer"),
        ({"products": {}}, "products.shipping"),
        ({"customer": {"buyer": "1", "account": "2", "bill_site_use": "3"}}, "customer.ship_site"),
    ],
)
def test_what_neither_a_table_nor_a_setting_says_parks_the_order(oracle: StandIn, more: Any, field: str) -> None:
    with pytest.raises(MappingError) as caught:
        sink_of(oracle, **more).put(order(1), key_of(1))
    assert caught.value.field == field
    assert oracle.orders.kept == []


def test_a_number_that_would_break_an_address_is_refused(oracle: StandIn) -> None:
    with pytest.raises(MappingError):
        sink_of(oracle).put(msgspec.structs.replace(order(1), number="1/2' or 1=1"), key_of(1))
    assert oracle.orders.kept == []


def test_an_address_is_told_as_text_where_that_is_set(oracle: StandIn) -> None:
    sink_of(oracle, address_in="ShippingInstructions").put(order(1), key_of(1))
    assert "Harbour 1" in oracle.orders.kept[0]["ShippingInstructions"]
    sink_of(oracle).put(order(2), key_of(2))
    assert "ShippingInstructions" not in oracle.orders.kept[1]


def test_a_long_note_does_not_push_our_key_out(oracle: StandIn) -> None:
    sink = sink_of(oracle)
    wordy = order(1, note="ring twice " * 500, gift_message="all the best " * 500)
    sink.put(wordy, key_of(1))
    assert len(oracle.orders.kept[0]["Comments"]) < 2000
    assert sink.find(wordy, key_of(1)) is not None


def test_the_preview_is_what_is_sent(oracle: StandIn) -> None:
    connector = connected(oracle)
    shown = connector.preview(
        FLOWS["orders"], order(1, payment=Payment(method="checkmo", purchase_order_number="PO-9"))
    )
    assert (shown["SubmittedFlag"], shown["CustomerPONumber"]) == (False, "PO-9")
    assert oracle.requests == []


# --- sums -------------------------------------------------------------------------------------------------------------


def test_an_order_whose_own_sums_differ_is_parked_before_anything_is_asked(oracle: StandIn) -> None:
    wrong = order(1, lines=())
    with pytest.raises(Rejected, match=r"net 5\.00 instead of 58\.97"):
        sink_of(oracle).put(wrong, key_of(1))
    assert oracle.requests == []


def test_a_draft_that_oracle_adds_up_otherwise_is_never_submitted(oracle: StandIn) -> None:
    oracle.orders.tax_off = Decimal("0.01")
    sink = sink_of(oracle)
    for _ in range(2):
        with pytest.raises(Rejected, match=r"tax 12.98 instead of 12.97 \(\+0.01\), gross 71.95 instead of 71.94"):
            sink.put(order(1), key_of(1))
    assert [one["SubmittedFlag"] for one in oracle.orders.kept] == [False]
    assert oracle.there() == []
    assert sink.find(order(1), key_of(1)) is None
    oracle.orders.tax_off = Decimal(0)  # a person has put the draft right
    assert sink.put(order(1), key_of(1)).found
    assert oracle.there() == ["000000001"]


def test_totals_that_cannot_be_read_are_no_proof(oracle: StandIn) -> None:
    with pytest.raises(Rejected, match="no total NET"):
        sink_of(oracle, totals={"net": "NET"}).put(order(1), key_of(1))
    assert oracle.there() == []


def test_totals_that_are_not_named_are_not_compared(oracle: StandIn) -> None:
    oracle.orders.tax_off = Decimal("0.01")
    sink_of(oracle, totals={"net": "", "tax": "", "gross": ""}).put(order(1), key_of(1))
    assert oracle.there() == ["000000001"]


def test_a_draft_is_proved_also_where_it_is_to_stay_one(oracle: StandIn) -> None:
    sink = sink_of(oracle, submit=False)
    fail_next(oracle, Fault.RESET_AFTER)
    with pytest.raises(OutcomeUnknown):
        sink.put(order(1), key_of(1))
    oracle.orders.tax_off = Decimal("0.01")
    with pytest.raises(Rejected, match="instead of"):
        sink.find(order(1), key_of(1))


# --- steps that break off ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.ERROR_AFTER, Fault.GARBAGE])
def test_an_order_that_broke_off_at_any_step_is_there_once(oracle: StandIn, fault: Fault, step: int) -> None:
    """Step 0 makes the draft, step 1 submits it."""
    sink = sink_of(oracle)
    fail_next(oracle, fault, skip=step)
    with pytest.raises(OutcomeUnknown):
        sink.put(order(1), key_of(1))
    found = sink.find(order(1), key_of(1))
    assert (found is None) is (step == 0), "a draft is not there yet, a submitted order is"
    receipt = found or sink.put(order(1), key_of(1))
    assert receipt.found
    assert receipt.links
    assert oracle.there() == ["000000001"]
    assert sink.count(order(1), key_of(1)) == 1


def test_a_draft_is_not_counted_and_a_cancelled_order_is(oracle: StandIn) -> None:
    sink = sink_of(oracle)
    fail_next(oracle, Fault.RESET_AFTER)
    with pytest.raises(OutcomeUnknown):
        sink.put(order(1), key_of(1))
    assert sink.count(order(1), key_of(1)) == 0
    sink.put(order(1), key_of(1))
    cancel = connected(oracle, flows=["cancellations"], cancel={"reason": "x"}).sink(FLOWS["cancellations"])
    cancel.put(change(1), followup_key(1, "cancel"))
    assert sink.count(order(1), key_of(1)) == 1


def test_a_double_is_counted(oracle: StandIn) -> None:
    sink = sink_of(oracle)
    sink.put(order(1), key_of(1))
    oracle.orders.kept.append(oracle.orders.kept[0] | {"HeaderId": 1, "OrderNumber": "9"})
    assert sink.count(order(1), key_of(1)) == 2
    assert oracle.there() == ["000000001"] * 2


def test_a_revision_that_a_person_is_at_is_not_submitted(oracle: StandIn) -> None:
    sink = sink_of(oracle)
    sink.put(order(1), key_of(1))
    draft = {"HeaderId": 999, "SubmittedFlag": False, "StatusCode": "DOO_DRAFT"}
    oracle.orders.kept.append(oracle.orders.kept[0] | draft)
    found = sink.find(order(1), key_of(1))
    assert found is not None
    assert found.external_id != "999"
    assert sink.put(order(1), key_of(1)).found
    assert oracle.orders.kept[-1]["SubmittedFlag"] is False


def test_an_order_that_oracle_does_not_submit_says_why(oracle: StandIn) -> None:
    oracle.orders.unready = "The application didn't submit the sales order because it failed validation."
    with pytest.raises(Rejected, match="failed validation"):
        sink_of(oracle).put(order(1), key_of(1))
    assert oracle.there() == []


def test_a_cancelled_order_is_not_made_again(oracle: StandIn) -> None:
    sink = sink_of(oracle)
    sink.put(order(1), key_of(1))
    oracle.orders.kept[0] |= {"CanceledFlag": True, "StatusCode": "CANCELED"}
    assert sink.find(order(1), key_of(1)) is None
    with pytest.raises(Rejected, match="cancelled in Oracle"):
        sink.put(order(1), key_of(1))
    assert len(oracle.orders.kept) == 1


# --- other people's orders, and what cannot be seen -------------------------------------------------------------------


@pytest.mark.parametrize("comments", ["", "by hand", "crossdock: v1:other:order:1:place"])
def test_an_order_of_somebody_else_is_left_alone(oracle: StandIn, comments: str) -> None:
    sink = sink_of(oracle)
    sink.put(order(1), key_of(1))
    oracle.orders.kept[0]["Comments"] = comments
    assert sink.find(order(1), key_of(1)) is None
    with pytest.raises(Conflict):
        sink.put(order(1), key_of(1))
    assert len(oracle.orders.kept) == 1


def test_a_wrong_path_is_no_proof_of_absence(oracle: StandIn) -> None:
    sink = sink_of(oracle, resources="/fscmRestApi/resources/latest")
    with pytest.raises(Misconfigured):
        sink.find(order(1), key_of(1))
    with pytest.raises(Misconfigured):
        sink.put(order(1), key_of(1))


def test_an_order_that_was_made_and_cannot_be_seen_is_not_tried_again_by_itself(oracle: StandIn) -> None:
    """Business unit data security hides it from our user: Oracle answers 404, and an empty list."""

    def hiding(asked: Any, done: Any) -> Answer:
        if asked.method == "GET" and asked.path.endswith("OrderHub"):
            return Answer(body={"items": [], "hasMore": False})
        return Answer(status=404, raw=b"Not Found") if asked.method == "GET" else done()

    oracle.around = hiding
    with pytest.raises(Rejected, match="cannot be read"):
        sink_of(oracle).put(order(1), key_of(1))
    assert len(oracle.orders.kept) == 1


def test_a_find_that_cannot_tell_is_temporary(oracle: StandIn) -> None:
    oracle.around = lambda _asked, _done: Answer(status=500, raw=b"oops")
    with pytest.raises(Temporary):
        sink_of(oracle).find(order(1), key_of(1))


# --- follow-ups -------------------------------------------------------------------------------------------------------


def test_an_order_is_held_released_and_held_again(oracle: StandIn) -> None:
    sink_of(oracle).put(order(1), key_of(1))
    holds = connected(oracle, flows=["holds"], hold={"code": "WEB", "release_reason": "OK"}).sink(FLOWS["holds"])
    for what, kind in (("hold", ChangeKind.HOLD), ("unhold", ChangeKind.UNHOLD), ("hold-2", ChangeKind.HOLD)):
        assert not holds.put(change(1, kind), followup_key(1, what)).found
        assert holds.put(change(1, kind), followup_key(1, what)).found
    assert [action for action, _ in oracle.orders.held] == ["applyHold", "releaseHold", "applyHold"]


def test_a_followup_of_an_order_that_is_not_there_waits(oracle: StandIn) -> None:
    holds = connected(oracle, flows=["holds"], hold={"code": "WEB", "release_reason": "OK"}).sink(FLOWS["holds"])
    cancels = connected(oracle, flows=["cancellations"], cancel={"reason": "x"}).sink(FLOWS["cancellations"])
    for sink, what in ((holds, "hold"), (cancels, "cancel")):
        with pytest.raises(Temporary, match="does not have this order yet"):
            sink.put(change(1, ChangeKind.HOLD), followup_key(1, what))


def test_a_followup_does_not_touch_another_shops_order(oracle: StandIn) -> None:
    sink_of(oracle).put(order(1), "v1:other:order:1:place")
    cancels = connected(oracle, flows=["cancellations"], cancel={"reason": "x"}).sink(FLOWS["cancellations"])
    with pytest.raises(Temporary):
        cancels.put(change(1), followup_key(1, "cancel"))
    assert cancels.find(change(1), followup_key(1, "cancel")) is None
    assert oracle.orders.changed == []


def test_a_hold_that_did_not_show_is_not_believed(oracle: StandIn) -> None:
    sink_of(oracle).put(order(1), key_of(1))
    holds = connected(oracle, flows=["holds"], hold={"code": "WEB", "release_reason": "OK"}).sink(FLOWS["holds"])
    oracle.around = lambda asked, done: Answer(body={"result": "?"}) if "action" in asked.path else done()
    with pytest.raises(Temporary, match="not on hold yet"):
        holds.put(change(1, ChangeKind.HOLD), followup_key(1, "hold"))
