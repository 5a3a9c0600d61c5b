"""What Business One has of an order, held against what would have been sent: whoever has put it there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from crossdock.contract.shadow import Compared, Fate, Shown
from crossdock.errors import Rejected
from crossdock.flows import FLOWS
from crossdock.flows.expansion import expand
from crossdock.magento.mapping.orders import parse_order
from crossdock.model.order import Order
from crossdock.sandbox.erps.sap_b1 import StandIn
from crossdock.shadowing.fields import compare
from crossdock.transport.looking import looking
from tests.erp.sap_b1.test_b1 import ORDERS, RECORDED, connected, put
from tests.erp.sap_s4.proxy import Proxy
from tests.erp.sap_s4.samples import change, key_of, line, order
from tests.erp.sap_s4.test_showing import ORDER, bought, cap_line
from tests.material import needs_shared

CANCELLATIONS = FLOWS["cancellations"]
ALL_TERMS: Mapping[str, Any] = {"warehouse": "W01", "due_days": 3, "payment_terms": 2, "amounts": "UnitPrice"}
BY_ANOTHER: Mapping[str, Any] = {"line_id_field": ""}  # and it knows nothing of our lines' ids


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


def made(connector: Any, record: Order = ORDER) -> None:
    connector.sink(ORDERS).put(record, key_of(1))


@pytest.mark.parametrize("more", [{}, ALL_TERMS, {"tax_amounts": True}], ids=["plain", "every field", "tax amounts"])
def test_what_our_own_sink_made_is_equal_in_every_field(proxy: Proxy, more: Mapping[str, Any]) -> None:
    connector = connected(proxy.url, **more)
    assert seen(connector) is None
    made(connector)
    proxy.seen.clear()

    found = seen(connector)

    assert found is not None
    assert (found.fate, found.unlike, found.uncompared, found.number) == (Fate.EQUAL, (), (), "1001")
    assert found.compared > 25
    assert [one.method for one in proxy.seen] == ["GET"]


def test_the_same_order_by_another_hand_is_equal(stand_in: StandIn) -> None:
    """Another sequence, no ids of ours, Business One's own forms: midnights, doubles, line breaks, a session anew."""
    made(connected(stand_in.url, **BY_ANOTHER), bought(cap_line(), line()))

    def as_it_has_it() -> None:
        (kept,) = stand_in.orders
        kept |= {"DocDate": "2026-11-20", "CardCode": "C20000 ", "DocTotal": Decimal("84.1400000000001")}
        kept |= {"Address": kept["Address"].replace("\r", "\r\n") + "\r\n", "CardName": "Guests"}
        for row in kept["DocumentLines"]:
            row |= {"LineTotal": row["LineTotal"] + Decimal("1E-13"), "ItemDescription": f"{row['ItemDescription']} "}
            row["TaxTotal"] += Decimal("0.0034")  # a row's tax may be kept with more decimals than the document's
        stand_in.sessions.clear()

    stand_in.do(as_it_has_it)
    found = seen(connected(stand_in.url))
    assert found is not None
    assert (found.unlike, found.fate, found.uncompared) == ((), Fate.EQUAL, ("DocumentLines[].U_LineId",))


SUMS = {"VatSum", "DocTotal"}


@pytest.mark.parametrize(
    ("there", "fields"),
    [
        (
            bought(line(), cap_line(amounts={"gross": "9.00", "net": "9.00", "tax": "1.98"})),
            SUMS | {"DocumentLines[1].LineTotal", "DocumentLines[1].TaxTotal"},
        ),
        (bought(line()), SUMS | {"DocumentLines.length", "DocumentLines[1].ItemCode"}),
        (bought(line(quantity=Decimal(2)), cap_line()), {"DocumentLines[0].Quantity"}),
        (msgspec.structs.replace(ORDER, note="ring once"), {"Comments"}),
        (msgspec.structs.replace(ORDER, shipping=None), {"Address2"}),
    ],
    ids=["price", "line missing", "quantity", "note", "address"],
)
def test_what_another_hand_did_otherwise_is_told_and_nothing_else(
    stand_in: StandIn,
    there: Order,
    fields: set[str],
) -> None:
    made(connected(stand_in.url, **BY_ANOTHER), there)
    assert differing(connected(stand_in.url)) == fields


