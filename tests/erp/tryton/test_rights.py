"""What a real Tryton says to a user who may, and to one who may not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crossdock.contract.findings import Duties, Finding, Level
from crossdock.contract.flow import Route
from crossdock.doctor.report import run
from crossdock.erp.tryton.connector import TrytonConnector, build
from tests.tryton_server import Tryton

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
DUTIES = Duties(
    into=(Route(source="store", target="erp", flows=frozenset({"orders", "customers", "refunds", "cancellations"})),)
)
PASSWORD = "a clerk's pass phrase, of his own"


def found(connector: TrytonConnector) -> list[Finding]:
    return list(run(connector.examinations(DUTIES), NOW).findings)


def test_erp_rights_is_satisfied_with_a_real_tryton(tryton: Tryton) -> None:
    (told,) = found(build("erp", tryton.settings()))
    assert told.level is Level.OK, told
    assert "cancellations, customers, orders, refunds" in told.what


def test_erp_rights_fails_for_a_user_without_groups(tryton: Tryton, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLERK", PASSWORD)
    company = {"companies": [["add", [1]]], "company": 1}
    tryton.client.create("res.user", {"name": "Clerk", "login": "clerk", "password": PASSWORD, **company})
    login = {"scheme": "session", "username": "clerk", "password": "env:CLERK"}
    told = found(build("erp", tryton.settings(auth=login)))
    assert {one.level for one in told} == {Level.ERROR}, told
    assert any("sale.sale" in one.mend and "group Sales" in one.mend for one in told), told
