"""Credit memos of a real store in our words."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from crossdock.magento.mapping.refunds import parse_refund
from crossdock.model.money import Totals
from tests.material import SHARED, needs_shared

MEMOS = sorted((SHARED / "magento/orders").glob("*.creditmemo_*.json"))
pytestmark = needs_shared


def added_up(totals: Totals) -> Decimal:
    return (
        totals.subtotal - totals.discount + totals.tax + totals.compensation + totals.shipping
        + totals.shipping_compensation + totals.fpt + sum(totals.fees.values(), Decimal(0))
    )  # fmt: skip


@pytest.mark.parametrize("path", MEMOS, ids=lambda path: path.stem)
def test_every_recorded_memo_adds_up_in_both_currencies(path: Path) -> None:
    refund = parse_refund(path.read_bytes())
    assert added_up(refund.totals) == refund.totals.grand_total
    assert added_up(refund.base_totals) == refund.base_totals.grand_total
    assert sum((line.amounts.gross for line in refund.lines), Decimal(0)) == refund.totals.subtotal


def memo(name: str) -> Path:
    return SHARED / f"magento/orders/{name}.json"


def test_its_rows_are_gross_as_they_came() -> None:
    (line,) = parse_refund(memo("204_lc_incl_part_refund_adj_a.creditmemo_1").read_bytes()).lines
    assert (line.amounts.gross, line.amounts.discount, line.amounts.net) == (
        Decimal("16.39"),
        Decimal(3),
        Decimal("13.39"),
    )
    assert line.order_line_id == "1403"


def test_a_discount_above_zero_stays_what_it_is() -> None:
    refund = parse_refund(memo("205_lc_incl_part_refund_3.creditmemo_1").read_bytes())
    assert refund.totals.discount == Decimal("-1.1047")
    assert refund.adjustment_negative == Decimal("0.5")
