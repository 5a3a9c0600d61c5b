"""Versions of one document that came with different contents: what the others have come to, when a person replays one.

The first stands under the number; what came with another content was kept beside it, as a dead letter. Replayed, it
takes the place of what was refused. What was carried out, or may have been, is not done a second time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from crossdock.contract.flow import Known
from crossdock.contract.message import Message
from crossdock.contract.shadow import SHADOW
from crossdock.delivery.records import State
from crossdock.delivery.store import DeliveryView
from crossdock.errors import MappingError
from crossdock.flows.documents import LOOK
from crossdock.flows.fulfilment import message_id, number_of
from crossdock.flows.keys import effect_key
from crossdock.model.fulfilment import Resolved, Taken

UNDER_WAY = frozenset({State.PENDING, State.LEASED})


class Book(Protocol):
    """Where it stands."""

    def looks_at(self, source: str, flow: str, subjects: Sequence[str]) -> dict[str, DeliveryView]:
        """By subject."""

    def known(self, source: str, subject: str) -> list[Known]:
        """All that was ever promised of a subject."""

    def promised(self, source: str, flow: str, reference: str, key: str) -> list[DeliveryView]:
        """What was promised under a key, or one that begins with it and a colon."""


class Versions:
    """Safe for many threads."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def completed(self, message: Message, found: Resolved) -> Resolved:
        """With what stands under its number, where it is not the first of it, and whether its order is a shadow."""
        promised = self._book.known(found.store, found.order_id)
        if any(one.target == message.source and SHADOW in one.memo for one in promised):
            found = msgspec.structs.replace(found, shadowed=True)
        try:
            first = message_id(found.store, found.flow, found.document)
        except MappingError:
            return found
        if message.subject == first:
            return found
        taken = tuple(self._taken(message, found, first))
        return msgspec.structs.replace(found, beside=message.subject.rpartition("!")[2], taken=taken)

    def _taken(self, message: Message, found: Resolved, first: str) -> Iterator[Taken]:
        look = self._book.looks_at(message.source, LOOK, [first]).get(first)
        if look is not None and look.state in UNDER_WAY:
            yield Taken(key=look.key, state=look.state)
        revision = first.rpartition("#")[2] if found.flow == "tracks" else ""
        key = effect_key(message.source, found.flow, number_of(found.document), "make", revision)
        orders = {found.order_number, look.reference if look is not None else found.order_number}
        for order in sorted(orders):  # the other one may have named another order
            for one in self._book.promised(message.source, found.flow, order, key):
                if one.target == found.store and not one.resolved:
                    yield Taken(key=one.key, state=one.state, maybe_sent=one.maybe_sent)
