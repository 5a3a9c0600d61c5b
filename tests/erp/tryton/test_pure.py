"""What needs no Tryton: prices, the table of answers, settings, texts."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import crossdock.erp.tryton
from crossdock.contract.capabilities import Pace
from crossdock.contract.connector import Connector
from crossdock.erp.tryton.answers import Reading, classify_rest, classify_rpc, decode, encode
from crossdock.erp.tryton.client import RestWire, TrytonClient
from crossdock.erp.tryton.connector import build
from crossdock.erp.tryton.mapping import MARK, build_comment, key_in, party_code
from crossdock.erp.tryton.pricing import predict, price_order
from crossdock.erp.tryton.sales import Sales
from crossdock.erp.tryton.settings import DUPLICATE, TrytonSettings
from crossdock.errors import (
    ConfigurationError,
    Conflict,
    DeliveryError,
    Misconfigured,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Temporary,
    Unauthorized,
)
from crossdock.flows import FLOWS
from crossdock.flows.parts import Role, difference, expected
from crossdock.model.money import LineAmounts
from crossdock.model.order import Buyer, Order
from crossdock.sandbox.tryton import EXTRAS, settings
from crossdock.sandbox.tryton_texts import UNIQUE_MODULE
from crossdock.transport.auth import Bearer
from crossdock.transport.wire import HttpRequest, HttpResponse
from tests.erp.tryton.samples import NOW, PERSONAL, RATE, line, order

README = Path(crossdock.erp.tryton.__file__).parent / "README.md"


def checked(**more: Any) -> TrytonSettings:
    return TrytonSettings.model_validate(settings("http://127.0.0.1:9") | more)


def with_row(gross: str, discount: str, tax: str, compensation: str = "0", quantity: str = "1") -> Order:
    """One row and nothing else."""
    amounts = LineAmounts(
        gross=Decimal(gross),
        discount=Decimal(discount),
        net=Decimal(gross) - Decimal(discount),
        tax=Decimal(tax),
        compensation=Decimal(compensation),
    )
    base = order(1)
    totals = msgspec.structs.replace(
        base.totals,
        subtotal=amounts.gross,
        discount=amounts.discount,
        tax=amounts.tax,
        compensation=amounts.compensation,
        shipping=Decimal(0),
        shipping_tax=Decimal(0),
        grand_total=amounts.net + amounts.compensation + amounts.tax,
    )
    row = line(amounts=amounts, quantity=Decimal(quantity))
    return msgspec.structs.replace(base, lines=(row,), totals=totals)


def test_a_price_with_tax_inside_is_said_with_four_decimals() -> None:
    (priced,) = price_order(with_row("16.39", "0", "3.60"), "document")
    assert priced.unit_price == Decimal("16.3852")
    assert not difference(predict([priced], "document"), expected(with_row("16.39", "0", "3.60")))


def test_a_discount_after_tax_is_a_line_without_tax() -> None:
    asked = with_row("100.00", "10.00", "22.00")
    goods, discount = price_order(asked, "document")
    assert (goods.unit_price, goods.rate) == (Decimal("100.0000"), RATE)
    assert (discount.role, discount.unit_price, discount.rate) == (Role.DISCOUNT, Decimal("-10.00"), Decimal(0))
    assert not difference(predict([goods, discount], "document"), expected(asked))


def test_what_cannot_be_met_keeps_its_plain_price() -> None:
    asked = with_row("100.00", "0", "21.50")
    (priced,) = price_order(asked, "document")
    assert priced.unit_price == Decimal("100.0000")
    assert "tax 22.00 instead of 21.50 (+0.50)" in difference(predict([priced], "document"), expected(asked))


@given(
    cents=st.integers(1, 2_000_000),
    pieces=st.integers(1, 40),
    rounding=st.sampled_from(["document", "line"]),
)
def test_a_row_never_changes_its_net_amount(cents: int, pieces: int, rounding: Any) -> None:
    gross = Decimal(cents * pieces) / 100
    tax = (gross * RATE / 100).quantize(Decimal("0.01"))
    asked = with_row(str(gross), "0", str(tax), quantity=str(pieces))
    assert predict(price_order(asked, rounding), rounding).untaxed == gross


def rest(status: int, body: bytes = b"{}", **headers: str) -> HttpResponse:
    return HttpResponse(status=status, headers=headers, body=body)


def rpc_error(kind: str, text: str) -> HttpResponse:
    return rest(200, encode({"id": 0, "error": [kind, [text, "", None]]}))


def reading(*, writes: bool = True) -> Reading:
    return Reading(now=NOW, writes=writes, duplicate=DUPLICATE, personal=PERSONAL)


REST: list[tuple[HttpResponse, type[DeliveryError] | None]] = [
    (rest(200), None),
    (rest(204, b""), None),
    (rest(200, b"<html>"), OutcomeUnknown),
    (rest(400, encode({"message": DUPLICATE})), Conflict),
    (rest(400, encode({"message": "The code on party must be unique."})), Temporary),
    (rest(400, encode({"message": "You are not allowed to write this."})), Misconfigured),
    (rest(400, encode({"message": "A value is required"})), Rejected),
    (rest(401, b"<p>no</p>"), Unauthorized),
    (rest(403, b"<p>no</p>"), Misconfigured),
    (rest(404, b"<p>no</p>"), Misconfigured),
    (rest(302, b""), Misconfigured),
    (rest(423, b""), Temporary),
    (rest(429, b"", **{"retry-after": "7"}), RateLimited),
    (rest(500, b"<p>&#39;bogus&#39;</p>"), Misconfigured),
    (rest(500, b"<p>out of memory</p>"), OutcomeUnknown),
    (rest(503, b"<p>database is locked</p>"), Temporary),
    (rest(504, b""), OutcomeUnknown),
]


@pytest.mark.parametrize(("response", "kind"), REST)
def test_answers_over_rest(response: HttpResponse, kind: type[DeliveryError] | None) -> None:
    error = classify_rest(response, reading())
    assert (type(error) if error else None) is kind


RPC: list[tuple[HttpResponse, type[DeliveryError] | None]] = [
    (rest(200, b'{"id": 0, "result": []}'), None),
    (rest(200, b'{"id": 0}'), OutcomeUnknown),
    (rpc_error("UserError", DUPLICATE), Conflict),
    (rpc_error("UserError", "The code on party must be unique."), Temporary),
    (rpc_error("UserError", "A value is required"), Rejected),
    (rpc_error("ConcurrencyException", "changed"), Temporary),
    (rpc_error("LoginException", "password"), Unauthorized),
    (rpc_error("RateLimitException", ""), RateLimited),
    (rest(200, encode({"id": 0, "error": ["'bogus'", ""]})), Misconfigured),
    (rest(200, encode({"id": 0, "error": ["out of memory", "trace"]})), OutcomeUnknown),
    (rest(401, b""), Unauthorized),
]


@pytest.mark.parametrize(("response", "kind"), RPC)
def test_answers_over_rpc(response: HttpResponse, kind: type[DeliveryError] | None) -> None:
    error = classify_rpc(response, reading())
    assert (type(error) if error else None) is kind


def test_a_read_is_never_unknown() -> None:
    assert type(classify_rest(rest(500, b"<p>out of memory</p>"), reading(writes=False))) is Temporary


def test_an_error_names_nobody() -> None:
    told = encode({"message": f"The phone number of {PERSONAL[0]} {PERSONAL[1]} ({PERSONAL[4]}) is wrong."})
    text = str(classify_rest(rest(400, told), reading()))
    assert [one for one in PERSONAL if one in text] == []
    assert "is wrong" in text


@given(st.binary(max_size=300), st.sampled_from([200, 204, 302, 400, 401, 404, 409, 429, 500, 503]))
def test_any_answer_is_an_error_or_a_success(body: bytes, status: int) -> None:
    for classify in (classify_rest, classify_rpc):
        error = classify(rest(status, body), reading())
        assert error is None or isinstance(error, DeliveryError)


def test_values_come_back_as_they_went() -> None:
    assert decode(encode({"price": Decimal("16.3852")})) == {"price": Decimal("16.3852")}


def test_the_key_is_found_in_a_comment_that_a_customer_wrote_into() -> None:
    asked = msgspec.structs.replace(order(1), note=f"{MARK}v1:evil:order:9:place")
    assert key_in(build_comment(asked, "v1:store:order:1:place")) == "v1:store:order:1:place"
    assert key_in(None) == ""


def test_a_guest_has_one_code_however_the_address_is_written() -> None:
    guests = [
        msgspec.structs.replace(order(n), buyer=Buyer(email=mail))
        for n, mail in ((1, "A@b.example"), (2, "a@B.example"))
    ]
    assert len({party_code(guest, checked()) for guest in guests}) == 1
    assert "@" not in party_code(guests[0], checked())


def test_settings_tell_every_problem_at_once_without_their_values() -> None:
    with pytest.raises(ConfigurationError) as caught:
        build("erp", settings("http://erp.example") | {"unknown_key": 1, "settling_s": -1})
    text = str(caught.value)
    assert "unknown_key" in text
    assert "settling_s" in text


def test_plain_http_beyond_this_machine_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="plain http"):
        build("erp", settings("http://erp.example"))


def test_rates_are_one_key_however_they_are_written() -> None:
    assert checked(taxes={"22.00": "VAT 22 %"}).taxes == {"22": "VAT 22 %"}


def test_a_preview_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSDOCK_DEMO_TRYTON_KEY", "k")
    connector = build("erp", settings("http://127.0.0.1:9"))
    assert isinstance(connector, Connector)
    sale = connector.preview(FLOWS["orders"], order(1))
    assert [row["product"] for row in sale["lines"][0][1]] == ["SIM-0001", "SHIPPING"]
    assert not connector.probe().ok


def test_the_readme_offers_the_module_that_is_tested() -> None:
    text = README.read_text()
    for name, module in UNIQUE_MODULE.items():
        assert module.strip() in text, name


def test_the_readme_explains_every_product_that_the_settings_can_name() -> None:
    assert [extra for extra in EXTRAS if f"`{extra.lower()}`" not in README.read_text()] == []


class Answering:
    """A Tryton that answers every search with the same rows."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._answer = HttpResponse(status=200, body=encode(rows))

    def send(self, _request: HttpRequest) -> HttpResponse:
        return self._answer


@pytest.mark.parametrize(
    "rows",
    [
        [{"id": number, "comment": f"{MARK}key", "state": "done"} for number in range(1000)],  # as many as it may tell
        [{"id": 1, "comment": f"{MARK}key"}],
        [{"id": 1, "state": "done"}],
    ],
)
def test_what_may_be_cut_short_is_no_count(rows: list[dict[str, Any]]) -> None:
    client = TrytonClient(Answering(rows), Bearer("key"), RestWire("http://127.0.0.1:9", "shop"), duplicate=DUPLICATE)
    with pytest.raises(Temporary):
        Sales(client, 1, checked()).made(["1", "2"])


def test_a_tryton_bears_four_at_a_time_unless_it_is_said_otherwise() -> None:
    plain = settings("http://127.0.0.1:9")
    assert build("erp", plain, resolve=str).capabilities.pace == Pace(concurrency=4)
    slower = plain | {"limits": {"rate_per_s": 2}}
    assert build("erp", slower, resolve=str).capabilities.pace == Pace(rate=2, concurrency=4)
    with pytest.raises(ConfigurationError, match=r"limits\.concurrency"):
        build("erp", plain | {"limits": {"concurrency": 0}}, resolve=str)
