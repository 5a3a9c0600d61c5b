"""OAuth 2.0 client credentials, against RFC 6749's words."""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.parse import parse_qs

import pytest

from crossdock.errors import DeliveryError, Misconfigured, OutcomeUnknown, RateLimited, Temporary, Unauthorized
from crossdock.transport.connection import OAuthLogin
from crossdock.transport.oauth2 import client_credentials, fetch_token
from crossdock.transport.wire import HttpRequest, HttpResponse

URL = "https://login.example.com/token"
SECRETS = {"env:ID": "us", "env:SECRET": "s3cr3t&="}


class Endpoint:
    """Answers with what it is given, in turn, and keeps what it was asked."""

    def __init__(self, *answers: HttpResponse | DeliveryError) -> None:
        self.answers = list(answers)
        self.asked: list[HttpRequest] = []

    def send(self, request: HttpRequest) -> HttpResponse:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, DeliveryError):
            raise answer
        return answer

    def form(self, number: int = 0) -> dict[str, list[str]]:
        return parse_qs((self.asked[number].body or b"").decode(), strict_parsing=True)


def told(status: int = 200, **body: object) -> HttpResponse:
    return HttpResponse(status=status, body=json.dumps(body).encode())


def login(**more: str) -> OAuthLogin:
    settings = {"scheme": "oauth2", "token_url": URL, "client_id": "env:ID", "client_secret": "env:SECRET"}
    return OAuthLogin.model_validate(settings | more)


def test_the_client_stands_in_the_form_and_nobody_observes_it() -> None:
    endpoint = Endpoint(told(access_token="t1", expires_in=3600))
    auth = client_credentials(login(scope="a b"), endpoint, SECRETS.__getitem__)
    sent = auth.apply(HttpRequest(method="GET", url="https://erp.example.com"))
    assert sent.headers["Authorization"] == "Bearer t1"
    form = {"grant_type": ["client_credentials"], "scope": ["a b"], "client_id": ["us"], "client_secret": ["s3cr3t&="]}
    assert endpoint.form() == form
    assert endpoint.asked[0].private


def test_the_client_stands_in_the_header_where_the_server_wants_it_there() -> None:
    endpoint = Endpoint(told(access_token="t1", expires_in="3600"))
    client_credentials(login(client_in="header"), endpoint, SECRETS.__getitem__).apply(
        HttpRequest(method="GET", url=URL)
    )
    assert endpoint.asked[0].headers["Authorization"] == "Basic " + b64encode(b"us:s3cr3t&=").decode()
    assert endpoint.form() == {"grant_type": ["client_credentials"]}


def test_one_token_serves_until_it_is_old() -> None:
    endpoint = Endpoint(told(access_token="t1", expires_in=3600))
    auth = client_credentials(login(), endpoint, SECRETS.__getitem__)
    for _ in range(3):
        auth.apply(HttpRequest(method="GET", url="https://erp.example.com"))
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize(
    ("answer", "fate"),
    [
        (told(400, error="invalid_client", error_description="Jane's secret is old"), Unauthorized),
        (told(401, error="invalid_client"), Unauthorized),
        (told(429), RateLimited),
        (told(404), Misconfigured),
        (told(302), Misconfigured),
        (told(503), Temporary),
        (told(200), Temporary),
        (HttpResponse(status=200, body=b"<html>"), Temporary),
        (OutcomeUnknown("cut"), Temporary),
    ],
)
def test_what_an_answer_without_a_token_means(answer: HttpResponse | DeliveryError, fate: type[DeliveryError]) -> None:
    with pytest.raises(fate) as caught:
        fetch_token(Endpoint(answer), URL, {})
    assert type(caught.value) is fate
    assert "Jane" not in str(caught.value)


@pytest.mark.parametrize(("said", "seconds"), [(120, 120), ("120", 120), (None, 60), (-1, 60), ("soon", 60)])
def test_how_long_a_token_lives(said: object, seconds: float) -> None:
    assert fetch_token(Endpoint(told(access_token="t", expires_in=said)), URL, {}).lifetime == seconds
