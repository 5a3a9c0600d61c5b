"""Prices of every kind pass the sink suite, into the sandbox's store over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from crossdock.conformance.faults import RETRY_AFTER, Fault, Inject
from crossdock.conformance.sinks import SinkConformance
from crossdock.contract.connector import Connector
from crossdock.contract.flow import Flow
from crossdock.flows import PRICES
from crossdock.magento.connector import build
from crossdock.model.price import Kind, Price, Step
from crossdock.sandbox.run import StoreServer
from crossdock.sandbox.store import Store
from crossdock.sandbox.wire import Answer, Asked

SETTINGS = {"kind": "magento", "auth": {"scheme": "bearer", "token": "env:CONFORMANCE_TOKEN"}}
PAGE = b"<html></html>"
HTML = {"Content-Type": "text/html"}
AFTER = {
    Fault.RESET_AFTER: Answer(reset=True),
    Fault.GARBAGE: Answer(raw=PAGE, headers=HTML),
    Fault.ERROR_AFTER: Answer(status=500, raw=PAGE, headers=HTML),
}
INSTEAD = {
    Fault.REFUSED: Answer(status=400, body={"message": "Something is wrong with it."}),
    Fault.UNAUTHORIZED: Answer(status=401, body={"message": "The consumer isn't authorized to access %resources."}),
    Fault.LIMITED: Answer(status=429, raw=PAGE, headers=HTML | {"Retry-After": str(int(RETRY_AFTER))}),
    Fault.UNAVAILABLE: Answer(status=503, raw=PAGE, headers=HTML),
    Fault.REDIRECT: Answer(status=302, raw=b"", headers={"Location": "https://elsewhere.example"}),
}


class OnePrice(SinkConformance):
    """A class below says which kind."""

    __test__ = False
    names_ids = False
    kind: Kind = "base"

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
        return PRICES

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return lambda number: Price(kind=self.kind, sku=sku(number), amount=Decimal(number), currency="EUR")

    @pytest.fixture
    def count(self, server: StoreServer) -> Callable[[Any, str], int]:
        return lambda record, _key: server.do(lambda store: self.there(store, record))

    def there(self, store: Store, record: Price) -> int:
        name = "cost" if self.kind == "cost" else "price"
        return sum(row[name] == record.amount for row in store.prices.of(self.kind, record.sku))

    @pytest.fixture
    def inject(self, server: StoreServer) -> Inject:
        waiting: list[Fault] = []
        plain = server._server.handler

        def answer(asked: Asked) -> Answer:
            if not waiting or asked.method == "GET" or "information" in asked.path:
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


def sku(number: int) -> str:
    return f"SIM-{number:04}"


class TestBase(OnePrice):
    __test__ = True


class TestSpecial(OnePrice):
    __test__ = True
    kind = "special"


class TestCost(OnePrice):
    __test__ = True
    kind = "cost"


class TestTier(OnePrice):
    __test__ = True
    kind = "tier"

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        more: dict[str, Any] = {"group": "General", "quantity": Decimal(2), "currency": "EUR"}
        return lambda number: Price(kind="tier", sku=sku(number), amount=Decimal(number), **more)


class TestLadder(OnePrice):
    __test__ = True
    kind = "ladder"

    @pytest.fixture
    def make_record(self) -> Callable[[int], Any]:
        return lambda number: Price(
            kind="ladder",
            sku=sku(number),
            steps=(Step(scope=0, group="General", quantity=Decimal(2), amount=Decimal(number)),),
        )

    def there(self, store: Store, record: Price) -> int:
        return len(store.prices.of("tier", record.sku))
