"""The identity of a document: what it says, whichever road it comes by and however it is written."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from crossdock.flows.document_rows import documents
from crossdock.flows.documents import fingerprint, heard

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LINE = {"sku": "A-1", "qty": 1}
SHIPMENT: dict[str, Any] = {"number": "SH-1", "order": "000000001", "warehouse": "MI", "lines": [LINE]}
OPTIONS = {"warehouses": {"MI": "wh_milan"}}


@pytest.mark.parametrize(
    "other",
    [
        {"lines": [LINE | {"qty": "1.0000"}]},
        {"lines": [LINE | {"qty": Decimal("1.0")}]},
        {"lines": [LINE | {"warehouse": "MI"}]},
        {"seq": 17, "changed_at": "2026-06-01T12:00:00Z", "comment": None, "notify": False},
        {"order": " 000000001 "},
    ],
)
def test_what_says_the_same_is_the_same(other: dict[str, Any]) -> None:
    assert fingerprint("shipments", SHIPMENT | other) == fingerprint("shipments", SHIPMENT)


@pytest.mark.parametrize(
    "other",
    [{"lines": [LINE | {"qty": 2}]}, {"warehouse": "RM"}, {"lines": []}, {"order": "000000002"}, {"comment": "late"}],
)
def test_what_says_something_else_is_not(other: dict[str, Any]) -> None:
    assert fingerprint("shipments", SHIPMENT | other) != fingerprint("shipments", SHIPMENT)


def test_money_that_is_written_otherwise_is_the_same() -> None:
    memo = {"number": "CM-1", "order": "1", "shipping": "4.90"}
    assert fingerprint("credit_memos", memo) == fingerprint("credit_memos", memo | {"shipping": Decimal("4.9")})
    assert fingerprint("credit_memos", memo) != fingerprint("credit_memos", memo | {"shipping": "4.91"})


def test_the_settings_do_not_change_what_a_document_says() -> None:
    moved = {"warehouses": {"MI": "wh_rome"}}
    first, second = (heard("erp", "store", "shipments", SHIPMENT, told, "", NOW) for told in (OPTIONS, moved))
    assert (first.message.id, first.fingerprint) == (second.message.id, second.fingerprint)


def test_one_that_is_wrong_has_a_name_of_its_own_until_it_is_put_right() -> None:
    wrong = heard("erp", "store", "shipments", SHIPMENT | {"warehouse": "MOON"}, OPTIONS, "", NOW)
    right = heard("erp", "store", "shipments", SHIPMENT, OPTIONS, "", NOW)
    assert (bool(wrong.wrong), right.wrong) == (True, "")
    assert wrong.message.id.startswith("store:shipments:SH-1!")
    assert right.message.id == "store:shipments:SH-1"
    assert (wrong.message.reference, right.message.reference) == ("000000001", "000000001")


def test_a_number_that_is_too_long_for_a_key_is_refused() -> None:
    told = heard("erp", "store", "invoices", {"number": ":" * 60, "order": "1"}, OPTIONS, "", NOW)
    assert "longer than 100" in told.wrong
    assert len(told.message.id) < 100


def test_rows_that_stand_apart_are_documents_of_their_own() -> None:
    rows = [(2, {"number": "A", "order": "1"}), (3, {"number": "B", "order": "1"}), (4, {"number": "A", "order": "2"})]
    assert [line for line, _ in documents(rows)] == [2, 3, 4]
