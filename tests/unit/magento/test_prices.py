"""The price sink, before the sandbox's own store without a wire: what is kept is what is told, whatever is wrong."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.contract.message import Receipt
from crossdock.errors import OutcomeUnknown, Rejected, Temporary
from crossdock.magento.answers import RowsRejected, classify
from crossdock.magento.client import MagentoClient
from crossdock.magento.inventory import Catalog
from crossdock.magento.mapping.prices import blamed, named
from crossdock.magento.prices import PriceSink
from crossdock.magento.stores import Stores
from crossdock.model.price import Price, Step
from crossdock.sandbox.clock import Clock
from crossdock.sandbox.store import Store
from crossdock.sandbox.wire import Asked
from crossdock.transport.auth import Bearer
from crossdock.transport.wire import HttpRequest, HttpResponse


class Wire:
    """Sends into the store at once. `instead` answers a path in its place, as long as there is something in it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.sent: list[tuple[str, list[Any]]] = []
        self.instead: dict[str, list[HttpResponse]] = {}

    def send(self, request: HttpRequest) -> HttpResponse:
        path = urlsplit(request.url).path
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = request.body or b""
        if request.method != "GET" and "information" not in path:
            self.sent.append((f"{request.method} {path.rpartition('/')[2]}", json.loads(body)["prices"]))
        if waiting := self.instead.get(path.rpartition("/")[2]):
            return waiting.pop(0)
        asked = Asked(
            method=request.method, path=path, query=dict(request.query), headers=headers, body=body, target=path
        )
        answer = self.store.answer(asked)
        assert answer.raw is not None
        return HttpResponse(status=answer.status, body=answer.raw)


class Shop:
    def __init__(self, scope: str = "global") -> None:
        self.store = Store(Clock(), token="t")
        self.store.prices.scope = scope
        self.wire = Wire(self.store)
        self.client = MagentoClient(self.wire, Bearer("t"), base_url="http://127.0.0.1")
        self.sink = PriceSink(self.client, Catalog(self.client), Stores(self.client))

    def put(self, *prices: Price) -> list[str]:
        found = self.sink.put_many([(price, "key") for price in prices])
        return [type(one).__name__ if not isinstance(one, Receipt) else "ok" for one in found]

    def holds(self, price: Price) -> bool:
        return self.sink.find(price, "key") is not None


def base(sku: str, amount: str = "5", scope: int = 0) -> Price:
    return Price(kind="base", sku=sku, scope=scope, amount=Decimal(amount), currency="EUR")


def special(sku: str, amount: str | None = "4", **days: Any) -> Price:
    return Price(kind="special", sku=sku, amount=None if amount is None else Decimal(amount), currency="EUR", **days)


def tier(sku: str, quantity: str = "2", amount: str | None = "3", group: str = "General", **more: Any) -> Price:
    found = None if amount is None else Decimal(amount)
    return Price(kind="tier", sku=sku, group=group, quantity=Decimal(quantity), amount=found, currency="EUR", **more)


def configurable(shop: Shop, sku: str) -> None:
    shop.store.catalog.rows[sku.casefold()] = {"id": 900, "entity_id": 900, "sku": sku, "type_id": "configurable"}


def test_a_sku_is_sent_as_the_store_spells_it() -> None:
    shop = Shop()
    assert shop.put(base("sim-0001")) == ["ok"]
    assert shop.wire.sent == [("POST base-prices", [{"price": 5, "store_id": 0, "sku": "SIM-0001"}])]


def test_an_error_that_names_its_row_costs_one_call() -> None:
    shop = Shop()
    configurable(shop, "TSHIRT")
    assert shop.put(base("SIM-0001"), base("TSHIRT"), base("SIM-0002")) == ["ok", "Rejected", "ok"]
    assert len(shop.wire.sent) == 1


def test_an_error_that_may_be_of_two_rows_is_found_by_halving() -> None:
    shop = Shop("website")
    configurable(shop, "TSHIRT")
    rows = [base("TSHIRT"), base("TSHIRT", scope=2), *(base(f"SIM-{n:04}") for n in range(1, 7))]
    assert shop.put(*rows) == ["Rejected"] * 2 + ["ok"] * 6
    assert all(shop.holds(row) for row in rows[2:])
    assert [len(sent) for _, sent in shop.wire.sent] == [8, 4, 2, 1, 1, 2, 4]


def test_one_unknown_sku_among_tiers_is_found_by_halving_where_it_went_meanwhile() -> None:
    shop = Shop()
    rows = [tier(f"SIM-{n:04}") for n in range(1, 17)]
    assert shop.put(*rows) == ["ok"] * 16
    del shop.store.catalog.rows["sim-0005"]
    assert shop.put(*rows) == ["ok"] * 4 + ["Rejected"] + ["ok"] * 11


