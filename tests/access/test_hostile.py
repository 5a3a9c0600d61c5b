"""Requests and data made to do harm: they are refused or shown as text, and nothing else happens."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from crossdock import log
from tests.access.callers import Callers, callers_in
from tests.access.table import API, ERP, ROWS, TABLE

pytestmark = pytest.mark.xdist_group("access")
SCRIPT = "<script>alert(1)</script>"
PUSHES = [
    *(f"{ERP}/{name}" for name in ("customers", "shipments", "tracks", "invoices", "credit-memos", "order-updates")),
    *(f"{place}/{flow}/update" for place in (ERP, ROWS) for flow in ("inventory", "prices", "products")),
]
ACTIONS = [f"{API}/dead/replay", f"{API}/dead/preview", f"{API}/connections/erp/pause", f"{API}/schedules/pause"]
DEEP = b"[" * 100_000 + b"]" * 100_000
BODIES = {
    "deep array": DEEP,
    "deep object": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "deep inside": b'{"number": "1", "items": ' + DEEP + b', "rows": ' + DEEP + b"}",
    "long number": b'{"number": 1' + b"0" * 50_000 + b', "items": [{"sku": "A", "qty": 1e999999999}]}',
    "not utf-8": b'{"number": "\xff\xfe"}',
    "half a pair": b'{"number": "\\ud800", "items": [{"sku": "\\udfff", "qty": 1}]}',
    "nul": b'{"number": "a\\u0000b", "items": [{"sku": "a\\u0000b", "qty": 1, "quantity": 1}], "why": "\\u0000"}',
    "twice": b'{"number": "1", "number": "2", "why": "a", "why": "b"}',
    "nan": b'{"number": NaN, "items": [{"sku": "A", "qty": Infinity}]}',
    "cut": b'{"number": "1',
    "no object": b'"text"',
}


@pytest.mark.parametrize("body", BODIES, ids=BODIES)
def test_no_body_breaks_an_address(callers: Callers, body: str) -> None:
    for path in (*PUSHES, *ACTIONS):
        who = "client" if path.startswith("/rest") else "admin"
        told = callers.ask(who, "POST", path, content=BODIES[body], more={"Content-Type": "application/json"})
        assert told.status_code < 500, (path, told.text)
    record = f"{API}/deliveries/1/record"
    told = callers.ask("operator", "PUT", record, content=BODIES[body], params={"why": "x"}, more={"If-Match": "*"})
    assert told.status_code < 500, told.text
    told = callers.ask("anonymous", "POST", "/hints/erp", content=BODIES[body])
    assert told.status_code == 404


INJECTED = (
    "' OR '1'='1",
    "'; DROP TABLE deliveries; --",
    "%",
    "_",
    "%%",
    "\\",
    '" OR ""="',
    "000000001' --",
    "1) OR (1=1",
)


@pytest.mark.parametrize("text", INJECTED)
def test_what_is_searched_for_is_text_and_never_a_statement(callers: Callers, text: str) -> None:
    everything = callers.ask("viewer", "GET", f"{API}/deliveries").json()["rows"]
    assert everything
    for name in ("search", "subject", "flow", "target", "code"):
        told = callers.ask("viewer", "GET", f"{API}/deliveries", params={name: text})
        assert told.status_code in {200, 400}, told.text
        assert told.json().get("rows", []) == [], (name, text)
    for name in ("subject", "actor", "operation"):
        told = callers.ask("viewer", "GET", f"{API}/audit", params={name: text})
        assert told.json()["rows"] == [], (name, text)
    for name in ("flow", "target", "code"):
        assert callers.ask("viewer", "GET", f"{API}/dead", params={name: text}).json()["causes"] == []
    assert callers.ask("viewer", "GET", f"{API}/lookups", params={"table": text}).json() == []
    assert callers.ask("viewer", "GET", f"{API}/deliveries").json()["rows"] == everything


@pytest.fixture
def story() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    log.configure("debug", json=True, stream=stream)
    yield stream
    log.configure("error")


def test_nobody_writes_lines_of_their_own_into_the_log(callers: Callers, story: io.StringIO) -> None:
    forged = '%0A{"event": "login", "actor": "admin"}%0D%0Aforged: line'
    for path in (f"/webhooks/store/{forged}", f"/webhooks/{forged}/order", f"/hints/{forged}", f"{API}/dead/{forged}"):
        callers.ask("anonymous", "POST", path, content=b"{}")
        callers.ask("viewer", "GET", path)
    callers.ask("client", "POST", f"{ERP}/shipments", json={"number": "1\n{}", "order": "x\r\nforged: line"})
    lines = story.getvalue().splitlines()
    assert lines
    for line in lines:
        told = json.loads(line)  # each line is one whole event
        assert told["event"] != "login"
        assert told["logger"]


def test_what_is_shown_of_hostile_data_is_never_a_page_with_a_script(tmp_path: Path) -> None:
    with callers_in(tmp_path) as callers:
        reason = f"HTTP 422: {SCRIPT} {{n}}"
        number = str(callers.bench.dead(77, reason, flow="orders", email=f"a{SCRIPT}@example.com"))
        assert SCRIPT in callers.ask("viewer", "GET", f"{API}/deliveries/{number}").text, "what the ERP said is kept"
        causes = callers.ask("viewer", "GET", f"{API}/dead").json()["causes"]
        (cause,) = [one["id"] for one in causes if "alert" in one["reason"]]
        filled = {"number": number, "cause": cause, "name": "erp", "table": "payment_terms"}
        looked = [address.split(" ")[1] for address in TABLE if address.startswith("GET ") and "/events" not in address]
        for path in (re.sub(r"{(\w+)}", lambda found: filled.get(found[1], "x"), one) for one in looked):
            told = callers.ask("admin", "GET", path, params={"search": SCRIPT})
            kind = told.headers.get("content-type", "")
            if kind.startswith("text/html"):
                assert SCRIPT not in told.text, path
                assert told.headers["content-security-policy"].startswith("default-src 'none'")
            else:
                assert kind.startswith(("application/", "text/plain")), (path, kind)


def test_no_other_site_reads_our_answers(callers: Callers) -> None:
    for method in ("GET", "OPTIONS"):
        more = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        told = callers.ask("admin", method, f"{API}/overview", more=more)
        assert not [name for name in told.headers if name.lower().startswith("access-control-")]


def test_a_body_that_is_too_large_is_refused_before_it_is_kept(callers: Callers) -> None:
    limit = callers.crossdock.settings.api.operations_limit
    told = callers.ask("operator", "POST", f"{API}/dead/replay", content=b" " * (limit + 1))
    assert told.status_code == 413
    hooks = callers.ask("anonymous", "POST", "/hints/erp", content=b" " * 1_000_001)
    assert hooks.status_code in {404, 413}
