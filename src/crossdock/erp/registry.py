"""Which kinds of connection there are: our own, and those that installed packages bring."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any, Protocol

from pydantic import BaseModel

from crossdock.contract.capabilities import Capabilities
from crossdock.contract.connector import Connector
from crossdock.contract.lookups import NO_LOOKUPS, Lookups
from crossdock.errors import ConfigurationError
from crossdock.security.secrets import resolve as resolve_secret
from crossdock.transport.renewal import Resolve
from crossdock.transport.wire import Observer

GROUP = "crossdock.connectors"
# A kind's module has `build` (a Builder), `SETTINGS` (the model of its table) and `ABILITIES` (the most that it can do,
# whatever its settings say). It is loaded when first asked for.
BUILT_IN: Mapping[str, str] = {
    "dynamics_bc": "crossdock.erp.dynamics_bc.connector",
    "dynamics_fo": "crossdock.erp.dynamics_fo.connector",
    "netsuite": "crossdock.erp.netsuite.connector",
    "oracle_fusion": "crossdock.erp.oracle_fusion.connector",
    "rest": "crossdock.erp.rest.connector",
    "sap_b1": "crossdock.erp.sap_b1.connector",
    "sap_s4": "crossdock.erp.sap_s4.connector",
    "tryton": "crossdock.erp.tryton.connector",
    "webhook": "crossdock.erp.rest.publisher",
}


class Builder(Protocol):
    """Makes a connector of one kind for one connection."""

    def __call__(
        self,
        name: str,
        settings: Mapping[str, Any],
        *,
        lookups: Lookups = NO_LOOKUPS,
        observe: Observer | None = None,
        resolve: Resolve = resolve_secret,
    ) -> Connector:
        """`settings` is the connection's whole table, `resolve` makes of a reference the secret.

        Raises ConfigurationError with every problem at once.
        """


def connector_kinds() -> Mapping[str, Builder]:
    """The builders by kind. An installed package adds kinds by entry points of the group `crossdock.connectors`.

    Raises ConfigurationError where two claim one kind.
    """
    found = {kind: _ours(module) for kind, module in BUILT_IN.items()}
    twice: list[str] = []
    for point in entry_points(group=GROUP):
        if point.name in found:
            twice.append(f"the kind {point.name!r} is claimed by {point.value} and by another")
        found[point.name] = _brought(point)
    if twice:
        raise ConfigurationError(twice)
    return MappingProxyType(found)


def settings_models() -> Iterator[tuple[str, type[BaseModel]]]:
    """The kinds that come with Crossdock, each with the model of its table."""
    for kind, module in BUILT_IN.items():
        yield kind, import_module(module).SETTINGS


def abilities() -> Iterator[tuple[str, Capabilities]]:
    """The kinds that come with Crossdock, each with the most that it can do."""
    for kind, module in BUILT_IN.items():
        yield kind, import_module(module).ABILITIES


def _ours(module: str) -> Builder:
    def build(
        name: str,
        settings: Mapping[str, Any],
        *,
        lookups: Lookups = NO_LOOKUPS,
        observe: Observer | None = None,
        resolve: Resolve = resolve_secret,
    ) -> Connector:
        builder: Builder = import_module(module).build
        return builder(name, settings, lookups=lookups, observe=observe, resolve=resolve)

    return build


def _brought(point: EntryPoint) -> Builder:
    def build(
        name: str,
        settings: Mapping[str, Any],
        *,
        lookups: Lookups = NO_LOOKUPS,
        observe: Observer | None = None,
        resolve: Resolve = resolve_secret,
    ) -> Connector:
        try:
            builder = point.load()
        except (ImportError, AttributeError) as error:
            raise ConfigurationError([f"connections.{name}: {point.value} cannot be loaded"]) from error
        connector = builder(name, settings, lookups=lookups, observe=observe, resolve=resolve)
        if not isinstance(connector, Connector):
            raise ConfigurationError([f"connections.{name}: what {point.value} makes is no connector"])
        return connector

    return build
