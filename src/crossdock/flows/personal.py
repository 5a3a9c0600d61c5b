"""The texts about people in a record: a target may quote them when it refuses, and they must not come back in an error.

Pure. What stands here is taken out of every error's text; a text too much only costs a word of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from crossdock.model.address import Address
from crossdock.model.customer import CustomerChange
from crossdock.model.order import Order


def people_in(order: Order) -> tuple[str, ...]:
    """Of an order: buyer, addresses, and what the buyer wrote."""
    buyer = order.buyer
    found = [order.note, order.gift_message, buyer.first_name, buyer.last_name, buyer.email, buyer.vat_id]
    found.append(f"{buyer.first_name} {buyer.last_name}")
    for address in (order.billing, order.shipping or order.billing):
        found += people_at(address)
    return _once(found)


def people_at(address: Address) -> Sequence[str]:
    """Of one address."""
    told = [address.first_name, address.last_name, address.name, address.company, address.email, address.telephone]
    return [*told, address.city, address.postcode, address.vat_id, *address.street]


def people_of(change: CustomerChange) -> tuple[str, ...]:
    """Of a customer's change."""
    return _once([change.email, *(text for value in change.fields.values() for text in _texts(value))])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping | list | tuple):
        for inside in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(inside)
    elif value and not isinstance(value, bool):
        yield str(value)


def _once(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in found if one.strip()))
