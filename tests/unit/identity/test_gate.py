"""From where, how large, how often, over real HTTP; and what every page says to a browser."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from crossdock.identity.doorman import Client, Limits
from crossdock.identity.gate import Rules
from crossdock.identity.seen import GROUPS, group_of
from crossdock.security.access import Permission
from crossdock.security.headers import HTML
from crossdock.security.network import networks
from tests.databases import sqlite_url
from tests.unit.identity.house import STOCK, House, house_of

SAP = Client(name="sap", connection="erp", token="t0ken")
PATHS = {
    "webhooks": "/webhooks/store/order",
    "erp": STOCK,
    "operations": "/api/v1/look",
    "console": "/console/login",
    "metrics": "/metrics",
}
OPEN = ("/health/live", "/health/ready", "/openapi.json")
NOT_HERE = networks(["192.0.2.0/24"])


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return sqlite_url(tmp_path)


@pytest.fixture
def closed(folder: str) -> Iterator[House]:
    """Only 192.0.2.0/24 may, and 127.0.0.1 is a proxy of ours, as is 10.0.0.0/8."""
    rules = {group: Rules(allow=NOT_HERE) for group in PATHS}
    with house_of(folder, clients=(SAP,), rules=rules, trusted=("127.0.0.1", "10.0.0.0/8")) as found:
        yield found


def test_each_group_has_a_list_of_its_own(folder: str) -> None:
    with house_of(folder, clients=(SAP,), rules={"metrics": Rules(allow=NOT_HERE)}) as house:
        answer = house.ask("/metrics")
        assert (answer.status_code, answer.json()["detail"]) == (403, "not from this address")
        assert answer.headers["content-type"] == "application/problem+json"
        assert house.push("t0ken").status_code == 200


@pytest.mark.parametrize("path", [*PATHS.values(), "/hints/erp", "/webhooks", "/console", "/rest/V1/erp/nothing"])
def test_who_is_not_in_the_list_learns_nothing_at_all(closed: House, path: str) -> None:
    for method in ("GET", "POST", "DELETE", "OPTIONS"):
        assert closed.ask(path, "t0ken", method).status_code == 403


@pytest.mark.parametrize("path", OPEN)
def test_health_is_for_everybody(closed: House, path: str) -> None:
    assert closed.ask(path).status_code == 200


@pytest.mark.parametrize(
    ("forwarded", "allowed"),
    [
        ("192.0.2.7", True),
        ("203.0.113.1, 192.0.2.7", True),
        ("192.0.2.7, 10.1.2.3", True),
        ("192.0.2.7,10.1.2.3 , 10.9.9.9", True),
        ("[::ffff:192.0.2.7]:4711", True),
        ("192.0.2.7:4711", True),
        ("192.0.2.7, 203.0.113.1", False),  # written by whoever asked: only the last hop is our proxy's word
        ("192.0.2.7, nonsense", False),
        ("192.0.2.7,", False),
        ("", False),
        ("10.0.0.1", False),
    ],
)
def test_only_what_our_proxies_add_is_believed(closed: House, forwarded: str, allowed: bool) -> None:
    answer = closed.ask(STOCK, "t0ken", "POST", json={}, headers={"X-Forwarded-For": forwarded})
    assert answer.status_code == (200 if allowed else 403)


def test_several_headers_are_one_list_and_the_last_of_it_counts(closed: House) -> None:
    rows = [("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-For", "203.0.113.1")]
    assert closed.ask("/metrics", headers=rows).status_code == 403
    assert closed.ask("/metrics", headers=rows[::-1]).status_code == 200


def test_without_trusted_proxies_the_header_says_nothing(folder: str) -> None:
    with house_of(folder, clients=(SAP,), rules={"erp": Rules(allow=NOT_HERE)}) as house:
        answer = house.ask(STOCK, "t0ken", "POST", json={}, headers={"X-Forwarded-For": "192.0.2.7"})
        assert answer.status_code == 403


@pytest.mark.parametrize(
    "target",
    ["//metrics", "/./metrics", "/metrics/", "/%6detrics", "///metrics", "/METRICS", "/metrics%2f", "/x/../metrics",
     "//console/login", "/console//login", "/%63onsole/login", "/console/login/", "/webhooks//x/y", "//webhooks/x/y",
     "/openapi.json/../metrics", "/health/../metrics", ";/metrics", "/metrics;x", "/\\metrics"],
)  # fmt: skip
def test_no_spelling_of_an_address_goes_round_the_gate(closed: House, target: str) -> None:
    status = raw(closed, f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert status in {400, 403, 404}, "it was served"


def raw(house: House, text: str) -> int:
    parts = urlsplit(house.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as wire:
        wire.sendall(text.encode("latin-1"))
        answer = b""
        while chunk := wire.recv(65536):
            answer += chunk
    return int(answer.split(b" ", 2)[1])


def test_the_groups_are_those_of_the_settings() -> None:
    assert {group_of(path) for path in PATHS.values()} == set(GROUPS.values())
    assert [group_of(path) for path in OPEN] == [""] * len(OPEN)


def test_an_address_that_asks_too_often_waits(folder: str) -> None:
    with house_of(folder, rules={"metrics": Rules(per_minute=5)}, trusted=("127.0.0.1",)) as house:

        def asked(address: str) -> int:
            return house.ask("/metrics", headers={"X-Forwarded-For": address}).status_code

        assert [asked("192.0.2.1") for _ in range(6)] == [200] * 5 + [429]
        assert asked("192.0.2.2") == 200
        assert [asked(f"2001:db8::{n}") for n in range(1, 7)] == [200] * 5 + [429], "one line has a whole /64"
        house.later(seconds=12)
        assert [asked("192.0.2.1") for _ in range(2)] == [200, 429]


def test_a_body_over_the_limit_of_its_group_is_stopped(folder: str) -> None:
    rules = {"operations": Rules(body_limit=1000), "erp": Rules(body_limit=5000)}
    with house_of(folder, clients=(SAP,), rules=rules) as house:
        token = house.token("read")

        def took(size: int, *, told: bool) -> int:
            body = b"x" * size
            content = body if told else iter([body[:700], body[700:]])
            return house.ask("/api/v1/take", token, "POST", content=content).status_code

        assert [took(size, told=told) for told in (True, False) for size in (1000, 1001)] == [200, 413, 200, 413]
        assert house.seen == ["operations 413"] * 2
        assert house.push("t0ken", content=b"[" * 5001).status_code == 413
        wrong = (
            f"POST /api/v1/take HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n"
            "Content-Length: 99999999999999999999\r\n\r\n"
        )
        assert raw(house, wrong) in {400, 413}


def test_metrics_and_webhooks_may_need_a_token(folder: str) -> None:
    rules = {"metrics": Rules(scope=Permission.READ), "webhooks": Rules(scope=Permission.INTAKE)}
    with house_of(folder, rules=rules, limits=Limits(known={}, failures=10)) as house:
        reads, takes = house.token("read"), house.token("intake")
        assert [house.ask("/metrics", one).status_code for one in ("", "xd_x", takes, reads)] == [401, 401, 403, 200]
        found = [house.ask("/webhooks/store/order", one, "POST").status_code for one in ("", reads, takes)]
        assert found == [401, 403, 404]
        assert [house.ask("/metrics", "xd_x").status_code for _ in range(8)] == [401] * 7 + [429]
        assert house.ask("/metrics", reads).status_code == 200


def test_every_page_says_what_a_browser_may_do_with_it(folder: str) -> None:
    with house_of(folder) as house:
        for path in ("/console/login", "/console/bare"):
            answer = house.ask(path)
            assert answer.status_code == 200
            assert {name: answer.headers.get(name) for name in HTML} == dict(HTML), path
        policy = HTML["content-security-policy"]
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert policy.startswith("default-src 'none'")
        assert "<script" not in house.ask("/console/login").text
        assert "content-security-policy" not in house.ask("/health/live").headers
