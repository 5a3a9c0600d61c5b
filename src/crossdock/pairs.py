"""Customers of a store and who they are in each ERP: what the looks at them stand on, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from crossdock.contract.flow import Flow, Route
from crossdock.contract.message import Message, Receipt
from crossdock.delivery.records import Agreed
from crossdock.errors import Rejected
from crossdock.flows import CUSTOMER_LOOKS, CUSTOMER_PUSHES, CUSTOMERS, NEW_CUSTOMERS
from crossdock.flows.customers import ANOTHER, FLOW, heard, noticed, subject_of, written
from crossdock.flows.shadow import mode_of
from crossdock.model.agreement import Agreement, Side
from crossdock.model.customer import Customer, CustomerChange, CustomerSighting, Pair, PushedCustomer


class Standing(Protocol):
    """What is known of one subject and one target."""

    @property
    def target(self) -> str:
        """The connection."""

    @property
    def external_id(self) -> str:
        """Its id of the subject, or ""."""

    @property
    def agreement(self) -> Agreement:
        """What both have."""


class Book(Protocol):
    """Where it is kept."""

    def standings(self, source: str, subject: str) -> Sequence[Standing]:
        """By target."""

    def subject_of(self, source: str, target: str, external_id: str) -> str:
        """Whom a target's id is of, or ""."""

    def is_making(self, source: str, target: str, flow: str, fingerprint: str) -> bool:
        """Whether something of this flow about this person is under way from there to the target."""

    def is_erased(self, source: str, subject: str) -> bool:
        """Whether nothing of it may be kept again."""


