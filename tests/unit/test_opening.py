"""What a start says: why a database cannot be opened, and never with its password; that nothing joins two ends."""

from __future__ import annotations

import base64
import socket
import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs

from crossdock.api.serving import Serving
from crossdock.app import Crossdock, open_store
from crossdock.errors import ConfigurationError, StorageError
from crossdock.security.envelope import Envelope
from crossdock.settings import Settings
from crossdock.settings.storage import DatabaseSettings
from tests.chaos.services import free_port


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_why_a_database_cannot_be_opened_is_told(kind: str, tmp_path: Path) -> None:
    (folder := tmp_path / "crossdock.sqlite").mkdir()
    urls = {
        "sqlite": f"sqlite:///{folder}",
        "postgresql": f"postgresql+psycopg://shop:t0p-s3cret@127.0.0.1:{free_port()}/crossdock",
    }
    words = {"sqlite": "unable to open database file", "postgresql": "Connection refused"}
    with pytest.raises(StorageError, match=words[kind]) as failed:
        open_store(Settings(database=DatabaseSettings(url=urls[kind])), Envelope(b"k" * 32))
    assert "t0p-s3cret" not in str(failed.value)


def test_a_database_that_is_refused_is_left_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(database=DatabaseSettings(url=f"sqlite:///{tmp_path}/crossdock.sqlite"))
    open_store(settings, Envelope(b"k" * 32)).close()
    before = {*threading.enumerate()}
    disposed: list[Engine] = []
    real = Engine.dispose

    def dispose(one: Engine) -> None:
        disposed.append(one)
        real(one)

    monkeypatch.setattr(Engine, "dispose", dispose)
    with pytest.raises(ConfigurationError, match="old_master_keys"):
        open_store(settings, Envelope(b"x" * 32))
    assert disposed
    assert {*threading.enumerate()} <= before


def test_settings_without_a_route_are_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASTER", base64.b64encode(b"k" * 32).decode())
    settings = Settings.model_validate(
        {"database": {"url": f"sqlite:///{tmp_path}/crossdock.sqlite"}, "security": {"master_key": "env:MASTER"}}
    )
    crossdock = Crossdock(settings)
    with capture_logs() as logs:
        crossdock.start()
        crossdock.stop()
    assert [one["event"] for one in logs if one["log_level"] == "warning"] == [
        "no route joins two connections: nothing is carried"
    ]


def test_a_crossdock_that_cannot_be_put_together_leaves_nothing_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MASTER", base64.b64encode(b"k" * 32).decode())
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings = Settings.model_validate(
            {
                "database": {"url": f"sqlite:///{tmp_path}/crossdock.sqlite"},
                "security": {"master_key": "env:MASTER"},
                "api": {"port": other.getsockname()[1]},
            }
        )
        before = {*threading.enumerate()}
        with pytest.raises(StorageError, match="cannot listen"):
            Serving(settings)
        assert {*threading.enumerate()} <= before
