"""Tokens and signatures over real HTTP: who is let in, and what those are told who are not."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from crossdock import log
from crossdock.api.documents import PATHS
from crossdock.identity.doorman import Client, Limits
from crossdock.security.access import SCOPES
from crossdock.security.signed_requests import sign
from crossdock.security.tokens import NewToken, hash_of, new_token
from tests.unit.identity.house import STOCK, House, house_of
from tests.walk.world import until

SIGNING = "a secret to sign with"
SAP = Client(name="sap", connection="erp", token="s3ttings-t0ken", secrets=("an older one", SIGNING))
UNAUTHORIZED = {"success": False, "message": "Unauthorized"}
ADDRESSES = {
    "erp:inventory:write": ["POST /rest/V1/erp/inventory/update", "GET /rest/V2/erp/inventory/jobs/1"],
    "erp:prices:write": ["POST /rest/V2/erp/prices/update"],
    "erp:products:write": ["POST /rest/V1/erp/products/update", "GET /rest/V1/erp/bulk/some-uuid/status"],
    "erp:fulfilment:write": [f"POST /rest/V1/erp/{path}" for path in PATHS] + ["GET /rest/V1/erp/shipments/7"],
    "erp:customers:write": [
        "POST /rest/V1/erp/customers",
        "GET /rest/V1/erp/customers/7",
        "POST /rest/V1/erp/customers/7/erasure",
    ],
    "read": ["GET /api/v1/look"],
    "operate": ["POST /api/v1/act"],
    "approve": ["POST /api/v1/approve"],
    "admin": ["POST /api/v1/manage"],
}
GIVES = {
    "erp:*": {name for name in ADDRESSES if name.startswith("erp:")},
    "operate": {"operate", "read"},
    "approve": {"approve", "read"},
    "admin": {"admin", "approve", "operate", "read"},
    "intake": set[str](),
}


@pytest.fixture
def house(database: str) -> Iterator[House]:
    with house_of(database, clients=(SAP,), limits=Limits(known={"erp": 60}, failures=50)) as found:
        yield found


def test_a_token_speaks_for_its_connection_and_under_its_name(house: House) -> None:
    answer = house.push(house.token("erp:inventory:write", name="wms", connection="warehouse"))
    assert (answer.status_code, answer.json()) == (200, {"client": "wms", "connection": "warehouse"})


def test_the_token_of_the_settings_goes_on_working(house: House) -> None:
    assert house.push("s3ttings-t0ken").json() == {"client": "sap", "connection": "erp"}
    for addresses in (rows for scope, rows in ADDRESSES.items() if scope.startswith("erp:")):
        for one in addresses:
            method, _, path = one.partition(" ")
            assert house.ask(path, "s3ttings-t0ken", method, json={}).status_code in {200, 202}, one
    assert house.ask("/api/v1/look", "s3ttings-t0ken").status_code == 403


def test_a_scope_opens_what_it_names_and_nothing_else(house: House) -> None:
    for scope in SCOPES:
        held_to(house, scope, GIVES.get(scope, {scope}))


def held_to(house: House, scope: str, opened: set[str]) -> None:
    with house.client(house.token(scope)) as client:
        for needed, addresses in ADDRESSES.items():
            for one in addresses:
                method, _, path = one.partition(" ")
                answer = client.request(method, path, json={} if method == "POST" else None)
                assert (answer.status_code in {200, 202}) == (needed in opened), (scope, one, answer.text)
                if needed not in opened:
                    assert answer.status_code == 403
                    assert answer.headers["content-type"] == "application/problem+json"
                    assert answer.json()["detail"] == f"this needs {needed}"


def test_unknown_expired_and_revoked_are_one_and_the_same(house: House) -> None:
    expired = house.token("erp:*", lasts=timedelta(hours=1))
    revoked = house.token("erp:*", name="gone")
    house.store.access.revoke_token("gone", "cli:ada", "leaked", house.now)
    house.later(hours=1)
    wrong = ["nonsense", new_token(), "xd_" + "é" * 3, expired, revoked, "s3ttings-t0ke", "xd_" + "A" * 43]
    answers = [house.ask(STOCK, "", "POST", json={}, headers=bearer(one)) for one in wrong]
    answers += [house.push(), house.ask(STOCK, "", "POST", headers={"Authorization": "Basic c2FwOngK"})]
    shown = {(one.status_code, one.text, one.headers["www-authenticate"]) for one in answers}
    assert shown == {(401, '{"success":false,"message":"Unauthorized"}', "Bearer")}
    other = {house.ask("/api/v1/look", headers=bearer(one)).text for one in wrong}
    assert other == {'{"type":"about:blank","title":"Unauthorized","status":401,"detail":"Unauthorized"}'}
    assert house.echo.asked == []


def bearer(token: str) -> dict[str, Any]:
    return {"Authorization": f"Bearer {token}".encode()}


def test_a_rotated_token_and_its_successor_push_under_one_name(house: House) -> None:
    old, new = house.token("erp:*", name="sap-live"), new_token()
    heir = NewToken(name="sap-live", hash=hash_of(new), scopes=())
    house.store.access.rotate_token(heir, house.now + timedelta(hours=24), "cli:ada", house.now)
    assert house.push(old).json() == house.push(new).json() == {"client": "sap-live", "connection": "erp"}
    house.later(hours=24)
    assert (house.push(old).status_code, house.push(new).status_code) == (401, 200)


def test_the_last_use_is_kept(house: House) -> None:
    token = house.token("erp:*", name="used")
    house.push(token)
    until(lambda: house.store.access.tokens()[0].last_used_at == house.now)
    assert house.push(token).status_code == 200


def test_who_is_too_often_there_waits_and_nobody_else(house: House) -> None:
    many, other = house.token("erp:*", name="many"), house.token("erp:*", name="other")
    with house.client(many) as client:
        found = [client.post(STOCK, json={"items": []}) for _ in range(61)]
    assert [one.status_code for one in found[:60]] == [200] * 60
    late = found[60]
    assert (late.status_code, late.headers["retry-after"]) == (429, "1")
    assert late.headers["content-type"] == "application/problem+json"
    assert house.push(other).status_code == 200
    house.later(seconds=1)
    assert house.push(many).status_code == 200


def test_a_request_through_two_guards_is_counted_once_and_held_to_both(database: str) -> None:
    with house_of(database, limits=Limits(known={"operations": 5})) as house:
        operates, reads = house.token("operate"), house.token("read")
        found = [house.ask("/api/v1/deep/act", operates, "POST") for _ in range(6)]
        assert [one.status_code for one in found] == [200] * 5 + [429]
        assert found[0].json() == {"actor": "token:t0"}
        assert [house.ask("/api/v1/deep/act", one, "POST").status_code for one in (reads, "")] == [403, 401]


def test_failures_are_limited_by_address_and_keep_out_nobody_who_is_known(house: House) -> None:
    with house.client("xd_" + "A" * 43) as client:
        found = [client.post(STOCK, json={}).status_code for _ in range(60)]
    assert found == [401] * 50 + [429] * 10
    assert house.push("s3ttings-t0ken").status_code == 200
    house.later(minutes=1)
    assert house.push("wrong").status_code == 401


def signed(house: House, body: bytes = b"{}", target: str = STOCK, method: str = "POST", **changes: str) -> Any:
    told = {"timestamp": str(int(house.now.timestamp())), "nonce": new_token(), "client": "sap", "secret": SIGNING}
    told |= changes
    signature = sign(told["secret"], told["timestamp"], told["nonce"], method, target, body)
    return {f"X-Crossdock-{name.title()}": told[name] for name in ("client", "timestamp", "nonce")} | {
        "X-Crossdock-Signature": told.get("signature", signature)
    }


def sent(house: House, headers: dict[str, str], body: bytes = b"{}", target: str = STOCK, method: str = "POST") -> int:
    with house.client() as client:
        return client.request(method, target, content=body or None, headers=headers).status_code


def test_a_signed_request_needs_no_token(house: House) -> None:
    assert sent(house, signed(house)) == 200
    assert house.echo.asked[0].client == "sap"
    assert sent(house, signed(house, secret="an older one")) == 200
    target = "/rest/V1/erp/shipments/N%207?store=it"
    assert sent(house, signed(house, b"", target, "GET"), b"", target, "GET") == 200


def test_what_is_signed_holds_once_and_as_it_is(house: House) -> None:
    good = signed(house)
    assert sent(house, good) == 200
    assert sent(house, good) == 401, "sent again"
    assert sent(house, signed(house), b'{"items": []}') == 401, "another body"
    assert sent(house, signed(house), target=STOCK + "?store=other") == 401, "another address"
    assert sent(house, signed(house), target="/rest/V2/erp/inventory/update") == 401, "another address"
    wrong: list[dict[str, Any]] = [
        {"secret": "a wrong one"},
        {"secret": ""},
        {"client": "nobody"},
        {"nonce": "short"},
        {"timestamp": "soon"},
        {"timestamp": str(int(house.now.timestamp()) - 301)},
        {"timestamp": str(int(house.now.timestamp()) + 301)},
        {"signature": ""},
    ]
    for changes in wrong:
        assert sent(house, signed(house, **changes)) == 401, changes
    assert len(house.echo.asked) == 1


def test_of_many_that_send_the_same_signed_request_at_once_one_is_taken(house: House) -> None:
    good = signed(house)
    with ThreadPoolExecutor(8) as pool:
        found = sorted(pool.map(lambda _: sent(house, good), range(8)))
    assert found == [200] + [401] * 7


def test_a_nonce_is_remembered_for_as_long_as_its_time_stamp_is_taken(house: House) -> None:
    ahead = signed(house, timestamp=str(int(house.now.timestamp()) + 300))  # a client whose clock is ahead
    assert sent(house, ahead) == 200
    house.later(seconds=600)
    assert sent(house, ahead) == 401, "its time stamp is still good"
    house.later(seconds=1)
    assert sent(house, signed(house)) == 200
    assert sent(house, ahead) == 401


def test_a_signature_counts_for_erps_alone(house: House) -> None:
    assert sent(house, signed(house, b"", "/api/v1/look", "GET"), b"", "/api/v1/look", "GET") == 401


def test_no_secret_is_in_a_log(house: House) -> None:
    written = io.StringIO()
    log.configure("debug", stream=written)
    token, wrong = house.token("read"), new_token()
    house.push(token)
    house.push(wrong)
    house.push("s3ttings-t0ke")
    sent(house, signed(house, secret="a wrong one"))
    sent(house, signed(house))
    assert written.getvalue(), "nothing was logged"
    for secret in (token, wrong, "s3ttings", SIGNING, "a wrong one", hash_of(token)):
        assert secret not in written.getvalue()


def test_a_database_that_fails_is_no_401(house: House) -> None:
    token = house.token("erp:*")
    with house.store._engine.execution_options(writes=True).begin() as connection:
        connection.execute(text("DROP TABLE api_tokens"))
    answer = house.push(token)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert house.push("s3ttings-t0ken").status_code == 200, "known without it"
