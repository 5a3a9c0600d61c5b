from __future__ import annotations

import threading

import pytest

from crossdock.errors import Unauthorized
from crossdock.transport.auth import Basic, Bearer, HmacBody, NoAuth
from crossdock.transport.oauth1 import OAuth1, OAuth1Keys, base_string, drop_port, sign
from crossdock.transport.tokens import FetchedToken, Token
from crossdock.transport.wire import HttpRequest

KEYS = OAuth1Keys(consumer_key="ck", consumer_secret="c&s", token="tk", token_secret="t/s")
GET = HttpRequest(method="GET", url="http://127.0.0.1:8088/rest/V1/orders/1", query=(("fields", "items[entity_id]"),))


def test_fixed_schemes() -> None:
    assert Bearer("t", {"x-api-key": "k"}).apply(GET).headers == {"Authorization": "Bearer t", "x-api-key": "k"}
    assert Basic("é", "p:w").apply(GET).headers == {"Authorization": "Basic w6k6cDp3"}
    assert NoAuth().apply(GET) is GET
    assert not Bearer("t").refresh()


def test_a_new_credential_replaces_the_old_one_whatever_its_case() -> None:
    request = HttpRequest(method="GET", url="x", headers={"authorization": "old"})
    assert Bearer("new").apply(request).headers == {"Authorization": "Bearer new"}


def test_hmac_signs_the_raw_body() -> None:
    request = HttpRequest(method="POST", url="x", body=b"what do ya want for nothing?")  # RFC 4231, case 2
    assert HmacBody("Jefe", "X-Sig", "sha256=").apply(request).headers["X-Sig"] == (
        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )
    with pytest.raises(ValueError, match="empty"):
        HmacBody("", "X-Sig")


def test_the_base_string_follows_the_standards_example() -> None:
    oauth = {  # RFC 5849, 3.4.1.1, without the form body's parameters
        "oauth_consumer_key": "9djdj82h48djs9d2",
        "oauth_token": "kkk9d7dh3k39sjv7",
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": "137131201",
        "oauth_nonce": "7d8f3e4a",
    }
    assert base_string("post", "http://EXAMPLE.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b", oauth) == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26"
        "oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26"
        "oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    )


def oauth(**more: str) -> OAuth1:
    return OAuth1(KEYS, clock=lambda: 1_700_000_000.9, nonce=lambda: "n1", base_url="http://127.0.0.1:8088", **more)


def header_of(auth: OAuth1) -> dict[str, str]:
    text = auth.apply(GET).headers["Authorization"].removeprefix("OAuth ")
    return {name: value.strip('"') for name, _, value in (pair.partition("=") for pair in text.split(", "))}


def test_oauth_signs_the_address_without_its_port_as_the_real_store_wants_it() -> None:
    sent = header_of(oauth())
    assert (sent["oauth_signature_method"], sent["oauth_nonce"], sent["oauth_timestamp"]) == (
        "HMAC-SHA256",
        "n1",
        "1700000000",
    )
    unsigned = {name: value for name, value in sent.items() if name != "oauth_signature"}
    url = "http://127.0.0.1/rest/V1/orders/1?fields=items%5Bentity_id%5D"
    expected = sign(base_string("GET", url, unsigned), KEYS)
    assert sent["oauth_signature"] == expected.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")


def test_oauth_can_sign_what_a_store_behind_a_proxy_believes_to_be_its_address() -> None:
    plain, proxied = header_of(oauth()), header_of(oauth(sign_as="https://shop.example.com/"))
    unsigned = {name: value for name, value in proxied.items() if name != "oauth_signature"}
    url = "https://shop.example.com/rest/V1/orders/1?fields=items%5Bentity_id%5D"
    expected = sign(base_string("GET", url, unsigned), KEYS)
    assert proxied["oauth_signature"] == expected.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    assert plain["oauth_signature"] != proxied["oauth_signature"]


def test_a_realm_stands_in_the_header_and_is_not_signed() -> None:
    plain, named = header_of(oauth()), header_of(oauth(realm="1234567_SB1"))
    assert named.pop("realm") == "1234567_SB1"
    assert named == plain


def test_each_try_has_a_nonce_of_its_own() -> None:
    auth = OAuth1(KEYS)
    assert auth.apply(GET).headers != auth.apply(GET).headers


def test_the_port_goes_and_nothing_else() -> None:
    assert drop_port("http://[::1]:80/a?b=1") == "http://[::1]/a?b=1"
    assert drop_port("https://shop.example.com/a") == "https://shop.example.com/a"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_token_is_fetched_once_and_renewed_by_age_and_after_a_refusal() -> None:
    clock, fetched = Clock(), []

    def fetch() -> Token:
        fetched.append(clock.now)
        return Token(value=f"t{len(fetched)}", lifetime=100)

    auth = FetchedToken(fetch, clock=clock, extra={"x-api-key": "k"})

    def token() -> str:
        return auth.apply(GET).headers["Authorization"]

    assert [token(), token()] == ["Bearer t1", "Bearer t1"]
    assert auth.apply(GET).headers["x-api-key"] == "k"
    clock.now += 91
    assert token() == "Bearer t2"
    assert auth.refresh()  # fetched just now by somebody: that one is tried first
    assert token() == "Bearer t2"
    clock.now += 11
    assert auth.refresh()
    assert token() == "Bearer t3"


def test_many_threads_make_one_login() -> None:
    calls = []

    def fetch() -> Token:
        calls.append(1)
        return Token(value="t", lifetime=100)

    auth = FetchedToken(fetch)
    threads = [threading.Thread(target=auth.apply, args=(GET,)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1


def test_a_refused_login_is_told() -> None:
    def fetch() -> Token:
        raise Unauthorized("no")

    with pytest.raises(Unauthorized):
        FetchedToken(fetch).apply(GET)
