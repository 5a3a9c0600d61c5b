"""Secrets are asked for anew once the other side refuses them, and only then."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from crossdock.errors import ConfigurationError, Unauthorized
from crossdock.transport.auth import Auth, Bearer, NoAuth
from crossdock.transport.renewal import Renewing
from crossdock.transport.tokens import FetchedToken, Token
from crossdock.transport.wire import HttpRequest

ASK = HttpRequest(method="GET", url="http://127.0.0.1/")


@dataclass
class Kept:
    """Where secrets are: what a cache has, and what is there now."""

    cached: str = "old"
    now: str = "old"
    asked: list[str] = field(default_factory=list)

    def __call__(self, ref: str) -> str:
        return self.cached

    def again(self, ref: str) -> str:
        self.asked.append(ref)
        if not self.now:
            raise ConfigurationError([f"{ref}: is gone"])
        self.cached = self.now
        return self.now


def bearer(kept: Kept, clock: list[float] | None = None) -> Renewing:
    ticking = clock or [0.0]
    return Renewing(lambda known: Bearer(known("vault:a#b")), kept, lambda: ticking[0])


def shown(auth: Auth) -> str:
    return auth.apply(ASK).headers["Authorization"]


def test_what_is_used_is_not_asked_for_again() -> None:
    kept = Kept()
    auth = bearer(kept)
    kept.now = "new"
    assert [shown(auth), shown(auth)] == ["Bearer old", "Bearer old"]
    assert kept.asked == []


def test_after_a_refusal_the_new_secret_is_shown() -> None:
    kept = Kept()
    auth = bearer(kept)
    kept.now = "new"
    assert auth.refresh()
    assert shown(auth) == "Bearer new"


def test_the_same_secret_is_not_worth_another_try() -> None:
    kept = Kept()
    assert not bearer(kept).refresh()
    assert kept.asked == ["vault:a#b"]


def test_a_thread_that_met_the_same_refusal_tries_what_another_has_just_renewed() -> None:
    kept, clock = Kept(), [0.0]
    auth = bearer(kept, clock)
    kept.now = "new"
    assert auth.refresh()
    clock[0] = 9
    assert auth.refresh()
    clock[0] = 11
    assert not auth.refresh()


def test_a_secret_that_is_gone_leaves_the_old_one_and_the_refusal() -> None:
    kept = Kept()
    auth = bearer(kept)
    kept.now = ""
    assert not auth.refresh()
    assert shown(auth) == "Bearer old"


def test_a_scheme_that_the_new_secret_does_not_fit_leaves_the_old_one() -> None:
    def make(known: object) -> Auth:
        value = known("vault:a#b")  # type: ignore[operator]
        if value == "new":
            raise ConfigurationError(["not base64"])
        return Bearer(value)

    kept = Kept()
    auth = Renewing(make, kept)
    kept.now = "new"
    assert not auth.refresh()
    assert shown(auth) == "Bearer old"


def test_a_plain_function_is_asked_itself() -> None:
    values = iter(["old", "new"])
    auth = Renewing(lambda known: Bearer(known("file:x")), lambda ref: next(values))
    assert auth.refresh()
    assert shown(auth) == "Bearer new"


def test_a_login_that_is_refused_is_tried_once_more_with_the_new_password() -> None:
    kept = Kept()

    def make(known: object) -> Auth:
        password = known("vault:a#b")  # type: ignore[operator]

        def fetch() -> Token:
            if password != kept.now:
                raise Unauthorized("no")
            return Token(value=f"token-of-{password}", lifetime=60)

        return FetchedToken(fetch)

    auth = Renewing(make, kept)
    kept.now = "new"
    assert shown(auth) == "Bearer token-of-new"
    kept.now = "newest"
    auth = Renewing(make, Kept(cached="wrong", now="wrong"))
    with pytest.raises(Unauthorized):
        shown(auth)


def test_a_scheme_without_secrets_has_nothing_to_renew() -> None:
    kept = Kept()
    auth = Renewing(lambda known: NoAuth(), kept)
    assert not auth.refresh()
    assert kept.asked == []
