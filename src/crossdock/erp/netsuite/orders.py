"""Orders into NetSuite.

One sales order an order, under its external id: unique among all transactions of the account. It is looked for before
anything is sent; a PUT is sent only where NetSuite has said that there is none. What a second PUT would do (a first one
that is still under way somewhere) is replace the lines by the same lines (`replace=item`), never add them again.

Who holds the lock: Crossdock's own lane lets one worker at a time put one order; NetSuite's external id stands behind
that.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import msgspec

from crossdock.contract.message import Receipt
from crossdock.contract.shadow import Shown
from crossdock.erp.netsuite.client import ENCODER, NetsuiteClient
from crossdock.erp.netsuite.directory import Directory
from crossdock.erp.netsuite.entities import Entities
from crossdock.erp.netsuite.mapping.amounts import Line, expected, lines_of, predict
from crossdock.erp.netsuite.mapping.orders import (
    Ids,
    SalesOrder,
    Values,
    build_order,
    external_id,
    key_in,
    links_of,
    parse_order,
)
from crossdock.erp.netsuite.mapping.suiteql import among
from crossdock.erp.netsuite.settings import NetsuiteSettings
from crossdock.erp.netsuite.showing import shown
from crossdock.erp.netsuite.there import SALES_ORDER, look
from crossdock.errors import Conflict, OutcomeUnknown, Rejected, Temporary, UnderWay
from crossdock.flows.parts import difference
from crossdock.flows.personal import people_in
from crossdock.model.order import Order

ITEM = "item"
SPACE = uuid.UUID("6f1d0c52-6f0a-5f5e-9a57-0b6f3a0f9d11")  # of our idempotency keys


class OrderSink:
    """Finds or makes the customer, makes the sales order, proves its sums."""

    count_at_once = 100

    def __init__(
        self, client: NetsuiteClient, directory: Directory, entities: Entities, settings: NetsuiteSettings
    ) -> None:
        self._client = client
        self._directory = directory
        self._entities = entities
        self._settings = settings

    def put(self, order: Order, key: str) -> Receipt:
        """The sales order, once. Raises Rejected where its sums would not be, or are not, the order's."""
        client = self._client.about(people_in(order))
        lines = self._proven(order)
        external = external_id(order.number, self._settings)
        if (there := self._read(client, external)) is not None:
            return self._receipt(self._ours(there, key, external), order, lines, found=True)
        ids = self._directory.ids(client, order, lines)
        entity = self._entities.customer(client, order, ids.subsidiary)
        self._send(client, external, self._build(order, key, lines, ids, entity), key)
        return self._receipt(self._made(client, external, key), order, lines, found=False)

    def find(self, order: Order, key: str) -> Receipt | None:
        """The sales order made under this key. Raises Rejected where its sums are not the order's."""
        client = self._client.about(people_in(order))
        external = external_id(order.number, self._settings)
        there = self._read(client, external)
        if there is None or there.key != key:
            return None
        return self._receipt(there, order, lines_of(order, self._settings.taxes.mode), found=True)

    def show(self, order: Order, key: str) -> Shown | None:
        """The sales order of this number, whoever has made it. Raises Rejected where ours would not be sent."""
        client = self._client.about(people_in(order))
        there = look(client, order.number, self._settings)
        if there is None:
            return None
        lines = self._proven(order)
        ids = self._directory.ids(client, order, lines)
        values = self._build(order, key, lines, ids, self._entities.expected(client, order))
        return shown(values, expected(order, self._settings.taxes.mode), there, self._settings)

    def count(self, order: Order, key: str) -> int:
        """How many sales orders there are of this key."""
        return self.count_many([(order, key)])[0]

    def count_many(self, rows: Sequence[tuple[Order, str]]) -> list[int]:
        """The same of each, in one query by external ids."""
        field = self._settings.custom.key
        externals = [external_id(order.number, self._settings) for order, _ in rows]
        found = self._client.query(
            f"SELECT id, {field} FROM transaction WHERE type = 'SalesOrd' AND {among('externalid', externals)}"  # noqa: S608  quoted by `among`
        )
        keys = [key_in(row, self._settings) for row in found]
        return [keys.count(key) for _, key in rows]

    def _proven(self, order: Order) -> tuple[Line, ...]:
        mode = self._settings.taxes.mode
        lines = lines_of(order, mode)
        if told := difference(predict(lines, mode), expected(order, mode)):
            raise Rejected(f"the sales order would not come to the order's sums: {told}")
        return lines

    def _build(self, order: Order, key: str, lines: Sequence[Line], ids: Ids, entity: str) -> Values:
        return build_order(order, key, lines, msgspec.structs.replace(ids, entity=entity), self._settings)

    def _send(self, client: NetsuiteClient, external: str, values: Values, key: str) -> None:
        """A refusal of a second one is a success where the first one is there: whose it is, is looked at next."""
        try:
            self._sent(client, external, values, key)
        except Conflict:
            if self._read(client, external) is None:
                raise

    def _sent(self, client: NetsuiteClient, external: str, values: Values, key: str) -> None:
        if self._settings.write == "upsert":
            client.put(SALES_ORDER, external, values, replace=ITEM)
        elif self._settings.write == "create":
            client.create(SALES_ORDER, {"externalId": external, **values})
        else:
            self._enqueue(client, external, values, key)

    def _enqueue(self, client: NetsuiteClient, external: str, values: Values, key: str) -> None:
        """One job for one content: a corrected order is another one, and is not told of the old one's failure."""
        name = str(uuid.uuid5(SPACE, f"{key} {ENCODER.encode(values).decode()}"))
        job = client.enqueue(SALES_ORDER, external, values, name, replace=ITEM)
        if job.completed and job.progress != "succeeded":
            raise Rejected(f"job {job.number} has {job.progress}: {client.job_reason(job)}")
        if not job.completed:
            raise UnderWay(f"job {job.number} is {job.progress or 'taken'}", look_in=self._settings.job_poll_s)

    def _made(self, client: NetsuiteClient, external: str, key: str) -> SalesOrder:
        """Read after it was made; whatever happens now, it may be there."""
        try:
            there = self._read(client, external)
        except Temporary as error:
            raise OutcomeUnknown(f"made, but not read again: {error}", status=error.status) from error
        if there is None:
            raise OutcomeUnknown("made, but NetSuite does not find it yet")
        return self._ours(there, key, external)

    def _read(self, client: NetsuiteClient, external: str) -> SalesOrder | None:
        found = client.get(SALES_ORDER, f"eid:{external}")
        return None if found is None else parse_order(found, self._settings)

    def _ours(self, there: SalesOrder, key: str, external: str) -> SalesOrder:
        if there.key == key:
            return there
        whose = "another" if there.key else "no"
        raise Conflict(
            f"sales order {there.id} has the external id {external}, with {whose} key: set external_id_prefix"
        )

    def _receipt(self, there: SalesOrder, order: Order, lines: Sequence[Line], *, found: bool) -> Receipt:
        if told := difference(there.sums, expected(order, self._settings.taxes.mode)):
            raise Rejected(
                f"sales order {there.id} is in NetSuite with other sums: {told}; correct it there and replay"
            )
        links = links_of(there, lines, self._settings)
        return Receipt(external_id=there.id, number=there.number, found=found, links=links, detail=there.status)
