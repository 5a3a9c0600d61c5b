"""A customer as both sides mean it: named fields, some of them whole addresses."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from crossdock.model.agreement import Agreement
from crossdock.model.base import Record

Owner = Literal["store", "erp", "newest", "ask"]


class Customer(Record, frozen=True, kw_only=True):
    """One customer as a side has it, or as far as it tells.

    `fields`: `email`, `first_name`, …, `attributes.CODE`, `default_billing`, `default_shipping` (an address's name),
    and `addresses.NAME` for each address. A field that is not there is not spoken of; None says that it is empty, of an
    address that it is gone.
    """

    id: str = ""  # the store's
    number: str = ""  # the ERP's
    website: str = ""  # its code
    changed_at: datetime
    fields: dict[str, Any] = {}


class CustomerChange(Record, frozen=True, kw_only=True):
    """What is to be written into one side: these fields and no others.

    `at`: when each value was made. `seen`: what stood in its place when that was decided. `places`: names of addresses
    -> the store's ids. `pair`: the ERP whose pair with the store this is about. `new`: the side is to have a customer
    of this e-mail address on this website, if it has none.
    """

    pair: str = ""
    id: str = ""
    number: str = ""
    website: str = ""
    email: str = ""
    fields: dict[str, Any] = {}
    at: dict[str, datetime] = {}
    seen: dict[str, Any] = {}
    places: dict[str, str] = {}
    new: bool = False
    guest: bool = False


class Pair(Record, frozen=True, kw_only=True):
    """One customer of the store and who it is in one ERP, by all that is known, and the rules between the two."""

    target: str
    number: str = ""
    awaited: bool = False  # the ERP has asked for such a customer, and who it is will be known in a moment
    agreement: Agreement = Agreement()
    owners: dict[str, Owner] = {}
    to_target: bool = True
    to_source: bool = False
    number_attribute: str = ""


class CustomerSighting(Record, frozen=True, kw_only=True):
    """A customer as the store has it now; what is known of it elsewhere is filled in behind the reading."""

    customer: Customer
    seen_at: datetime
    number_attribute: str = ""  # of the store, in which an ERP's number is kept
    pairs: tuple[Pair, ...] = ()
    erased: bool = False


class PushedCustomer(Record, frozen=True, kw_only=True):
    """What an ERP has told of one of its customers, and which customer of the store that is; "" for none yet.

    `linked`: the number under which that customer of the store is known to be in this ERP.
    """

    customer: Customer
    store: str
    customer_id: str = ""
    linked: str = ""
    create: bool = True
    erased: bool = False


class Erasure(Record, frozen=True, kw_only=True):
    """A person's wish to be forgotten, carried to the other end: by ids alone, so that it can still be read later."""

    customer_id: str = ""  # the store's
    number: str = ""  # the ERP's
    asked_at: datetime
    asked_by: str
