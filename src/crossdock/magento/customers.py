"""Customers of a store: read, found for an ERP, and written by reading first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from crossdock.contract.connector import Page, Watermark
from crossdock.contract.message import Message, Receipt
from crossdock.errors import ConfigurationError, InvalidPayload, NotReady, OutcomeUnknown, Rejected, Temporary
from crossdock.flows.customer_rows import read as read_row
from crossdock.flows.customers import named, subject_of
from crossdock.flows.personal import people_of
from crossdock.magento.client import MagentoClient, segment
from crossdock.magento.content import content_hash
from crossdock.magento.listing import OrderList, Row
from crossdock.magento.mapping.customers import build_customer, matching, parse_customer
from crossdock.magento.mapping.naming import people_in
from crossdock.magento.mapping.wire import JsonObject, branch, decode, rows, text
from crossdock.magento.orders import changes_of, place_of
from crossdock.magento.people import People
from crossdock.magento.search import Group, criteria, where
from crossdock.magento.settings import CustomerSettings, PollingSettings
from crossdock.model.agreement import Agreement, same
from crossdock.model.customer import Customer, CustomerChange, CustomerSighting, Erasure, PushedCustomer
from crossdock.transport.told import naming_nobody

SEARCH = "V1/customers/search"
LOOK = "customer_looks"
TAKEN = "already exists in an associated website"
ENCODER = msgspec.json.Encoder()
SIGHTING = msgspec.json.Decoder(CustomerSighting)
PUSHED = msgspec.json.Decoder(PushedCustomer)


class Customers:
    """Calls about customers; needs the right Magento_Customer::manage."""

    def __init__(self, client: MagentoClient, people: People, attributes: tuple[str, ...]) -> None:
        self._client = client
        self.people = people
        self._attributes = attributes

    def one(self, customer_id: str) -> JsonObject | None:
        """As the store has it now."""
        answer = self._client.find(f"V1/customers/{segment(customer_id)}")
        if answer is None:
            return None
        found = decode(answer.body)
        if not text(found, "id"):
            raise Temporary("a customer in an unknown form")
        return found

    def parsed(self, found: JsonObject) -> Customer:
        """As we mean it."""
        return parse_customer(found, self.people.groups(), self.people.websites(), self._attributes)

    def of_email(self, email: str, website: str = "") -> str:
        """The id of the customer of this address, on this website; "" for none. Raises Rejected for several."""
        groups: list[Group] = [(where("email", "eq", email),)]
        if website:
            groups.append((where("website_id", "eq", self.website_id(website)),))
        return self._only(groups)

    def of_attribute(self, code: str, value: str) -> str:
        """The id of the customer whose attribute has this value; "" where there is none."""
        return self._only([(where(code, "eq", value),)])

    def website_id(self, code: str) -> str:
        """Raises Rejected where the store has no such website."""
        found = [number for number, name in self.people.websites().items() if name == code]
        if not found:
            raise Rejected("the store has no website of this code")
        return found[0]

    def save(self, customer_id: str, body: JsonObject) -> JsonObject:
        """The whole customer; as the store has it then. OutcomeUnknown where the answer is no customer."""
        with naming_nobody(people_in(body)):
            answer = self._client.put(f"V1/customers/{segment(customer_id)}", {"customer": body})
        if not isinstance(answer, dict) or str(answer.get("id")) != customer_id:
            raise OutcomeUnknown("the store's answer does not show the customer")
        return answer

    def make(self, body: JsonObject) -> str:
        """Its id. Raises Rejected where the address is taken."""
        answer = self._client.post("V1/customers", {"customer": body})
        number = text(answer, "id") if isinstance(answer, dict) else ""
        if not number:
            raise OutcomeUnknown("the store's answer does not name the customer")
        return number

    def delete(self, customer_id: str) -> bool:
        """False where there is none."""
        try:
            return self._client.delete(f"V1/customers/{segment(customer_id)}") is True
        except Rejected as error:
            if error.status == 404:
                return False
            raise

    def _only(self, groups: list[Group]) -> str:
        query = criteria(groups, sort=("entity_id",), size=2, fields="items[id]")
        found = rows(decode(self._client.fetch("GET", SEARCH, query).body), "items")
        if len(found) > 1:
            raise Rejected("the store has several such customers: a person must look")
        return text(found[0], "id") if found else ""


class CustomerSource:
    """The source of the look at a customer of the store."""

    def __init__(
        self,
        client: MagentoClient,
        customers: Customers,
        polling: PollingSettings,
        *,
        number_attribute: str,
        name: str,
        clock: Callable[[], datetime],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._customers = customers
        self._polling = polling
        self._number_attribute = number_attribute
        self._name = name
        self._clock = clock
        self._pause = pause

    def parse(self, message: Message) -> CustomerSighting:
        """Pure. Raises InvalidPayload."""
        found: CustomerSighting = _decoded(SIGHTING, message.payload)
        return found

    def read(self, message: Message) -> Message | None:
        """The customer as the store has it now; None where there is none."""
        asked_at = self._clock()
        found = self._customers.one(message.subject.removeprefix("customer:"))
        if found is None:
            return None
        sighting = CustomerSighting(
            customer=self._customers.parsed(found), seen_at=asked_at, number_attribute=self._number_attribute
        )
        return msgspec.structs.replace(
            message,
            subject=subject_of(sighting.customer.id),
            payload=ENCODER.encode(sighting),
            content=content_hash(found),
            read_at=asked_at,
        )

    def changes(self, since: Watermark | None) -> Iterator[Page]:
        """As of orders; each message is a hint without anything of the customer in it. Raises DeliveryError."""
        listing = OrderList(self._client, self._polling.page_size, self._pause, path=SEARCH, number="id")
        place = place_of(self._client, self._polling, self._clock, since)
        first = since is None
        told, clock = self._message, self._clock
        yield from changes_of(
            listing, place, self._polling, clock, told, first=first, named=lambda one: subject_of(str(one))
        )

    def _message(self, row: Row, asked_at: datetime) -> Message:  # noqa: ARG002  how a row is told
        content = content_hash(row.order)
        return Message(
            id=f"customer:{row.entity_id}:{row.updated_at:%Y%m%dT%H%M%S}:{content[:16]}",
            source=self._name,
            flow=LOOK,
            subject=subject_of(str(row.entity_id)),
            occurred_at=row.updated_at,
            content=content,
        )


class PushedSource:
    """The source of the look at an ERP's word about one of its customers: who of the store's that is."""

    def __init__(
        self, customers: Customers, settings: CustomerSettings, name: str, clock: Callable[[], datetime]
    ) -> None:
        self._customers = customers
        self._settings = settings
        self._name = name
        self._clock = clock

    def parse(self, message: Message) -> PushedCustomer:
        """Pure. Raises InvalidPayload."""
        found: PushedCustomer = _decoded(PUSHED, message.payload)
        return found

    def read(self, message: Message) -> Message | None:
        """The same, with the store's customer where it has one: as known, by the ERP's number, else by the address.

        None where what was told is erased.
        """
        if not message.payload:
            return None
        told = decode(message.payload)
        row, rules = branch(told, "document"), branch(told, "rules")
        customer = read_row(row, text(rules, "website"), message.occurred_at)
        record = PushedCustomer(
            customer=customer,
            store=self._name,
            customer_id=text(told, "customer_id") or self._found(customer),
            create=rules.get("create") is not False,
        )
        return msgspec.structs.replace(
            message, reference=customer.number, payload=ENCODER.encode(record), read_at=self._clock()
        )

    def changes(self, since: Watermark | None) -> Iterator[Page]:  # noqa: ARG002  the port's signature
        """None: these come from an ERP."""
        raise ConfigurationError([f"connections.{self._name}: a store is not asked for what an ERP knows"])

    def _found(self, customer: Customer) -> str:
        code = self._settings.number_attribute
        if code and (found := self._customers.of_attribute(code, customer.number)):
            return found
        email = customer.fields.get("email")
        return self._customers.of_email(str(email), customer.website) if email and customer.website else ""


class CustomerSink:
    """The sink of `customers` and `new_customers`. It reads first, sends the whole customer, and reads again.

    Magento has no conditional write: an edit between our reading and our writing, some milliseconds, is written over.
    """

    def __init__(self, customers: Customers) -> None:
        self._customers = customers

    def put(self, record: CustomerChange, key: str) -> Receipt:  # noqa: ARG002  the customer itself is what dedupes
        """Raises DeliveryError; NotReady where it was changed since this was decided."""
        with naming_nobody(people_of(record)):
            return self._made(record) if record.new and not record.id else self._changed(record)

    def find(self, record: CustomerChange, key: str) -> Receipt | None:  # noqa: ARG002
        """A receipt where all of it stands there."""
        if record.new and not record.id:
            number = self._customers.of_email(record.email, record.website)
            return Receipt(external_id=number, found=True) if number else None
        current = self._customers.one(record.id)
        if current is None:
            return None
        links = matching(current, record.fields, record.places)
        open_now, _ = self._open(current, record, links)
        return None if open_now else Receipt(external_id=record.id, found=True, links=links)

    def preview(self, record: CustomerChange) -> dict[str, Any]:
        """The fields that it would see to; the body depends on the customer then."""
        return {"customer": record.id or record.website, "fields": sorted(record.fields)}

    def _changed(self, record: CustomerChange) -> Receipt:
        current = self._customers.one(record.id)
        if current is None:
            raise Rejected("the store has no such customer", status=404)
        links = matching(current, record.fields, record.places)
        open_now, overtaken = self._open(current, record, links)
        if overtaken:
            raise NotReady(f"changed at the store since: {', '.join(overtaken)}")
        if not open_now:
            return Receipt(external_id=record.id, found=True, links=links)
        groups = {code: number for number, code in self._customers.people.groups().items()}
        places = {**record.places, **links}
        body = build_customer(current, open_now, places, groups, self._customers.people.region)
        return self._confirmed(record, self._customers.save(record.id, body))

    def _confirmed(self, record: CustomerChange, saved: JsonObject) -> Receipt:
        """What the store keeps in another form (cut, cleaned) would come back as an edit, for ever.

        What its answer to the write still showed as it was written was edited by somebody before it was read again.
        """
        after = self._customers.one(record.id)
        if after is None:
            raise OutcomeUnknown("the customer is gone")
        links = matching(after, record.fields, record.places)
        left, _ = self._open(after, record, links)
        kept, _ = self._open(saved, record, links)
        if since := sorted(left.keys() - kept.keys()):
            raise NotReady(f"changed at the store since: {', '.join(since)}")
        if left:
            raise Rejected(f"the store keeps these otherwise than they were written: {', '.join(sorted(left))}")
        return Receipt(external_id=record.id, links=links)

    def _open(
        self, current: JsonObject, record: CustomerChange, links: Mapping[str, str]
    ) -> tuple[dict[str, Any], list[str]]:
        """What is not there yet, and which of it is not as it was when this was decided."""
        places = {**record.places, **links}
        there, _ = named(self._customers.parsed(current), Agreement(places=places))
        left = {name: value for name, value in record.fields.items() if not same(there.get(name), value)}
        overtaken = [name for name in left if not same(there.get(name), record.seen.get(name))]
        return left, sorted(overtaken)

    def _made(self, record: CustomerChange) -> Receipt:
        there = self._customers.of_email(record.email, record.website)
        if there:
            return Receipt(external_id=there, found=True)
        groups = {code: number for number, code in self._customers.people.groups().items()}
        first: JsonObject = {"website_id": int(self._customers.website_id(record.website))}
        body = build_customer(first, record.fields, {}, groups, self._customers.people.region)
        try:
            return Receipt(external_id=self._customers.make(body))
        except Rejected as error:
            there = self._customers.of_email(record.email) if TAKEN in str(error) else ""
            if not there:
                raise
            return Receipt(external_id=there, found=True)  # accounts are shared between websites, or it came just now


class ErasureSink:
    """The sink of `erasures`: the account is deleted. Orders stay, with what they hold: the store's own duty."""

    def __init__(self, customers: Customers) -> None:
        self._customers = customers

    def put(self, record: Erasure, key: str) -> Receipt:  # noqa: ARG002  it is gone, or it is not
        """Done too where there is no such account."""
        return Receipt(external_id=record.customer_id, found=not self._customers.delete(record.customer_id))

    def find(self, record: Erasure, key: str) -> Receipt | None:  # noqa: ARG002
        """A receipt where the account is gone."""
        gone = self._customers.one(record.customer_id) is None
        return Receipt(external_id=record.customer_id, found=True) if gone else None

    def preview(self, record: Erasure) -> dict[str, Any]:
        """What it would delete."""
        return {"DELETE": f"V1/customers/{segment(record.customer_id)}"}


def _decoded(decoder: msgspec.json.Decoder[Any], payload: bytes) -> Any:
    try:
        return decoder.decode(payload)
    except msgspec.DecodeError as error:
        raise InvalidPayload("a customer of another form") from error


__all__ = ["CustomerSink", "CustomerSource", "Customers", "ErasureSink", "PushedSource"]
