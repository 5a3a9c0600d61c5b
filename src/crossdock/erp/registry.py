"""Which kinds of connection there are: our own, and those that installed packages bring."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any, Protocol

from crossdock.contract.connector import Connector
from crossdock.errors import ConfigurationError
from crossdock.transport.wire import Observer

GROUP = "crossdock.connectors"


class Builder(Protocol):
    """Makes a connector of one kind for one connection."""

    def __call__(self, name: str, settings: Mapping[str, Any], *, observe: Observer | None = None) -> Connector:
        """`settings` is the connection's whole table. Raises ConfigurationError with every problem at once."""


def connector_kinds() -> Mapping[str, Builder]:
    """The builders by kind. An installed package adds kinds by entry points of the group `crossdock.connectors`.

    What such an entry point names is loaded when its kind is first built. Raises ConfigurationError where two claim
    one kind.
    """
    found: dict[str, Builder] = {"rest": _rest, "tryton": _tryton, "webhook": _webhook}
    twice: list[str] = []
    for point in entry_points(group=GROUP):
        if point.name in found:
            twice.append(f"the kind {point.name!r} is claimed by {point.value} and by another")
        found[point.name] = _brought(point)
    if twice:
        raise ConfigurationError(twice)
    return MappingProxyType(found)


def _brought(point: EntryPoint) -> Builder:
    def build(name: str, settings: Mapping[str, Any], *, observe: Observer | None = None) -> Connector:
        try:
            builder = point.load()
        except (ImportError, AttributeError) as error:
            raise ConfigurationError([f"connections.{name}: {point.value} cannot be loaded"]) from error
        connector = builder(name, settings, observe=observe)
        if not isinstance(connector, Connector):
            raise ConfigurationError([f"connections.{name}: what {point.value} makes is no connector"])
        return connector

    return build


def _rest(name: str, settings: Mapping[str, Any], *, observe: Observer | None = None) -> Connector:
    from crossdock.erp.rest.connector import build

    return build(name, settings, observe=observe)


def _webhook(name: str, settings: Mapping[str, Any], *, observe: Observer | None = None) -> Connector:
    from crossdock.erp.rest.publisher import build

    return build(name, settings, observe=observe)


def _tryton(name: str, settings: Mapping[str, Any], *, observe: Observer | None = None) -> Connector:
    from crossdock.erp.tryton.connector import build

    return build(name, settings, observe=observe)
