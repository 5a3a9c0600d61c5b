"""Webhooks over the whole HTTP application: real recorded ones with their real signatures, and hostile ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient
from prometheus_client import CollectorRegistry

from crossdock.api.application import create_app
from crossdock.api.webhooks import Webhooks
from crossdock.contract.message import Message
from crossdock.delivery.records import Recorded
from crossdock.errors import StorageError
from crossdock.magento.webhooks import Door, receive
from crossdock.security.signatures import hex_hmac, sign_standard
from tests.material import SHARED, needs_shared

TOKEN = "erp-secret-k3y-0001"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Inbox:
    """An inbox in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.messages: list[Message] = []
        self.broken = False

    def offer(self, message: Message, fingerprint: str = "") -> Future[Any]:
        future: Future[Any] = Future()
        if self.broken:
            future.set_exception(StorageError("down"))
            return future
        known = self.kept.setdefault(message.id, fingerprint)
        fresh = not any(one.id == message.id for one in self.messages)
        if fresh:
            self.messages.append(message)
        outcome = "new" if fresh else "duplicate" if known == fingerprint else "conflict"
        future.set_result(Recorded(id=message.id, outcome=outcome))
        return future


Web = tuple[TestClient[Any], Inbox]


def door(format_: str, *secrets: str, **more: Any) -> Any:
    inner = Door(connection=format_, format=format_, secrets=secrets or (TOKEN,), **more)
    return lambda event, headers, body, now: receive(inner, event, headers, body, now)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[TestClient[Any], Inbox]]:
    inbox = Inbox()
    doors = {
        "async-events": door("async-events", "an older secret", TOKEN),
        "magento": door("magento"),
        "standard": door("standard", WHSEC),
        "keeping": door("standard", WHSEC, keep_unknown=True),
        "keeping-async": door("async-events", keep_unknown=True),
        "tokenless": door("async-events", ""),
    }
    registry = CollectorRegistry()
    hooks = Webhooks(doors, inbox, lambda: NOW, body_limit=100_000, registry=registry)
    with TestClient(create_app(hooks, lambda: {"status": "ok"}, registry)) as client:
        yield client, inbox


@pytest.fixture
def web(served: tuple[TestClient[Any], Inbox]) -> tuple[TestClient[Any], Inbox]:
    client, inbox = served
    inbox.kept.clear()
    inbox.messages.clear()
    inbox.broken = False
    return client, inbox


def hook(name: str) -> tuple[bytes, dict[str, str]]:
    folder = SHARED / "magento" / "webhooks"
    (meta,) = list(folder.glob(f"{name}*.json"))
    headers = dict(line.split(": ", 1) for line in json.loads(meta.read_text())["headers"])
    return meta.with_suffix(".body").read_bytes(), {name.lower(): value for name, value in headers.items()}


def post(client: TestClient[Any], event: str, body: bytes, headers: dict[str, str], where: str = "async-events") -> Any:
    kept = {name: value for name, value in headers.items() if name.startswith(("x-", "webhook-", "content-type"))}
    return client.post(f"/webhooks/{where}/{event}", content=body, headers=kept)


def signed(body: bytes) -> dict[str, str]:
    return {"x-magento-signature": hex_hmac(TOKEN, body)}


def recorded_hooks() -> list[str]:
    folder = SHARED / "magento" / "webhooks"
    return sorted(path.stem for path in folder.glob("*.json") if path.with_suffix(".body").exists())


@needs_shared
@pytest.mark.parametrize("name", recorded_hooks())
def test_every_recorded_webhook_is_known_by_its_real_signature(web: Web, name: str) -> None:
    client, inbox = web
    body, headers = hook(name)
    event = name.split("_")[1]
    answer = post(client, event, body, headers)
    if not body or name.endswith("empty_key"):
        assert answer.status_code == 401
    elif event.startswith("sales."):
        assert answer.status_code == 202
        entity = json.loads(body)["data"]
        wanted = entity["entity_id"] if event.startswith("sales.order.") else entity["order_id"]
        assert inbox.messages[0].subject == str(wanted)
    else:
        assert answer.status_code == 422
        assert inbox.messages == []


@needs_shared
def test_a_changed_byte_is_refused(web: Web) -> None:
    client, inbox = web
    body, headers = hook("01_")
    assert post(client, "sales.order.created", body.replace(b"Mario", b"Marco", 1), headers).status_code == 401
    assert inbox.messages == []


@needs_shared
@pytest.mark.parametrize("name", ["22_", "23_"])
def test_the_false_created_and_paid_of_a_write_back_are_only_hints(web: Web, name: str) -> None:
    client, inbox = web
    body, headers = hook(name)
    assert post(client, "sales.order.created", body, headers).status_code == 202
    (message,) = inbox.messages
    assert (message.flow, message.payload, message.read_at) == ("looks", b"", None)


