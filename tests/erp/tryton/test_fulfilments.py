"""Rows of documents, from parts that were read."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from crossdock.erp.tryton.fulfilments import Named, Part, linked, told
from crossdock.erp.tryton.mapping import line_in, order_of
from crossdock.erp.tryton.settings import TrytonSettings

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)


def part(order: str, line: str, quantity: str) -> Named:
    one = Part(document=1, origin=1, product=1, quantity=Decimal(quantity), at=AT)
    return Named(order=order, line={"line": line}, part=one)


def test_moves_of_one_line_are_summed_up() -> None:
    rows = list(told("SH-1", [part("17", "11", "1.5"), part("17", "11", "0.25"), part("17", "12", "2")]))
    lines = [{"line": "11", "qty": Decimal("1.75")}, {"line": "12", "qty": Decimal(2)}]
    assert rows == [{"number": "SH-1", "order": "17", "lines": lines}]


def test_a_document_of_several_orders_is_one_for_each_under_its_own_number() -> None:
    rows = list(told("SH-1", [part("17", "11", "1"), part("18", "21", "2")]))
    assert [(row["number"], row["order"]) for row in rows] == [("SH-1/17", "17"), ("SH-1/18", "18")]


@pytest.mark.parametrize(
    ("reference", "ident"), [("sale.line,7", 7), ("stock.move,7", 0), ("sale.line,-1", 0), (None, 0), ("", 0)]
)
def test_only_a_sales_line_is_an_origin(reference: str | None, ident: int) -> None:
    assert linked(reference, "sale.line") == ident


def test_what_a_person_wrote_beside_our_line_id_does_no_harm() -> None:
    assert line_in("fragile\n crossdock line: 11 \n") == "11"
    assert line_in("line: 11") == line_in(None) == ""


def test_a_reference_with_another_prefix_is_no_order_of_ours() -> None:
    login = {"scheme": "application_key", "key": "env:KEY"}
    told = {"url": "https://t.example", "database": "d", "auth": login, "reference_prefix": "WEB-"}
    settings = TrytonSettings.model_validate(told)
    assert order_of("WEB-000000017", settings) == "000000017"
    assert order_of("POS-17", settings) == order_of(None, settings) == ""