def test_a_limit_of_the_input_is_kept_by_halving() -> None:
    shop = Shop()
    shop.store.prices.most = 20
    assert shop.put(*(base(f"SIM-{n:04}", str(n)) for n in range(1, 61))) == ["ok"] * 60
    assert sorted(len(rows) for _, rows in shop.wire.sent) == [15, 15, 15, 15, 30, 30, 60]


@pytest.mark.parametrize(
    "text", ["Could not save Prices.", "Could not save Tier Prices", "Could not replace Tier Prices"]
)
def test_what_the_database_refused_is_tried_again(text: str) -> None:
    assert isinstance(classify("POST", 400, {}, json.dumps({"message": text}).encode()), Temporary)
    shop = Shop()
    shop.wire.instead["base-prices"] = [HttpResponse(status=400, body=json.dumps({"message": text}).encode())]
    assert shop.put(base("SIM-0001"), base("SIM-0002")) == ["Temporary", "Temporary"]
    assert len(shop.wire.sent) == 1, "it says nothing of the rows"


@pytest.mark.parametrize("body", [b"{}", b"true", b'"ok"', b"<html>", b'[{"sku": "SIM-0001"}]'])
def test_an_answer_that_does_not_say_so_is_no_success(body: bytes) -> None:
    shop = Shop()
    shop.wire.instead["base-prices"] = [HttpResponse(status=200, body=body)]
    assert shop.put(base("SIM-0001")) == [OutcomeUnknown.__name__]


def test_a_question_that_fails_is_never_an_unknown_outcome() -> None:
    shop = Shop()
    shop.wire.instead["special-price-information"] = [HttpResponse(status=500, body=b"<html>")]
    assert shop.put(special("SIM-0001")) == ["Temporary"]
    assert shop.wire.sent == []


def test_scopes_and_currency_are_held_against_the_store() -> None:
    shop = Shop()
    wrong = [base("SIM-0001", scope=2), base("SIM-0001", scope=7), tier("SIM-0001", scope=1), tier("SIM-0001", scope=5)]
    dollars = Price(kind="base", sku="SIM-0001", amount=Decimal(1), currency="USD")
    assert shop.put(*wrong, dollars) == ["Rejected"] * 5
    assert shop.wire.sent == []
    assert shop.put(tier("SIM-0001", amount="10", discount=True)) == ["ok"]


def test_what_is_remembered_of_the_store_is_asked_anew_before_a_price_is_refused() -> None:
    shop = Shop()
    assert shop.put(base("SIM-0001", scope=2)) == ["Rejected"]
    shop.store.prices.scope = "website"
    asked = len(shop.store.requests)
    assert shop.put(base("SIM-0001", scope=2)) == ["ok"]
    assert shop.put(base("SIM-0001", "6", scope=2)) == ["ok"]
    questions = [one.partition("?")[0] for one in list(shop.store.requests)[asked:] if one.startswith("GET")]
    assert [one.rpartition("/")[2] for one in questions] == ["storeConfigs", "price"], "once"


def test_the_price_of_one_view_never_becomes_everybodys() -> None:
    """A store with one price for all writes any store view's price to scope 0, without a word (Magento's source)."""
    shop = Shop()
    assert shop.put(base("SIM-0001", "99", scope=1)) == ["Rejected"]
    assert shop.holds(base("SIM-0001", "10"))


def test_only_a_special_price_that_has_a_day_too_many_is_taken_away_first() -> None:
    shop = Shop()
    days: dict[str, Any] = {"begins": date(2026, 11, 27), "ends": date(2026, 11, 30)}
    assert shop.put(special("SIM-0001", **days), special("SIM-0002")) == ["ok", "ok"]
    assert [what for what, _ in shop.wire.sent] == ["POST special-price"]
    assert shop.put(special("SIM-0001", "3"), special("SIM-0002", "3")) == ["ok", "ok"]
    assert [what for what, _ in shop.wire.sent[1:]] == ["POST special-price-delete", "POST special-price"]
    assert [row["sku"] for row in shop.wire.sent[1][1]] == ["SIM-0001"]
    assert shop.holds(special("SIM-0001", "3"))


def test_a_tier_is_taken_away_with_the_amount_that_it_has() -> None:
    shop = Shop()
    shop.put(tier("SIM-0001", "2", "7.5"), tier("SIM-0001", "5", "7"))
    assert shop.put(tier("SIM-0001", "2", None), tier("SIM-0002", "2", None)) == ["ok", "ok"]
    assert shop.holds(tier("SIM-0001", "2", None))
    assert shop.holds(tier("SIM-0001", "5", "7"))


