"""A person goes through a whole walk with everything that goes wrong in it, and nothing but the two ends knows them.

Looked through: the log, metrics, what RabbitMQ carried, every GET that a viewer or an operator may ask, server-sent
events, and every refusal. Which addresses there are stands in tests/access/table.py; PAGES is for those that
need more than their table's line to be looked at.
"""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock.delivery.store import DeadFilter
from tests.access.callers import Callers, opened_settings, served
from tests.access.table import OWN_LOCK, TABLE
from tests.canaries import CANARIES, EMAIL, FIRST, LAST, NOTE, PHONE, QUOTED, STREET, VAT, overheard, planted, sung
from tests.databases import postgres_url
from tests.material import needs_shared
from tests.rabbit import traced
from tests.recorded_server import Asked, Reply, serve
from tests.walk.world import Erp, Shop, recorded, settled, until

pytestmark = needs_shared
PAGES: tuple[str, ...] = ()  # of the console, with what they need in their addresses
HTML = {"Content-Type": "text/html"}
# what the ERP says to one order after the other
ANSWERS = (
    Reply(422, {"message": QUOTED}),
    Reply(400, f"<html><title>{QUOTED}</title><p>{QUOTED}</p></html>".encode(), HTML),
    Reply(409, {"error": {"code": "conflict", "message": QUOTED, "details": [{"value": EMAIL}, {"value": LAST}]}}),
    Reply(500, {"message": QUOTED}),
    Reply(201, f"<html>{QUOTED}</html>".encode(), HTML),
)


class Walk:
    """Between a shop and an ERP that both quote people when they refuse."""

    def __init__(self, shop: Shop, erp: Erp, callers: Callers, listeners: list[threading.Thread]) -> None:
        self.shop, self.erp, self.callers, self.listeners = shop, erp, callers, listeners
        self.crossdock = callers.crossdock

    def place(self, count: int) -> list[int]:
        plain = recorded("001_smoke")
        return [
            self.shop.add(planted(plain), entity_id=int(plain["entity_id"]) + n, increment_id=f"0000099{n:02}")
            for n in range(count)
        ]

    def letters(self) -> int:
        return len(self.crossdock.store.dead(DeadFilter()))


@contextmanager
def walk_in(folder: Path, database: str = "", broker: str = "") -> Iterator[Walk]:
    shop, erp = Shop(), Erp()
    with serve(shop.answer) as shop_server, serve(erp.answer) as erp_server:
        told = opened_settings(folder, shop_server.url, erp_server.url)
        tables: dict[str, Any] = {"broker": {"url": broker}} | ({"database": {"url": database}} if database else {})
        listeners: list[threading.Thread] = []
        with served(told.model_validate(told.model_dump(exclude_unset=True) | tables)) as callers:
            yield Walk(shop, erp, callers, listeners)
        for one in listeners:  # the server has ended, and so do they
            one.join(60)
            assert not one.is_alive()


def gone_wrong(walk: Walk) -> None:
    """Everything that can go wrong with their orders, and with what an ERP pushes about them."""
    refused = Reply(400, {"message": "Could not save the order of %1.", "parameters": [f"{FIRST} {LAST}, {EMAIL}"]})
    (good,) = walk.place(1)
    until(lambda: bool(walk.shop.comments.get(good)) and settled(walk.crossdock))
    for answer in ANSWERS:
        walk.erp.before.append(answer)
    walk.shop.refuse = [lambda asked: refused if acknowledges(asked) else None] * 2
    odd = planted(recorded("001_smoke"))
    odd["billing_address"] |= {"telephone": [PHONE], "street": {"one": STREET}}
    walk.shop.add(odd, entity_id=7_000_001, increment_id="000009951", grand_total=1.01)
    walk.shop.add(odd | {"customer_firstname": {"x": FIRST}, "customer_email": [EMAIL]}, entity_id=7_000_002)
    walk.shop.add(planted(recorded("001_smoke")), entity_id=7_000_003, order_currency_code="???")
    walk.place(7)
    until(lambda: not walk.erp.before and walk.letters() >= 4 and settled(walk.crossdock), 60)


def acknowledges(asked: Asked) -> bool:
    return asked.method == "POST" and asked.path.endswith("/orders")


