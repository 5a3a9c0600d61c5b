"""Customers into a custom ERP: one who is new, what has changed of one, and the wish to be forgotten."""

from __future__ import annotations

from crossdock.contract.message import Receipt
from crossdock.contract.shadow import Shown
from crossdock.erp.rest.answers import as_id, search
from crossdock.erp.rest.changes import followup_receipt
from crossdock.erp.rest.client import RestClient, fill
from crossdock.erp.rest.lookup import Wanted, pick
from crossdock.erp.rest.mapping import build_customer_payload, build_erasure_payload
from crossdock.erp.rest.settings import AnswerSettings, RestSettings
from crossdock.erp.rest.shaping import Build
from crossdock.erp.rest.showing import lasting_of_customer, shown_customer
from crossdock.erp.rest.templates import places_of
from crossdock.errors import Conflict, OutcomeUnknown, Rejected
from crossdock.model.customer import CustomerChange, Erasure
from crossdock.transport.told import decode
from crossdock.transport.wire import HttpResponse


class CustomerSink:
    """POSTs a customer under our key. The ERP knows whom by its own number, our reference, or address and website."""

    def __init__(
        self, client: RestClient, settings: RestSettings, build: Build[CustomerChange] = build_customer_payload
    ) -> None:
        self._client = client
        self._settings = settings
        self._build = build

    def put(self, record: CustomerChange, key: str) -> Receipt:
        """OutcomeUnknown where the answer does not say which customer that is."""
        path = fill(self._settings.paths.customers, **_places(record, key))
        try:
            response = self._client.write(path, self._build(record, key), key)
        except Conflict as conflict:
            found = self.find(record, key) if self._settings.paths.find_customer else None
            if found is None:
                raise Rejected(str(conflict), status=conflict.status) from conflict
            return found
        return _receipt(response, self._settings.answers, record)

    def find(self, record: CustomerChange, key: str) -> Receipt | None:
        """By the key alone."""
        if not self._settings.paths.find_customer:
            raise Rejected("this ERP cannot be asked what it was told of a customer: a person must look")
        answers = self._settings.answers
        data = self._client.look(fill(self._settings.paths.find_customer, **_places(record, key)))
        entry = pick(data, Wanted(key=key, field=answers.key_field), answers)
        number = as_id(search(answers.customer_field, entry)) if entry else ""
        return Receipt(external_id=number or record.number, found=True) if entry else None

    def show(self, record: CustomerChange, key: str) -> Shown | None:
        """The customer as the ERP has it, whoever has put it there; of nothing where it cannot be asked for them."""
        path, body = self._settings.paths.show_customer, self._build(record, key)
        places = {"number": record.number, "id": record.id, "email": record.email, "website": record.website}
        if not path or not all(places[name] for name in places_of(path)):
            return Shown(ours=lasting_of_customer(body), theirs={})
        return shown_customer(self._client.look(fill(path, **places)), record, self._settings.answers, body)


class ErasureSink:
    """POSTs that a customer wishes to be forgotten."""

    def __init__(self, client: RestClient, settings: RestSettings) -> None:
        self._client = client
        self._settings = settings

    def put(self, record: Erasure, key: str) -> Receipt:
        """Any success will do. Raises NotReady where the ERP has no such customer (yet)."""
        if not record.number and "number" in places_of(self._settings.paths.erase):
            raise Rejected("the ERP's number of this customer is not known: a person must see to it")
        path = fill(self._settings.paths.erase, number=record.number, id=record.customer_id, key=key)
        response = self._client.write(path, build_erasure_payload(record, key), key, followup=True)
        return followup_receipt(response, self._settings)

    def find(self, record: Erasure, key: str) -> Receipt | None:  # noqa: ARG002  the port's signature
        """Never: whether it was done is for a person to see."""
        raise Rejected("this ERP cannot be asked whether it has forgotten somebody: a person must look")


def _places(record: CustomerChange, key: str) -> dict[str, str]:
    return {"number": record.number, "id": record.id, "key": key}


def _receipt(response: HttpResponse, answers: AnswerSettings, record: CustomerChange) -> Receipt:
    """Of one whom the ERP knows already its answer need not name the number."""
    data = decode(response.body)
    number = as_id(search(answers.customer_field, data)) or record.number
    if not number:
        raise OutcomeUnknown(f"HTTP {response.status}: the answer names no customer", status=response.status)
    if record.number and number != record.number:
        raise Rejected("the ERP has taken it for another of its customers")
    return Receipt(external_id=number, status=response.status)
