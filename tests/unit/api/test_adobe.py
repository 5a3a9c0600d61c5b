"""Adobe I/O Events over the whole HTTP application, with a stand-in for Adobe's key server on this machine."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient
from prometheus_client import CollectorRegistry

from crossdock.api.adobe import AdobeDoor
from crossdock.api.application import create_app
from crossdock.api.server import ApiServer
from crossdock.api.webhooks import Webhooks
from crossdock.magento import adobe_keys
from crossdock.magento.adobe import Door
from crossdock.magento.adobe_keys import KeyRing
from crossdock.transport.http import Http
from crossdock.transport.wire import HttpRequest
from tests.material import SHARED
from tests.recorded_server import Asked, Recorded, Reply, serve
from tests.unit.api.test_webhooks import Inbox
from tests.walk.world import until

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
US = "ca7b36f23be94dcb9d2ebb97f0276e3f"
ONE, TWO, STRANGE = "/prod/keys/pub-key-Ptc2pD9vT9.pem", "/prod/keys/pub-key-IkpzhSpTw0.pem", "/prod/keys/pub-key-x.pem"
PREFIX = "com.adobe.commerce.observer."


@pytest.fixture(scope="session")
def keys() -> dict[str, RSAPrivateKey]:
    return {path: generate_private_key(65537, 2048) for path in (ONE, TWO, "a stranger's")}


class World:
    """An inbox behind a door, and the key server that the door asks."""

    def __init__(
        self,
        client: TestClient[Any],
        inbox: Inbox,
        server: Recorded,
        ring: KeyRing,
        keys: dict[str, RSAPrivateKey],
    ) -> None:
        self.client = client
        self.ring = ring
        self.inbox = inbox
        self.server = server
        self.keys = keys
        self.time = 0.0
        self.reply: Reply | None = None
        self.gate = threading.Event()
        self.gate.set()

    def pem(self, asked: Asked) -> Reply:
        assert self.gate.wait(60)
        if self.reply is not None:
            return self.reply
        if (key := self.keys.get(asked.path)) is None:
            return Reply(404)
        return Reply(200, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    def sign(self, body: bytes, by: str = ONE) -> str:
        return base64.b64encode(self.keys[by].sign(body, PKCS1v15(), SHA256())).decode()

    def headers(self, body: bytes, by: str = ONE, path: str = ONE) -> dict[str, str]:
        return {"x-adobe-digital-signature-1": self.sign(body, by), "x-adobe-public-key1-path": path}

    def post(self, body: bytes, headers: dict[str, str] | None = None) -> Any:
        return self.client.post("/webhooks/store/any", content=body, headers=headers or self.headers(body))


@pytest.fixture(scope="module")
def world(keys: dict[str, RSAPrivateKey]) -> Iterator[World]:
    held: list[World] = []

    def answer(asked: Asked) -> Reply:
        return held[0].pem(asked)

    with serve(answer) as server:
        inbox, registry = Inbox(), CollectorRegistry()
        ring = KeyRing(Http(), host=server.url, clock=lambda: held[0].time if held else 0.0)
        doors = {
            "store": AdobeDoor(Door(connection="store", client_id=US), ring, patience=60),
            "hasty": AdobeDoor(Door(connection="hasty", client_id=US), ring, patience=0.05),
            "keeping": AdobeDoor(Door(connection="keeping", client_id=US, keep_unknown=True), ring),
        }
        hooks = Webhooks(doors, inbox, lambda: NOW, body_limit=100_000, registry=registry, challenged=doors)
        with TestClient(create_app(hooks, lambda: {"status": "ok"}, registry)) as client:
            held.append(World(client, inbox, server, ring, keys))
            yield held[0]


@pytest.fixture
def fresh(world: World) -> World:
    """With no key at hand, no request counted, nothing resting."""
    world.time += 10 * 86_400
    world.inbox.kept.clear()
    world.inbox.messages.clear()
    world.inbox.broken = False
    world.server.asked.clear()
    world.reply = None
    return world


def event(number: int = 8, kind: str = "sales_order_save_commit_after", **more: Any) -> dict[str, Any]:
    value = {"entity_id": str(number), "increment_id": f"{number:09}", "order_id": str(number)}
    return {
        "specversion": "1.0",
        "id": f"provider-{number}",
        "type": PREFIX + kind,
        "eventid": f"event-{number}",
        "event_id": f"event-{number}",
        "recipient_client_id": US,
        "recipientclientid": US,
        "data": {"key": "k", "value": value, "_metadata": {"storeId": "0"}},
    } | more


def raw(*events: dict[str, Any]) -> bytes:
    return json.dumps(events[0] if len(events) == 1 else list(events)).encode()


def test_an_event_is_a_hint_to_look_at_its_order(fresh: World) -> None:
    body = raw(event())
    assert fresh.post(body).status_code == 202
    (message,) = fresh.inbox.messages
    assert (message.id, message.flow, message.subject) == ("webhook:adobe:event-8", "looks", "8")
    assert (message.reference, message.payload, message.read_at) == ("000000008", b"", None)
    assert [one.path for one in fresh.server.asked] == [ONE]


def test_a_key_is_fetched_once_and_again_after_a_day(fresh: World) -> None:
    body = raw(event())
    for _ in range(3):
        assert fresh.post(body).json()["id"] == "webhook:adobe:event-8"
    assert len(fresh.server.asked) == 1
    fresh.time += 24 * 3600
    assert fresh.post(body).json()["status"] == "duplicate"
    assert len(fresh.server.asked) == 2


def test_either_signature_is_enough_and_the_other_key_is_then_not_asked_for(fresh: World) -> None:
    body = raw(event())
    second = {"x-adobe-digital-signature-2": fresh.sign(body, TWO), "x-adobe-public-key2-path": TWO}
    forged = fresh.headers(body, by="a stranger's")
    assert fresh.post(body, forged | second).status_code == 202
    assert [one.path for one in fresh.server.asked] == [ONE, TWO]
    assert fresh.post(body, second).status_code == 202
    assert fresh.post(body, second | {"x-adobe-public-key1-path": STRANGE, "x-adobe-digital-signature-1": "AAAA"})
    assert len(fresh.server.asked) == 2


def test_a_signature_of_another_key_or_over_another_body_is_refused(fresh: World) -> None:
    body = raw(event())
    for headers in (
        fresh.headers(body, by="a stranger's"),
        fresh.headers(body, by=TWO, path=ONE),
        fresh.headers(raw(event(9))),
        fresh.headers(body) | {"x-adobe-digital-signature-1": "!" * 344},
        {"x-adobe-public-key1-path": ONE},
        {"x-adobe-digital-signature-1": fresh.sign(body)},
        {},
    ):
        assert fresh.client.post("/webhooks/store/x", content=body, headers=headers).status_code == 401
    assert fresh.inbox.messages == []


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/prod/keys/pub-key-a.pem",
        "//evil.example/prod/keys/pub-key-a.pem",
        "@evil.example/prod/keys/pub-key-a.pem",
        ".evil.example/prod/keys/pub-key-a.pem",
        ":1234/prod/keys/pub-key-a.pem",
        "/prod/keys/../../evil.pem",
        "/prod/keys/pub-key-a/../b.pem",
        "/prod/keys/pub-key-%2e%2e.pem",
        "/prod/keys/pub-key-a.pem?x=1",
        "/prod/keys/pub-key-a.pem#x",
        "/prod/keys/pub-key-a.pem\t",
        "/prod/keys/pub-key-.pem",
        "/prod/keys/pub-key-" + "a" * 65 + ".pem",
        "/stage/keys/pub-key-a.pem",
        "/prod/keys/pub-key-\u00e9.pem",
    ],
)
def test_a_forged_path_is_never_asked_for(fresh: World, path: str) -> None:
    body = raw(event())
    headers = {name.encode(): value.encode("latin-1") for name, value in fresh.headers(body, path=path).items()}
    answer = fresh.client.post("/webhooks/store/x", content=body, headers=headers)
    assert (answer.status_code, fresh.server.asked) == (401, [])


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500),
        Reply(404),
        Reply(302, b"", {"Location": "http://127.0.0.1:9/prod/keys/pub-key-a.pem"}),
        Reply(200, b"<html>"),
        Reply(200, b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n"),
        Reply(200, b"x" * 20_000),
    ],
)
def test_without_its_key_nothing_is_refused_for_good_and_nothing_taken(fresh: World, reply: Reply) -> None:
    fresh.reply = reply
    body = raw(event())
    for _ in range(3):
        answer = fresh.post(body)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert fresh.inbox.messages == []
    assert len(fresh.server.asked) == 1  # a failed path rests
    fresh.reply = None
    fresh.time += adobe_keys.REST
    assert fresh.post(body).status_code == 202


def test_a_key_server_that_is_down(fresh: World) -> None:
    ring = KeyRing(Http(), host="http://127.0.0.1:1")
    registry = CollectorRegistry()
    doors = {"store": AdobeDoor(Door(connection="store", client_id=US), ring)}
    hooks = Webhooks(doors, fresh.inbox, lambda: NOW, body_limit=100_000, registry=registry)
    body = raw(event())
    with TestClient(create_app(hooks, lambda: {"status": "ok"}, registry)) as client:
        assert client.post("/webhooks/store/x", content=body, headers=fresh.headers(body)).status_code == 503


def test_many_strange_paths_make_few_requests(fresh: World) -> None:
    body = raw(event())
    assert fresh.post(body).status_code == 202
    fresh.time += 24 * 3600
    fresh.server.asked.clear()
    for number in range(60):
        path = f"/prod/keys/pub-key-{number}.pem"
        assert fresh.post(body, fresh.headers(body, by="a stranger's", path=path)).status_code == 503
    assert len(fresh.server.asked) == adobe_keys.FETCHES.burst
    # the key that was good before is renewed all the same
    assert fresh.post(body).status_code == 202


def test_while_a_key_is_fetched_others_are_served_and_one_request_is_made(fresh: World) -> None:
    body = raw(event())
    fresh.gate.clear()
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(fresh.post(body).status_code)) for _ in range(5)]
    for thread in threads:
        thread.start()
    try:
        assert fresh.client.get("/health/live").status_code == 200
        assert fresh.client.post("/webhooks/store/x", content=b"{}").status_code == 401
        assert answers == []
    finally:
        fresh.gate.set()
    for thread in threads:
        thread.join(60)
    assert answers == [202] * 5
    assert len(fresh.server.asked) == 1


def test_a_key_that_takes_too_long_is_waited_for_no_longer_than_adobe_waits(fresh: World) -> None:
    body, answers = raw(event()), dict[str, int]()
    fresh.gate.clear()
    paths = [*(f"/prod/keys/pub-key-slow{n}.pem" for n in range(4)), ONE]  # the last has to stand in line

    def post(path: str) -> None:
        answers[path] = fresh.post(body, fresh.headers(body, path=path)).status_code

    threads = [threading.Thread(target=post, args=(path,)) for path in paths]
    try:
        for thread in threads[:4]:
            thread.start()
        until(lambda: len(fresh.ring._running) == 4)
        threads[4].start()
        until(lambda: len(fresh.ring._running) == 5)
        assert fresh.client.post("/webhooks/hasty/x", content=body, headers=fresh.headers(body)).status_code == 503
    finally:
        fresh.gate.set()
    for thread in threads:
        thread.join(60)
    # what was given up did not take the key from the other that waits for it
    assert answers == dict.fromkeys(paths[:4], 503) | {ONE: 202}


def test_an_old_key_is_not_used_when_it_cannot_be_renewed(fresh: World) -> None:
    body = raw(event())
    assert fresh.post(body).status_code == 202
    fresh.time += adobe_keys.LIFETIME - 1
    assert fresh.post(body).status_code == 202
    fresh.time += 1
    fresh.reply = Reply(503)
    assert fresh.post(body).status_code == 503
    assert len(fresh.server.asked) == 2


def test_over_a_real_connection(fresh: World) -> None:
    ring = KeyRing(Http(), host=fresh.server.url)
    doors = {"store": AdobeDoor(Door(connection="store", client_id=US), ring)}
    registry, http, body = CollectorRegistry(), Http(), raw(event(1), event(2))
    hooks = Webhooks(doors, fresh.inbox, lambda: NOW, body_limit=100_000, registry=registry, challenged=doors)
    server = ApiServer(create_app(hooks, lambda: {"status": "ok"}, registry), "127.0.0.1", 0)
    server.start()
    try:
        url = f"{server.url}/webhooks/store/events"
        asked = http.send(HttpRequest(method="GET", url=url, query=(("challenge", "8ec8 d794"),)))
        told = http.send(HttpRequest(method="POST", url=url, headers=fresh.headers(body), body=body))
    finally:
        server.stop()
    assert (asked.status, asked.body, asked.headers["content-type"]) == (200, b"8ec8 d794", "text/plain; charset=utf-8")
    assert (told.status, [one.subject for one in fresh.inbox.messages]) == (202, ["1", "2"])


def test_another_recipients_event_is_refused_although_adobe_signed_it(fresh: World) -> None:
    other = "f" * 32
    for bad in (
        event(recipient_client_id=other, recipientclientid=other),
        event(recipient_client_id=other),  # the two do not agree
        event(recipient_client_id=other, recipientclientid=other, note=US),  # named elsewhere
        {name: value for name, value in event(note=US).items() if not name.startswith("recipient")},
        event(recipientclientid=[US], recipient_client_id=None),
    ):
        assert fresh.post(raw(bad)).status_code == 401
        assert fresh.post(raw(event(5), bad)).status_code == 401
    for name in ("recipient_client_id", "recipientclientid"):
        lone = event(7)
        del lone[name]
        assert fresh.post(raw(lone)).status_code == 202
    assert {one.subject for one in fresh.inbox.messages} == {"7"}


def test_a_body_that_does_not_name_us_costs_no_request(fresh: World) -> None:
    other = "f" * 32
    assert fresh.post(raw(event(recipient_client_id=other, recipientclientid=other))).status_code == 401
    assert fresh.server.asked == []


def test_a_batch_is_taken_event_by_event(fresh: World) -> None:
    bad = event(2)
    del bad["data"]["value"]["entity_id"], bad["data"]["value"]["order_id"]
    body = raw(event(1), bad, event(3, "catalog_product_save_commit_after"), event(4, "sales_order_invoice_save_after"))
    assert fresh.post(body).status_code == 202
    assert [(one.id, one.subject) for one in fresh.inbox.messages] == [
        ("webhook:adobe:event-1", "1"),
        ("webhook:adobe:event-4", "4"),
    ]
    metrics = fresh.client.get("/metrics").text
    assert 'crossdock_webhooks_total{connection="store",outcome="422"}' in metrics
    assert 'crossdock_webhooks_total{connection="store",outcome="400"}' in metrics
    retry = raw(event(4, "sales_order_invoice_save_after"), event(9))  # one of them again, in other company
    assert fresh.post(retry).json()["status"] == "accepted"
    assert [one.subject for one in fresh.inbox.messages] == ["1", "4", "9"]
    assert fresh.post(raw(bad)).status_code == 400
    assert fresh.post(raw(event(3, "catalog_product_save_commit_after"))).status_code == 422


def test_one_id_with_another_content_is_a_conflict(fresh: World) -> None:
    assert fresh.post(raw(event(1))).status_code == 202
    assert fresh.post(raw(event(2, eventid="event-1", event_id="event-1"))).status_code == 409


def test_too_large_a_batch(fresh: World) -> None:
    body = raw(*(event(n, data={"value": {"entity_id": n}}) for n in range(201)))
    assert len(body) < 100_000
    assert fresh.post(body).status_code == 400
    assert fresh.post(b" " * 100_001).status_code == 413
    assert fresh.post(b"[]" + US.encode()).status_code == 400
    assert fresh.inbox.messages == []


def test_the_older_envelope(fresh: World) -> None:
    inner = {"@name": PREFIX + "sales_order_creditmemo_save_after", "data": {"value": {"entity_id": 3, "order_id": 8}}}
    body = raw({"event_id": "older", "event": inner, "recipient_client_id": US})
    assert fresh.post(body).status_code == 202
    assert [(one.id, one.subject) for one in fresh.inbox.messages] == [("webhook:adobe:older", "8")]


def test_unknown_kinds_are_kept_where_it_is_wanted(fresh: World) -> None:
    body = raw(event(3, "rma_save_after"))
    answer = fresh.client.post("/webhooks/keeping/x", content=body, headers=fresh.headers(body))
    assert answer.status_code == 202
    (message,) = fresh.inbox.messages
    assert (message.flow, message.subject, message.payload) == ("kept", "3", body)
    assert message.id == "webhook:rma_save_after:adobe:event-3"


@pytest.mark.skipif(not (SHARED / "contracts" / "adobe-events").is_dir(), reason="the recorded material is not here")
def test_the_event_of_adobes_own_documentation(fresh: World) -> None:
    name = "cloudevent.observer.catalog_product_save_commit_after.json"
    body = (SHARED / "contracts" / "adobe-events" / name).read_bytes()
    assert fresh.post(body).status_code == 422
    assert fresh.client.post("/webhooks/keeping/x", content=body, headers=fresh.headers(body)).status_code == 202
    (message,) = fresh.inbox.messages
    assert message.id == "webhook:catalog_product_save_commit_after:adobe:b0f2b088-5490-4d16-9ce9-0cb1fb3e5ed0"
    assert message.subject == "catalog_product_save_commit_after"


@pytest.mark.parametrize(
    "challenge", ["8ec8d794-e0ab-42df-9017-e3dada8e84f7", "<script>alert(1)</script>", "{}", "a b"]
)
def test_a_challenge_is_said_back_as_plain_text(fresh: World, challenge: str) -> None:
    answer = fresh.client.get("/webhooks/store/any", params={"challenge": challenge})
    assert (answer.status_code, answer.content) == (200, challenge.encode())
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "query", ["", "challenge=", "challenge=a%0d%0ab", "challenge=%C3%A9", "challenge=" + "x" * 201, "a&" * 5000]
)
def test_what_is_no_challenge(fresh: World, query: str) -> None:
    answer = fresh.client.get(f"/webhooks/store/any?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


def test_the_validation_by_a_link_is_not_followed(fresh: World) -> None:
    body = json.dumps({"validationUrl": f"{fresh.server.url}/validate", "client": US}).encode()
    assert fresh.client.post("/webhooks/store/any", content=body).status_code == 401
    assert fresh.server.asked == []


@given(
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda x: (
            st.lists(x, max_size=3)
            | st.dictionaries(
                st.sampled_from(["data", "value", "event", "type", "id", "eventid", "entity_id", "order_id", "order"]),
                x,
                max_size=4,
            )
        ),
        max_leaves=10,
    ),
    kind=st.sampled_from(["sales_order_save_commit_after", "sales_order_payment_save_after", "x", "\u0000"]),
    many=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_whatever_adobe_signs_is_taken_or_refused_without_breaking(
    world: World, body: Any, kind: str, many: bool
) -> None:
    ours = {"recipientclientid": US, "type": PREFIX + kind}
    wrapped = body | ours if isinstance(body, dict) else {"data": {"value": body}} | ours
    content = json.dumps([wrapped, body, wrapped] if many else wrapped).encode()
    for where in ("store", "keeping"):
        answer = world.client.post(f"/webhooks/{where}/x", content=content, headers=world.headers(content))
        assert answer.status_code in {202, 400, 401, 409, 422}
    for message in world.inbox.messages:
        assert "\x00" not in message.id + message.subject + message.reference
        assert len(message.id) <= 255


@given(body=st.binary(max_size=300), signature=st.binary(max_size=400), path=st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_garbage_is_refused_without_breaking(world: World, body: bytes, signature: bytes, path: str) -> None:
    shown = "".join(one for one in path if one.isprintable() and ord(one) < 256).strip()
    headers = {
        b"x-adobe-digital-signature-1": base64.b64encode(signature),
        b"x-adobe-public-key1-path": shown.encode("latin-1"),
    }
    before = len(world.server.asked)
    answer = world.client.post("/webhooks/store/x", content=body + US.encode(), headers=headers)
    assert answer.status_code == 401
    assert len(world.server.asked) == before


def test_the_fingerprint_is_of_the_event_alone(fresh: World) -> None:
    fresh.post(raw(event(1), event(2)))
    data = json.dumps(event(1)["data"]).encode()
    assert fresh.inbox.kept["webhook:adobe:event-1"] == hashlib.sha256(data).hexdigest()
