"""A stand-in that cannot listen says why in a line."""

from __future__ import annotations

import socket

import pytest
from typer.testing import CliRunner

from crossdock.cli.main import app


@pytest.mark.parametrize("what", ["store", "erp"])
def test_a_port_that_is_taken_is_told_in_a_line(what: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = CliRunner().invoke(app, ["sandbox", what, "--port", str(port)])
    assert told.exit_code == 2
    assert f"{port}: Address already in use" in told.output


@pytest.mark.parametrize("what", ["store", "erp"])
def test_a_port_that_cannot_be_is_refused(what: str) -> None:
    assert CliRunner().invoke(app, ["sandbox", what, "--port", "65536"]).exit_code == 2
