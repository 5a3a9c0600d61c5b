"""The stock sink, before a store that answers as recorded: what is asked first, and what one bad row costs."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from crossdock.contract.message import Receipt
from crossdock.errors import DeliveryError, OutcomeUnknown, Rejected, Temporary
from crossdock.magento.inventory import Catalog, InventorySink
from crossdock.model.inventory import StockLevel


class Client:
    """A store with some products and two sources. `bad` SKUs make a whole call fail, as one bad row does."""

    def __init__(self, skus: Sequence[str], *, bad: Sequence[str] = (), answer: Any = None) -> None:
        self.skus, self.bad, self.answer = {sku.casefold() for sku in skus}, set(bad), answer
        self.asked: list[list[str]] = []
        self.sent: list[int] = []
        self.sources = 0

    def get(self, path: str, query: Sequence[tuple[str, str]]) -> Any:
        if path.endswith("/sources"):
            self.sources += 1
            return {"items": [{"source_code": "wh_milan"}, {"source_code": "wh_rome"}]}
        told = dict(query)
        prefix = "searchCriteria[filterGroups][0][filters][0]"
        value = told[f"{prefix}[value]"]
        skus = value.split(",") if told[f"{prefix}[conditionType]"] == "in" else [value]
        self.asked.append(skus)
        return {"items": [{"sku": sku.upper()} for sku in skus if sku.casefold() in self.skus]}

    def post(self, path: str, body: Any) -> Any:
        assert path == "V1/inventory/source-items"
        rows = body["sourceItems"]
        self.sent.append(len(rows))
        if isinstance(self.answer, DeliveryError):
            raise self.answer
        if any(row["sku"] in self.bad for row in rows):
            raise Rejected("HTTP 400: Validation Failed", status=400)
        return [] if self.answer is None else self.answer


def levels(*skus: str, place: str = "wh_milan") -> list[tuple[StockLevel, str]]:
    return [(StockLevel(sku=sku, place=place, quantity=Decimal(1), in_stock=True), sku) for sku in skus]


def sink(client: Client) -> InventorySink:
    return InventorySink(client, Catalog(client))  # type: ignore[arg-type]  # what it calls is there


def test_ghosts_and_unknown_sources_are_refused_before_anything_is_sent() -> None:
    client = Client(["a", "b"])
    rows = [*levels("A", "ghost"), *levels("b", place="default")]
    outcomes = sink(client).put_many(rows)
    assert [type(one) for one in outcomes] == [Receipt, Rejected, Rejected]
    assert client.sent == [1]


def test_a_sku_with_a_comma_is_asked_for_alone() -> None:
    client = Client(["a", "x,y"])
    assert all(isinstance(one, Receipt) for one in sink(client).put_many(levels("a", "x,y")))
    assert sorted(client.asked) == [["a"], ["x,y"]]


def test_what_is_known_is_not_asked_for_again_for_an_hour() -> None:
    now = [0.0]
    client = Client(["a"])
    catalog = Catalog(client, lambda: now[0])  # type: ignore[arg-type]
    for moment, times in ((0, 1), (3600, 1), (3601, 2)):
        now[0] = moment
        assert catalog.unknown_skus(["A"]) == set()
        assert len(client.asked) == times


def test_questions_stay_short() -> None:
    skus = [f"{'s' * 60}{n:04}" for n in range(120)]
    client = Client(skus)
    assert Catalog(client).unknown_skus(skus) == set()  # type: ignore[arg-type]
    assert max(len(asked) for asked in client.asked) <= 50
    assert max(sum(map(len, asked)) for asked in client.asked) <= 3000


def test_one_bad_row_costs_itself_and_some_calls() -> None:
    skus = [f"s{n}" for n in range(64)]
    client = Client(skus, bad=["s37"])
    outcomes = sink(client).put_many(levels(*skus))
    assert [place for place, one in enumerate(outcomes) if not isinstance(one, Receipt)] == [37]
    assert len(client.sent) == 13, "twice log2(64), and the first"


@pytest.mark.parametrize("error", [Temporary("locked", status=400), OutcomeUnknown("reset")])
def test_what_says_nothing_of_the_rows_is_not_split(error: DeliveryError) -> None:
    client = Client(["a", "b"], answer=error)
    assert sink(client).put_many(levels("a", "b")) == [error, error]
    assert client.sent == [2]


def test_an_answer_that_does_not_say_so_is_no_success() -> None:
    client = Client(["a"], answer={"message": "ok"})
    (outcome,) = sink(client).put_many(levels("a"))
    assert isinstance(outcome, OutcomeUnknown)