def test_other_words_of_the_other_hand_are_told(stand_in: StandIn) -> None:
    made(connected(stand_in.url, due_days=5, warehouse="W02"))
    stand_in.do(lambda: stand_in.orders[0].update(CardCode="C1"))
    assert differing(connected(stand_in.url, warehouse="W01")) == {
        "CardCode",
        "DocDueDate",
        *(f"DocumentLines[{place}].WarehouseCode" for place in range(3)),
    }


def test_of_an_order_in_another_currency_its_own_amounts_are_compared(stand_in: StandIn) -> None:
    dollars = msgspec.structs.replace(ORDER, totals=msgspec.structs.replace(ORDER.totals, currency="USD"))
    made(connected(stand_in.url), dollars)
    found = seen(connected(stand_in.url), dollars)
    assert found is not None
    assert (found.fate, found.unlike, found.uncompared) == (Fate.EQUAL, (), ())
    stand_in.do(lambda: stand_in.orders[0]["DocumentLines"][1].update(RowTotalFC=9))
    assert differing(connected(stand_in.url), dollars) == {"DocumentLines[1].LineTotal"}
    stand_in.do(lambda: stand_in.orders[0].update(DocCurrency="EUR"))
    assert "DocCurrency" in differing(connected(stand_in.url), dollars)


def test_twice_there_is_told_and_a_cancelled_one_beside_it_is_not_counted(stand_in: StandIn) -> None:
    connector = connected(stand_in.url)
    made(connector)
    put(connector, 2)
    stand_in.do(lambda: stand_in.orders[1].update(NumAtCard="000000001"))
    found = seen(connector)
    assert found is not None
    assert (found.fate, found.reason, found.unlike) == (Fate.DIFFERENT, "it is there 2 times", ())
    stand_in.do(lambda: stand_in.orders[1].update(Cancelled="tYES"))
    again = seen(connector)
    assert again is not None
    assert (again.fate, again.number) == (Fate.EQUAL, "1001")


def test_what_it_does_not_tell_is_named_and_no_difference(stand_in: StandIn) -> None:
    connector = connected(stand_in.url)
    made(connector)

    def less() -> None:
        for row in stand_in.orders[0]["DocumentLines"]:
            del row["TaxTotal"]
            row |= {"LineTotal": None, "Quantity": None}
        del stand_in.orders[0]["Comments"]

    stand_in.do(less)
    found = seen(connector)
    assert found is not None
    assert found.fate is Fate.EQUAL
    assert set(found.uncompared) == {
        "Comments",
        *(f"DocumentLines[].{field}" for field in ("TaxTotal", "LineTotal", "Quantity")),
    }


def test_what_would_not_go_is_refused_before_it_is_asked(proxy: Proxy) -> None:
    wrong = msgspec.structs.replace(ORDER, totals=order(1).totals)
    with pytest.raises(Rejected, match="would not come to the store's sums"):
        connected(proxy.url).preview(ORDERS, wrong)
    assert proxy.seen == []


def test_a_cancellation_is_shown_once_the_order_is_not_open_any_more(stand_in: StandIn) -> None:
    connector = connected(stand_in.url)
    assert seen(connector, change(1), CANCELLATIONS) is None
    made(connector)
    assert seen(connector, change(1), CANCELLATIONS) is None
    stand_in.do(lambda: stand_in.orders[0].update(DocumentStatus="bost_Close"))
    closed = seen(connector, change(1), CANCELLATIONS)
    assert closed is not None
    assert [(one.field, one.ours, one.theirs) for one in closed.unlike] == [("Cancelled", "tYES", "tNO")]
    stand_in.do(lambda: stand_in.orders[0].update(Cancelled="tYES"))
    done = seen(connector, change(1), CANCELLATIONS)
    assert done is not None
    assert (done.fate, done.number) == (Fate.EQUAL, "1001")


@needs_shared
def test_recorded_orders_are_shown_as_they_were_sent(stand_in: StandIn) -> None:
    connector = connected(stand_in.url, credits="payment", tax_amounts=True)
    numbers: set[str] = set()
    for path in RECORDED:
        if not re.match(r"\d+_\w+\.json$", path.name):
            continue
        record = expand(parse_order(path.read_bytes()), "exploded")
        if record.number in numbers:
            continue
        numbers.add(record.number)
        made(connector, record)
        found = seen(connector, record)
        assert found is not None, path.stem
        assert (found.fate, found.unlike, found.uncompared) == (Fate.EQUAL, (), ()), path.stem
    assert len(numbers) > 200
