"""One pure module a flow; FLOWS is the explicit table of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from crossdock.contract.flow import Flow, Kind
from crossdock.contract.message import Message
from crossdock.flows import customers, fulfilment, inventory, prices, products
from crossdock.flows.acknowledgements import acknowledge_order
from crossdock.flows.keys import effect_key, order_lane
from crossdock.flows.orders import FINAL, look
from crossdock.model.change import Acknowledgement, OrderChange
from crossdock.model.customer import CustomerChange, CustomerSighting, Erasure, PushedCustomer
from crossdock.model.fulfilment import Resolved
from crossdock.model.inventory import StockLevel
from crossdock.model.order import Order
from crossdock.model.price import Price
from crossdock.model.product import Product
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


def _followup(name: str, record: type[Any], *, steps_aside: bool = False) -> Flow[Any]:
    """A document whose key its look has made; it walks in its order's lane."""
    return Flow(
        name=name,
        kind=Kind.DOCUMENT,
        record=record,
        key=lambda message: message.id,
        ordering_key=order_lane,
        steps_aside=steps_aside,
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
PRICES = Flow(
    name="prices",
    kind=Kind.STATE,
    record=Price,
    key=lambda message: f"prices:{message.id}",
    ordering_key=lambda message: f"prices:{message.id}",
    state=prices.RULES,
    priority=8,
)
PRODUCTS = Flow(
    name="products",
    kind=Kind.STATE,
    record=Product,
    key=lambda message: f"products:{message.id}",
    ordering_key=lambda message: f"products:{message.id}",
    state=products.RULES,
    priority=9,
)
FULFILMENTS = Flow(
    name="fulfilments",
    kind=Kind.LOOK,
    record=Resolved,
    key=lambda message: effect_key(message.source, "fulfilment", message.subject, "look"),
    # those of one order one after the other: their duties are promised in the order in which they came
    ordering_key=lambda message: f"{message.source}:fulfilment:{message.reference}",
    steps_aside=True,
    look=fulfilment.look,
    is_final=lambda _found: True,
    priority=4,
)
CUSTOMER_LOOKS = Flow(
    name=customers.LOOK,
    kind=Kind.LOOK,
    record=CustomerSighting,
    key=lambda message: effect_key(message.source, "customer", message.subject.partition(":")[2], "look"),
    ordering_key=lambda message: f"{message.source}:{message.subject}:look",
    look=customers.look,
    # an edit of an address need not move updated_at: only the sweep sees it where no webhook tells
    is_final=lambda sighting: not sighting.pairs or sighting.erased,
    priority=5,
)
CUSTOMER_PUSHES = Flow(
    name="customer_pushes",
    kind=Kind.LOOK,
    record=PushedCustomer,
    key=lambda message: effect_key(message.source, "customer_push", message.subject, "look"),
    # one of the ERP's customers is told of one word after the other
    ordering_key=lambda message: f"{message.source}:customer:{message.reference}",
    look=customers.look_push,
    is_final=lambda _pushed: True,
    steps_aside=True,
    priority=4,
)


def _customers(name: str, record: type[Any], priority: int = 6) -> Flow[Any]:
    """What a look, or a person, has promised about a customer."""
    return Flow(
        name=name,
        kind=Kind.DOCUMENT,
        record=record,
        key=lambda message: message.id,
        ordering_key=lambda message: f"{message.source}:{message.subject}",
        acknowledge=customers.acknowledge if record is CustomerChange else None,
        steps_aside=True,
        priority=priority,
    )


CUSTOMERS: Flow[CustomerChange] = _customers(customers.FLOW, CustomerChange)
NEW_CUSTOMERS: Flow[CustomerChange] = _customers(customers.NEW, CustomerChange, priority=2)
ERASURES: Flow[Erasure] = _customers("erasures", Erasure)
ACKNOWLEDGEMENTS: Flow[Acknowledgement] = _followup("acknowledgements", Acknowledgement)
_ALL: tuple[Flow[Any], ...] = (
    LOOKS,
    KEPT,
    ORDERS,
    _followup("cancellations", OrderChange),
    _followup("holds", OrderChange),
    _followup("payments", OrderChange),
    _followup("refunds", Refund),
    ACKNOWLEDGEMENTS,
    INVENTORY,
    PRICES,
    PRODUCTS,
    FULFILMENTS,
    CUSTOMER_LOOKS,
    CUSTOMER_PUSHES,
    CUSTOMERS,
    NEW_CUSTOMERS,
    ERASURES,
    *(_followup(name, record, steps_aside=True) for name, record in fulfilment.KINDS.items()),
)
FLOWS: Mapping[str, Flow[Any]] = MappingProxyType({flow.name: flow for flow in _ALL})
PRIORITIES: Sequence[int] = sorted({flow.priority for flow in FLOWS.values()})
