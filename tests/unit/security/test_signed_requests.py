"""Signed requests: what is signed, and that nothing else holds. The example of docs/security.md is the first case."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.errors import SignatureError
from crossdock.security.signed_requests import Signed, read, sign, text_of, verify

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
STAMP, NONCE = str(int(NOW.timestamp())), "5f0c8e6f2b1d4a7c"
TARGET, BODY = "/rest/V1/erp/inventory/update?store=it", b'{"items":[{"sku":"A-1","qty":12}]}'
SECRET = "only-for-this-example"
WITHIN = timedelta(minutes=5)
PAGE = Path(__file__).parents[3] / "docs" / "security.md"


def told(**changes: str) -> Signed:
    given_ = {"client": "sap", "timestamp": STAMP, "nonce": NONCE}
    given_["signature"] = sign(SECRET, STAMP, NONCE, "POST", TARGET, BODY)
    return Signed(**(given_ | changes))


def test_the_worked_example_of_the_docs() -> None:
    signature = sign(SECRET, STAMP, NONCE, "POST", TARGET, BODY)
    page = PAGE.read_text()
    for text in (STAMP, NONCE, TARGET, BODY.decode(), SECRET, signature):
        assert text in page
    verify(told(), ["other", SECRET], "post", TARGET, BODY, NOW, WITHIN)


@given(st.text(max_size=30), st.text(max_size=10), st.text(max_size=30), st.binary(max_size=60))
def test_another_part_another_signature(secret: str, method: str, target: str, body: bytes) -> None:
    for key, verb, where, sent in (
        (secret, "POST", TARGET, BODY),
        (SECRET, method, TARGET, BODY),
        (SECRET, "POST", target, BODY),
        (SECRET, "POST", TARGET, body),
    ):
        if (key, verb.upper(), where, sent) != (SECRET, "POST", TARGET, BODY):
            with pytest.raises(SignatureError):
                verify(told(), [key], verb, where, sent, NOW, WITHIN)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_two_bodies_are_two_texts(body: bytes, other: bytes) -> None:
    texts = {text_of(STAMP, NONCE, "POST", TARGET, one) for one in (body, other)}
    assert len(texts) == len({body, other})


@pytest.mark.parametrize("off", [-301, 301])
def test_a_time_stamp_too_far_away(off: int) -> None:
    with pytest.raises(SignatureError):
        verify(told(), [SECRET], "POST", TARGET, BODY, NOW + timedelta(seconds=off), WITHIN)
    verify(told(), [SECRET], "POST", TARGET, BODY, NOW + timedelta(seconds=off - off // 301), WITHIN)


@pytest.mark.parametrize(
    "nonce", ["", "short", "x" * 65, "with blanks in it.", "line\nfeed-is-none-here", NONCE + "\n"]
)
def test_a_nonce_has_a_form(nonce: str) -> None:
    """Else two requests could be one text: what belongs to a nonce could be taken for a method."""
    signature = sign(SECRET, STAMP, nonce, "POST", TARGET, BODY)
    with pytest.raises(SignatureError):
        verify(told(nonce=nonce, signature=signature), [SECRET], "POST", TARGET, BODY, NOW, WITHIN)


def test_headers_that_are_not_there_are_empty() -> None:
    assert read({}) == Signed(client="", timestamp="", nonce="", signature="")
    with pytest.raises(SignatureError):
        verify(read({}), [SECRET, ""], "POST", TARGET, BODY, NOW, WITHIN)
