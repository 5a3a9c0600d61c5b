"""One pure module a flow; FLOWS is the explicit table of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from crossdock.contract.flow import Flow, Kind
from crossdock.contract.message import Message
from crossdock.flows import inventory
from crossdock.flows.acknowledgements import acknowledge_order
from crossdock.flows.keys import effect_key, order_lane
from crossdock.flows.orders import FINAL, look
from crossdock.model.change import Acknowledgement, OrderChange
from crossdock.model.inventory import StockLevel
from crossdock.model.order import Order
from crossdock.model.refund import Refund
from crossdock.model.sighting import Sighting

LOOKS = Flow(
    name="looks",
    kind=Kind.LOOK,
    record=Sighting,
    key=lambda message: effect_key(message.source, "order", message.subject, "look"),
    ordering_key=lambda message: f"{order_lane(message)}:look",
    look=look,
    is_final=lambda sighting: sighting.order.state in FINAL,
    priority=3,
)
ORDERS = Flow(
    name="orders",
    kind=Kind.DOCUMENT,
    record=Order,
    key=lambda message: effect_key(message.source, "order", message.subject, "place"),
    ordering_key=order_lane,
    acknowledge=acknowledge_order,
    priority=2,
)

KEPT = Flow(
    name="kept",
    kind=Kind.KEPT,
    record=Message,
    key=lambda message: f"kept:{message.id}",
    ordering_key=lambda message: f"kept:{message.id}",
)


def _followup(name: str, record: type[Any]) -> Flow[Any]:
    """A document whose key its look has made; it walks in its order's lane."""
    return Flow(
        name=name,
        kind=Kind.DOCUMENT,
        record=record,
        key=lambda message: message.id,
        ordering_key=order_lane,
    )


INVENTORY = Flow(
    name="inventory",
    kind=Kind.STATE,
    record=StockLevel,
    key=lambda message: f"inventory:{message.id}",
    ordering_key=lambda message: f"inventory:{message.id}",
    state=inventory.RULES,
    priority=7,
)
ACKNOWLEDGEMENTS: Flow[Acknowledgement] = _followup("acknowledgements", Acknowledgement)
FLOWS: Mapping[str, Flow[Any]] = MappingProxyType(
    {
        flow.name: flow
        for flow in (
            LOOKS,
            KEPT,
            ORDERS,
            _followup("cancellations", OrderChange),
            _followup("holds", OrderChange),
            _followup("payments", OrderChange),
            _followup("refunds", Refund),
            ACKNOWLEDGEMENTS,
            INVENTORY,
        )
    }
)
