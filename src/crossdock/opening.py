"""What a process needs before its parts are put together: its role, its keys, its database, its broker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from crossdock.clock import utc_now
from crossdock.errors import ConfigurationError, StorageError
from crossdock.security.envelope import Envelope, read_master_key
from crossdock.security.places import secrets_of
from crossdock.security.secrets import references
from crossdock.settings import Settings
from crossdock.storage.engine import open_engine
from crossdock.storage.migrate import migrate
from crossdock.storage.sql import SqlStore

if TYPE_CHECKING:
    from crossdock.broker.fleet import Fleet

INBOUND = frozenset({"webhooks"})  # tables of a connection that only the API's process reads


class Role(StrEnum):
    """What a process does."""

    API = "api"
    WORKER = "worker"
    POLLER = "poller"


ALL = frozenset(Role)


def envelope_of(settings: Settings) -> Envelope:
    """What seals and opens, by the master key and the former ones. Raises ConfigurationError."""
    secrets, security = secrets_of(settings.secrets), settings.security
    former = [
        read_master_key(secrets(ref, key=f"security.old_master_keys[{index}]"), f"security.old_master_keys[{index}]")
        for index, ref in enumerate(security.old_master_keys)
    ]
    return Envelope(read_master_key(secrets(security.master_key, key="security.master_key")), former)


def open_store(settings: Settings, envelope: Envelope | None = None) -> SqlStore:
    """The database at this version's tables. Raises ConfigurationError, StorageError."""
    engine = open_engine(secrets_of(settings.secrets).url(settings.database.url, key="database.url"))
    with ExitStack() as broken_off:
        broken_off.callback(engine.dispose)
        try:
            migrate(engine)
        except SQLAlchemyError as error:
            raise StorageError(f"the database cannot be opened: {_why(error)}") from error
        store = SqlStore(engine, envelope or envelope_of(settings))
        broken_off.callback(store.close)
        store.keep_fingerprints(utc_now())
        broken_off.pop_all()  # whole: whoever asked for it closes it
    return store


def _why(error: SQLAlchemyError) -> str:
    """In the driver's words, which name the server, the user and the file, and never the password."""
    told = str(getattr(error, "orig", None) or type(error).__name__)
    return told.partition("\n")[0]


def needed_secrets(settings: Settings, roles: frozenset[Role] = ALL) -> Iterator[tuple[str, str]]:
    """The (setting, reference) of every secret that a process with these roles needs."""
    tables = settings.model_dump(mode="python", include={"database", "broker", "security", "tracing"})
    for name, table in tables.items():
        yield from references(table, name)
    if Role.POLLER in roles:
        yield from references(settings.notifications.model_dump(mode="python"), "notifications")
    if Role.API in roles:
        for name, table in settings.model_dump(mode="python", include={"api", "login"}).items():
            yield from references(table, name)
    for name, table in settings.connections.items():
        taken = {key: part for key, part in table.items() if key not in INBOUND or Role.API in roles}
        yield from references(taken, f"connections.{name}")


def broker_of(settings: Settings) -> tuple[type[Fleet], str]:
    """The fleet's dispatch and where its broker is. Raises ConfigurationError."""
    secrets = secrets_of(settings.secrets)
    if not secrets.url(settings.database.url, key="database.url").startswith("postgres"):
        raise ConfigurationError(["broker.url: a fleet needs PostgreSQL as its database.url"])
    try:
        from crossdock.broker.fleet import Fleet as Made
    except ModuleNotFoundError as error:
        raise ConfigurationError(["broker.url: needs the extra: pip install 'crossdock[fleet]'"]) from error
    return Made, secrets.url(settings.broker.url, key="broker.url")


__all__ = ["ALL", "Role", "broker_of", "envelope_of", "needed_secrets", "open_store"]
