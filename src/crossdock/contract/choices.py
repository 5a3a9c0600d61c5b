"""What a connector gives out for a flow, or the one error that says why not. Pure.

Each connector keeps its own tables of sinks and of what is read; how they are asked is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from crossdock.contract.connector import Sink
from crossdock.contract.flow import Flow
from crossdock.errors import ConfigurationError

R = TypeVar("R")
T = TypeVar("T")


def sink_for(connection: str, flow: Flow[R], writes: Collection[str], sinks: Mapping[str, Sink[Any]]) -> Sink[R]:
    """The flow's sink. Raises ConfigurationError for a flow that is not among those it is set up for."""
    if flow.name not in writes:
        raise ConfigurationError([f"connections.{connection}: {flow.name} is not among its flows"])
    return sinks[flow.name]


def asked_for(connection: str, flow: str, reads: Mapping[str, T]) -> T:
    """What the settings say of a flow that is read. Raises ConfigurationError where they do not want it."""
    if flow not in reads:
        raise ConfigurationError([f"connections.{connection}.reads: has no {flow}"])
    return reads[flow]


def no_source(connection: str, system: str, flow: Flow[Any]) -> ConfigurationError:
    """For a system whose documents are not read: what it tells comes as rows."""
    return ConfigurationError([f"connections.{connection}: {system} has no source for {flow.name}"])
