"""The words of OData V4, as its documents have them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from crossdock.errors import Temporary
from crossdock.transport.odata import (
    BatchPart,
    Query,
    Rows,
    all_rows,
    any_of,
    both,
    build_json_batch,
    encode,
    eq,
    error_in,
    exactly,
    key_of,
    literal,
    moment,
    next_link,
    page_in,
    parse_json_batch,
    rows_of,
    time_in,
)
from crossdock.transport.told import NOTHING, decode
from crossdock.transport.wire import HttpResponse

ASKED = "https://erp.example.com/api/v2.0/items?$top=2"
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def test_a_quote_in_a_text_ends_no_text() -> None:
    assert eq("name", "O'Neil' or '1' eq '1") == "name eq 'O''Neil'' or ''1'' eq ''1'"


def test_values_are_written_as_filters_want_them() -> None:
    told = [literal(one) for one in (True, 7, Decimal("1E+2"), datetime(2026, 1, 2, tzinfo=UTC))]
    assert told == ["true", "7", "100", "2026-01-02T00:00:00Z"]
    with pytest.raises(TypeError):
        literal(1.5)


def test_a_time_is_told_in_utc() -> None:
    there = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=timezone(timedelta(hours=2)))
    assert moment(there) == "2026-01-02T01:04:05.678000Z"
    assert time_in(moment(there)) == there
    assert time_in("2026-01-02T03:04:05") is None
    assert time_in("soon") is None


def test_filters_are_put_together() -> None:
    assert both("", "a eq 1", any_of("b", ["x", "y"])) == "a eq 1 and (b eq 'x' or b eq 'y')"
    assert any_of("b", ["x"]) == "b eq 'x'"
    with pytest.raises(ValueError, match="nothing"):
        any_of("b", [])
    assert key_of(dataAreaId="usmf", N="1") == "(dataAreaId='usmf',N='1')"


def test_numbers_stay_exact() -> None:
    assert decode(b'{"a":19.990}') == {"a": Decimal("19.990")}
    assert encode({"a": Decimal("19.990")}) == b'{"a":19.990}'
    assert decode(b"<html>") is NOTHING


@pytest.mark.parametrize("told", [None, [], {}, {"value": {}}, {"value": [1]}, NOTHING])
def test_what_is_no_collection_has_no_rows(told: Any) -> None:
    assert rows_of(told) is None


def test_what_was_found_by_a_wildcard_is_left_out() -> None:
    rows: list[dict[str, Any]] = [{"number": "A-1"}, {"number": "A*"}, {"number": None}, {}]
    assert exactly(rows, "number", "a*") == [{"number": "A*"}]


def test_the_next_page_is_followed_on_the_same_host_only() -> None:
    assert next_link({}, ASKED) == ""
    assert next_link({"@odata.nextLink": "items?$skiptoken=2"}, ASKED) == (
        "https://erp.example.com/api/v2.0/items?$skiptoken=2"
    )
    for away in ("https://elsewhere.example.com/x", "http://erp.example.com/x"):
        with pytest.raises(ValueError, match="host"):
            next_link({"@odata.nextLink": away}, ASKED)


def test_an_error_tells_what_it_is_about() -> None:
    inner = {"message": "outer", "internalexception": {"message": "Field 'X' must be filled in."}}
    told = error_in({"error": {"code": "", "message": "An error has occurred.", "innererror": inner}})
    assert (told.code, told.message, told.inner) == ("", "An error has occurred.", "Field 'X' must be filled in.")
    assert error_in({"error": {"code": "C", "message": {"lang": "en", "value": "M"}}}).message == "M"
    assert error_in("oops").code == ""


def test_a_batch_is_numbered_and_read_by_its_numbers() -> None:
    sent = json.loads(
        build_json_batch([BatchPart(method="POST", path="a", values={"x": 1}), BatchPart(method="GET", path="b")])
    )
    assert [one["id"] for one in sent["requests"]] == ["1", "2"]
    assert sent["requests"][0]["headers"]["Content-Type"] == "application/json"
    assert "body" not in sent["requests"][1]
    answers = {"responses": [{"id": "2", "status": 204}, {"id": "1", "status": 201, "body": {"id": 5}}]}
    first, second = parse_json_batch(encode(answers), 2)
    assert (first.status, first.body, second.status) == (201, b'{"id":5}', 204)


def test_answers_without_ids_are_taken_as_they_come() -> None:
    """As Business Central's own example has them (use-odata-batch.md)."""
    answers = {"responses": [{"id": None, "status": 200, "headers": {"Retry-After": "3"}}, {"id": None, "status": 400}]}
    found = parse_json_batch(encode(answers), 3)
    assert [one.status for one in found] == [200, 400]
    assert found[0].headers == {"retry-after": "3"}


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"<html>",
        b'{"responses":[]}',
        b'{"responses":[{"status":200},{"status":200}]}',
        b'{"responses":[{"id":"7","status":200}]}',
        b'{"responses":[{"body":{}}]}',
    ],
)
def test_what_answers_no_batch_is_refused(told: bytes) -> None:
    with pytest.raises(ValueError, match=r"batch|part"):
        parse_json_batch(told, 1)


def test_a_set_is_read_page_by_page() -> None:
    pages = {
        "": {"value": [{"n": 1}], "@odata.nextLink": ASKED + "&$skip=1"},
        ASKED + "&$skip=1": {"value": [{"n": 2}]},
    }

    def page(link: str) -> Rows:
        return page_in(HttpResponse(status=200, body=encode(pages[link])), link or ASKED, NOON)

    assert page("").at == NOON
    assert [row["n"] for row in all_rows(page)] == [1, 2]


@pytest.mark.parametrize("body", [b"<html>", b'{"value": 1}', b'{"value": [], "@odata.nextLink": "https://else/x"}'])
def test_what_is_no_page_is_looked_at_again(body: bytes) -> None:
    with pytest.raises(Temporary):
        page_in(HttpResponse(status=200, body=body), ASKED, NOON)


def test_a_query_says_what_it_is_asked_and_within_what() -> None:
    query = Query(where="a eq 1", select=("a", "b"), size=5)
    assert query.pairs("c eq 2") == (("$filter", "c eq 2 and a eq 1"), ("$select", "a,b"))
    assert query.headers() == {"Accept": "application/json", "Prefer": "odata.maxpagesize=5"}
    assert "Prefer" not in Query().headers()
