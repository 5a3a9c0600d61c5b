"""Notifications of changes: which are wanted, when each is to be renewed, and what one that comes in means. Pure.

A notification only makes a scan due earlier: it comes 30 seconds late, tells of many changes in one, and none comes of
what some users do (dev-itpro/api-reference/v2.0/dynamics-subscriptions.md). Reading by stamps stays the guarantee.

A subscription ends after three days. Creating one and renewing it both need the handshake: Business Central asks
`notificationUrl?validationToken=...` and wants the token back as the body of a 200.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from crossdock.errors import InvalidPayload, SignatureError
from crossdock.model.base import Record
from crossdock.transport.odata import time_in
from crossdock.transport.told import NOTHING, decode

# which entity's changes make which flow due; ledger entries and posted shipments have no notifications of their own,
# and an order's change (its lines among it) is what comes with both
FLOWS: Mapping[str, tuple[str, ...]] = {
    "items": ("products", "prices", "inventory"),
    "customers": ("customers",),
    "salesInvoices": ("invoices", "shipments", "inventory"),
    "salesOrders": ("shipments", "inventory"),
}
TOKEN = re.compile(r"[\x21-\x7e]{1,2048}")
MOST = 10_000  # notifications in one body
CHANGES = frozenset({"created", "updated", "deleted", "collection"})


class Subscription(Record, frozen=True, kw_only=True):
    """One as Business Central has it."""

    id: str
    url: str
    resource: str
    ends: datetime
    etag: str = ""

    @property
    def entity(self) -> str:
        """The set that it is about."""
        return entity_in(self.resource)


class Plan(Record, frozen=True, kw_only=True):
    """What is to be done: entities to subscribe to, subscriptions to renew, and those that nobody wants any more."""

    create: tuple[str, ...] = ()
    renew: tuple[Subscription, ...] = ()
    drop: tuple[Subscription, ...] = ()


class Notice(Record, frozen=True, kw_only=True):
    """What one notification says. `entity` "" is a set that nobody reads."""

    subscription: str
    entity: str
    change: str

    @property
    def flows(self) -> tuple[str, ...]:
        """Whose next scan is due now."""
        return FLOWS.get(self.entity, ())


def wanted(reads: Sequence[str]) -> tuple[str, ...]:
    """The entities whose changes matter to the flows that are read."""
    return tuple(entity for entity, flows in FLOWS.items() if set(flows) & set(reads))


def plan(
    there: Sequence[Subscription], entities: Sequence[str], url: str, now: datetime, renew_before: timedelta
) -> Plan:
    """Of all subscriptions that there are, those with our address are ours; of several of one entity the last to end.

    One that has ended cannot be renewed and is made anew.
    """
    ours: dict[str, Subscription] = {}
    drop: list[Subscription] = []
    for one in sorted((one for one in there if one.url == url), key=lambda one: one.ends, reverse=True):
        if one.entity in entities and one.entity not in ours and one.ends > now:
            ours[one.entity] = one
        elif one.ends > now:
            drop.append(one)
    renew = tuple(one for one in ours.values() if one.ends - now <= renew_before)
    return Plan(create=tuple(entity for entity in entities if entity not in ours), renew=renew, drop=tuple(drop))


def next_look(there: Sequence[Subscription], url: str, now: datetime, renew_before: timedelta) -> float:
    """Seconds until the first of ours is to be renewed; an hour at most, since an answer of ours may delete one."""
    ends = [(one.ends - renew_before - now).total_seconds() for one in there if one.url == url]
    return max(0.0, min([*ends, 3600.0]))


def build_subscription(url: str, company: str, entity: str, secret: str) -> dict[str, str]:
    """`company` is its path: `companies(ID)`."""
    return {"notificationUrl": url, "resource": f"/api/v2.0/{company}/{entity}", "clientState": secret}


def subscription_in(row: Mapping[str, Any]) -> Subscription | None:
    """As it was read; None where its end cannot be read."""
    ends = time_in(row.get("expirationDateTime"))
    ident = row.get("subscriptionId")
    if ends is None or not ident:
        return None
    return Subscription(
        id=str(ident),
        url=str(row.get("notificationUrl") or ""),
        resource=str(row.get("resource") or ""),
        ends=ends,
        etag=str(row.get("@odata.etag") or ""),
    )


def entity_in(resource: str) -> str:
    """The set in a resource's address: `api/v2.0/companies(ID)/items(ID)` is `items`."""
    found = re.search(r"companies\([^)]*\)/(\w+)", resource)
    return found[1] if found else ""


# what comes in --------------------------------------------------------------------------------------------------------


def handshake(query: Mapping[str, str]) -> str | None:
    """The body of the 200 that answers a handshake, as text/plain; None where the request is none.

    Raises InvalidPayload for a token that is no single word: what we would send back is what a stranger wrote.
    """
    token = query.get("validationToken")
    if token is None:
        return None
    if not TOKEN.fullmatch(token):
        raise InvalidPayload("a validation token that is none")
    return token


def notices_in(body: bytes, secret: str) -> tuple[Notice, ...]:
    """What a body says. All of it must name our secret, or none of it counts.

    Raises SignatureError for another client state, InvalidPayload for another form. A change of a kind that is not
    known is passed on: it is a hint all the same.
    """
    told = decode(body.removeprefix(b"\xef\xbb\xbf"))  # versions before 19 begin with a byte order mark
    rows = told.get("value") if told is not NOTHING and isinstance(told, dict) else None
    if not isinstance(rows, list) or len(rows) > MOST or not all(isinstance(row, dict) for row in rows):
        raise InvalidPayload("no notifications of Business Central's")
    if not secret or not all(hmac.compare_digest(_state(row), secret.encode()) for row in rows):
        raise SignatureError("a notification that does not name our client state")
    return tuple(
        Notice(
            subscription=str(row.get("subscriptionId") or "")[:100],
            entity=known if (known := entity_in(str(row.get("resource") or ""))) in FLOWS else "",
            change=change if (change := str(row.get("changeType"))) in CHANGES else "",
        )
        for row in rows
    )


def due_flows(notices: Sequence[Notice], reads: Sequence[str]) -> frozenset[str]:
    """The flows whose scan is due now, of those that are read."""
    return frozenset(flow for one in notices for flow in one.flows) & frozenset(reads)


def _state(row: Mapping[str, Any]) -> bytes:
    return str(row.get("clientState") or "").encode()
