"""Rows of a custom ERP pass the suite, by each kind of paging, from the sandbox's ERP over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from crossdock.conformance.rows import Change, Row, RowSourceConformance, Told
from crossdock.contract.connector import Connector, RowSource
from crossdock.erp.rest.connector import build
from crossdock.errors import ConfigurationError
from crossdock.flows import customer_rows, inventory
from crossdock.sandbox.faults import NONE
from crossdock.sandbox.run import ErpServer
from tests.erp.rest.test_rows import EVERYTHING, LATE, WAYS

READ = inventory.reader({"warehouses": {"MI": "wh_milan"}})


FIELDS = {"number": "number", "as_of": "changed_at", "email": "email", "vat_id": "vat_id"}
CUSTOMERS = {
    "path": "/customer-changes?changed_since={since}&after_id={after}&limit={limit}",
    "change_field": "changed_at",
    "change_is": "time",
    "id_field": "id",
    "fields": FIELDS,
}


def connected(url: str, way: dict[str, Any], flow: str = "inventory") -> Any:
    settings = {"base_url": url, "auth": {"scheme": "bearer", "token": "env:TOKEN"}}
    reads = {flow: {"page_size": 2} | way}
    return build("erp", settings | {"reads": reads}, resolve=lambda _: "sandbox")


class FromErp(RowSourceConformance):
    """A class below says by which kind of paging."""

    __test__ = False
    way: dict[str, Any] = EVERYTHING

    @pytest.fixture
    def server(self) -> Iterator[ErpServer]:
        server = ErpServer()
        server.start()
        yield server
        server.stop()

    @pytest.fixture
    def connector(self, server: ErpServer) -> Connector:
        found: Connector = connected(server.url, self.way)
        return found

    @pytest.fixture
    def unreachable(self) -> RowSource | None:
        found: RowSource = connected("http://127.0.0.1:9", self.way).rows("inventory")
        return found

    @pytest.fixture
    def flow(self) -> str:
        return "inventory"

    @pytest.fixture
    def change(self, server: ErpServer) -> Change:
        def change(number: int, turn: int) -> Told:
            row = {"sku": f"A-{number}", "qty": turn, "warehouse": "MI"}
            server.do(lambda erp: erp.levels.change([row]))
            return f"wh_milan/a-{number}", turn

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        def told(row: Row) -> Told:
            level = READ(row)
            return inventory.subject(level), level.quantity

        return told


class Keyset(FromErp):
    """Such an ERP can show what a late commit does."""

    @pytest.fixture
    def begin_late(self, server: ErpServer, change: Change) -> Any:
        def begin(number: int, turn: int) -> tuple[Told, Callable[[], None]]:
            server.set_faults(LATE)
            wanted = change(number, turn)
            server.set_faults(NONE)
            return wanted, lambda: server.do(lambda erp: erp.levels.commit(datetime.max.replace(tzinfo=UTC)))

        return begin


class TestSequence(Keyset):
    __test__ = True
    way = WAYS["sequence"]


class TestSequenceWithAHead(Keyset):
    __test__ = True
    way = WAYS["sequence with a head"]


class TestTime(Keyset):
    __test__ = True
    way = WAYS["time"]


class TestDeltaToken(FromErp):
    __test__ = True
    way = WAYS["delta token"]


class TestWithoutChanges(FromErp):
    __test__ = True
    tells_changes = False


class TestCustomers(FromErp):
    """They are listed whole; a word about one is what a push has."""

    __test__ = True
    way = CUSTOMERS

    @pytest.fixture
    def unreachable(self) -> RowSource | None:
        found: RowSource = connected("http://127.0.0.1:9", self.way, "customers").rows("customers")
        return found

    @pytest.fixture
    def connector(self, server: ErpServer) -> Connector:
        found: Connector = connected(server.url, self.way, "customers")
        return found

    @pytest.fixture
    def flow(self) -> str:
        return "customers"

    @pytest.fixture
    def change(self, server: ErpServer) -> Change:
        def change(number: int, turn: int) -> Told:
            row = {"email": f"c{number}@example.com", "vat_id": f"IT{turn}"}
            server.do(lambda erp: erp.people.edit(f"C-{number}", row))
            return f"C-{number}", f"IT{turn}"

        return change

    @pytest.fixture
    def told(self) -> Callable[[Row], Told]:
        def told(row: Row) -> Told:
            customer = customer_rows.read(row, "base", datetime.now(UTC))
            return customer.number, customer.fields["vat_id"]

        return told

    @pytest.fixture
    def begin_late(self, server: ErpServer, change: Change) -> Any:
        def begin(number: int, turn: int) -> tuple[Told, Callable[[], None]]:
            server.set_faults(LATE)
            wanted = change(number, turn)
            server.set_faults(NONE)
            late = datetime.max.replace(tzinfo=UTC)
            return wanted, lambda: server.do(lambda erp: erp.lists["customer-changes"].commit(late))

        return begin


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "needs as_of and number"),
        ({"number": "id"}, "needs as_of"),
        (FIELDS | {"telefon": "x"}, "no column telefon"),
    ],
)
def test_customers_are_read_by_named_columns_and_with_their_time(fields: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        connected("http://127.0.0.1:9", CUSTOMERS | {"fields": fields}, "customers")
