"""What is kept of a place's answers, without any place: the real ones are in tests/secrets."""

from __future__ import annotations

import builtins
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import structlog

from crossdock.errors import ConfigurationError
from crossdock.security.places import Secrets, secrets_of
from crossdock.security.secrets import PlaceAway
from crossdock.settings import SecretsSettings, Settings
from tests.walk.world import until

REF = "vault:a/b#c"


class Shelf:
    """A place in memory."""

    cache_s = 60.0

    def __init__(self) -> None:
        self.value = "old"
        self.asked: list[tuple[str, str]] = []
        self.tended = 0
        self.away, self.gone = False, ""

    def fetch(self, name: str, field: str) -> str:
        self.asked.append((name, field))
        if self.away:
            raise PlaceAway(["does not answer"])
        if name == self.gone:
            raise ConfigurationError(["is gone"])
        if not self.value:
            raise ConfigurationError(["is away"])
        return self.value

    def tend(self) -> None:
        self.tended += 1
        if not self.value:
            raise ConfigurationError(["cannot be renewed"])


class CountedClock:
    """Tells how often it was looked at: each who waits for the place looks once before."""

    def __init__(self) -> None:
        self.read = 0

    def __call__(self) -> float:
        self.read += 1
        return time.monotonic()


def test_path_and_field_part_at_the_last_mark() -> None:
    shelf = Shelf()
    secrets = Secrets({"vault": shelf, "aws-sm": shelf})
    secrets("vault:a#b#c")
    secrets("aws-sm:arn:aws:x")
    assert shelf.asked == [("a#b", "c"), ("arn:aws:x", "")]


def test_a_value_is_asked_for_once() -> None:
    shelf = Shelf()
    secrets = Secrets({"vault": shelf})
    assert [secrets(REF), secrets(REF), secrets.current(REF)] == ["old"] * 3
    assert len(shelf.asked) == 1


def test_a_place_that_is_away_is_not_asked_for_each_use() -> None:
    shelf, now = Shelf(), [0.0]
    secrets = Secrets({"vault": shelf}, lambda: now[0])
    secrets(REF)
    shelf.value, now[0] = "", 61.0
    with structlog.testing.capture_logs() as told:
        assert [secrets(REF), secrets(REF)] == ["old", "old"]
    assert len(told) == 1
    now[0] += 16
    shelf.value = "new"
    assert secrets(REF) == "new"


def test_a_place_that_does_not_answer_is_asked_once_for_all_that_is_kept() -> None:
    shelf, now = Shelf(), [0.0]
    secrets = Secrets({"vault": shelf}, lambda: now[0])
    refs = [f"vault:a#{number}" for number in range(5)]
    for ref in refs:
        secrets(ref)
    shelf.away, now[0] = True, 61.0
    shelf.asked.clear()
    with structlog.testing.capture_logs() as told:
        secrets.tend()
        now[0] += 1
        secrets.tend()
        assert [secrets(ref) for ref in refs] == ["old"] * 5
    assert (len(shelf.asked), len(told)) == (1, 1)
    with pytest.raises(ConfigurationError, match="c: vault did not answer just now"):
        secrets("vault:new#x", key="c")
    assert len(shelf.asked) == 1, "nor for what is not kept"
    assert secrets.again(refs[0]) == "old"
    assert len(shelf.asked) == 2, "but for one who was refused it is"
    shelf.away, shelf.value, now[0] = False, "new", now[0] + 16
    secrets.tend()
    assert [secrets.current(ref) for ref in refs] == ["new"] * 5


def test_one_secret_that_is_gone_does_not_keep_others_from_being_read() -> None:
    shelf, now = Shelf(), [0.0]
    secrets = Secrets({"vault": shelf}, lambda: now[0])
    secrets("vault:gone#x"), secrets(REF)
    shelf.gone, shelf.value, now[0] = "gone", "new", 61.0
    secrets.tend()
    assert (secrets.current("vault:gone#x"), secrets.current(REF)) == ("old", "new")


def test_a_login_that_cannot_be_renewed_is_not_tried_each_second() -> None:
    shelf, now = Shelf(), [0.0]
    secrets = Secrets({"vault": shelf}, lambda: now[0])
    shelf.value = ""
    for _ in range(20):
        now[0] += 1
        secrets.tend()
    assert shelf.tended == 2


def test_threads_that_doubt_one_value_at_once_do_not_ask_once_each() -> None:
    shelf = Shelf()
    clock = CountedClock()
    secrets = Secrets({"vault": shelf}, clock)
    secrets(REF)
    shelf.value = "new"
    found: list[str] = []
    clock.read = 0
    with secrets._locks["vault"]:  # as if one were asking
        crowd = [threading.Thread(target=lambda: found.append(secrets.again(REF))) for _ in range(5)]
        for one in crowd:
            one.start()
        until(lambda: clock.read == 5)
    for one in crowd:
        one.join(10)
    assert found == ["new"] * 5
    assert len(shelf.asked) == 2


def test_a_secret_at_hand_is_read_each_time_but_by_who_must_not_wait(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("old")
    path.chmod(0o600)
    now = [0.0]
    secrets, ref = Secrets({}, lambda: now[0]), f"file:{path}"
    assert secrets.current(ref) == "old"
    path.write_text("new")
    assert (secrets(ref), secrets.current(ref)) == ("new", "old")
    now[0] = 61
    secrets.tend()
    assert secrets.current(ref) == "new"


def test_tending_tells_what_it_cannot_do_and_goes_on() -> None:
    shelf = Shelf()
    secrets = Secrets({"vault": shelf})
    shelf.value = ""
    with structlog.testing.capture_logs() as told:
        secrets.tend()
    assert [one["log_level"] for one in told] == ["error"]


def test_one_for_the_same_settings() -> None:
    assert secrets_of(SecretsSettings()) is secrets_of(Settings().secrets)


@pytest.mark.parametrize(
    ("table", "extra"),
    [
        ({"vault": {"address": "http://127.0.0.1:1", "auth": {"method": "token", "token": "env:T"}}}, "vault"),
        ({"aws": {"region": "eu-central-1"}}, "aws"),
    ],
)
def test_an_extra_that_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, table: dict[str, Any], extra: str
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] in {"hvac", "boto3"}:
            raise ModuleNotFoundError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigurationError, match=rf"crossdock\[{extra}\]"):
        secrets_of(SecretsSettings.model_validate(table))


@pytest.mark.parametrize(
    "address", ["http://vault.example.com:8200", "vault:8200", "https://u:p@vault.example.com", "ftp://127.0.0.1"]
)
def test_an_address_that_would_show_secrets_to_the_network_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"secrets would cross|is wanted"):
        SecretsSettings.model_validate({"vault": {"address": address, "auth": {"method": "token", "token": "env:T"}}})


def test_the_vaults_own_login_comes_from_at_hand_alone() -> None:
    auth = {"method": "token", "token": "vault:a#b"}
    with pytest.raises(ValueError, match="pattern"):
        SecretsSettings.model_validate({"vault": {"address": "https://vault.example.com", "auth": auth}})
