"""Many products in one call that is accepted now and carried out later (docs/decisions/0011-bulk.md).

Every row is written down before it goes, with its place; the store's uuid as soon as it is known. Where a process died
between the two, or the answer got lost, the bulk is looked for among the store's own, by the SKUs at their places.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

from crossdock.contract.ledger import BatchState, Handed, Ledger
from crossdock.errors import (
    DeliveryError,
    MappingError,
    Misconfigured,
    OutcomeUnknown,
    Rejected,
    StorageError,
    Temporary,
    UnderWay,
)
from crossdock.magento.answers import clean
from crossdock.magento.client import MagentoClient, segment
from crossdock.magento.mapping.bulk import COMPLETE, ENDED, OPEN, Bulk, Operation, failure, parse_bulk
from crossdock.magento.search import criteria, parse_stamp
from crossdock.magento.settings import ProductSettings
from crossdock.magento.shelf import PRODUCTS
from crossdock.model.base import Record
from crossdock.transport.deadline import remaining
from crossdock.transport.http import refuse_late

T = TypeVar("T")
BULK = "V1/bulk"
TOPIC = "productrepositoryinterface.save"
SOONER = 0.75
SOONEST_S, LATEST_S = 0.5, 60.0  # until an operation under way is looked at again
FIRST_PACE_S = 0.005  # an operation, until it was seen: faster than any store, since too early a look costs least
ROOM_S, MARGIN_S = 20.0, 30.0
SHORTEST_STEP_S, LONGEST_STEP_S = 0.5, 10.0  # between two looks for room: each is a request that the store works on too
PAGE, MOST_PAGES = 100, 200
SLACK = timedelta(minutes=15)  # by which the store's clock may be behind ours


class Parcel(Record, frozen=True, kw_only=True):
    """One entry of a bulk. `content` says what is sent, `detail` what it is told as."""

    key: str
    body: dict[str, Any]
    content: str
    detail: str


class Look(Record, frozen=True, kw_only=True):
    """How a row stands that was handed over.

    `error` is None where the store says that it did it; UnderWay where it has not come to it; any other is its
    failure. `lost`: it never will, nobody can say whether it did.
    """

    error: DeliveryError | None = None
    lost: bool = False


class Bulks:
    """Those of one store, for the one lane that products have: not for many threads at a time."""

    def __init__(
        self,
        client: MagentoClient,
        settings: ProductSettings,
        settling: timedelta,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._settings = settings
        self._settling = settling
        self._clock = clock
        self._wait = wait
        self._ledger: Ledger | None = None
        self._seen: dict[str, tuple[int, datetime]] = {}
        self._pace = FIRST_PACE_S
        self._free_at = clock()  # when the store will have done all of ours, by that pace

    def keep_in(self, ledger: Ledger) -> None:
        """From now on."""
        self._ledger = ledger

    def _kept(self) -> Ledger:
        if self._ledger is None:
            raise Misconfigured("nothing is handed over without a ledger")
        return self._ledger

    def takes(self, rows: int) -> bool:
        """Whether so many products go as a bulk."""
        return self._ledger is not None and 0 < self._settings.bulk_from <= rows

    def noted(self, keys: Sequence[str]) -> Mapping[str, Handed]:
        """What has not ended, by key. Raises Temporary."""
        ledger = self._ledger
        return {} if ledger is None else _written(lambda: ledger.of(keys))

    def close(self, keys: Sequence[str]) -> None:
        """What has. Raises Temporary."""
        ledger = self._ledger
        if ledger is not None and keys:
            _written(lambda: ledger.close(keys))

    def state(self, uuid: str) -> BatchState | None:
        """As the store tells it. Raises DeliveryError."""
        found = self._read(uuid, detailed=False)
        return None if found is None else found.state

    # --- handing over ----------------------------------------------------------------------------------------------

    def send(self, parcels: Sequence[Parcel]) -> list[DeliveryError]:
        """One outcome a row: UnderWay, or why not. Raises DeliveryError where the store accepted none of them."""
        ledger = self._kept()
        self._make_sure_of_room(len(parcels))
        refuse_late()
        batch, now = uuid4().hex, self._clock()
        rows = [
            Handed(key=one.key, batch=batch, place=place, at=now, content=one.content, detail=one.detail)
            for place, one in enumerate(parcels)
        ]
        _written(lambda: ledger.hand_over(rows))
        try:
            answer = self._client.bulk(PRODUCTS, [{"product": one.body} for one in parcels])
        except OutcomeUnknown as error:
            return [error] * len(parcels)
        except DeliveryError:
            self.close([one.key for one in parcels])
            raise
        uuid = answer.get("bulk_uuid") if isinstance(answer, dict) else None
        if not isinstance(uuid, str) or not uuid:
            return [OutcomeUnknown("the store's answer does not name the bulk")] * len(parcels)
        try:
            ledger.accept(batch, uuid)
        except StorageError:  # it is found among the store's bulks
            return [OutcomeUnknown("the store has it, and its uuid could not be written down")] * len(parcels)
        refused = _refused(answer)
        self.close([rows[place].key for place in refused if place < len(rows)])
        self._free_at = max(self._free_at, now) + timedelta(seconds=len(parcels) * self._pace)
        wait = min(LATEST_S, max(SOONEST_S, (self._free_at - now).total_seconds()))
        under_way = UnderWay(f"under way in the store's bulk {uuid}", look_in=wait)
        return [refused.get(place, under_way) for place in range(len(parcels))]

    def _make_sure_of_room(self, rows: int) -> None:
        """Waits a little where there is none; raises UnderWay where there will be none so soon."""
        until, before = time.monotonic() + ROOM_S, (0, 0.0)
        batches = _written(self._kept().batches)
        if sum(one.rows for one in batches) + rows <= self._settings.bulk_ahead:
            return  # whatever has ended of them: no need to ask
        tickets = {one.ticket for one in batches if one.ticket}
        while True:
            ahead, at = sum(self._open(ticket) for ticket in tickets), time.monotonic()
            self._learn(before[0] - ahead, at - before[1])
            too_many = ahead + rows - self._settings.bulk_ahead
            if not ahead or too_many <= 0:
                return
            step = min(LONGEST_STEP_S, max(SHORTEST_STEP_S, too_many * self._pace))
            left = remaining()
            if at + step >= until or (left is not None and left < MARGIN_S):
                raise UnderWay("waits: the store's own queue is full of our products", look_in=self._in(too_many))
            before = ahead, at
            self._wait(step)

    def _learn(self, operations: int, seconds: float) -> None:
        """How long an operation takes, where some have ended."""
        if operations > 0:
            self._pace = (self._pace + seconds / operations) / 2

    def _open(self, ticket: str) -> int:
        count = self._client.get(f"{BULK}/{segment(ticket)}/operation-status/{OPEN}")
        return int(count) if isinstance(count, int | str) and str(count).isdigit() else 0

    def _in(self, operations: int) -> float:
        return min(LATEST_S, max(SOONEST_S, operations * self._pace))

    # --- looking after ---------------------------------------------------------------------------------------------

    def look(self, noted: Mapping[str, Handed], skus: Mapping[str, str]) -> dict[str, Look]:
        """How each stands, by key. `skus` are those of the keys. Raises DeliveryError."""
        by_batch: dict[str, list[Handed]] = {}
        for row in noted.values():
            by_batch.setdefault(row.batch, []).append(row)
        found: dict[str, Look] = {}
        for rows in by_batch.values():
            found |= self._looked(rows, skus)
        return found

    def _looked(self, rows: Sequence[Handed], skus: Mapping[str, str]) -> dict[str, Look]:
        keys = [row.key for row in rows]
        ticket = rows[0].ticket
        found = rows[0].found
        if not ticket:
            settled = rows[0].at + self._settling
            if (left := (settled - self._clock()).total_seconds()) > 0:
                return dict.fromkeys(keys, Look(error=UnderWay("may still be accepted by the store", look_in=left)))
            ticket, found = self._searched(rows, skus), True
        bulk = self._read(ticket, detailed=False) if ticket else None
        if bulk is None:
            return dict.fromkeys(keys, Look(lost=True))
        is_stuck = self._is_stuck(ticket, bulk, rows[0].at)
        again = UnderWay(f"under way in the store's bulk {ticket}", look_in=self._in(bulk.state.open))
        looks = {row.key: self._one(bulk.operations.get(row.place), again, is_stuck=is_stuck) for row in rows}
        if not found:
            return looks
        return {key: one if isinstance(one.error, UnderWay) else Look(lost=True) for key, one in looks.items()}

    def _one(self, operation: Operation | None, again: UnderWay, *, is_stuck: bool) -> Look:
        if operation is None or operation.status not in ENDED:
            return Look(lost=True) if is_stuck else Look(error=again)
        return Look() if operation.status == COMPLETE else Look(error=failure(operation))

    def _is_stuck(self, ticket: str, bulk: Bulk, sent: datetime) -> bool:
        """Whether none of its operations has ended for `bulk_deadline_s`, as far as this process has seen."""
        now = self._clock()
        ended, since = self._seen.get(ticket, (0, sent))
        if not bulk.state.open:
            if self._seen.pop(ticket, None) is None:
                self._pace *= SOONER  # all of it had ended by the first look
            return False
        if ticket not in self._seen or bulk.ended != ended:
            if ended:
                self._learn(bulk.ended - ended, (now - since).total_seconds())
            self._seen[ticket] = (bulk.ended, now)
            return False
        return (now - since).total_seconds() >= self._settings.bulk_deadline_s

    def _read(self, uuid: str, *, detailed: bool) -> Bulk | None:
        answer = self._client.find(f"{BULK}/{segment(uuid)}/{'detailed-status' if detailed else 'status'}")
        try:
            return None if answer is None else parse_bulk(answer.json())
        except MappingError as error:
            raise Temporary("the store tells a bulk in an unknown form") from error

    # --- finding what was lost -------------------------------------------------------------------------------------

    def _searched(self, rows: Sequence[Handed], skus: Mapping[str, str]) -> str:
        """The bulk that holds these SKUs at these places; "" where the store has none."""
        ledger = self._kept()
        known = {one.ticket for one in _written(ledger.batches)}
        for uuid in self._recent(rows[0].at - SLACK):
            if uuid in known:
                continue
            bulk = self._read(uuid, detailed=True)
            if bulk is not None and any(_holds(bulk, row, skus) for row in rows):
                self._found(rows[0].batch, uuid)
                return uuid
        return ""

    def _found(self, batch: str, uuid: str) -> None:
        ledger = self._kept()
        _written(lambda: ledger.accept(batch, uuid, found=True))

    def _recent(self, since: datetime) -> list[str]:
        """Bulks of products that began after then, newest first."""
        found: dict[str, None] = {}
        base = criteria((), sort=("-start_time",), size=PAGE)
        for page in range(1, MOST_PAGES + 1):
            answer = self._client.get(BULK, (*base, ("searchCriteria[currentPage]", str(page))))
            listed = (answer.get("items") if isinstance(answer, dict) else None) or ()
            for row in listed:
                if _began(row) < since:
                    return [*found]
                if TOPIC in str(row.get("topic_name")):
                    found[str(row.get("bulk_uuid"))] = None
            if len(listed) < PAGE:
                break
        return [*found]


def _written(act: Callable[[], T]) -> T:
    """A database that fails is no bug of ours: the rows are tried again."""
    try:
        return act()
    except StorageError as error:
        raise Temporary("what the store has in its queue cannot be read or written down now") from error


def _holds(bulk: Bulk, row: Handed, skus: Mapping[str, str]) -> bool:
    operation = bulk.operations.get(row.place)
    return operation is not None and operation.sku.casefold() == skus[row.key].casefold()


def _began(row: Mapping[str, Any]) -> datetime:
    more = row.get("extension_attributes")
    try:
        return parse_stamp(str(more.get("start_time") if isinstance(more, dict) else row.get("start_time")))
    except ValueError as error:
        raise Temporary("the store tells an operation without its time") from error


def _refused(answer: Mapping[str, Any]) -> dict[int, DeliveryError]:
    """By place, the entries that were not accepted with the others."""
    return {
        one["id"]: Rejected(clean(str(one.get("error_message") or "the store did not accept it")))
        for one in answer.get("request_items") or ()
        if isinstance(one, dict) and isinstance(one.get("id"), int) and one.get("status") == "rejected"
    }


__all__ = ["Bulks", "Look", "Parcel"]
