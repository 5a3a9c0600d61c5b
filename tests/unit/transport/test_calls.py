"""One call: a login that ran out is renewed once, and a look never ends unknown."""

from __future__ import annotations

import pytest

from crossdock.errors import DeliveryError, OutcomeUnknown, Temporary, Unauthorized
from crossdock.transport.auth import NoAuth, with_headers
from crossdock.transport.calls import answered, called, looked
from crossdock.transport.wire import HttpRequest, HttpResponse

ASK = HttpRequest(method="POST", url="https://erp.example.com/$batch")


class Wire:
    def __init__(self, *answers: int | DeliveryError) -> None:
        self.answers = list(answers)
        self.tokens: list[str] = []

    def send(self, request: HttpRequest) -> HttpResponse:
        self.tokens.append(request.headers.get("Authorization", ""))
        answer = self.answers.pop(0)
        if isinstance(answer, DeliveryError):
            raise answer
        return HttpResponse(status=answer)


class Numbered(NoAuth):
    def __init__(self, *, renews: bool) -> None:
        self.token = 1
        self.renews = renews

    def apply(self, request: HttpRequest) -> HttpRequest:
        return with_headers(request, {"Authorization": f"Bearer {self.token}"})

    def refresh(self) -> bool:
        self.token += 1
        return self.renews


def classify(response: HttpResponse) -> DeliveryError | None:
    if response.status == 401:
        return Unauthorized("HTTP 401", status=401)
    return OutcomeUnknown("HTTP 500", status=500) if response.status == 500 else None


def test_a_login_that_ran_out_is_renewed_once() -> None:
    wire = Wire(401, 200)
    assert called(wire, Numbered(renews=True), ASK, classify).status == 200
    assert wire.tokens == ["Bearer 1", "Bearer 2"]
    wire = Wire(401, 401, 200)
    with pytest.raises(Unauthorized):
        called(wire, Numbered(renews=True), ASK, classify)
    assert len(wire.tokens) == 2


def test_without_a_new_login_it_is_not_asked_again() -> None:
    wire = Wire(401, 200)
    response, error = answered(wire, Numbered(renews=False), ASK, classify)
    assert (response.status, type(error)) == (401, Unauthorized)
    assert len(wire.tokens) == 1


@pytest.mark.parametrize("answer", [500, OutcomeUnknown("no answer in time")])
def test_only_a_look_may_be_repeated(answer: int | DeliveryError) -> None:
    with pytest.raises(OutcomeUnknown):
        called(Wire(answer), NoAuth(), ASK, classify)
    with pytest.raises(Temporary):
        looked(Wire(answer), NoAuth(), ASK, classify)
