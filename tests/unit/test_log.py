"""Canaries: whatever way a person's data or a secret goes into a log, it does not come out of it."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import structlog

from crossdock import log
from crossdock.model.address import Address

PEOPLE = {
    "email": "canary@example.com",
    "first": "Canaryfirst",
    "last": "Canarylast",
    "phone": "+49 30 5550199",
    "street": "Canarystreet 1",
}
SECRET = "s3cr3t-canary-value"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers, root.level, sys.excepthook, threading.excepthook)
    yield
    root.handlers, root.level = before[0], before[1]
    sys.excepthook, threading.excepthook = before[2], before[3]
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture(params=[True, False], ids=["json", "console"])
def output(request: pytest.FixtureRequest) -> io.StringIO:
    stream = io.StringIO()
    log.configure("debug", json=request.param, stream=stream)
    return stream


def ours() -> Any:
    return structlog.stdlib.get_logger("crossdock.test")


def assert_clean(output: io.StringIO) -> None:
    text = output.getvalue()
    assert text
    for canary in (*PEOPLE.values(), SECRET):
        assert canary not in text


def test_personal_fields_are_dropped_by_their_key(output: io.StringIO) -> None:
    ours().info(
        "order.seen",
        email=PEOPLE["email"],
        customer_email=PEOPLE["email"],
        name=PEOPLE["first"],
        firstname=PEOPLE["first"],
        customerLastname=PEOPLE["last"],
        billing_telephone=PEOPLE["phone"],
        street=[PEOPLE["street"]],
        address={"street": PEOPLE["street"]},
        payload=PEOPLE["street"].encode(),
        reference="000000123",
    )
    assert_clean(output)
    assert "000000123" in output.getvalue()
    assert "customer_email" in output.getvalue()  # that it was there is told


def test_personal_fields_are_dropped_at_any_depth(output: io.StringIO) -> None:
    ours().info("seen", found={"rows": [{"sku": "SKU-1", "buyer": {"x": PEOPLE["first"]}, "lastname": PEOPLE["last"]}]})
    assert_clean(output)
    assert "SKU-1" in output.getvalue()


def test_records_show_their_type_only(output: io.StringIO) -> None:
    address = Address(first_name=PEOPLE["first"], street=(PEOPLE["street"],), email=PEOPLE["email"])
    ours().info("seen", found=address, among=[address], raw=PEOPLE["street"].encode())
    assert_clean(output)
    assert "<Address>" in output.getvalue()


def test_text_is_cleaned_of_mails_and_phones(output: io.StringIO) -> None:
    ours().info(f"bounced for {PEOPLE['email']}", detail=f"call {PEOPLE['phone']}", seen=f"<{PEOPLE['email']}>")
    ours().info("got %s from %s", PEOPLE["email"], PEOPLE["phone"])
    assert_clean(output)


def test_exceptions_are_cleaned(output: io.StringIO) -> None:
    try:
        try:
            dict[str, str]()[f"no {PEOPLE['email']}"]
        except KeyError as inner:
            raise ValueError(f"{PEOPLE['phone']} token={SECRET}") from inner
    except ValueError as error:
        ours().exception("failed", error=error)
    assert_clean(output)
    assert "ValueError" in output.getvalue()
    assert "test_log.py" in output.getvalue()


def test_what_a_database_quotes_of_a_row_is_cut(output: io.StringIO) -> None:
    text = (
        'duplicate key value violates unique constraint "people_pkey"\n'
        f"DETAIL:  Key (name)=({PEOPLE['last']}) already exists.\n"
        f"[SQL: INSERT INTO people VALUES (?)]\n[parameters: ('{PEOPLE['first']}', '{PEOPLE['street']}')]\n(Background)"
    )
    ours().error("failed", error=RuntimeError(text))
    assert_clean(output)
    assert "people_pkey" in output.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"authorization: basic {SECRET}",
        f"{{'Authorization': 'Bearer {SECRET}'}}",
        f'OAuth oauth_consumer_key="{SECRET}", oauth_token="{SECRET}", oauth_signature="{SECRET}%3D"',
        f"POST https://erp.example/x?oauth_token={SECRET}&page=1",
        f"https://user:{SECRET}@erp.example/x",
        f"postgresql+psycopg://user:{SECRET}@db/x",
        f'{{"password": "{SECRET}", "client_secret":"{SECRET}"}}',
        f"access_token={SECRET}",
        f"api-key: {SECRET}",
        f"X-Magento-Signature: {SECRET}",
    ],
)
def test_secrets_are_masked(output: io.StringIO, text: str) -> None:
    ours().info(text, detail=text, error=RuntimeError(text))
    assert_clean(output)


def test_secret_fields_are_masked(output: io.StringIO) -> None:
    ours().info("x", password=SECRET, api_token=SECRET, headers={"Authorization": SECRET, "Cookie": SECRET})
    assert_clean(output)


def test_other_libraries_logs_are_cleaned_too(output: io.StringIO) -> None:
    logging.getLogger("somebody.else").warning("to %s with token=%s", PEOPLE["email"], SECRET)
    logging.getLogger("uvicorn.error").error("call %s", PEOPLE["phone"])
    assert_clean(output)
    assert output.getvalue().count("\n") == 2


def test_bound_context_is_cleaned(output: io.StringIO) -> None:
    structlog.contextvars.bind_contextvars(email=PEOPLE["email"], note_for=PEOPLE["email"])
    ours().info("x")
    assert_clean(output)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_nobody_caught_is_cleaned(output: io.StringIO) -> None:
    log.catch_strays()

    def fail() -> None:
        raise ValueError(PEOPLE["email"])

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    try:
        fail()
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)
    assert_clean(output)
    assert output.getvalue().count("uncaught") == 2


@pytest.mark.parametrize(
    "phone",
    [
        "+49 30 5550199",
        "+4930123456",
        "+1 (555) 123-4567",
        "(555) 123-4567",
        "555-123-4567",
        "555 123 4567",
        "01 23 45 67 89",
        "01.23.45.67.89",
        "030 1234567",
        "030/1234567",
        "0612345678",
        "5551234567",
    ],
)
@pytest.mark.parametrize("around", ["{}", "call {} now", "tel:{}", "({})", '"{}"', "x={},y"])
def test_phones_are_known(phone: str, around: str) -> None:
    assert phone not in log.clean(around.format(phone))


@pytest.mark.parametrize(
    "text",
    [
        "order 000000123 and 2000000123",
        "2026-11-23 12:00:00",
        "2026-11-23T12:00:00.000005+00:00",
        "tcp 192.168.100.200:5432",
        "550e8400-e29b-41d4-a716-446655440000",
        "v1:store:order:123:create",
        "HTTP 503 after 3 tries in 1.25 s",
        "total 1234.50 is not 1234.49",
        "deadbeef1234567890",
        "SO-2026-00012",
        "line 10, in <module>",
        "the token expired; basic checks passed",
    ],
)
def test_what_is_no_phone_stays(text: str) -> None:
    assert log.clean(text) == text


@pytest.mark.parametrize(
    "email", ["a@b.example", "jane.doe+x@mail.example.co.uk", "jane%40example.com", "jüne@exämple.de", "o'neil@x.org"]
)
def test_mails_are_known(email: str) -> None:
    assert email not in log.clean(f"from <{email}>, again {email}.")
    assert "<email>" in log.clean(email)


def test_ids_stay_whole_under_their_own_keys() -> None:
    event = {"event": "x", "delivery": "1234567891", "key": "v1:a:order:5551234567:create", "subject": "5551234567"}
    assert log.redact(None, "info", dict(event)) == event


def test_plain_values_pass() -> None:
    event = log.redact(
        None,
        "info",
        {
            "count": 3,
            "ok": True,
            "none": None,
            "sum": Decimal("1.50"),
            "at": datetime(2026, 1, 2, tzinfo=UTC),
            "file": Path("a/b"),
            "uuid": UUID(int=1),
            "took": 0.5,
        },
    )
    assert event == {
        "count": 3,
        "ok": True,
        "none": None,
        "sum": "1.50",
        "at": "2026-01-02T00:00:00+00:00",
        "file": "a/b",
        "uuid": "00000000-0000-0000-0000-000000000001",
        "took": 0.5,
    }


def test_json_lines_can_be_read_back() -> None:
    stream = io.StringIO()
    log.configure("info", json=True, stream=stream)
    ours().info("order.delivered", reference="000000123", attempts=2)
    ours().debug("not shown")
    (line,) = stream.getvalue().splitlines()
    read = json.loads(line)
    assert read["event"] == "order.delivered"
    assert (read["reference"], read["attempts"], read["level"], read["logger"]) == (
        "000000123",
        2,
        "info",
        "crossdock.test",
    )
    assert datetime.fromisoformat(read["timestamp"]).tzinfo is not None


def test_configuring_twice_writes_once() -> None:
    stream = io.StringIO()
    log.configure("info", json=True, stream=stream)
    log.configure("info", json=True, stream=stream)
    ours().info("x")
    assert stream.getvalue().count("\n") == 1


@pytest.mark.parametrize(
    "text",
    [
        "a" * 50_000,
        "1 " * 25_000,
        "(1" * 20_000,
        "a@" * 20_000,
        "token" * 9_000,
        'token="' * 3_000,
        "Bearer " * 9_000,
        "[parameters: " * 2_000,
        "://a:" * 5_000,
        "a." * 30_000,
    ],
)
def test_hostile_text_takes_no_time(text: str) -> None:
    from time import process_time

    before = process_time()
    assert len(log.clean(text)) <= 20_000
    assert process_time() - before < 1.0


def test_deep_nesting_ends() -> None:
    deep: dict[str, Any] = {}
    deep["again"] = deep
    assert "<dict>" in repr(log.redact(None, "info", {"x": deep}))


def test_what_a_block_logged_is_in_its_file_and_later_lines_go_where_they_went(tmp_path: Path) -> None:
    root = logging.getLogger()
    before, level = root.handlers, root.level
    with log.kept_in(tmp_path / "log"):
        logging.getLogger("crossdock.test").info("inside")
    logging.getLogger("crossdock.test").warning("outside")
    assert (root.handlers, root.level) == (before, level)
    lines = (tmp_path / "log").read_text()
    assert "inside" in lines
    assert "outside" not in lines
