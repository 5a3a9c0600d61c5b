"""Business One: the shipped suites over HTTP, the table of answers, sessions, money, stock."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from crossdock.conformance.faults import Inject
from crossdock.conformance.rows import Change, Row, RowSourceConformance, Told
from crossdock.conformance.sinks import SinkConformance
from crossdock.contract.connector import Connector, RowSource
from crossdock.contract.flow import Flow
from crossdock.contract.lookups import FixedLookups
from crossdock.erp.sap_b1.answers import Reading, classify
from crossdock.erp.sap_b1.connector import SapB1Connector, build
from crossdock.errors import (
    Conflict,
    DeliveryError,
    MappingError,
    Misconfigured,
    NotReady,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Temporary,
    Unauthorized,
)
from crossdock.flows import FLOWS, inventory
from crossdock.flows.expansion import expand
from crossdock.magento.mapping.orders import parse_order
from crossdock.sandbox.erps import sap_b1
from crossdock.sandbox.erps.sap_b1 import StandIn
from crossdock.sandbox.faults import STORM
from crossdock.transport.wire import HttpResponse
from tests.erp.sap_s4.proxy import Proxy
from tests.erp.sap_s4.samples import PERSONAL, change, key_of, line, order
from tests.material import SHARED, needs_shared

ORDERS = FLOWS["orders"]
SECRETS = {"env:USER": sap_b1.USER, "env:PASSWORD": sap_b1.PASSWORD, "env:WRONG": "wrong"}
READ = inventory.reader({"warehouses": {"W01": "wh_milan", "W02": "wh_rome"}})
RECORDED = sorted((SHARED / "magento/orders").glob("*.json"))


def table(url: str, **more: Any) -> dict[str, Any]:
    return {
        "base_url": f"{url}{sap_b1.ROOT}",
        "company": sap_b1.COMPANY,
        "auth": {"scheme": "basic", "username": "env:USER", "password": "env:PASSWORD"},
        "flows": ["orders", "cancellations"],
        "customer": sap_b1.CUSTOMER,
        "currency": "EUR",
        "taxes": dict(sap_b1.TAXES),
        "items": {"shipping": "SHIPPING", "fee": "FEE", "fpt": "FPT"},
        "line_id_field": "U_LineId",
        **more,
    }


def connected(url: str, **more: Any) -> SapB1Connector:
    lookups = {"lookups": more.pop("lookups")} if "lookups" in more else {}
    return build("erp", table(url, **more), resolve=SECRETS.__getitem__, **lookups)


def put(connector: Any, number: int = 1, **more: Any) -> Any:
    return connector.sink(ORDERS).put(order(number, **more), key_of(number))


class TestOrders(SinkConformance):
    flow_name = "orders"

    @pytest.fixture
    def connector(self, proxy: Proxy) -> Connector:
        proxy.refusals = 2  # a session is made anew once: a login that is refused stays refused
        return connected(proxy.url)

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        return FLOWS[self.flow_name]

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return order

    @pytest.fixture
    def count(self, stand_in: StandIn) -> Callable[[Any, str], int]:
        return lambda record, _key: stand_in.there().count(record.number)

    @pytest.fixture
    def inject(self, proxy: Proxy) -> Inject:
        return proxy.inject

    @pytest.fixture
    def personal(self) -> Sequence[str]:
        return PERSONAL


class TestCancellations(TestOrders):
    flow_name = "cancellations"
    names_ids = False

    @pytest.fixture
    def connector(self, proxy: Proxy, stand_in: StandIn) -> Connector:
        for number in (1, 2):
            put(connected(stand_in.url), number)
        proxy.refusals = 2
        return connected(proxy.url)

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return change

    @pytest.fixture
    def count(self, stand_in: StandIn) -> Callable[[Any, str], int]:
        return lambda record, _key: 1 - stand_in.there().count(record.order_number)


class TestStock(RowSourceConformance):
    tells_changes = False
    reads: Mapping[str, Any] = {"inventory": {"page_size": 2}}

    @pytest.fixture
    def connector(self, stand_in: StandIn) -> Connector:
        return connected(stand_in.url, reads=self.reads)

    @pytest.fixture
    def unreachable(self) -> RowSource | None:
        return connected("http://127.0.0.1:9", reads=self.reads).rows("inventory")

    @pytest.fixture
    def flow(self) -> str:
        return "inventory"

    @pytest.fixture
    def change(self, stand_in: StandIn) -> Change:
        def change(number: int, turn: int) -> Told:
            stand_in.stock(f"A-{number}", W01={"InStock": turn, "Committed": 1}, W02={"InStock": 9})
            return f"wh_milan/a-{number}", turn

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        def told(row: Row) -> Told:
            level = READ(row)
            return inventory.subject(level), level.quantity

        return told


# --- answers ----------------------------------------------------------------------------------------------------------


def classified(status: int, body: bytes, *, writes: bool = True, **more: Any) -> DeliveryError | None:
    reading = Reading(now=datetime.now(UTC), writes=writes, passing=("-2039", "another user"), **more)
    return classify(HttpResponse(status=status, body=body), reading)


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, {"code": -5002, "message": {"lang": "en-us", "value": "Enter a customer"}}, Rejected),
        (400, {"code": "-1000", "details": [], "message": "Property 'X' is invalid"}, Rejected),
        (400, {"code": "-2039", "message": "anything"}, Temporary),
        (400, {"code": -1, "message": {"value": "Another user has it"}}, Temporary),
        (401, {"code": 301, "message": "Invalid session or session already timeout."}, Unauthorized),
        (404, {"code": -2028, "message": "No matching records found"}, Misconfigured),
        (429, {}, RateLimited),
        (500, {"code": -1, "message": "x"}, OutcomeUnknown),
        (502, {}, OutcomeUnknown),
        (503, {}, Temporary),
        (302, {}, Misconfigured),
        (200, None, OutcomeUnknown),
    ],
)
def test_what_an_answer_comes_to(status: int, error: Any, kind: type[DeliveryError]) -> None:
    body = b"<html>" if error is None else json.dumps({"error": error}).encode()
    assert type(classified(status, body)) is kind


def test_code_and_message_are_told_in_both_forms_and_nobody_in_them() -> None:
    old = b'{"error":{"code":-5002,"message":{"lang":"en-us","value":"Ada Rossi is blocked"}}}'
    new = b'{"error":{"code":"-5002","message":"Ada Rossi is blocked"}}'
    assert str(classified(400, old, personal=("Ada Rossi",))) == "HTTP 400: -5002 *** is blocked"
    assert str(classified(400, new, personal=("Ada Rossi",))) == "HTTP 400: -5002 *** is blocked"
    assert str(classified(400, new, personal=None)) == "HTTP 400: -5002"


def test_reading_twice_does_no_harm() -> None:
    assert type(classified(500, b"", writes=False)) is Temporary
    assert classified(204, b"") is None


# --- sessions ---------------------------------------------------------------------------------------------------------


def test_one_session_serves_all_threads_and_is_made_anew_when_it_is_over(stand_in: StandIn) -> None:
    connector = connected(stand_in.url)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: put(connector, number), range(1, 17)))
    assert stand_in.logins == 1
    assert len(set(stand_in.there())) == 16

    stand_in.do(stand_in.sessions.clear)
    put(connector, 17)
    assert stand_in.logins == 2
    assert stand_in.there().count("000000017") == 1


def test_a_wrong_password_is_unauthorized_and_not_told(stand_in: StandIn) -> None:
    login = {"scheme": "basic", "username": "env:USER", "password": "env:WRONG"}
    health = connected(stand_in.url, auth=login).probe()
    assert not health.ok
    assert "100000027" in health.detail
    assert "wrong" not in health.detail


# --- orders -----------------------------------------------------------------------------------------------------------


def test_the_body_and_the_receipt(proxy: Proxy) -> None:
    receipt = put(connected(proxy.url, warehouse="W01", due_days=3, payment_terms=-1))

    sent = next(seen for seen in proxy.seen if seen.target.endswith("/Orders") and seen.writes)
    body = msgspec.json.decode(sent.body)
    lines = body.pop("DocumentLines")
    assert body == {
        "CardCode": "C20000",
        "DocDate": "2026-11-20",
        "DocDueDate": "2026-11-23",
        "DocCurrency": "EUR",
        "NumAtCard": "000000001",
        "Address": "Wilhelmina Canary\rBirdcage Walk 7\rFloor 2\r10115 Berlin Berlin\rDE",
        "Address2": "Wilhelmina Canary\rHarbour 1\r10115 Berlin Berlin\rDE",
        "Comments": "ring twice",
        "PaymentGroupCode": -1,
    }
    assert lines[0] == {
        "ItemCode": "SIM-0001",
        "ItemDescription": "Shirt",
        "Quantity": 3,
        "LineTotal": 53.97,
        "VatGroup": "A1",
        "WarehouseCode": "W01",
        "U_LineId": "11",
    }
    assert b'"LineTotal":53.97' in sent.body
    assert (receipt.external_id, receipt.number, receipt.links) == ("1", "1001", {"11": "0"})


def test_lookups_go_before_settings(proxy: Proxy, stand_in: StandIn) -> None:
    tables = {"items": {"SIM-0001": "A-9"}, "customers": {"7": "C20000"}, "payment_terms": {"checkmo": "2"}}
    put(connected(proxy.url, customer="", lookups=FixedLookups(tables)))
    (kept,) = stand_in.orders
    assert (kept["DocumentLines"][0]["ItemCode"], kept["PaymentGroupCode"]) == ("A-9", 2)


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"customer": ""}, "no customer"),
        ({"taxes": {}}, "nothing for 22 %"),
        ({"items": {}}, "items.shipping"),
        ({"amounts": "UnitPrice"}, ""),
        ({"reference_prefix": "x" * 20}, ""),
    ],
)
def test_what_cannot_be_said_is_parked_before_anything_is_sent(
    proxy: Proxy, more: dict[str, Any], problem: str
) -> None:
    if not problem:
        assert put(connected(proxy.url, **more)).number
        return
    with pytest.raises(MappingError, match=problem):
        put(connected(proxy.url, **more))
    assert proxy.seen == []


def test_other_sums_are_refused_before_and_parked_after(stand_in: StandIn) -> None:
    taxed = msgspec.structs.replace(line().amounts, tax=Decimal("11.88"))
    totals = msgspec.structs.replace(order(1).totals, tax=Decimal("12.98"), grand_total=Decimal("71.95"))
    with pytest.raises(Rejected, match=r"would not come .* tax 12\.97 instead of 12\.98"):
        put(connected(stand_in.url), lines=(line(amounts=taxed),), totals=totals)
    assert stand_in.there() == []

    wrong = {"taxes": {"22": "A2", "0": "A0"}}  # the company's code has another rate than the store
    with pytest.raises(Rejected, match=r"order 1001 is there, .* tax 5\.90 instead of 12\.97"):
        put(connected(stand_in.url, **wrong))
    with pytest.raises(Rejected, match="order 1001 is there"):
        put(connected(stand_in.url, **wrong))
    assert stand_in.there() == ["000000001"]

    with pytest.raises(Rejected, match="order 1002 is there"):
        put(connected(stand_in.url, cancel_difference=True, **wrong), 2)
    assert stand_in.there() == ["000000001"]
    with pytest.raises(Rejected, match="was cancelled"):
        put(connected(stand_in.url, **wrong), 2)


def test_sums_in_another_currency_are_read_where_they_are(stand_in: StandIn) -> None:
    dollars = msgspec.structs.replace(order(1).totals, currency="USD")
    assert put(connected(stand_in.url), totals=dollars).number == "1001"
    assert put(connected(stand_in.url), totals=dollars).found


def test_anothers_order_and_two_of_ours_are_conflicts(stand_in: StandIn) -> None:
    connector = connected(stand_in.url)
    put(connector, 1)
    put(connector, 2)
    stand_in.do(lambda: stand_in.orders[1].update(NumAtCard="000000001"))
    with pytest.raises(Conflict, match="1001, 1002"):
        put(connector, 1)
    sink = connector.sink(ORDERS)
    assert sink.count(order(1), "") == 2  # type: ignore[attr-defined]
    stand_in.do(lambda: stand_in.orders.pop(1))
    stand_in.do(lambda: stand_in.orders[0].update(CardCode="C1"))
    with pytest.raises(Conflict, match="another customer"):
        put(connector, 1)


def test_more_orders_than_a_page_are_not_taken_for_all(stand_in: StandIn) -> None:
    connector = connected(stand_in.url)
    put(connector, 1)
    stand_in.do(lambda: stand_in.orders.extend(stand_in.orders[:1] * 120))
    with pytest.raises(Temporary, match="or more"):
        put(connector, 1)


def test_what_is_closed_is_not_cancelled_and_what_is_not_there_is_waited_for(stand_in: StandIn) -> None:
    connector = connected(stand_in.url)
    sink = connector.sink(FLOWS["cancellations"])
    with pytest.raises(NotReady):
        sink.put(change(1), "key")
    put(connector, 1)
    stand_in.do(lambda: stand_in.orders[0].update(DocumentStatus="bost_Close"))
    with pytest.raises(Rejected, match="is closed"):
        sink.put(change(1), "key")


@needs_shared
@pytest.mark.parametrize(("amounts", "most"), [(False, 80), (True, 0)])
def test_recorded_orders_are_there_to_the_cent_or_parked(stand_in: StandIn, *, amounts: bool, most: int) -> None:
    sink = connected(stand_in.url, credits="payment", tax_amounts=amounts).sink(ORDERS)
    numbers: set[str] = set()
    parked: dict[str, str] = {}
    for path in RECORDED:
        if not re.match(r"\d+_\w+\.json$", path.name):
            continue
        told = expand(parse_order(path.read_bytes()), "exploded")
        if told.number in numbers:
            continue
        numbers.add(told.number)
        try:
            sink.put(told, key_of(1))
        except (Rejected, MappingError) as error:
            parked[told.number] = str(error)
    assert len(numbers) > 200
    assert sorted(stand_in.there()) == sorted(numbers - set(parked))
    assert not [reason for reason in parked.values() if "is there" in reason]
    assert len(parked) == most, parked


@pytest.mark.slow
def test_a_storm_doubles_nothing() -> None:
    stormy = StandIn(5, msgspec.structs.replace(STORM, slow_seconds=0.1, retry_after=0))
    stormy.start()
    try:
        sink = connected(stormy.url).sink(ORDERS)
        for number in range(1, 41):
            _through(lambda number=number: sink.put(order(number), key_of(number)))  # type: ignore[misc]
        assert sorted(stormy.there()) == [f"{number:09}" for number in range(1, 41)]
        assert sum(stormy.drawn().values()) > 5
    finally:
        stormy.stop()


def _through(act: Callable[[], Any]) -> None:
    """A put looks first; after an unknown outcome the settling time is waited out."""
    for _ in range(40):
        try:
            act()
        except OutcomeUnknown:
            time.sleep(0.25)
        except Temporary:
            continue
        else:
            return
    raise AssertionError("the storm does not end")


# --- stock ------------------------------------------------------------------------------------------------------------


def test_available_is_what_is_not_promised_and_only_these_warehouses(stand_in: StandIn) -> None:
    stand_in.stock("A-1", W01={"InStock": 5.5, "Committed": 2}, W02={"InStock": 9})
    reads = {"inventory": {"meaning": "available", "warehouses": ["W01"]}}
    rows = [row for page in connected(stand_in.url, reads=reads).rows("inventory").changes(None) for row in page.rows]
    assert [(row["sku"], row["qty"], row["warehouse"], row["meaning"]) for row in rows] == [
        ("A-1", "3.5", "W01", "available")
    ]


def test_items_without_their_stock_stop_the_scan(stand_in: StandIn) -> None:
    stand_in.do(lambda: stand_in.items.update({"A-1": {"ItemCode": "A-1"}}))
    with pytest.raises(Misconfigured, match="without ItemWarehouseInfoCollection"):
        list(connected(stand_in.url, reads={"inventory": {}}).rows("inventory").changes(None))
