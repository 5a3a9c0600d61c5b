"""Against a server of others: SAP's CAP on the vendor's entity tables, real HTTP, real OData V4, none of BC's rules.

It is strict on names, types, keys and ETags, pages by its own links and reads JSON batches. It computes no sums, posts
nothing and keeps no number series, so `check_totals` and `look_in_posted` are off here. No evidence of Business Central.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from crossdock.conformance.faults import Inject
from crossdock.conformance.rows import Change, Row, RowSourceConformance, Told
from crossdock.conformance.sinks import SinkConformance
from crossdock.contract.connector import Connector
from crossdock.contract.flow import Flow
from crossdock.contract.shadow import Fate
from crossdock.erp.dynamics_bc.connector import build
from crossdock.flows import FLOWS, customer_rows, inventory, products
from crossdock.shadowing.fields import compare
from crossdock.transport.looking import looking
from tests.chaos.services import free_port
from tests.erp.dynamics_bc.samples import NOW, PERSONAL, customer, order
from tests.erp.dynamics_bc.wire import Checked
from tests.material import SHARED

SCRIPT = SHARED / "testbed/odata/up.sh"
COMPANY = "11111111-2222-4333-8444-555555555555"
START_SECONDS = 240.0
PAGE = {"page_size": 3}
READS: dict[str, Any] = {"inventory": PAGE, "products": PAGE, "customers": PAGE}
different = itertools.count(1)
pytestmark = [
    pytest.mark.services,
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.xdist_group("dynamics_bc_cap"),  # two that set the same server up at once are in each other's way
    pytest.mark.skipif(not SCRIPT.is_file() or shutil.which("npm") is None, reason="no recipe, or no npm, for CAP"),
]


class Cap:
    """The server, and a plain client of it for what only a test does."""

    def __init__(self, port: int) -> None:
        self.root = f"http://127.0.0.1:{port}"
        self.api = f"{self.root}/v2.0/tenant/sandbox/api/v2.0"

    def ask(self, method: str, path: str, values: Any = None, **headers: str) -> Any:
        body = None if values is None else json.dumps(values).encode()
        told = {"Content-Type": "application/json"} | headers
        request = urllib.request.Request(f"{self.api}/{path}", body, told, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"{}")

    def empty(self) -> None:
        request = urllib.request.Request(f"{self.root}/__reset", b"", method="POST")
        urllib.request.urlopen(request, timeout=60).close()
        self.ask("POST", "companies", {"id": COMPANY, "name": "CRONUS"})
        self.ask("POST", f"companies({COMPANY})/customers", {"number": "M7", "displayName": "Somebody"})
        self.item(1)

    def item(self, number: int, **values: Any) -> None:
        name = f"SIM-{number:04}"
        there = self.ask("GET", f"items?$filter=number%20eq%20'{name}'")["value"]
        told = {"type": "Inventory", "blocked": False, "inventory": 0, "displayName": name} | values
        if there:
            self.ask("PATCH", f"items({there[0]['id']})", values, **{"If-Match": "*"})
        else:
            self.ask("POST", f"companies({COMPANY})/items", {"number": name} | told)


@pytest.fixture(scope="module")
def running() -> Iterator[Cap]:
    port = free_port()
    cache = Path(os.environ.get("CROSSDOCK_CACHE") or Path.home() / ".cache" / "crossdock") / "odata-bc"
    cache.mkdir(parents=True, exist_ok=True)
    command = ["bash", str(SCRIPT), str(port), str(cache)]
    environ = os.environ | {"SERVICES": " ", "CONTRACTS": str(SHARED / "contracts")}
    with (cache / "log").open("wb") as story:
        server = subprocess.Popen(command, stdout=story, stderr=story, env=environ)
    cap, deadline = Cap(port), time.monotonic() + START_SECONDS
    try:
        while not answers(cap):
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.skip(f"CAP does not start; its own words are in {cache / 'log'}")
            time.sleep(0.2)
        yield cap
    finally:
        server.terminate()
        server.wait(60)


def answers(cap: Cap) -> bool:
    try:
        cap.ask("GET", "companies")
    except OSError:
        return False
    return True


@pytest.fixture
def cap(running: Cap) -> Cap:
    running.empty()
    return running


def table(cap: Cap, **more: Any) -> dict[str, Any]:
    auth = {"scheme": "basic", "username": "env:USER_NAME", "password": "env:PASSWORD"}
    return {
        "url": cap.api,
        "auth": auth,
        "company": "CRONUS",
        "look_in_posted": False,
        "check_totals": False,
        "extras": {"shipping": "Account:6710"},
        "taxes": {"22": "VAT22"},
    } | more


class OverCap(SinkConformance):
    """A class below says which way of entry."""

    __test__ = False
    more: dict[str, Any] = {}

    @pytest.fixture
    def wire(self) -> Checked:
        return Checked()

    @pytest.fixture
    def connector(self, cap: Cap, wire: Checked) -> Connector:
        return build("erp", table(cap, **self.more), http=wire, resolve=lambda _: "x")

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        return FLOWS["orders"]

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return order

    @pytest.fixture
    def count(self, cap: Cap) -> Callable[[Any, str], int]:
        where = "salesOrders?$filter=externalDocumentNumber%20eq%20"
        return lambda record, _key: len(cap.ask("GET", f"{where}'{record.number}'")["value"])

    @pytest.fixture
    def inject(self, wire: Checked) -> Inject:
        return wire.inject

    @pytest.fixture
    def personal(self) -> Sequence[str]:
        return PERSONAL


class TestOrders(OverCap):
    __test__ = True


class TestOrdersByDeepInsert(OverCap):
    __test__ = True
    more = {"entry": "deep_insert"}


def test_lines_are_there_with_their_marks(cap: Cap) -> None:
    receipt = build("erp", table(cap), resolve=lambda _: "x").sink(FLOWS["orders"]).put(order(1), "k")
    lines = cap.ask("GET", f"salesOrderLines?$filter=documentId%20eq%20{receipt.external_id}&$orderby=sequence")[
        "value"
    ]
    assert [(line["sequence"], line["lineType"], line["description2"]) for line in lines] == [
        (10000, "Item", "#11"),
        (20000, "Account", None),
    ]
    assert receipt.links == {"11": lines[0]["id"]}


def test_an_order_is_shown_field_by_field_whoever_has_put_it_there(cap: Cap) -> None:
    """CAP computes no sums, and has null where nothing was sent."""
    sink: Any = build("erp", table(cap), http=Checked(), resolve=lambda _: "x").sink(FLOWS["orders"])
    with looking():
        assert sink.show(order(1), "k") is None
    receipt = sink.put(order(1), "k")
    with looking():
        found = compare(sink.show(order(1), "nobody's"))
    sums = ("totalAmountExcludingTax", "totalAmountIncludingTax", "totalTaxAmount")
    assert (found.fate, found.unlike) == (Fate.EQUAL, ())
    assert found.uncompared == ("salesOrderLines[].discountAmount", *sums)
    row = cap.ask("GET", f"salesOrderLines?$filter=documentId%20eq%20{receipt.external_id}&$orderby=sequence")["value"][
        0
    ]
    cap.ask("PATCH", f"salesOrderLines({row['id']})", {"unitPrice": 18}, **{"If-Match": "*"})
    with looking():
        (one,) = compare(sink.show(order(1), "nobody's")).unlike
    assert (one.field, one.theirs) == ("salesOrderLines[0].unitPrice", "18")


def test_a_customer_is_changed_under_its_etag(cap: Cap) -> None:
    connector = build("erp", table(cap, flows=["customers"]), resolve=lambda _: "x")

    change = customer(7, number="M7", new=False)
    assert connector.sink(FLOWS["customers"]).put(change, "k").number == "M7"
    assert connector.sink(FLOWS["customers"]).find(change, "k") is not None
    row = cap.ask("GET", "customers?$filter=number%20eq%20'M7'")["value"][0]
    with pytest.raises(urllib.error.HTTPError):
        cap.ask("PATCH", f"customers({row['id']})", {"city": "Köln"}, **{"If-Match": 'W/"2020-01-01T00:00:00Z"'})


class FromCap(RowSourceConformance):
    """A class below says which flow."""

    __test__ = False
    reads = "products"

    @pytest.fixture
    def flow(self) -> str:
        return self.reads

    @pytest.fixture
    def connector(self, cap: Cap) -> Connector:
        return build("erp", table(cap, reads=READS), http=Checked(), resolve=lambda _: "x")


class TestProducts(FromCap):
    __test__ = True

    @pytest.fixture
    def change(self, cap: Cap) -> Change:
        def change(number: int, _turn: int) -> Told:
            name = f"Shirt {next(different)}"
            cap.item(number, displayName=name)
            return f"product/sim-{number:04}", name

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        read = products.reader({"owned": ["name", "status"]})
        return lambda row: (products.subject(product := read(row)), product.values["name"])


class TestStock(FromCap):
    __test__ = True
    reads = "inventory"

    @pytest.fixture
    def change(self, cap: Cap) -> Change:
        def change(number: int, _turn: int) -> Told:
            quantity = next(different)
            cap.item(number, inventory=quantity)
            entry = {"entryNumber": next(different), "itemNumber": f"SIM-{number:04}", "quantity": 1}
            cap.ask("POST", f"companies({COMPANY})/itemLedgerEntries", entry)
            return f"default/sim-{number:04}", Decimal(quantity)

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        read = inventory.reader({"warehouses": {"MAIN": "default"}})
        return lambda row: (inventory.subject(level := read(row)), level.quantity)


class TestCustomers(FromCap):
    __test__ = True
    reads = "customers"

    @pytest.fixture
    def change(self, cap: Cap) -> Change:
        def change(number: int, _turn: int) -> Told:
            name = f"C{next(different)}"
            told = {"displayName": f"Wilhelmina {name}", "type": "Person", "email": f"w{number}@canary.example"}
            there = cap.ask("GET", f"customers?$filter=number%20eq%20'N{number}'")["value"]
            if there:
                cap.ask("PATCH", f"customers({there[0]['id']})", told, **{"If-Match": "*"})
            else:
                cap.ask("POST", f"companies({COMPANY})/customers", {"number": f"N{number}"} | told)
            return f"N{number}", name

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        def told(row: Row) -> Told:
            read = customer_rows.read(row, "base", NOW)
            return read.number, read.fields["last_name"]

        return told