class Pairs:
    """Safe for many threads."""

    def __init__(self, book: Book, routes: Mapping[str, Sequence[Route]], fingerprint: Callable[[str], str]) -> None:
        self._book = book
        self._fingerprint = fingerprint
        self._routes = routes

    def completed(self, flow: Flow[Any], message: Message, record: Any) -> Any:
        """A look's record with what is known of the pair."""
        if flow is CUSTOMER_LOOKS:
            return self._sighted(message, record)
        if flow is CUSTOMER_PUSHES:
            return self._pushed(message, record)
        return record

    def agreed(
        self, flow: Flow[Any], message: Message, target: str, record: Any, receipt: Receipt | None
    ) -> tuple[Agreed, ...]:
        """What it tells of both sides."""
        if flow is CUSTOMER_LOOKS and not record.erased:
            return tuple(_of_look(message, record))
        if flow is CUSTOMER_PUSHES and record.customer_id and not record.erased:
            return (_of_word(record.store, record.customer_id, message.source, record.customer),)
        if receipt is None or not isinstance(record, CustomerChange):
            return ()
        if flow is CUSTOMERS:
            return (_of_write(message, target, record, receipt),)
        if flow is NEW_CUSTOMERS and record.pair == message.source:  # told by an ERP; a guest is nobody's account
            self._refuse_another(target, receipt.external_id, record)
            told = Customer(number=record.number, changed_at=max(record.at.values()), fields=record.fields)
            return (_of_word(target, receipt.external_id, record.pair, told),)
        return ()

    def _refuse_another(self, store: str, customer_id: str, change: CustomerChange) -> None:
        """An account that was there already may be somebody's whom the ERP knows under another number."""
        for one in self._book.standings(store, subject_of(customer_id)):
            if one.target == change.pair and one.external_id not in {"", change.number}:
                raise Rejected(ANOTHER)

    def _sighted(self, message: Message, sighting: CustomerSighting) -> CustomerSighting:
        roads = [*self._roads(message.source)]
        shadows = {one.target for one in self._routes.get(message.source, ()) if mode_of(one.options) == "shadow"}
        # the numbers of two ERPs have no room in one attribute; one that is only compared with has none to keep
        numbering = [target for target, _, back in roads if back is not None or target not in shadows]
        known, awaited = self._known(message, sighting, [target for target, _, back in roads if back is not None])
        pairs = []
        for target, there, back in roads:
            rules = (there if there is not None else back or {}).get(FLOW, {})
            standing = known.get(target)
            pairs.append(
                Pair(
                    target=target,
                    number=standing.external_id if standing else "",
                    awaited=target in awaited,
                    agreement=standing.agreement if standing else Agreement(),
                    owners=rules.get("owners", {}),
                    to_target=there is not None,
                    to_source=back is not None,
                    number_attribute=sighting.number_attribute if numbering == [target] else "",
                )
            )
        return msgspec.structs.replace(
            sighting,
            seen_at=message.read_at or message.occurred_at,
            pairs=tuple(pairs),
            erased=self._book.is_erased(message.source, message.subject),
        )

    def _known(
        self, message: Message, sighting: CustomerSighting, asking: Sequence[str]
    ) -> tuple[dict[str, Standing], frozenset[str]]:
        """What is known by target, and which of those that may ask for accounts are just getting this one."""
        known = self._standings(message)
        strange = [target for target in asking if not (target in known and known[target].external_id)]
        awaited = frozenset(one for one in strange if self._is_made_for(message.source, one, sighting))
        if strange:  # an account that was finished between these two questions has its number by now
            known = self._standings(message)
        return known, awaited - {target for target, one in known.items() if one.external_id}

    def _standings(self, message: Message) -> dict[str, Standing]:
        return {one.target: one for one in self._book.standings(message.source, message.subject)}

    def _is_made_for(self, store: str, erp: str, sighting: CustomerSighting) -> bool:
        """Whether this ERP has asked for it just now, and the answer of the store is still to come."""
        email = str(sighting.customer.fields.get("email") or "")
        return bool(email) and self._book.is_making(erp, store, NEW_CUSTOMERS.name, self._fingerprint(email))

    def _roads(self, store: str) -> Iterator[tuple[str, Mapping[str, Any] | None, Mapping[str, Any] | None]]:
        """Each ERP with the rules of the way there, and of the way back."""
        there = {one.target: one.states for one in self._routes.get(store, ()) if FLOW in one.flows}
        back = {
            source: one.states
            for source, routes in self._routes.items()
            for one in routes
            if one.target == store and FLOW in one.flows
        }
        for name in sorted(there.keys() | back.keys()):
            yield name, there.get(name), back.get(name)

    def _pushed(self, message: Message, pushed: PushedCustomer) -> PushedCustomer:
        number = pushed.customer.number
        subject = self._book.subject_of(pushed.store, message.source, number)
        subject = subject or (subject_of(pushed.customer_id) if pushed.customer_id else "")
        if not subject:
            return pushed
        linked = [
            one.external_id for one in self._book.standings(pushed.store, subject) if one.target == message.source
        ]
        return msgspec.structs.replace(
            pushed,
            customer_id=subject.partition(":")[2],
            linked=linked[0] if linked else "",
            erased=self._book.is_erased(pushed.store, subject),
        )


def _of_look(message: Message, sighting: CustomerSighting) -> Iterator[Agreed]:
    for pair in sighting.pairs:
        if pair.awaited:
            continue
        news, found = noticed(sighting, pair)
        if news.values or found:
            yield Agreed(source=message.source, subject=message.subject, target=pair.target, news=(news,), places=found)


def _of_word(store: str, customer_id: str, erp: str, told: Customer) -> Agreed:
    subject = subject_of(customer_id)
    return Agreed(source=store, subject=subject, target=erp, external_id=told.number, news=(heard(told),))


def _of_write(message: Message, target: str, change: CustomerChange, receipt: Receipt) -> Agreed:
    to_erp = target == change.pair
    return Agreed(
        source=message.source,
        subject=message.subject,
        target=change.pair,
        external_id=(receipt.external_id if to_erp else ""),
        news=written(change, Side.TARGET if to_erp else Side.SOURCE, datetime.now(UTC)),
        places={} if to_erp else receipt.links,
    )
