"""Claims what is due at the store and is killed: before its commit, or after it."""

from __future__ import annotations

import os
import signal
import sys

from sqlalchemy.engine import Connection

from crossdock.conformance.storages import LEASE, NOW
from crossdock.security.envelope import Envelope
from crossdock.storage import outbox
from crossdock.storage.engine import open_engine
from crossdock.storage.sql import SqlStore


def main(url: str, where: str) -> None:
    store = SqlStore(open_engine(url), Envelope(b"k" * 32))
    store.rereads = frozenset({"store"})

    def claimed(connection: Connection) -> None:
        found = outbox.lease(
            connection, store._payloads, "w", NOW, NOW + LEASE, {"store": 10}, 10, rereads=store.rereads
        )
        assert any(not one.message.payload for one in found)
        if where == "before-commit":
            os.kill(os.getpid(), signal.SIGKILL)

    store._committer.run(claimed)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
