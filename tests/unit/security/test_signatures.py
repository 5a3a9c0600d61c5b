"""Who sent this: what is accepted, what is refused, and where exactly the line between them lies."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.errors import SignatureError
from crossdock.security.signatures import hex_hmac, sign_standard, verify_hex, verify_standard, verify_time
from tests.material import SHARED, needs_shared

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STAMP = int(NOW.timestamp())
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
OTHER = "whsec_" + base64.b64encode(b"another-key-of-24-bytes!").decode()


def test_a_hex_signature_of_any_active_secret_is_good() -> None:
    for secret in ("old", "new"):
        verify_hex(hex_hmac(secret, b"{}"), b"{}", ["old", "new"])
    verify_hex(f" {hex_hmac('new', b'{}').upper()} ", b"{}", ["old", "new"])


@pytest.mark.parametrize("secrets", [[], [""], ["", ""]])
def test_no_secret_verifies_nothing_not_even_the_empty_keys_signature(secrets: list[str]) -> None:
    with pytest.raises(SignatureError):
        verify_hex(hex_hmac("", b"{}"), b"{}", secrets)


@given(st.binary(max_size=200), st.binary(max_size=200), st.text(max_size=100))
def test_a_hex_signature_fits_one_body_and_one_secret(body: bytes, other: bytes, text: str) -> None:
    good = hex_hmac("secret", body)
    verify_hex(good, body, ["secret"])
    for signature, signed, secret in ((good, other, "secret"), (good, body, "secret2"), (text, body, "secret")):
        if (signature.strip().lower(), signed, secret) != (good, body, "secret"):
            with pytest.raises(SignatureError):
                verify_hex(signature, signed, [secret])


@pytest.mark.parametrize("seconds", [-300, -299, 0, 299, 300])
def test_a_time_stamp_within_five_minutes_is_recent(seconds: int) -> None:
    assert verify_time(str(STAMP + seconds), NOW) == STAMP + seconds


@pytest.mark.parametrize("seconds", [-301, 301, 86_400])
def test_a_time_stamp_beyond_them_is_not(seconds: int) -> None:
    with pytest.raises(SignatureError, match="too far"):
        verify_time(str(STAMP + seconds), NOW)


def test_the_line_is_exact_to_the_fraction() -> None:
    verify_time(str(STAMP), NOW + timedelta(seconds=300))
    with pytest.raises(SignatureError):
        verify_time(str(STAMP), NOW + timedelta(seconds=300, microseconds=1))


@pytest.mark.parametrize("stamp", ["", "-1", "1e9", "12.5", "٣", " 1", "9" * 13, "9" * 12, "9" * 11])
def test_what_is_no_time_stamp_is_refused_and_nothing_breaks(stamp: str) -> None:
    with pytest.raises(SignatureError):
        verify_time(stamp, NOW)


@given(st.text(max_size=30))
def test_no_text_at_all_breaks_the_time_check(stamp: str) -> None:
    with suppress(SignatureError):
        assert verify_time(stamp, NOW) == int(stamp)


def test_standard_webhooks_sign_id_and_time_too() -> None:
    entry = sign_standard(SECRET, "msg_1", STAMP, b"{}")
    verify_standard(entry, "msg_1", str(STAMP), b"{}", [SECRET], NOW)
    changed = [("msg_2", str(STAMP), b"{}"), ("msg_1", str(STAMP + 1), b"{}"), ("msg_1", str(STAMP), b"[]")]
    for message_id, stamp, body in changed:
        with pytest.raises(SignatureError):
            verify_standard(entry, message_id, stamp, body, [SECRET], NOW)


def test_one_good_entry_among_several_is_enough_and_secrets_may_be_changed() -> None:
    header = f"v1,bm90aGluZw== v2,whatever {sign_standard(OTHER, 'm', STAMP, b'{}')}"
    verify_standard(header, "m", str(STAMP), b"{}", [SECRET, OTHER], NOW)
    with pytest.raises(SignatureError):
        verify_standard(header, "m", str(STAMP), b"{}", [SECRET], NOW)


def test_only_the_first_sixteen_entries_are_looked_at() -> None:
    good = sign_standard(SECRET, "m", STAMP, b"{}")
    verify_standard(" ".join(["v1,eA=="] * 15 + [good]), "m", str(STAMP), b"{}", [SECRET], NOW)
    with pytest.raises(SignatureError):
        verify_standard(" ".join(["v1,eA=="] * 16 + [good]), "m", str(STAMP), b"{}", [SECRET], NOW)


@given(st.text(max_size=60), st.text(min_size=1, max_size=20))
def test_no_header_breaks_the_check(header: str, message_id: str) -> None:
    with pytest.raises(SignatureError):
        verify_standard(header, message_id, str(STAMP), b"{}", [SECRET], NOW)


@needs_shared
def test_the_published_vectors() -> None:
    path = SHARED / "contracts" / "standards" / "standard-webhooks.vectors.json"
    vectors = json.loads(path.read_text("utf-8"))["vectors"]
    assert vectors
    for one in vectors:
        stamp, body = one["webhook-timestamp"], one["payload"].encode()
        then = datetime.fromtimestamp(int(stamp), UTC)
        verify_standard(one["webhook-signature"], one["webhook-id"], stamp, body, [one["secret"]], then)
