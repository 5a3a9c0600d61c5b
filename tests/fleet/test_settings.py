from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from crossdock.app import Crossdock
from crossdock.broker.rabbit import Rabbit, opened
from crossdock.errors import ConfigurationError
from crossdock.security.secrets import mask
from crossdock.settings import BrokerSettings
from tests.walk.world import settings


def test_a_broker_wants_postgresql(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="a fleet needs PostgreSQL"):
        Crossdock(settings(tmp_path, "http://127.0.0.1:1", "http://127.0.0.1:1", "", "amqp://127.0.0.1"))


@pytest.mark.parametrize("url", ["redis://localhost", "http://localhost", "localhost:5672"])
def test_only_amqp(url: str) -> None:
    with pytest.raises(ValidationError, match="must be an amqp"):
        BrokerSettings(url=url)


def test_a_url_that_is_none_is_told_without_its_password() -> None:
    with pytest.raises(ConfigurationError) as told:
        opened("amqp://crossdock:s3cret@host:no-port/v")
    assert "s3cret" not in str(told.value)


def test_the_password_is_not_shown() -> None:
    shown = mask({"broker": {"url": "amqp://crossdock:s3cret@host/v"}})
    assert "s3cret" not in str(shown)


def test_nobody_there_is_no_error() -> None:
    rabbit = Rabbit("amqp://127.0.0.1:1")
    assert [rabbit.up, rabbit.ready(), rabbit.up] == [True, False, False]
    rabbit.close()
