"""The server's own beginning."""

from __future__ import annotations

import socket

import pytest

from crossdock.api.server import ApiServer
from crossdock.errors import StorageError


def test_a_port_that_is_taken_is_told_with_what_to_change() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = rf"cannot listen at 127\.0\.0\.1:{port}: Address already in use; `api\.port`"
        with pytest.raises(StorageError, match=told):
            ApiServer(None, "127.0.0.1", port)
