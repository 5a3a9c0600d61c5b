"""Logging in by an OpenID Connect provider, over real HTTP on both sides."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from crossdock import log
from crossdock.identity.sign_on import SignOn
from crossdock.security.access import Role
from crossdock.settings import OidcSettings
from tests.databases import postgres_url, sqlite_url
from tests.unit.identity.house import START, House, house_of
from tests.unit.identity.provider import CLIENT, SECRET, ECKey, OctKey, Provider, RSAKey, provider_of

ROLES = {"crossdock-viewers": "viewer", "crossdock-operators": "operator", "crossdock-admins": "admin"}


class World:
    """A browser between a house and a provider."""

    def __init__(self, house: House, provider: Provider) -> None:
        self.house, self.provider = house, provider
        self.http = httpx.Client(base_url=house.url, timeout=30)

    def begin(self) -> str:
        answer = self.http.get("/console/oidc")
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def come_back(self, query: str) -> httpx.Response:
        return self.http.get(f"/console/oidc/callback?{query}")

    def log_in(self) -> int:
        self.http.cookies.delete("crossdock") if self.http.cookies.get("crossdock") else None
        return self.come_back(self.provider.log_in(self.begin())).status_code

    def actor(self) -> str:
        answer = self.http.get("/api/v1/look")
        return str(answer.json()["actor"]) if answer.status_code == 200 else ""

    def users(self) -> dict[str, str]:
        return {one.name: one.role.value for one in self.house.store.users.every()}


@contextmanager
def world_of(database: str, folder: Path) -> Iterator[World]:
    secret = folder / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    held: list[House] = []

    def clock() -> Any:
        return held[0].now if held else START

    with provider_of(clock) as provider:
        settings = OidcSettings.model_validate(
            {
                "issuer": f"{provider.url}/realm",
                "client_id": CLIENT,
                "client_secret": f"file:{secret}",
                "public_url": "https://crossdock.example",
                "roles": ROLES,
            }
        )
        sign_on = SignOn(settings, clock, steady=lambda: clock().timestamp())
        with house_of(database, sign_on=sign_on) as house:
            held.append(house)
            found = World(house, provider)
            yield found
            found.http.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_of(sqlite_url(tmp_path), tmp_path) as found:
        yield found


@pytest.mark.services
def test_people_of_a_provider_on_postgresql(tmp_path: Path) -> None:
    with postgres_url() as url, world_of(url, tmp_path) as world:
        assert world.log_in() == 303
        world.provider.person |= {"sub": "u-2", "roles": "crossdock-admins"}
        assert world.log_in() == 303
        assert sorted(world.users().values()) == ["admin", "operator"]
        world.provider.person["roles"] = "crossdock-viewers"
        assert world.log_in() == 303
        assert sorted(world.users().values()) == ["operator", "viewer"]
        world.house.store.users.disable("oidc:ada", "cli:root", "left", world.house.now)
        world.provider.person["sub"] = "u-1"
        assert world.log_in() == 401


def test_from_the_link_to_the_session(world: World) -> None:
    assert 'href="/console/oidc"' in world.http.get("/console/login").text
    answer = world.come_back(world.provider.log_in(world.begin()))
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    assert world.actor() == "user:oidc:ada"
    assert world.users() == {"oidc:ada": "operator"}
    assert [(row["operation_type"], row["actor"]) for row in world.house.trail()] == [
        ("user-create", "oidc"),
        ("login", "user:oidc:ada"),
    ]
    world.log_in()
    assert world.provider.fetched.count("/keys") == 1, "keys are kept"


def test_the_provider_says_what_they_may_each_time(world: World) -> None:
    for groups, role in (
        (["crossdock-viewers", "other", "crossdock-admins"], "admin"),
        ("crossdock-viewers", "viewer"),
        (["other", "crossdock-operators"], "operator"),
    ):
        world.provider.person["roles"] = groups
        assert world.log_in() == 303
        assert world.users() == {"oidc:ada": role}
    nothing: list[Any] = [["other"], [], None, 7, [7, {"a": 1}]]
    for none in nothing:
        world.provider.person["roles"] = none
        assert world.log_in() == 403
        assert world.actor() == ""


def test_a_name_is_for_reading_the_subject_is_who_it_is(world: World) -> None:
    world.house.user("ada", Role.ADMIN)
    world.log_in()
    world.provider.person["sub"] = "u-2"
    world.log_in()
    names = [*world.users()]
    assert len(names) == 3, names
    assert world.users()["ada"] == "admin", "whoever has a password here is somebody else"
    assert names[2].startswith("oidc:ada#")
    world.provider.person |= {"sub": "u-1", "preferred_username": "Countess"}
    world.log_in()
    assert world.actor() == "user:oidc:ada", "the name that the trail has already"


def test_who_is_disabled_here_stays_out(world: World) -> None:
    world.log_in()
    world.house.store.users.disable("oidc:ada", "cli:root", "left", world.house.now)
    assert world.log_in() == 401
    assert world.actor() == ""


def test_an_answer_holds_for_the_browser_that_asked_and_once(world: World) -> None:
    query = world.provider.log_in(world.begin())
    with httpx.Client(base_url=world.house.url) as other:
        assert other.get(f"/console/oidc/callback?{query}").status_code == 401, "no cookie"
        other.get("/console/oidc")
        assert other.get(f"/console/oidc/callback?{query}").status_code == 401, "the cookie of another login"
    assert world.come_back(query).status_code == 303
    assert world.come_back(query).status_code == 401


@pytest.mark.parametrize("query", ["", "error=access_denied&state={state}", "state={state}", "code=x&state=wrong",
    "code=x&state={state}", "code=x&state={state}&state={state}", "code=x&state={state}&iss=https%3A%2F%2Fevil.example"])  # fmt: skip
def test_what_the_browser_brings_must_fit(world: World, query: str) -> None:
    state = dict(part.split("=") for part in world.begin().partition("?")[2].split("&"))["state"]
    assert world.come_back(query.format(state=state)).status_code == 401
    assert world.actor() == ""


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"aud": [CLIENT, "another"]},
        {"azp": "another"},
        {"nonce": "of another login"},
        {"nonce": None},
        {"exp": int(START.timestamp()) - 61},
        {"exp": None},
        {"exp": "never"},
        {"exp": True},
        {"iat": int(START.timestamp()) + 61},
        {"iat": None},
        {"nbf": int(START.timestamp()) + 61},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
    ],
)
def test_an_id_token_that_claims_something_else_is_none(world: World, claims: dict[str, Any]) -> None:
    world.provider.spoil = claims
    assert world.log_in() == 401
    assert world.users() == {}
    assert world.house.trail() == []


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": [CLIENT]},
        {"aud": [CLIENT, "another"], "azp": CLIENT},
        {"exp": int(START.timestamp()) - 59},
        {"iat": int(START.timestamp()) + 59},
    ],
)
def test_what_the_standard_allows_is_taken(world: World, claims: dict[str, Any]) -> None:
    world.provider.spoil = claims
    assert world.log_in() == 303


def test_a_signature_of_nobody_we_know_is_none(world: World) -> None:
    provider = world.provider
    provider.signed_by = RSAKey.generate_key(2048, {"kid": "one"})
    assert world.log_in() == 401
    provider.signed_by, provider.algorithm = OctKey.import_key(SECRET + "0" * 20, {"kid": "one"}), "HS256"
    assert world.log_in() == 401
    assert isinstance(provider.keys[0], RSAKey)
    pem = provider.keys[0].as_pem(private=False)
    head, claims = ({"alg": "none"}, {"iss": f"{provider.url}/realm", "aud": CLIENT, "sub": "u-1"})
    provider.token = ".".join([*(b64(json.dumps(part).encode()) for part in (head, claims)), ""])
    assert world.log_in() == 401
    provider.token = b64(b'{"alg":"HS256","kid":"one"}') + "." + b64(json.dumps(claims).encode()) + "." + b64(pem[:32])
    assert world.log_in() == 401
    for nonsense in ("", "a.b.c", "....", "x" * 100_000):
        provider.token = nonsense
        assert world.log_in() == 401
    assert world.users() == {}


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def test_keys_that_are_of_no_use_to_us_do_not_disturb(world: World) -> None:
    encrypting = RSAKey.generate_key(2048, {"kid": "one", "use": "enc"}).as_dict(private=False)
    world.provider.others = [
        {"kty": "AKP", "kid": "new"},
        {"kty": "RSA", "n": 7},
        7,
        encrypting,
        {"kty": "oct", "k": "AA"},
    ]
    assert world.log_in() == 303
    world.house.later(hours=2)
    world.provider.kid = False
    assert world.log_in() == 303, "there is one key, so it needs no name"
    world.house.later(hours=2)
    world.provider.others = [ECKey.generate_key("P-256", {"kid": "two"}).as_dict(private=False)]
    assert world.log_in() == 401, "OpenID Connect Core, 10.1: of several a token names its own"


def test_a_provider_that_changes_its_keys_is_asked_again_but_not_all_the_time(world: World) -> None:
    assert world.log_in() == 303
    world.provider.keys = [ECKey.generate_key("P-256", {"kid": "two", "use": "sig"})]
    world.provider.algorithm = "ES256"
    assert world.log_in() == 401, "the keys were asked for just now"
    world.house.later(seconds=31)
    assert world.log_in() == 303
    fetched = world.provider.fetched.count("/keys")
    world.provider.signed_by = ECKey.generate_key("P-256", {"kid": "nobodys"})
    for _ in range(5):
        assert world.log_in() == 401
    assert world.provider.fetched.count("/keys") == fetched


def test_a_description_of_another_one_is_not_believed(world: World) -> None:
    for described in ({"issuer": "https://evil.example"}, {"token_endpoint": None}, {"jwks_uri": "no address"}):
        world.provider.described = described
        assert world.http.get("/console/oidc").status_code == 503
    world.provider.described = {}
    assert world.log_in() == 303


def test_a_provider_that_does_not_answer_is_no_wrong_login(world: World) -> None:
    query = world.provider.log_in(world.begin())
    world.provider.described = {"token_endpoint": "http://127.0.0.1:9/token"}
    world.house.later(hours=2)
    assert world.come_back(query).status_code == 503
    assert world.house.trail() == []


def test_nothing_of_a_login_is_in_a_log(world: World) -> None:
    written = io.StringIO()
    log.configure("info", stream=written)
    url = world.begin()
    query = world.provider.log_in(url)
    world.come_back(query + "x")
    world.come_back(query)
    world.provider.spoil = {"nonce": "x"}
    world.log_in()
    ours = "\n".join(line for line in written.getvalue().splitlines() if '"httpx"' not in line)
    assert "the id token answers another login" in ours
    for secret in (SECRET, "eyJ", "code=", "Ada", "u-1"):
        assert secret not in ours
