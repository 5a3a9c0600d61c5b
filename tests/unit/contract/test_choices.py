"""A connector gives out what its settings want, and names the flow and the connection where they do not."""

from __future__ import annotations

from typing import Any, cast

import pytest

from crossdock.contract.choices import asked_for, no_source, sink_for
from crossdock.contract.connector import Sink
from crossdock.errors import ConfigurationError
from crossdock.flows import FLOWS

SINK = cast("Sink[Any]", object())  # it is only given on


def test_a_sink_is_given_out_for_a_flow_that_is_written() -> None:
    sinks = {"orders": SINK, "cancellations": SINK}
    assert sink_for("erp", FLOWS["orders"], {"orders"}, sinks) is SINK
    with pytest.raises(ConfigurationError, match=r"connections.erp: cancellations is not among its flows"):
        sink_for("erp", FLOWS["cancellations"], {"orders"}, sinks)


def test_what_is_not_read_is_said_so() -> None:
    assert asked_for("erp", "prices", {"prices": 60}) == 60
    with pytest.raises(ConfigurationError, match=r"connections.erp.reads: has no inventory"):
        asked_for("erp", "inventory", {"prices": 60})
    assert "connections.erp: SAP has no source for orders" in str(no_source("erp", "SAP", FLOWS["orders"]))
