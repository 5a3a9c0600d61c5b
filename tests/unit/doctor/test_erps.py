"""The rights at each ERP, against its stand-in: seen to fail one by one, and seen to be content."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crossdock.cli.demo_targets import Target, named, target_of
from crossdock.contract.findings import Duties, Examined, Finding, Level
from crossdock.contract.flow import Route
from crossdock.contract.lookups import FixedLookups
from crossdock.doctor import ends
from crossdock.doctor.report import run
from crossdock.erp.registry import BUILT_IN
from crossdock.sandbox.faults import NONE
from tests.unit.doctor.refusing import Refusing

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
KINDS = sorted(set(named()) - {"sandbox", "tryton"})


@contextmanager
def target(kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    monkeypatch.setenv("CROSSDOCK_DEMO_TOKEN", "sandbox")
    made = target_of(kind, folder, 1, NONE)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def connected(made: Target, *refused: str) -> Any:
    table = dict(made.table())
    module = importlib.import_module(BUILT_IN[table["kind"]])
    return module.build("erp", table, lookups=FixedLookups(made.lookups()), http=Refusing(*refused))


def duties(connector: Any) -> Duties:
    gives, takes = connector.capabilities.reads, connector.capabilities.writes
    return Duties(
        out=(Route(source="erp", target="store", flows=gives),),
        into=(Route(source="store", target="erp", flows=takes),),
    )


def found(connector: Any) -> list[Finding]:
    assert isinstance(connector, Examined)
    return list(run(connector.examinations(duties(connector)), NOW).findings)


@pytest.mark.parametrize("kind", KINDS)
def test_erp_rights_is_satisfied_with_each_stand_in(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with target(kind, tmp_path, monkeypatch) as made:
        connector = connected(made)
        (told,) = found(connector)
        assert told.level is Level.OK, told
        assert "orders" in told.what
        assert [one.level for one in ends.reading(ends.questions(connector, duties(connector)))] == [Level.OK]


@pytest.mark.parametrize(
    ("kind", "word", "right"),
    [
        ("sap_s4", "A_SalesOrder", "SAP_COM_0109"),
        ("sap_b1", "/Orders", "Sales - A/R > Sales Order"),
        ("netsuite", "/salesOrder/", "Transactions > Sales Order"),
        ("netsuite", "FROM item", "Lists > Items"),
        ("oracle_fusion", "salesOrdersForOrderHub", "Sales Orders for Order Hub"),
        ("dynamics_bc", "/salesOrders", "D365 SALES DOC, EDIT"),
        ("dynamics_bc", "/customers", "D365 CUSTOMER, EDIT"),
        ("dynamics_fo", "SalesOrderLinesV2", "data entity SalesOrderLinesV2"),
        ("dynamics_fo", "CustomersV3", "data entity CustomersV3"),
    ],
)
def test_erp_rights_fails_by_the_vendors_name_of_each(
    kind: str, word: str, right: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with target(kind, tmp_path, monkeypatch) as made:
        told = found(connected(made, word))
    assert told
    assert {one.level for one in told} == {Level.ERROR}
    assert all(right in one.mend for one in told), told


def test_reading_fails_at_a_custom_erp_that_forbids_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with target("sandbox", tmp_path, monkeypatch) as made:
        connector = connected(made, "/stock")
        asked = ends.questions(connector, duties(connector))
        (told,) = ends.reading(asked)
        assert told.level is Level.ERROR
        assert told.what.startswith("inventory cannot be read")
        assert ends.questions(connector, Duties()) == []
