from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from crossdock.errors import Misconfigured, OutcomeUnknown, Rejected, Temporary, Unauthorized, Unreachable
from crossdock.magento.auth import choose
from crossdock.magento.client import MagentoClient, segment
from crossdock.magento.settings import MagentoSettings
from crossdock.transport.auth import Auth, Bearer
from crossdock.transport.http import Http, HttpOptions
from crossdock.transport.oauth1 import OAuth1Keys
from tests.recorded_server import Asked, Recorded, Reply, against_contract, serve
from tests.unit.transport import wires

UNAUTHORIZED = Reply(
    401, {"message": "The consumer isn't authorized to access %resources.", "parameters": {"resources": "x"}}
)
QUICK = HttpOptions(connect_timeout=0.3, read_timeout=0.5, total_timeout=1)


def client_of(server: Recorded, auth: Auth | None = None, **more: Any) -> MagentoClient:
    return MagentoClient(Http(), auth or Bearer("t0ken"), base_url=server.url, **more)


def test_a_get_gives_json_the_raw_bytes_and_the_stores_clock() -> None:
    with serve(lambda one: Reply(200, b'{"grand_total": 10.10}')) as server:
        client = client_of(server)
        assert client.get("V1/orders/1") == {"grand_total": 10.1}
        answer = client.fetch("GET", "V1/orders/1", [("fields", "items[sku]")])
    assert answer.body == b'{"grand_total": 10.10}'
    assert answer.store_time == datetime(2026, 11, 23, 6, tzinfo=UTC)
    assert server.named() == ["GET /rest/all/V1/orders/1"] * 2
    assert server.asked[0].headers["authorization"] == "Bearer t0ken"
    assert server.asked[0].headers["accept"] == "application/json"
    assert against_contract(server.asked) == []


def test_writes_send_json() -> None:
    with serve(lambda one: Reply(200, True)) as server:
        client = client_of(server, store_code="default")
        body = {"statusHistory": {"comment": "x", "is_customer_notified": 0, "is_visible_on_front": 0, "parent_id": 1}}
        assert client.post("V1/orders/1/comments", body) is True
        assert client.put("V1/thing", [1]) is True
        assert client.delete("V1/thing/1") is True
    assert server.asked[0].json() == body
    assert server.asked[0].headers["content-type"] == "application/json"
    assert server.named()[1:] == ["PUT /rest/default/V1/thing", "DELETE /rest/default/V1/thing/1"]
    assert against_contract(server.asked[:1]) == []


def test_the_cloud_service_has_its_store_in_a_header() -> None:
    with serve(lambda one: Reply(200, {})) as server:
        client_of(server, saas=True).get("V1/orders/1")
    assert server.named() == ["GET /V1/orders/1"]
    assert server.asked[0].headers["store"] == "all"


def test_a_missing_entity_is_none_for_find_and_an_error_for_get() -> None:
    absent = Reply(
        404,
        {"message": "No such entity with %fieldName = %fieldValue", "parameters": {"fieldName": "id", "fieldValue": 9}},
    )
    with serve(lambda one: absent) as server:
        client = client_of(server)
        assert client.find("V1/orders/9") is None
        with pytest.raises(Rejected, match="No such entity with id = 9") as caught:
            client.get("V1/orders/9")
    assert caught.value.status == 404


def test_a_missing_route_is_no_missing_entity() -> None:
    with (
        serve(lambda one: Reply(404, {"message": "Request does not match any route."})) as server,
        pytest.raises(Misconfigured),
    ):
        client_of(server).find("V1/nosuchroute")


@pytest.mark.parametrize("talk", [wires.close_after_reading, wires.silent], ids=["cut", "silent"])
def test_what_is_unknown_for_a_write_is_temporary_for_a_get(talk: Any) -> None:
    with wires.raw_server(talk) as port:
        client = MagentoClient(Http(QUICK), Bearer("t"), base_url=f"http://127.0.0.1:{port}")
        with pytest.raises(Temporary) as caught:
            client.get("V1/orders/1")
        assert not isinstance(caught.value, Unreachable)
        with pytest.raises(OutcomeUnknown):
            client.post("V1/orders", {})
        with pytest.raises(OutcomeUnknown):
            client.put("V1/orders", {})
        with pytest.raises(OutcomeUnknown):
            client.delete("V1/orders")