@needs_shared
def test_the_echo_of_a_write_back_has_the_content_of_the_order_before_it(web: Web) -> None:
    client, inbox = web
    body, _ = hook("22_")
    entity = json.loads(body)["data"]
    assert "ext_order_id" in entity
    before = {name: value for name, value in entity.items() if name not in {"ext_order_id", "updated_at"}}
    for data in (entity, before | {"updated_at": "2026-11-23 00:00:01"}):
        raw = json.dumps({"data": data}).encode()
        post(client, "sales.order.created", raw, signed(raw))
    first, second = inbox.messages
    assert first.content == second.content


@needs_shared
def test_several_events_of_one_action_name_the_same_order(web: Web) -> None:
    client, inbox = web
    for name, event in (("07_", "sales.order.updated"), ("08_", "sales.order.holded")):
        body, headers = hook(name)
        post(client, event, body, headers)
    assert len({message.subject for message in inbox.messages}) == 1
    assert len({message.content for message in inbox.messages}) == 1


@needs_shared
def test_a_stale_retry_after_a_cancel_is_only_a_hint(web: Web) -> None:
    client, inbox = web
    body, headers = hook("40_")
    assert json.loads(body)["data"]["state"] == "new"
    assert post(client, "sales.order.created", body, headers).status_code == 202
    assert inbox.messages[0].payload == b""


@needs_shared
def test_a_retry_with_the_same_bytes_is_a_duplicate(web: Web) -> None:
    client, _ = web
    body, headers = hook("34_")
    answers = [post(client, "sales.order.created", body, headers).json() for _ in range(2)]
    assert [one["status"] for one in answers] == ["accepted", "duplicate"]
    assert answers[0]["id"] == answers[1]["id"]


def test_a_subscription_without_a_token_is_refused(web: Web) -> None:
    client, inbox = web
    body = b'{"data":{"entity_id":1}}'
    headers = {"x-magento-signature": hex_hmac("", body)}
    assert post(client, "sales.order.created", body, headers, "tokenless").status_code == 401
    assert inbox.messages == []


def test_a_get_after_a_redirect_is_no_webhook(web: Web) -> None:
    client, _ = web
    assert client.get("/webhooks/async-events/sales.order.created").status_code == 405


def test_the_specs_headers(web: Web) -> None:
    client, inbox = web
    body = b'{"order_id": 7, "increment_id": "000000007"}'
    headers = signed(body) | {
        "x-magento-event": "order.placed",
        "x-magento-idempotency-key": "order_000000007",
        "x-magento-timestamp": str(int(NOW.timestamp())),
    }
    first = post(client, "any", body, headers, "magento")
    assert (first.status_code, inbox.messages[0].subject, inbox.messages[0].reference) == (202, "7", "000000007")
    assert post(client, "any", body, headers, "magento").json()["status"] == "duplicate"
    other = b'{"order_id": 8, "increment_id": "000000008"}'
    assert post(client, "any", other, headers | signed(other), "magento").status_code == 409
    stale = headers | {"x-magento-timestamp": str(int(NOW.timestamp()) - 400)}
    assert post(client, "any", body, stale, "magento").status_code == 401


def test_standard_webhooks_with_the_published_vector() -> None:
    payload = b'{"test": 2432232314}'
    wanted = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert sign_standard(WHSEC, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, payload) == wanted


def test_standard_webhooks(web: Web) -> None:
    client, _ = web
    body = b'{"data": {"entity_id": 9}}'
    stamp = int(NOW.timestamp())
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(stamp)}
    good = headers | {"webhook-signature": f"v1a,abc {sign_standard(WHSEC, 'msg_1', stamp, body)}"}
    assert post(client, "sales.order.created", body, good, "standard").status_code == 202
    late = headers | {"webhook-timestamp": str(stamp - 301)}
    late |= {"webhook-signature": sign_standard(WHSEC, "msg_1", stamp - 301, body)}
    assert post(client, "sales.order.created", body, late, "standard").status_code == 401
    renamed = good | {"webhook-id": "msg_2"}
    assert post(client, "sales.order.created", body, renamed, "standard").status_code == 401


def test_it_is_not_accepted_before_it_is_stored(web: Web) -> None:
    client, inbox = web
    inbox.broken = True
    body = b'{"data":{"entity_id":1}}'
    answer = post(client, "sales.order.created", body, signed(body))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 70_000, 400),
        (b'{"data":[]}', 400),
        (b'{"data":{"entity_id":"1; DROP"}}', 400),
        (b"null", 400),
        (b'{"data":{"entity_id":true}}', 400),
        (b"\xff\xfe", 400),
        (b"\xef\xbb\xbf{}", 400),
        (b"x" * 100_001, 413),
    ],
)
def test_a_signed_but_bad_body_is_refused_as_a_problem(web: Web, body: bytes, status: int) -> None:
    client, inbox = web
    answer = post(client, "sales.order.created", body, signed(body))
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert inbox.messages == []


