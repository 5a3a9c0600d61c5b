"""Subscriptions at the Mage-OS Async Events module: what is missing, and how to make it.

The module checks nothing (an unknown event, a bad address, no token: all 200), never gives a token back, cannot change
an address or a token, and has no way to delete. A PUT without `status` disables. So: create, read back, never rotate
in place; a new secret means new subscriptions beside the old ones, which are then switched off.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crossdock.errors import ConfigurationError, Misconfigured, OutcomeUnknown, Rejected
from crossdock.magento.client import MagentoClient
from crossdock.magento.search import criteria
from crossdock.model.base import Record

# All that the module and its common events really send (a real 2.4.7). order.unholded is announced and never fires.
EVENTS = frozenset(
    {
        "customer.created",
        "customer.updated",
        "customer.login",
        "customer.address.created",
        "customer.address.updated",
        "sales.order.created",
        "sales.order.updated",
        "sales.order.paid",
        "sales.order.shipped",
        "sales.order.holded",
        "sales.order.cancelled",
        "sales.shipment.created",
        "sales.invoice.created",
        "sales.invoice.paid",
        "sales.creditmemo.created",
        "catalog.product.created",
        "catalog.product.updated",
    }
)
PAGE = 100


class Subscription(Record, frozen=True, kw_only=True):
    """One subscription as the store has it; its token cannot be read."""

    id: int
    event: str
    url: str
    active: bool


def listed(client: MagentoClient) -> list[Subscription]:
    """All subscriptions of the store. Raises Misconfigured where the module is not installed."""
    found: dict[int, Subscription] = {}
    page = 1
    while True:
        query = criteria((), sort=("subscription_id",), size=PAGE)
        answer = client.get("V1/async_events", [*query, ("searchCriteria[currentPage]", str(page))])
        rows = [_subscription(row) for row in (answer.get("items") if isinstance(answer, dict) else None) or ()]
        fresh = [row for row in rows if row.id not in found]
        found |= {row.id: row for row in fresh}
        if len(rows) < PAGE or not fresh:
            return list(found.values())
        page += 1


def missing(client: MagentoClient, wanted: Sequence[str], url: str) -> list[str]:
    """Of the wanted events, those without an active subscription to their address below `url`."""
    active = {(one.event, one.url) for one in listed(client) if one.active}
    return [event for event in wanted if (event, address(url, event)) not in active]


def subscribe(client: MagentoClient, event: str, url: str, token: str) -> Subscription:
    """Makes one subscription and reads it back. The token signs what is sent: an empty one is refused here."""
    if not token.strip():
        raise ConfigurationError(["webhooks.secrets: without a token the store signs with the empty key"])
    if event not in EVENTS:
        raise ConfigurationError([f"webhooks.events: {event} is never sent by the module"])
    if not url.startswith(("https://", "http://")):
        raise ConfigurationError(["webhooks.public_url: an address with https:// is wanted"])
    wanted = {"event_name": event, "recipient_url": address(url, event), "verification_token": token}
    made = client.post("V1/async_event", {"asyncEvent": {**wanted, "metadata": "http"}})
    if not isinstance(made, dict) or "subscription_id" not in made:
        raise OutcomeUnknown("the store's answer names no subscription")
    return verified(client, int(made["subscription_id"]), event, url)


def verified(client: MagentoClient, subscription_id: int, event: str, url: str) -> Subscription:
    """The subscription as the store kept it. Raises Rejected where that is not what was asked for."""
    found = _subscription(client.get(f"V1/async_event/{subscription_id}"))
    if not found.active or (found.event, found.url) != (event, address(url, event)):
        raise Rejected(f"the store kept subscription {subscription_id} differently")
    return found


def ensure(client: MagentoClient, wanted: Sequence[str], url: str, token: str) -> list[Subscription]:
    """Makes what is missing; what is there stays as it is. Returns what was made."""
    return [subscribe(client, event, url, token) for event in missing(client, wanted, url)]


def switch(client: MagentoClient, subscription: Subscription, *, active: bool) -> Subscription:
    """Switches one on or off. The status always goes with it: without one the module would switch off."""
    body = {"asyncEvent": {"event_name": subscription.event, "status": active, "metadata": "http"}}
    answered = _subscription(client.put(f"V1/async_event/{subscription.id}", body))
    if answered.active is not active:
        raise Rejected(f"the store did not switch subscription {subscription.id}")
    return answered


def address(url: str, event: str) -> str:
    """Where an event goes. The module names no event in what it sends, so that each has an address of its own."""
    return f"{url.rstrip('/')}/{event}"


def _subscription(row: Any) -> Subscription:
    if not isinstance(row, dict) or "subscription_id" not in row:
        raise Misconfigured("not a list of subscriptions: is the Async Events module installed?")
    return Subscription(
        id=int(row["subscription_id"]),
        event=str(row.get("event_name") or ""),
        url=str(row.get("recipient_url") or ""),
        active=row.get("status") is True,
    )