def refusals(walk: Walk) -> Iterator[tuple[str, httpx.Response]]:
    """Requests that are refused, with the person in them: (what it was, the answer)."""
    ask = walk.callers.ask
    customer = {"number": "B-1", "email": PHONE, "first_name": FIRST, "last_name": [LAST], "vat_id": {"x": VAT}}
    yield "a customer that is none", ask("client", "POST", "/rest/V1/erp/customers", json=customer)
    broken = json.dumps({"number": QUOTED})[:-1].encode()
    for path in ("customers", "shipments", "invoices", "credit-memos", "order-updates", "inventory/update"):
        yield path, ask("client", "POST", f"/rest/V1/erp/{path}", content=broken)
        yield path, ask("client", "POST", f"/rest/V1/erp/{path}", json={"order": QUOTED, "comment": {"x": NOTE}})
    yield "webhook", ask("anonymous", "POST", "/webhooks/store/order", json={"email": EMAIL})
    yield "hint", ask("anonymous", "POST", "/hints/erp", content=QUOTED.encode())
    for query in ("cursor", "state", "since", "limit"):
        yield query, ask("viewer", "GET", "/api/v1/deliveries", params={query: EMAIL})
    yield "search", ask("viewer", "GET", "/api/v1/deliveries", params={"search": EMAIL})
    yield "why", ask("viewer", "POST", "/api/v1/dead/replay", json={"ids": [QUOTED], "why": QUOTED})
    yield "why", ask("operator", "POST", "/api/v1/dead/replay", json={"ids": [QUOTED], "why": {"x": QUOTED}})
    letter = walk.crossdock.store.dead(DeadFilter())[0].id
    record = f"/api/v1/deliveries/{letter}/record"
    for body in ({"buyer": QUOTED}, {"buyer": {"email": [EMAIL]}, "totals": QUOTED}, QUOTED):
        yield "a correction", ask("operator", "PUT", record, json=body, params={"why": "x"}, more={"If-Match": "*"})


def looked_at(walk: Walk, by: str) -> Iterator[tuple[str, str]]:
    """Every address that may be looked at, with all that there is to fill it with."""
    ask = walk.callers.ask
    rows = ask(by, "GET", "/api/v1/deliveries", params={"limit": 500}).json()["rows"]
    causes = [one["id"] for one in ask(by, "GET", "/api/v1/dead").json()["causes"]]
    assert rows
    assert causes
    filled: dict[str, list[str]] = {
        "number": [str(one["id"]) for one in rows],
        "cause": causes,
        "name": ["store", "erp"],
        "connection": ["erp"],
        "table": ["payment_terms"],
        "feed": ["1"],
        "run": ["1"],
    }
    for address, who in TABLE.items():
        method, path = address.split(" ")
        if method != "GET" or (by not in who and who != OWN_LOCK) or path.endswith("/events"):
            continue
        if "/coverage" in path and by != "viewer":
            continue  # it asks the store each time
        blank = re.search(r"{(\w+)}", path)
        values = filled.get(blank[1], ["x"]) if blank else [""]
        for value in values:
            target = path.replace(blank[0], value) if blank else path
            yield target, ask(by, "GET", re.sub(r"{\w+}", "x", target)).text
    for page in PAGES:
        yield page, ask(by, "GET", page).text
    chosen = {"ids": [int(one) for one in filled["number"]]}
    yield "foreseen", ask(by, "POST", "/api/v1/dead/preview", json=chosen).text


def heard(walk: Walk, told: list[str], ready: threading.Event) -> None:
    """Server-sent events, until the server ends."""
    headers = walk.callers.headers_of("viewer")
    try:
        with httpx.stream("GET", f"{walk.callers.url}/api/v1/events", headers=headers, timeout=120) as stream:
            ready.set()
            told.extend(stream.iter_lines())
    except httpx.TransportError:
        return  # it has ended


def sings(walk: Walk, story: io.StringIO) -> None:
    events: list[str] = []
    ready = threading.Event()
    listener = threading.Thread(target=heard, args=(walk, events, ready), daemon=True)
    walk.listeners.append(listener)
    listener.start()
    assert ready.wait(60)
    gone_wrong(walk)
    assert sung(json.dumps([order for _, order in walk.erp.kept])), "the ERP knows them"
    for what, answer in refusals(walk):
        assert sung(answer.text) == [], (what, answer.text)
    for by in ("viewer", "approver"):
        seen = 0
        for address, text in looked_at(walk, by):
            assert sung(text) == [], (by, address, text)
            seen += 1
        assert seen > 40
    until(lambda: any("counts" in line for line in events))
    assert sung("\n".join(events)) == []
    whole = walk.callers.ask("admin", "GET", "/api/v1/deliveries?flow=orders&state=dead").json()["rows"][0]["id"]
    assert sung(walk.callers.ask("admin", "GET", f"/api/v1/deliveries/{whole}/record").text), "an admin sees the record"
    for line in story.getvalue().splitlines():
        assert sung(line) == [], line


@pytest.fixture
def story() -> Iterator[io.StringIO]:
    with overheard() as heard_of:
        yield heard_of


def test_nobody_but_the_ends_and_an_admin_hears_a_canary(tmp_path: Path, story: io.StringIO) -> None:
    with walk_in(tmp_path) as walk:
        sings(walk, story)
    assert "stopped" in story.getvalue()


@pytest.mark.services
def test_no_message_of_the_broker_carries_a_canary(tmp_path: Path, rabbit: str, story: io.StringIO) -> None:
    with postgres_url() as url, traced(rabbit) as carried:
        with walk_in(tmp_path, url, rabbit) as walk:
            sings(walk, story)
        until(lambda: len(carried()) > 5)
        for body in carried():
            assert sung(body) == [], body


def test_a_canary_is_heard_however_it_is_written() -> None:
    for one in CANARIES:
        assert sung(f"x {one.upper()} y") == [one]
    assert sung(f"GET /?search={EMAIL.replace('@', '%40')}") == [EMAIL]
    assert sung(STREET.replace(" ", "%20")) == [STREET]
    assert sung(STREET.replace(" ", "+")) == [STREET]
    assert sung("nobody") == []
