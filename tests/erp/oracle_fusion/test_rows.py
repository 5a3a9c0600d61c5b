"""What is particular about reading Oracle: sums of balances, pages that end within an item, dates, disorder."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from crossdock.conformance.rows import scanned, stored
from crossdock.contract.connector import RowPage
from crossdock.errors import Misconfigured
from crossdock.sandbox.erps.oracle_fusion import StandIn
from crossdock.sandbox.wire import Answer
from tests.erp.oracle_fusion.oracle import connected
from tests.erp.oracle_fusion.stock import LIST, READS, charge, paged, set_item, set_level, set_price, sku


def rows(pages: list[RowPage]) -> list[dict[str, Any]]:
    return [dict(row) for page in pages for row in page.rows]


def read(oracle: StandIn, flow: str, size: int = 2, **more: Any) -> list[RowPage]:
    reads = paged(size)
    reads[flow] |= more
    return scanned(connected(oracle, reads=reads).rows(flow), None)


def levels(oracle: StandIn, **more: Any) -> dict[tuple[str, str], Decimal]:
    return {(row["warehouse"], row["sku"]): row["qty"] for row in rows(read(oracle, "inventory", **more))}


def test_a_level_is_the_sum_of_an_items_balances_in_one_organization(oracle: StandIn) -> None:
    set_level(oracle, 1, 3, 4.5, -1)
    set_level(oracle, 1, 7, org="V2")
    set_level(oracle, 2, 1)
    set_level(oracle, 3, 9, org="elsewhere")
    assert levels(oracle) == {("V1", sku(1)): Decimal("6.5"), ("V2", sku(1)): 7, ("V1", sku(2)): 1}


def test_an_item_that_has_no_balance_any_more_is_told_with_nothing(oracle: StandIn) -> None:
    set_level(oracle, 1, 3)
    set_level(oracle, 2)
    set_level(oracle, 3)
    assert levels(oracle)["V1", sku(2)] == 0


def test_an_organization_that_our_user_may_not_see_does_not_empty_the_shop(oracle: StandIn) -> None:
    set_level(oracle, 1)
    with pytest.raises(Misconfigured, match="no balance at all"):
        levels(oracle)
    assert levels(oracle, empty_is_zero=True) == {("V1", sku(1)): 0}


def test_balances_of_two_levels_are_not_added_up(oracle: StandIn) -> None:
    set_level(oracle, 1, 3, 4)
    oracle.balances.append(oracle.balances[0] | {"SummaryLevel": "Organization", "PrimaryQuantity": 7})
    with pytest.raises(Misconfigured, match="Organization, Subinventory"):
        levels(oracle)
    assert levels(oracle, summary_level="Organization") == {("V1", sku(1)): 7}


@pytest.mark.parametrize("many", [498, 499, 500, 1200])
def test_an_item_with_more_balances_than_a_page_is_counted_whole(oracle: StandIn, many: int) -> None:
    set_level(oracle, 1, *([1] * 3))
    set_level(oracle, 2, *([1] * many))
    set_level(oracle, 3, *([1] * 3))
    assert levels(oracle, size=10) == {("V1", sku(1)): 3, ("V1", sku(2)): many, ("V1", sku(3)): 3}


def test_pages_never_go_by_a_page_number(oracle: StandIn) -> None:
    for number in range(1, 8):
        set_level(oracle, number, number)
    pages = read(oracle, "inventory")
    assert not any("offset" in one.query for one in oracle.requests)
    assert all(set(page.watermark.value.get("next") or {}) <= {"part", "after"} for page in pages)


def test_a_server_that_gives_smaller_pages_is_read_to_its_end(oracle: StandIn) -> None:
    for number in range(1, 8):
        set_item(oracle, number, f"Shirt {number}")

    def stingy(asked: Any, done: Any) -> Answer:
        answer = done()
        body = dict(answer.body)
        if len(body["items"]) > 3:
            body |= {"items": body["items"][:3], "hasMore": True}
        return Answer(body=body)

    oracle.around = stingy
    assert [row["sku"] for row in rows(read(oracle, "products", size=499))] == [sku(n) for n in range(1, 8)]


def test_a_server_that_forgets_to_say_that_there_is_more_is_asked_once_more(oracle: StandIn) -> None:
    for number in range(1, 5):
        set_item(oracle, number, f"Shirt {number}")
    oracle.around = lambda _asked, done: Answer(body=done().body | {"hasMore": False})
    assert len(rows(read(oracle, "products", size=2))) == 4


def test_rows_out_of_order_stop_the_reading(oracle: StandIn) -> None:
    for number in range(1, 4):
        set_item(oracle, number, f"Shirt {number}")
    oracle.around = lambda _asked, done: Answer(body={**done().body, "items": done().body["items"][::-1]})
    with pytest.raises(Misconfigured, match="order of ItemId"):
        read(oracle, "products", size=499)


def test_balances_out_of_order_stop_the_reading(oracle: StandIn) -> None:
    for number in (1, 2):
        set_level(oracle, number, 1)

    def shuffled(asked: Any, done: Any) -> Answer:
        answer: Answer = done()
        if "Balances" not in asked.path:
            return answer
        return Answer(body={**answer.body, "items": answer.body["items"][::-1]})

    oracle.around = shuffled
    with pytest.raises(Misconfigured, match="order of InventoryItemId"):
        read(oracle, "inventory", size=499)


@pytest.mark.parametrize(
    ("flow", "more", "told"),
    [
        ("inventory", {"quantity_field": "ItemNumber"}, "no quantity in ItemNumber"),
        ("inventory", {"balance_key": "ItemNumber"}, "cannot be compared"),
        ("products", {"item_key": "ItemNumber"}, "cannot be compared"),
        ("products", {"status_field": "Colour"}, "Colour"),
        ("prices", {"item_field": "ItemNumber"}, "has no ItemNumber"),
        ("prices", {"price_field": "Price"}, "has no Price"),
        ("prices", {"price_list": 7}, "HTTP 404"),
    ],
)
def test_fields_that_are_called_otherwise_stop_the_reading(
    oracle: StandIn, flow: str, more: dict[str, Any], told: str
) -> None:
    set_level(oracle, 1, 3)
    set_item(oracle, 1, "Shirt")
    set_price(oracle, 1, charge(1.5))
    with pytest.raises(Misconfigured, match=told):
        read(oracle, flow, **more)


def test_a_product_is_told_with_its_status(oracle: StandIn) -> None:
    set_item(oracle, 1, "Shirt")
    set_item(oracle, 2, "Old shirt")["ItemStatusValue"] = "Obsolete"
    told = rows(read(oracle, "products"))
    assert [(row["name"], row["status"]) for row in told] == [("Shirt", "enabled"), ("Old shirt", "disabled")]
    assert "status" not in rows(read(oracle, "products", status_field=""))[0]


def test_a_scan_asks_from_before_the_one_before(oracle: StandIn) -> None:
    set_item(oracle, 1, "Shirt", at=oracle.clock() - timedelta(days=3))
    source = connected(oracle, reads=READS).rows("products")
    first = scanned(source, None)
    oracle.requests.clear()
    assert rows(scanned(source, stored(first[-1]))) == []
    asked = oracle.requests[0].query["q"]
    assert "LastUpdateDateTime >= '" in asked
    assert asked.endswith("ItemId > 0")


def test_without_a_change_field_each_scan_is_whole(oracle: StandIn) -> None:
    set_item(oracle, 1, "Shirt")
    source = connected(oracle, reads={"products": READS["products"] | {"change_field": ""}}).rows("products")
    first = scanned(source, None)
    assert len(rows(scanned(source, stored(first[-1])))) == 1


def test_the_price_that_is_valid_now_is_told(oracle: StandIn) -> None:
    now = oracle.clock()
    past, yesterday, tomorrow = ((now + timedelta(days=n)).isoformat() for n in (-9, -1, 1))
    set_price(
        oracle,
        1,
        charge(1, StartDate=past, EndDate=yesterday),
        charge(2, StartDate=past),
        charge(3, StartDate=yesterday, EndDate=tomorrow),
        charge(4, StartDate=tomorrow),
        charge(5, StartDate=yesterday, PricingChargeDefinitionCode="QP_RECURRING"),
    )
    set_price(oracle, 2, charge(4, StartDate=tomorrow))
    told = rows(read(oracle, "prices"))
    assert [(row["sku"], row["price"], row["tax"], row["currency"]) for row in told] == [(sku(1), 3, "excluded", "EUR")]


@pytest.mark.parametrize("charges", [None, {"items": [], "hasMore": True}, "x"])
def test_charges_that_do_not_come_whole_stop_the_reading(oracle: StandIn, charges: Any) -> None:
    set_price(oracle, 1, charge(1))
    oracle.prices[LIST][0]["charges"] = charges
    with pytest.raises(Misconfigured, match="charges"):
        read(oracle, "prices")


def test_charges_of_older_frameworks_are_a_plain_list(oracle: StandIn) -> None:
    set_price(oracle, 1, charge(1.25))
    oracle.prices[LIST][0]["charges"] = [charge(1.25)]
    assert rows(read(oracle, "prices"))[0]["price"] == Decimal("1.25")
