"""What operators see of a request: never a person, unless an admin looks."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.erp.rest.mapping import build_order_payload, encode
from crossdock.magento.mapping.orders import parse_order
from crossdock.operations.masking import HIDDEN, is_personal, masked
from tests.material import SHARED, needs_shared
from tests.walk.world import recorded, recorded_names


def seen(body: Any) -> Any:
    return json.loads(masked(json.dumps(body).encode(), shown=False))


def test_codes_and_amounts_are_shown_persons_are_not() -> None:
    body = {
        "order_number": "000000123",
        "status": "pending",
        "customer": {"email": "a@b.c", "id": 7, "since": None},
        "items": [{"sku": "A-1", "qty": 2, "name": "A shirt for Ada", "price": "19.90"}],
        "billing_address": {"street": ["Via Roma 1"], "postcode": 20100, "vat_id": ""},
        "phone": 390123456789,
        "note": "please ring at Ada's",
        "anything_else": "who knows",
    }
    assert seen(body) == {
        "order_number": "000000123",
        "status": "pending",
        "customer": {"email": HIDDEN, "id": HIDDEN, "since": None},
        "items": [{"sku": "A-1", "qty": 2, "name": HIDDEN, "price": "19.90"}],
        "billing_address": {"street": [HIDDEN], "postcode": HIDDEN, "vat_id": ""},
        "phone": HIDDEN,
        "note": HIDDEN,
        "anything_else": HIDDEN,
    }


@pytest.mark.parametrize("body", [b"<Order><Name>Ada</Name></Order>", b"name=Ada&x=1", b"\xff\xfe", b'{"a": "Ada'])
def test_what_is_no_json_is_not_shown(body: bytes) -> None:
    told = masked(body, shown=False)
    assert "Ada" not in told
    assert str(len(body)) in told


def test_an_admin_sees_it_as_it_was_and_nothing_is_nothing() -> None:
    assert masked(b'{"email": "a@b.c"}', shown=True) == '{"email": "a@b.c"}'
    assert masked(b"", shown=False) == masked(b"", shown=True) == ""


def test_amounts_keep_their_digits() -> None:
    assert masked(b'{"price":19.990}', shown=False) == '{"price":19.990}'


@given(
    st.recursive(
        st.text() | st.none() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_the_shape_stays_and_a_text_of_an_unknown_name_never_does(body: Any) -> None:
    told = seen({"unheard of": "s3cret", "deep": body})
    assert told["unheard of"] == HIDDEN
    assert type(told["deep"]) in {type(body), str}


@needs_shared
@pytest.mark.parametrize("name", recorded_names() if SHARED.exists() else [])
def test_no_word_of_a_buyer_is_in_what_is_shown_of_a_real_order(name: str) -> None:
    """The store's own JSON, and our payload of it."""
    raw = recorded(name)
    for body in (json.dumps(raw).encode(), encode(build_order_payload(parse_order(msgspec.json.encode(raw)), "k"))):
        told = masked(body, shown=False)
        for word in words_of(raw):
            assert word not in told, word


def words_of(raw: Any, under: bool = False) -> set[str]:
    """Texts under names that are plainly about a person."""
    plainly = ("email", "firstname", "lastname", "street", "telephone", "postcode", "company", "remote_ip", "city")
    found: set[str] = set()
    if isinstance(raw, dict):
        for key, value in raw.items():
            found |= words_of(value, under or any(word in key for word in plainly))
    elif isinstance(raw, list):
        for value in raw:
            found |= words_of(value, under)
    elif under and isinstance(raw, str) and len(raw) > 3:
        found.add(raw)
    return found


@pytest.mark.parametrize(
    "name", ["customer_email", "E-Mail", "billing_street", "houseNumber", "customer_birthdate", "tel"]
)
def test_names_of_persons_however_they_are_written(name: str) -> None:
    assert is_personal(name)
