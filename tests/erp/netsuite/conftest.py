"""A NetSuite account that stands in, and connections to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from crossdock.conformance.faults import DONE, RETRY_AFTER, Fault
from crossdock.contract.lookups import FixedLookups
from crossdock.erp.netsuite.connector import NetsuiteConnector, build
from crossdock.sandbox.erps.netsuite import StandIn
from crossdock.sandbox.erps.netsuite.account import Account
from crossdock.sandbox.erps.netsuite.records import error
from crossdock.sandbox.wire import Answer


class Netsuite:
    """The stand-in with the tests' hands on it."""

    def __init__(self, *, algorithm: str = "ES256") -> None:
        self.stand_in = StandIn(1, algorithm=algorithm)
        self.account = self.stand_in.account
        self.stand_in.start()

    def table(self, **more: Any) -> dict[str, Any]:
        return {**self.stand_in.table(), **more}

    def connector(self, **more: Any) -> NetsuiteConnector:
        return build("erp", self.table(**more), lookups=FixedLookups(self.stand_in.lookups()))

    def tba(self) -> dict[str, Any]:
        door = self.account.door
        names = ("consumer_key", "consumer_secret", "token", "token_secret")
        return {"scheme": "tba"} | {name: f"env:NETSUITE_{name.upper()}" for name in names if getattr(door, name)}

    def orders(self, number: str = "") -> list[dict[str, Any]]:
        kept = self.stand_in.do(lambda account: [*account.records.kept["salesOrder"].values()])
        return [one for one in kept if not number or one.get("externalId") == f"MAG-{number}"]

    def customers(self, ident: str) -> int:
        kept = self.stand_in.do(lambda account: [*account.records.kept["customer"].values()])
        return sum(one.get("externalId") == f"M{ident}" for one in kept)

    def count_stock(self, sku: str, quantity: int, *, at: str, place: int = 1) -> None:
        def count(account: Account) -> None:
            item = account.stock([sku])[sku]
            values = {"quantityonhand": quantity, "quantityavailable": quantity, "lastquantityavailablechange": at}
            account.tables.put("aggregateitemlocation", item=item, location=place, **values)

        self.stand_in.do(count)

    def price(self, sku: str, price: Decimal, *, at: str = "") -> None:
        def set_price(account: Account) -> None:
            item = account.stock([sku])[sku]
            account.tables.put("pricing", item=item, pricelevel=1, currency=4, quantity=0, unitprice=str(price))
            account.tables.run("UPDATE item SET lastmodifieddate = ? WHERE id = ?", at or account.stamp(), item)

        self.stand_in.do(set_price)

    def rename(self, sku: str, name: str, *, inactive: str = "F", at: str = "") -> None:
        def set_name(account: Account) -> None:
            item = account.stock([sku])[sku]
            sql = "UPDATE item SET displayname = ?, isinactive = ?, lastmodifieddate = ? WHERE id = ?"
            account.tables.run(sql, name, inactive, at or account.stamp(), item)

        self.stand_in.do(set_name)

    def a_minute_ago(self) -> str:
        """A time that a scan has read past already."""
        return (self.account.clock() - timedelta(seconds=60)).strftime("%Y-%m-%d %H:%M:%S")

    def inject(self, fault: Fault) -> bool:
        spoil = spoiler(fault)
        again = fault is Fault.UNAUTHORIZED  # it is tried once more with a new token
        self.stand_in.do(lambda account: account.injected.extend([spoil] * (2 if again else 1)))
        return True


def spoiler(fault: Fault) -> Callable[[Callable[[], Answer]], Answer]:
    def spoil(effect: Callable[[], Answer]) -> Answer:
        return spoilt(fault, effect()) if fault in DONE else refusal(fault)

    return spoil


def spoilt(fault: Fault, answer: Answer) -> Answer:
    """Of what was done."""
    if fault is Fault.RESET_AFTER:
        return Answer(reset=True)
    if fault is Fault.GARBAGE:
        return Answer(raw=b"<html>welcome</html>")
    if fault is Fault.NAMELESS:
        return msgspec.structs.replace(answer, headers={})
    return Answer(status=500, raw=b"<html>oops</html>")


def refusal(fault: Fault) -> Answer:
    quoted = "Wilhelmina Canary, wilhelmina@canary.example, Birdcage Walk 7, +49 30 901820"
    answers = {
        Fault.REFUSED: error(400, "INVALID_CONTENT", f"Invalid value {quoted}", "item.items[0].item"),
        Fault.UNAUTHORIZED: error(401, "INVALID_LOGIN", "Invalid login attempt."),
        Fault.LIMITED: error(429, "REQUEST_LIMIT_EXCEEDED", "Too many requests."),
        Fault.UNAVAILABLE: Answer(status=503, raw=b"<html>maintenance</html>"),
        Fault.REDIRECT: Answer(status=302, raw=b"", headers={"Location": "http://127.0.0.1:9/"}),
    }
    answer = answers[fault]
    headers = {"Retry-After": str(int(RETRY_AFTER))} if fault is Fault.LIMITED else answer.headers
    return msgspec.structs.replace(answer, headers=headers)


@pytest.fixture
def netsuite(monkeypatch: pytest.MonkeyPatch) -> Iterator[Netsuite]:
    there = Netsuite()
    for name in ("consumer_key", "consumer_secret", "token", "token_secret"):
        monkeypatch.setenv(f"NETSUITE_{name.upper()}", getattr(there.account.door, name))
    yield there
    there.stand_in.stop()
