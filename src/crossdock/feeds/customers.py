"""Customers of an ERP on their way in, whichever road they come by: pushed, polled or out of a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from crossdock.contract.flow import Flow, Route
from crossdock.contract.message import Message
from crossdock.delivery.intake import arrival_of
from crossdock.delivery.records import Arrival
from crossdock.errors import MappingError
from crossdock.feeds.feeds import Raw, route_of
from crossdock.flows.customer_rows import as_of, content, message_id, next_id, number_of, read, spoken, word_id
from crossdock.flows.customers import FLOW
from crossdock.flows.documents import Heard
from crossdock.model.agreement import Agreement, same

FINGERPRINT, SHORT = 64, 16
NAMELESS = "?"


class Standing(Protocol):
    """What is known of one subject and one target."""

    @property
    def target(self) -> str:
        """The connection."""

    @property
    def agreement(self) -> Agreement:
        """What both have."""


class KnownStore(Protocol):
    """What is asked of who a customer is."""

    def subject_of(self, source: str, target: str, external_id: str) -> str:
        """Whom a target's id is of, or ""."""

    def standings(self, source: str, subject: str) -> Sequence[Standing]:
        """By target."""

    def last_heard(self, source: str, flow: str, reference: str) -> str:
        """The id of the newest message about the reference, or ""."""


class IncomingCustomers:
    """Safe for many threads. `keyed`: a hash that nobody can check a guess with."""

    def __init__(
        self,
        store: KnownStore,
        look: Flow[Any],
        routes: Callable[[str], Sequence[Route]],
        keyed: Callable[[str], str],
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._look = look
        self._routes = routes
        self._keyed = keyed
        self._clock = clock

    def pushed(self, source: str, target: str, raw: Raw) -> Heard:
        """As it came, under its `as_of`, else in the order of arrival. Raises MappingError, ConfigurationError."""
        rules = self._rules(source, target)
        read(raw, str(rules.get("website", "")), self._clock())
        name = message_id(target, raw, self._keyed)
        if as_of(raw) is None:
            name = next_id(name, self._store.last_heard(source, self._look.name, number_of(raw)), self._keyed)
        return self._heard(source, target, raw, name, rules)

    def heard(self, source: str, target: str, flow: str, raw: Raw) -> Heard:  # noqa: ARG002  as feeds.documents.Incoming
        """A row of a page. One without a time would count as newer than all there is, each time it is read."""
        said = spoken(raw)
        return self._strictly(source, target, said, None)

    def imported(self, source: str, target: str, raw: Raw, moment: datetime) -> Heard:
        """A customer out of a file that is read at `moment`: the time of what has none of its own."""
        return self._strictly(source, target, raw, moment)

    def arrival(self, one: Heard, target: str, channel: str) -> Arrival:
        """On its way into the inbox."""
        arrival = arrival_of(self._look, one.message, channel, one.fingerprint, target, one.wrong)
        return msgspec.structs.replace(arrival, about=one.people)

    def changed(self, source: str, target: str, raw: Raw) -> list[str] | None:
        """Names of the fields that the ERP was not known to have so; None for a customer who is new to both."""
        subject = self._store.subject_of(target, source, number_of(raw))
        found = [one for one in self._store.standings(target, subject) if one.target == source] if subject else []
        if not found:
            return None
        cells = found[0].agreement.target
        fields = read(raw, "", self._clock()).fields
        return [name for name, value in fields.items() if name not in cells or not same(cells[name].value, value)]

    def _strictly(self, source: str, target: str, raw: Raw, moment: datetime | None) -> Heard:
        """One that cannot be read goes under a name with its content in it: put right, it is another one."""
        rules = self._rules(source, target)
        try:
            read(raw, str(rules.get("website", "")), self._clock())
            name = word_id(target, raw, moment, self._keyed)
        except MappingError as error:
            name = f"{target}:{FLOW}:{_number(raw)}!{self._keyed(content(raw))[:SHORT]}"
            return self._heard(source, target, raw, name, rules, str(error))
        return self._heard(source, target, raw, name, rules)

    def _heard(self, source: str, target: str, raw: Raw, name: str, rules: Mapping[str, Any], wrong: str = "") -> Heard:
        number = _number(raw)
        known = self._store.subject_of(target, source, number) if number != NAMELESS else ""
        payload = {
            "document": raw,
            "customer_id": known.partition(":")[2],
            "rules": {"website": rules.get("website", ""), "create": rules.get("create", True)},
        }
        message = Message(
            id=name,
            source=source,
            flow=self._look.name,
            subject=name,
            reference="" if number == NAMELESS else number,
            occurred_at=self._clock(),
            payload=msgspec.json.encode(payload),
        )
        print_of = self._keyed(content(raw))[:FINGERPRINT]
        return Heard(message=message, fingerprint=print_of, wrong=wrong, people=self._people(raw))

    def _people(self, raw: Raw) -> tuple[str, ...]:
        email = raw.get("email")
        return (self._keyed(email.strip().lower()),) if isinstance(email, str) and email.strip() else ()

    def _rules(self, source: str, target: str) -> Mapping[str, Any]:
        rules: Mapping[str, Any] = route_of(self._routes(source), target, FLOW).states.get(FLOW, {})
        return rules


def _number(raw: Raw) -> str:
    try:
        return number_of(raw)
    except MappingError:
        return NAMELESS
