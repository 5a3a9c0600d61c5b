"""uvicorn in a thread, so that one process can serve and work."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import uvicorn

from crossdock.api.patience import patient_for
from crossdock.errors import StorageError

START_SECONDS = 20.0


class ApiServer:
    """Binds at once, so that `url` is known before it starts; port 0 takes a free one. StorageError: it cannot.

    `request_s`: seconds in which a request must have come whole.
    """

    def __init__(self, app: Any, host: str, port: int, request_s: float = 60) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
        except OSError as error:  # most often another Crossdock that still runs
            self._socket.close()
            why = error.strerror or str(error)
            raise StorageError(
                f"cannot listen at {host}:{port}: {why}; `api.port` or `--port` names another"
            ) from error
        self.url = f"http://{host}:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            app,
            http=patient_for(request_s),
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # whom to believe is the gate's affair
            lifespan="on",
            timeout_graceful_shutdown=10,
            backlog=2048,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="api", daemon=True)

    def start(self) -> None:
        """Returns once it takes requests."""
        self._thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                self._server.should_exit = True
                self._socket.close()
                raise StorageError("the HTTP server did not start")
            time.sleep(0.01)

    def stop(self) -> None:
        """Requests under way are answered first."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])