def test_a_refused_token_is_renewed_once_and_then_told() -> None:
    tokens: list[str] = []

    def answer(one: Asked) -> Reply:
        if one.path.endswith("/admin/token"):
            tokens.append(f"t{len(tokens) + 1}")
            return Reply(200, tokens[-1])
        return Reply(200, {"entity_id": 1}) if one.headers["authorization"] == "Bearer t2" else UNAUTHORIZED

    with serve(answer) as server:
        http = Http()
        settings = settings_of(server.url, {"scheme": "admin", "username": "env:U", "password": "env:P"})
        auth = choose(settings, http, lambda ref: f"secret-{ref}")
        client = MagentoClient(http, auth, base_url=server.url)
        with pytest.raises(Unauthorized):  # so young a token is not fetched again at once
            client.get("V1/orders/1")
        auth._auth._fetched_at -= 60  # type: ignore[attr-defined]  # as if a minute had gone by
        assert client.get("V1/orders/1") == {"entity_id": 1}
    assert tokens == ["t1", "t2"]
    assert server.asked[0].json() == {"username": "secret-env:U", "password": "secret-env:P"}
    assert against_contract(server.asked) == []


def test_a_fixed_token_is_not_tried_twice() -> None:
    with serve(lambda one: UNAUTHORIZED) as server, pytest.raises(Unauthorized, match="isn't authorized to access x"):
        client_of(server).get("V1/orders/1")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, {"message": "wrong"}, Unauthorized),
        (500, {"message": "x"}, Temporary),
        (200, {"no": "token"}, Unauthorized),
    ],
)
def test_a_failed_login_never_leaves_an_outcome_unknown(status: int, body: Any, expected: type[Exception]) -> None:
    with serve(lambda one: Reply(status, body)) as server:
        http = Http()
        settings = settings_of(server.url, {"scheme": "admin", "username": "env:U", "password": "env:P"})
        client = MagentoClient(http, choose(settings, http, str), base_url=server.url)
        with pytest.raises(expected):
            client.post("V1/orders", {})
    assert all(one.path.endswith("/integration/admin/token") for one in server.asked)


def test_adobe_ims_gives_the_token_and_the_client_id_goes_with_it() -> None:
    def answer(one: Asked) -> Reply:
        if one.path == "/ims/token/v3":
            return Reply(200, {"access_token": "ims-token", "expires_in": 86399, "token_type": "bearer"})
        return Reply(200, {})

    with serve(answer) as server:
        http = Http()
        scheme = {
            "scheme": "ims",
            "client_id": "env:ID",
            "client_secret": "env:SECRET",
            "token_url": f"{server.url}/ims/token/v3",
        }
        client = MagentoClient(
            http, choose(settings_of(server.url, scheme), http, lambda ref: ref[4:]), base_url=server.url, saas=True
        )
        client.get("V1/orders/1")
        client.get("V1/orders/2")
    assert server.named() == ["POST /ims/token/v3", "GET /V1/orders/1", "GET /V1/orders/2"]
    assert server.asked[0].body.startswith(b"grant_type=client_credentials&client_id=ID&client_secret=SECRET&scope=")
    assert server.asked[1].headers["authorization"] == "Bearer ims-token"
    assert server.asked[1].headers["x-api-key"] == "ID"


def test_oauth_is_the_default_and_each_request_has_its_own_nonce() -> None:
    with serve(lambda one: Reply(200, {})) as server:
        keys = {"consumer_key": "env:A", "consumer_secret": "env:B", "token": "env:C", "token_secret": "env:D"}
        http = Http()
        auth = choose(settings_of(server.url, {"scheme": "oauth1", **keys}), http, lambda ref: ref[4:])
        client = MagentoClient(http, auth, base_url=server.url)
        client.get("V1/orders", [("searchCriteria[pageSize]", "1")])
        client.get("V1/orders", [("searchCriteria[pageSize]", "1")])
    sent = [one.headers["authorization"] for one in server.asked]
    assert sent[0] != sent[1]
    assert all(text.startswith('OAuth oauth_consumer_key="A", oauth_nonce="') for text in sent)
    assert OAuth1Keys(consumer_key="A", consumer_secret="B", token="C", token_secret="D") == auth._auth._keys  # type: ignore[attr-defined]


def test_a_sku_with_a_slash_is_one_segment() -> None:
    assert segment("ODD/SKU 1+à") == "ODD%2FSKU%201%2B%C3%A0"


def test_errors_tell_no_personal_data() -> None:
    body = {"message": "Customer %1 exists", "parameters": ["mario.canary@example.com"]}
    with serve(lambda one: Reply(400, body)) as server, pytest.raises(Rejected) as caught:
        client_of(server).post("V1/customers", {"customer": {"email": "mario.canary@example.com"}})
    assert "canary" not in str(caught.value)


def settings_of(url: str, auth: dict[str, Any]) -> MagentoSettings:
    return MagentoSettings.model_validate_json(json.dumps({"kind": "magento", "base_url": url, "auth": auth}))