def test_a_ladder_replaces_what_was_there_and_an_empty_one_clears_it() -> None:
    shop = Shop()
    shop.put(tier("SIM-0001", "2"), tier("SIM-0002", "2"))
    step = Step(scope=0, group="ALL GROUPS", quantity=Decimal(5), amount=Decimal("2.5"))
    ladder = Price(kind="ladder", sku="SIM-0001", steps=(step,), currency="EUR")
    assert shop.put(ladder, Price(kind="ladder", sku="SIM-0002")) == ["ok", "ok"]
    assert shop.holds(ladder)
    assert shop.store.prices.of("tier", "SIM-0002") == []


def test_one_alone_is_put_or_raises() -> None:
    shop = Shop()
    assert shop.sink.put(base("SIM-0001"), "key").detail == "5 EUR at 0"
    with pytest.raises(Rejected, match="no product"):
        shop.sink.put(base("NOPE"), "key")
    assert shop.sink.find(base("NOPE"), "key") is None


def test_parameters_have_their_names_again() -> None:
    text = "No such entity with Customer Group = %customerGroup. Row ID: SKU = %SKU, Quantity: %qty."
    found = named({"message": text, "parameters": ["A", "0", "Nobody", "2"]})
    assert found["parameters"] == {"SKU": "A", "websiteId": "0", "customerGroup": "Nobody", "qty": "2"}
    other = {"message": "Invalid attribute %fieldName = %fieldValue.", "parameters": ["SKU", "A"]}
    assert named(other) is other


@pytest.mark.parametrize(
    ("rows", "parameters", "found"),
    [
        ([{"sku": "99", "store_id": 0}, {"sku": "A", "store_id": 99}], ["A", "99"], [1]),
        ([{"sku": "99", "store_id": 99}, {"sku": "A", "store_id": 99}], ["A", "99"], None),
        ([{"sku": "A", "store_id": 0}, {"sku": "A", "store_id": 1}], ["SKU", "A"], None),
        ([{"sku": "A", "store_id": 0}, {"sku": "B", "store_id": 0}], ["Price", "-5"], None),
        (
            [{"sku": "A", "quantity": Decimal(2)}, {"sku": "A", "quantity": Decimal("2.50")}],
            ["A", "0", "General", "2.5"],
            [1],
        ),
        (
            [
                {"sku": "A", "website_id": 0, "customer_group": "general", "quantity": Decimal(2)},
                {"sku": "A", "website_id": 1, "customer_group": "General", "quantity": Decimal(2)},
            ],
            ["A", "0", "General", "2"],
            None,
        ),
    ],
)
def test_nothing_is_blamed_on_a_guess(rows: list[Any], parameters: list[str], found: list[int] | None) -> None:
    assert blamed([{"message": "no", "parameters": parameters}], rows) == found


def test_the_errors_of_a_200_are_kept_with_it() -> None:
    told = [{"message": "Invalid attribute %fieldName = %fieldValue.", "parameters": ["Price", "-5"]}]
    error = classify("POST", 200, {}, json.dumps(told).encode())
    assert isinstance(error, RowsRejected)
    assert list(error.rows) == told


SKUS = ["SIM-0001", "SIM-0002", "99", "0", "General", "TSHIRT", "NOPE"]
GROUPS = ["ALL GROUPS", "General", "Nobody", "0"]
ROWS = st.one_of(
    st.builds(base, st.sampled_from(SKUS), st.sampled_from(["0", "1", "2", "99"]), st.sampled_from([0, 1, 2, 99])),
    st.builds(
        tier,
        st.sampled_from(SKUS),
        st.sampled_from(["0.5", "1", "2", "99"]),
        st.sampled_from(["0", "1", "2", "101"]),
        st.sampled_from(GROUPS),
        scope=st.sampled_from([0, 1, 9]),
        discount=st.booleans(),
    ),
)


def place(price: Price) -> tuple[Any, ...]:
    return price.kind, price.sku, price.scope, price.group.casefold(), price.quantity


@settings(max_examples=150, deadline=None)
@given(st.lists(ROWS, max_size=12, unique_by=place), st.sampled_from(["global", "website"]))
def test_what_was_told_as_done_is_there_and_what_was_refused_is_not(rows: Sequence[Price], scope: str) -> None:
    shop = Shop(scope)
    shop.store.catalog.add(["99", "0", "General"])
    configurable(shop, "TSHIRT")
    found = shop.sink.put_many([(row, "key") for row in rows])
    for row, outcome in zip(rows, found, strict=True):
        if isinstance(outcome, Receipt):
            overruled = [
                one for one in rows if one.kind == "base" == row.kind and one.sku == row.sku and one is not row
            ]
            assert shop.holds(row) or overruled, row  # views of one website share their price
        else:
            assert isinstance(outcome, Rejected)
            assert not shop.holds(row) or row.kind == "base", row
