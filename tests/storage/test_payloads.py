"""A subject's key is remembered only once it is committed: else bodies are sealed under one that nobody has kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from crossdock.conformance.storages import NOW
from crossdock.security.envelope import Envelope
from crossdock.storage import prepared
from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import migrate
from crossdock.storage.payloads import Payloads
from tests.databases import postgres_url, sqlite_url


class CutOff(Exception):
    """The database goes away before the commit."""


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        made = open_engine(sqlite_url(tmp_path))
        migrate(made)
        yield made
        made.dispose()
        return
    with postgres_url() as url:
        made = open_engine(url)
        migrate(made)
        yield made
        made.dispose()


def kept(engine: Engine, payloads: Payloads, *bodies: bytes, cut_off: bool = False) -> list[int | None]:
    """Bodies of one subject, in one transaction."""
    with engine.execution_options(writes=True).connect() as connection, connection.begin():
        prepared.begin(connection)
        made = [payloads.keep(connection, "store:1", body, NOW) for body in bodies]
        prepared.flush(connection)
        if cut_off:
            raise CutOff
    return made


@pytest.mark.parametrize("bodies", [(b"1",), (b"1", b"2"), (b"1", b"2", b"3")])
def test_a_key_whose_transaction_was_rolled_back_seals_nothing_more(engine: Engine, bodies: tuple[bytes, ...]) -> None:
    payloads = Payloads(Envelope(b"k" * 32))
    with pytest.raises(CutOff):
        kept(engine, payloads, *bodies, cut_off=True)
    ids = kept(engine, payloads, *bodies)
    with engine.connect() as connection:
        assert [payloads.read(connection, one) for one in ids] == list(bodies)
    more = kept(engine, payloads, b"later")
    with engine.connect() as connection:
        other = Payloads(Envelope(b"k" * 32))
        assert [other.read(connection, one) for one in (*ids, *more)] == [*bodies, b"later"]