def test_unknown_places(web: Web) -> None:
    client, _ = web
    assert client.post("/webhooks/nobody/x", content=b"{}").status_code == 404
    assert client.post("/webhooks/async-events", content=b"{}").status_code == 404
    assert post(client, "sales.quote.saved", b"{}", signed(b"{}")).status_code == 422


@given(body=st.binary(max_size=300), signature=st.text(max_size=80), event=st.text("abc./%é\x00 ", max_size=20))
@settings(max_examples=150, deadline=None)
def test_nothing_unsigned_gets_in_and_nothing_breaks(served: Web, body: bytes, signature: str, event: str) -> None:
    client, inbox = served
    before = len(inbox.messages)
    headers = {
        "x-magento-signature": signature.encode("ascii", "ignore")
        .decode()
        .replace("\n", "")
        .replace("\r", "")
        .replace("\x00", "")
    }
    headers = {name: "".join(c for c in value if c.isprintable()).strip() for name, value in headers.items()}
    from urllib.parse import quote

    answer = client.post(f"/webhooks/async-events/{quote(event, safe='')}", content=body, headers=headers)
    assert 400 <= answer.status_code < 500
    assert len(inbox.messages) == before


@given(
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda x: (
            st.lists(x, max_size=3)
            | st.dictionaries(st.sampled_from(["data", "entity_id", "order_id", "x"]), x, max_size=3)
        ),
        max_leaves=8,
    )
)
@settings(max_examples=150, deadline=None)
def test_whatever_is_signed_is_taken_or_refused_without_breaking(served: Web, body: Any) -> None:
    client, _ = served
    raw = json.dumps(body).encode()
    assert post(client, "sales.order.created", raw, signed(raw)).status_code in {202, 400, 409}


@pytest.mark.parametrize(
    ("event", "body", "subject"),
    [
        ("customer.created", b'{"data":{"id":7,"email":"a@example.com"}}', "customer.created:7"),
        ("sales.rma.saved", b'{"data":{"entity_id":3,"order_id":"8"}}', "8"),
        ("x.y", b'{"data":[1,2]}', "x.y"),
        ("x.y", b"[]", "x.y"),
        ("x.y", b'{"data":{"order_id":"\\u0000","id":"a\\u0000b"}}', "x.y"),
        ("a%00%2e%2e%2fb c%C3%A9", b"{}", "a?..?b?c?"),
        ("k" * 300, b"{}", "k" * 40),
    ],
)
def test_events_of_unknown_kinds_are_kept_where_it_is_wanted(web: Web, event: str, body: bytes, subject: str) -> None:
    client, inbox = web
    answers = [post(client, event, body, signed(body), "keeping-async") for _ in range(2)]
    assert [(one.status_code, one.json()["status"]) for one in answers] == [(202, "accepted"), (202, "duplicate")]
    (message,) = inbox.messages
    assert (message.flow, message.subject, message.payload) == ("kept", subject, body)
    assert post(client, event, body, signed(body)).status_code == 422


def test_what_is_kept_is_signed_and_is_json(web: Web) -> None:
    client, inbox = web
    assert post(client, "x.y", b"{}", signed(b"[]"), "keeping-async").status_code == 401
    assert post(client, "x.y", b"{", signed(b"{"), "keeping-async").status_code == 400
    stamp = int(NOW.timestamp())
    headers = {"webhook-id": "m" * 200, "webhook-timestamp": str(stamp)}
    headers |= {"webhook-signature": sign_standard(WHSEC, "m" * 200, stamp, b"{}")}
    assert post(client, "e" * 60, b"{}", headers, "keeping").status_code == 202
    assert len(inbox.messages[0].id) <= 255


def test_a_text_that_no_database_could_keep_is_left_out(web: Web) -> None:
    client, inbox = web
    body = b'{"data":{"entity_id":1,"increment_id":"1\\u0000"}}'
    assert post(client, "sales.order.created", body, signed(body)).status_code == 202
    assert inbox.messages[0].reference == ""


def test_a_challenge_is_for_those_that_are_asked_one(web: Web) -> None:
    client, _ = web
    assert client.get("/webhooks/async-events/x?challenge=abc").status_code == 405


def test_health_metrics_and_description(web: Web) -> None:
    client, _ = web
    assert client.get("/health/live").json() == {"status": "ok"}
    assert client.get("/health/ready").status_code == 200
    assert "crossdock_webhooks_total" in client.get("/metrics").text
    assert "receiveWebhook" in client.get("/openapi.json").text
