"""What an answer says: exact numbers, words without people, and when to come back."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from crossdock.errors import OutcomeUnknown, Rejected, Temporary
from crossdock.transport.told import LONGEST, NOTHING, clean, decode, limited, naming_nobody, page_words, unclear
from crossdock.transport.wire import HttpResponse

NOW = datetime(2026, 11, 26, 2, tzinfo=UTC)


def test_fractions_are_exact_or_as_they_are_wanted() -> None:
    assert decode(b'{"a": 19.990, "b": 3}') == {"a": Decimal("19.990"), "b": 3}
    assert str(decode(b"[19.990]")[0]) == "19.990"
    assert decode(b"[19.990]", fractions=str) == ["19.990"]
    assert decode(b'{"a": {"b": 1}}', hook=sorted) == ["a"]


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"\xff", b'{"a": NaN}', b"[Infinity]", b"[1e99999999999999999999]", b"[" * 100_000]
)
def test_what_is_no_json_is_nothing(body: bytes) -> None:
    assert decode(body) is NOTHING


def test_people_and_secrets_are_taken_out_and_the_rest_is_one_short_line() -> None:
    told = clean("Customer WILHELMINA Canary\nw@else.example of Li", ("Wilhelmina", "Canary", "Li", ""))
    assert told == "Customer *** *** <email> of Li"
    assert clean("of Li", ("Li", ""), shortest=1) == "of ***"
    assert len(clean("word " * 1000)) == LONGEST
    assert len(clean("word " * 1000, longest=240)) == 240
    assert "Canary" not in clean("x" * 3997 + "Canary", ("Canary",), longest=5000), "cut after, not in the middle of it"


def test_the_words_of_a_page_are_told_without_its_tags() -> None:
    page = b"<html><h1>Bad  Gateway</h1><p>the &lt;proxy&gt;\n says no</p><p>more</p></html>"
    assert page_words(page) == "Bad Gateway the <proxy> says no more"
    assert page_words(page, element="p") == "the <proxy> says no"
    assert page_words(b"plain words", element="p") == "plain words"


def test_too_much_is_told_with_the_time_to_come_back_at() -> None:
    found = limited(HttpResponse(status=503, headers={"retry-after": "7"}, body=b""), "busy", NOW)
    assert found is not None
    assert (found.retry_after, found.status) == (7, 503)
    assert limited(HttpResponse(status=503, headers={}, body=b""), "down", NOW) is None
    assert limited(HttpResponse(status=429, headers={}, body=b""), "busy", NOW) is not None
    assert limited(HttpResponse(status=500, headers={"retry-after": "7"}, body=b""), "broken", NOW) is None


def test_only_what_may_have_written_is_unknown() -> None:
    assert isinstance(unclear("?", 500, writes=True), OutcomeUnknown)
    assert isinstance(unclear("?", 500, writes=False), Temporary)


def test_what_fails_within_is_told_without_the_texts_and_is_the_same_error() -> None:
    with (
        pytest.raises(Rejected, match=r"^could not save \*\*\* \*\*\*, id 7$") as caught,
        naming_nobody(("Ada", "HERON", "7")),
    ):
        raise Rejected("could not save ada Heron, id 7", status=400)
    assert caught.value.status == 400
