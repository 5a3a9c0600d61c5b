"""A person's wish to be forgotten: carried to the ends that know them, then every key to what we keep is destroyed.

In this order, so that a process that dies in between has forgotten nobody whom it has not told of: whoever asks again
finds the duties promised already, and the keys go then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from crossdock.contract.flow import Known
from crossdock.contract.message import Message
from crossdock.delivery.records import Attempt, Promise
from crossdock.flows import CUSTOMERS, ERASURES
from crossdock.flows.keys import effect_key
from crossdock.flows.shadow import is_anothers
from crossdock.model.base import Record
from crossdock.model.customer import Erasure
from crossdock.pairs import Standing
from crossdock.settings import RouteSettings, Settings

ANOTHERS = (
    "another integration carries this customer there: have it forget the person, or do it by hand, and resolve this; "
    "or replay it to have it carried out"
)
BY_HAND = "a person is to be forgotten there too: do it by hand and resolve this, or replay it to have it carried out"


class Forgotten(Record, frozen=True, kw_only=True):
    """`carried`: connections that are told, or that a person must see to. `erased`: subjects whose keys are gone."""

    carried: tuple[str, ...] = ()
    erased: tuple[str, ...] = ()
    known: bool = False


class Seen(Protocol):
    """What was only compared."""

    def number_of(self, source: str, subject: str, target: str) -> str:
        """What the target calls it, as far as it was seen there; "" where it was not."""


class Book(Protocol):
    """Where it stands who is whom."""

    def standings(self, source: str, subject: str) -> Sequence[Standing]:
        """By target."""

    def known(self, source: str, subject: str) -> list[Known]:
        """What was promised of it."""

    @property
    def shadows(self) -> Seen:
        """What was seen of those that another integration carries."""

    def subjects_about(self, fingerprint: str) -> list[str]:
        """Of a person."""

    def people_of(self, subject: str) -> list[str]:
        """Of a subject."""

    def owe(
        self, promises: Sequence[Promise], ends: Sequence[tuple[str, str, str]], attempt: Attempt, now: datetime
    ) -> None:
        """In one transaction."""

    def erase(self, fingerprint: str, by: str, now: datetime) -> list[str]:
        """Destroys keys."""


def forget(book: Book, settings: Settings, fingerprint: str, by: str, now: datetime, *, told_by: str = "") -> Forgotten:
    """A person, by keyed fingerprint. `told_by`: the connection that asked, which need not be told. May be repeated."""
    about = book.subjects_about(fingerprint)
    promises = [
        promise
        for store, customer_id in _customers(about)
        for promise in _owed(book, settings, store, customer_id, by, now)
        if promise.target != told_by
    ]
    ends = [one for store, customer_id in _customers(about) for one in _unbegun(book, store, customer_id)]
    subjects = ",".join(f"{store}:customer:{number}" for store, number in _customers(about))[:255]
    attempt = Attempt(operation="erasure", entity="customers", entity_id=subjects, started_at=now, actor=by)
    if promises or ends:
        book.owe(promises, ends, attempt, now)
    erased = book.erase(fingerprint, by, now)
    carried = tuple(sorted({promise.target for promise in promises}))
    return Forgotten(carried=carried, erased=tuple(erased), known=bool(about))


def _customers(subjects: Sequence[str]) -> Iterator[tuple[str, str]]:
    for subject in sorted(subjects):
        store, _, rest = subject.partition(":")
        if rest.startswith("customer:"):
            yield store, rest.partition(":")[2]


def _owed(book: Book, settings: Settings, store: str, customer_id: str, by: str, now: datetime) -> Iterator[Promise]:
    subject = f"customer:{customer_id}"
    known = book.known(store, subject)
    for standing in book.standings(store, subject):
        anothers = is_anothers([one for one in known if (one.flow, one.target) == (CUSTOMERS.name, standing.target)])
        number = standing.external_id or (book.shadows.number_of(store, subject, standing.target) if anothers else "")
        erasure = Erasure(customer_id=customer_id, number=number, asked_at=now, asked_by=by)
        for route in settings.routes:
            if "customers" not in route.flows:
                continue
            if (route.source, route.target) == (store, standing.target) and (standing.external_id or anothers):
                yield _promise(store, route, erasure, now, ANOTHERS if anothers else _asks(route))
            if (route.source, route.target) == (standing.target, store):
                yield _promise(store, route, erasure, now, _asks(route))


def _asks(route: RouteSettings) -> str:
    return BY_HAND if route.options.customers.erasure == "ask" else ""


def _promise(store: str, route: RouteSettings, erasure: Erasure, now: datetime, by_hand: str) -> Promise:
    """Kept under a subject of its own: the customer's key goes now, and this must be readable until it is done.

    `by_hand`: why a person must see to it; "" where it is carried out.
    """
    key = effect_key(store, "customer", erasure.customer_id, "erase", route.target)
    message = Message(
        id=f"duty:{route.target}:{key}",
        source=store,
        flow=ERASURES.name,
        subject=f"erasure:{erasure.customer_id}",
        reference=erasure.number,
        occurred_at=now,
        read_at=now,
        payload=msgspec.json.encode(erasure),
    )
    return Promise(
        message=message,
        flow=ERASURES.name,
        target=route.target,
        key=key,
        lane=f"{store}:erasure:{erasure.customer_id}:{route.target}",
        priority=ERASURES.priority,
        park=bool(by_hand),
        reason=by_hand,
    )


def _unbegun(book: Book, store: str, customer_id: str) -> Iterator[tuple[str, str, str]]:
    for one in book.known(store, f"customer:{customer_id}"):
        if one.flow == CUSTOMERS.name and one.state == "pending" and not one.maybe_sent:
            yield one.target, one.key, "the person is to be forgotten"
