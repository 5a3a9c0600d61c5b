"""Customers pass the suites at the store's end: as a source, and as sinks, over HTTP with the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from crossdock.conformance.faults import Fault, Inject
from crossdock.conformance.sinks import SinkConformance
from crossdock.conformance.sources import SourceConformance, World
from crossdock.contract.connector import Connector, Source
from crossdock.contract.flow import Flow
from crossdock.errors import NotReady
from crossdock.flows import CUSTOMER_LOOKS, CUSTOMERS, ERASURES, NEW_CUSTOMERS
from crossdock.magento.connector import build
from crossdock.model.customer import CustomerChange, Erasure
from crossdock.sandbox import customers as people
from crossdock.sandbox.run import StoreServer
from crossdock.sandbox.wire import Answer, Asked
from crossdock.transport.http import Http, HttpRequest, HttpResponse
from tests.unit.magento.test_conformance import SETTINGS, Shop
from tests.unit.magento.test_price_conformance import AFTER, INSTEAD

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


class Accounts(Shop):
    def add(self, count: int, *, same_moment: bool = False) -> Sequence[str]:
        self._on(1)
        added = []
        for _ in range(count):
            self._on(0 if same_moment else 1)
            added.append(self._server.do(self._made))
        return [f"customer:{number}" for number in added]

    @staticmethod
    def _made(store: Any) -> int:
        number = int(store.next_customer)
        store.next_customer += 1
        store.customers[number] = people._customer(number, store.stamp())
        return number

    def touch(self, subject: str) -> None:
        self._on(1)
        number = int(subject.partition(":")[2])
        self._server.do(lambda store: people.save(store, store.customers[number], {"suffix": str(self._now)}))


class TestLooks(SourceConformance):
    @pytest.fixture
    def server(self) -> Iterator[StoreServer]:
        server = StoreServer(seed=1)
        server.start()
        server.do(lambda store: store.customers.clear())
        yield server
        server.stop()

    @pytest.fixture
    def world(self, server: StoreServer) -> World:
        return Accounts(server)

    @pytest.fixture
    def source(self, server: StoreServer, world: World, monkeypatch: pytest.MonkeyPatch) -> Source[Any]:
        monkeypatch.setenv("CONFORMANCE_TOKEN", "sandbox")
        return build("store", SETTINGS | {"base_url": server.url}).source(CUSTOMER_LOOKS)

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        return CUSTOMER_LOOKS


class TestEdits(SinkConformance):
    """What has changed of customers whom the store has."""

    @pytest.fixture
    def server(self) -> Iterator[StoreServer]:
        server = StoreServer(seed=1)
        server.start()
        yield server
        server.stop()

    @pytest.fixture
    def connector(self, server: StoreServer, monkeypatch: pytest.MonkeyPatch) -> Connector:
        monkeypatch.setenv("CONFORMANCE_TOKEN", "sandbox")
        return build("store", SETTINGS | {"base_url": server.url})

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        return CUSTOMERS

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        def make(number: int) -> CustomerChange:
            fields: dict[str, Any] = {
                "vat_id": f"IT{number}",
                "addresses.A1": {
                    "first_name": "Ada",
                    "last_name": "Byron",
                    "street": ["Via Po 3"],
                    "city": "Torino",
                    "country": "IT",
                },
            }
            return CustomerChange(id=str(number), fields=fields, at=dict.fromkeys(fields, NOW), pair="erp")

        return make

    @pytest.fixture
    def count(self, server: StoreServer) -> Callable[[Any, str], int]:
        def count(record: CustomerChange, _key: str) -> int:
            row = server.do(lambda store: store.customers[int(record.id)])
            made = sum(one["city"] == "Torino" for one in row["addresses"])
            return made if row.get("taxvat") == record.fields["vat_id"] else 0

        return count

    @pytest.fixture
    def inject(self, server: StoreServer) -> Inject:
        waiting: list[Fault] = []
        plain = server._server.handler

        def answer(asked: Asked) -> Answer:
            if not waiting or asked.method == "GET":
                return plain(asked)
            fault = waiting.pop()
            if fault in AFTER:
                plain(asked)
            return (AFTER | INSTEAD)[fault]

        def inject(fault: Fault) -> bool:
            server._server.handler = answer
            waiting.append(fault)
            return fault in AFTER | INSTEAD

        return inject


class TestNew(TestEdits):
    """Customers whom the store does not have."""

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        return NEW_CUSTOMERS

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        def make(number: int) -> CustomerChange:
            fields = {"email": f"p{number}@example.com", "first_name": "P", "last_name": str(number)}
            at = dict.fromkeys(fields, NOW)
            return CustomerChange(website="base", email=fields["email"], fields={**fields}, at=at, new=True)

        return make

    @pytest.fixture
    def count(self, server: StoreServer) -> Callable[[Any, str], int]:
        return lambda record, _key: server.do(
            lambda store: sum(row["email"] == record.email for row in store.customers.values())
        )


class TestErasures(TestEdits):
    """Accounts that are to be deleted."""

    @pytest.fixture
    def flow(self) -> Flow[Any]:
        return ERASURES

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return lambda number: Erasure(customer_id=str(number), asked_at=NOW, asked_by="test")

    @pytest.fixture
    def count(self, server: StoreServer) -> Callable[[Any, str], int]:
        return lambda record, _key: server.do(lambda store: int(int(record.customer_id) not in store.customers))


class EditedAfterwards:
    """Sends; and as soon as a customer was written, the customer edits the account."""

    def __init__(self, server: StoreServer) -> None:
        self._http, self._server = Http(), server

    def send(self, request: HttpRequest) -> HttpResponse:
        answer = self._http.send(request)
        if request.method == "PUT":
            self._server.do(lambda store: people.save(store, store.customers[2], {"lastname": "Own"}))
        return answer


def test_an_edit_between_our_write_and_our_look_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFORMANCE_TOKEN", "sandbox")
    server = StoreServer(seed=1)
    server.start()
    try:
        before = server.do(lambda store: store.customers[2]["lastname"])
        sink = build("store", SETTINGS | {"base_url": server.url}, http=EditedAfterwards(server)).sink(CUSTOMERS)
        change = CustomerChange(id="2", fields={"last_name": "Ours"}, at={"last_name": NOW}, seen={"last_name": before})
        with pytest.raises(NotReady, match="changed at the store since: last_name"):
            sink.put(change, "v1:key")
        assert server.do(lambda store: store.customers[2]["lastname"]) == "Own"
    finally:
        server.stop()
