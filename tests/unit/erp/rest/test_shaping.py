"""What the settings make of a payload before it is sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from crossdock.contract.lookups import NO_LOOKUPS, FixedLookups, Lookups
from crossdock.erp.rest.settings import PayloadSettings
from crossdock.erp.rest.shaping import shaped
from crossdock.errors import MappingError, MissingEntry

PAYLOAD: dict[str, Any] = {
    "order_number": "1",
    "payment": {"method": "checkmo"},
    "shipping": None,
    "items": [{"sku": "A", "tax": "22", "price": Decimal("9.990")}, {"sku": "B", "tax": None}],
}
TABLES = FixedLookups({"terms": {"checkmo": "N30"}, "taxes": {"22": "V22"}})


def made(tables: Lookups = TABLES, /, **wanted: Any) -> Any:
    build = shaped(lambda record, _key: record, PayloadSettings(**wanted), tables)
    return build(PAYLOAD, "key")


def test_words_are_looked_up_where_they_stand_and_nothing_else_changes() -> None:
    found = made(lookups={"payment.method": "terms", "items[].tax": "taxes", "shipping.method": "ways"})
    assert found["payment"] == {"method": "N30"}
    assert [line["tax"] for line in found["items"]] == ["V22", None]
    assert found["shipping"] is None
    assert PAYLOAD["payment"] == {"method": "checkmo"}


def test_a_word_without_an_entry_is_missing_and_a_table_that_is_not_there_changes_nothing() -> None:
    with pytest.raises(MissingEntry, match="taxes: has no entry for '22'"):
        made(FixedLookups({"taxes": {}}), lookups={"items[].tax": "taxes"})
    assert made(NO_LOOKUPS, lookups={"payment.method": "terms"}) == PAYLOAD


def test_what_is_no_word_is_refused() -> None:
    with pytest.raises(MappingError, match="no word"):
        made(lookups={"payment": "terms"})


def test_fields_are_put_beside_ours_and_see_words_looked_up() -> None:
    found = made(
        lookups={"payment.method": "terms"},
        fields={
            "doc.head.terms": "payment.method",
            "doc.skus": "items[].sku",
            "order_number": "join('-', ['W', order_number])",
        },
    )
    assert found["doc"] == {"head": {"terms": "N30"}, "skus": ["A", "B"]}
    assert found["order_number"] == "W-1"
    assert found["items"] == PAYLOAD["items"]


def test_only_our_fields_are_sent_and_amounts_stay_exact() -> None:
    assert made(only_fields=True, fields={"no": "order_number", "first": "items[0].price"}) == {
        "no": "1",
        "first": Decimal("9.990"),
    }


def test_an_expression_that_fails_on_a_record_names_its_place() -> None:
    with pytest.raises(MappingError, match="total: its expression fails"):
        made(fields={"total": "sum(order_number)"})


@pytest.mark.parametrize(
    "wanted", [{"only_fields": True}, {"fields": {"a[].b": "x"}}, {"fields": {"a": "][ "}}, {"fields": {"a": ""}}]
)
def test_settings_that_cannot_work_are_refused(wanted: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PayloadSettings(**wanted)
