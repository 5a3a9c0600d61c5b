"""A NetSuite account over HTTP: token endpoint, record service, SuiteQL, asynchronous jobs."""

from __future__ import annotations

import re
import sqlite3
from collections import deque
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.sandbox.clock import Clock
from crossdock.sandbox.erps.netsuite.login import Door
from crossdock.sandbox.erps.netsuite.records import Records, Values, error
from crossdock.sandbox.erps.netsuite.tables import Tables
from crossdock.sandbox.faults import NONE, Faults, Lottery
from crossdock.sandbox.wire import Answer, Asked

TOKEN = "/services/rest/auth/oauth2/v1/token"  # noqa: S105  an address
SUITEQL = "/services/rest/query/v1/suiteql"
RECORD = re.compile(r"/services/rest/record/v1/(salesOrder|customer)(?:/(eid:[A-Za-z0-9_-]+|\d+))?")
JOB = re.compile(r"/services/rest/async/v1/job/(\d+)(/task/1/result)?")
SKUS = re.compile(r"\bitemid IN \(([^)]*)\)", re.IGNORECASE)
RATES: Mapping[str, Decimal] = {"6": Decimal(22), "7": Decimal(10), "8": Decimal(19), "9": Decimal("8.25")}
CUSTOM = frozenset({"custbody_txn", "custbody_key", "custcol_line_id", "custcol_tax", "custentity_tier"})
DECODER = msgspec.json.Decoder(float_hook=Decimal)
LOGGED = 5000


class Job(msgspec.Struct):
    """`run` does it, once; `made` is what it came to."""

    run: Callable[[], Answer]
    made: Answer | None = None


class Account:
    """`sells_everything`: an item is there as soon as somebody asks for its SKU. `most`: requests at once, 0: any."""

    def __init__(
        self, url: str, clock: Clock, *, seed: int = 1, faults: Faults = NONE, algorithm: str = "ES256"
    ) -> None:
        self.url = url
        self.clock = clock
        self.lottery = Lottery(faults, seed)
        self.door = Door(clock, url, algorithm)
        self.tables = Tables()
        self.records = Records(clock, self.tables, CUSTOM, RATES)
        self.sells_everything = False
        self.jobs: list[Job] = []
        self.jobs_wait = False
        self._keys: dict[str, int] = {}
        self.requests: deque[str] = deque(maxlen=LOGGED)
        # of tests: each is what becomes of one write of `struck`
        self.injected: list[Callable[[Callable[[], Answer]], Answer]] = []
        self.struck = "salesOrder"

    def answer(self, asked: Asked) -> Answer:
        """One request, with what the lottery has in store for it."""
        self.requests.append(f"{asked.method} {asked.target}")
        kind, what = kind_of(asked), f"{asked.method} {asked.path}"
        if (instead := self.lottery.before(kind, what, self.clock(), writes=False)) is not None:
            return instead
        if asked.path == TOKEN:
            return self.lottery.around(kind, what, lambda: self.door.issue(asked))
        if not self.door.knows(asked):
            return error(401, "INVALID_LOGIN", "Invalid login attempt. For more details, see the Login Audit Trail.")
        if kind in {"create", "change"} and self.injected and f"/{self.struck}" in asked.path:
            return self.injected.pop(0)(lambda: self._taken(asked))
        return tidied(self.lottery.around(kind, what, lambda: self._taken(asked)))

    def _taken(self, asked: Asked) -> Answer:
        if asked.path == SUITEQL and asked.method == "POST":
            return self._queried(asked)
        if found := JOB.fullmatch(asked.path):
            return self._result(int(found[1])) if found[2] else self._job(int(found[1]))
        found = RECORD.fullmatch(asked.path)
        if found is None:
            return error(404, "INVALID_URL", f"The resource {asked.path} is not known.")
        record, ident = found[1], found[2] or ""
        if asked.method == "GET":
            return self._got(record, ident, asked)
        if asked.headers.get("prefer") == "respond-async":
            return self._queued(asked, record, ident)
        return self._written(asked, record, ident)

    def _got(self, record: str, ident: str, asked: Asked) -> Answer:
        there = self.records.find(record, ident)
        if there is None:
            return error(
                404, "NONEXISTENT_ID", "The record instance does not exist. Provide a valid record instance ID."
            )
        shown = {name: value for name, value in there.items() if name != "lastLine"}
        if asked.query.get("expandSubResources") != "true" and "item" in shown:
            shown["item"] = {"links": []}
        return Answer(body={"links": [], **given(shown)})

    def _written(self, asked: Asked, record: str, ident: str) -> Answer:
        body: Values = DECODER.decode(asked.body)
        self.records.strict = asked.headers.get("x-netsuite-propertynamevalidation") == "Error"
        self.records.sent.append((asked.method, record, body))
        made = self._effect(asked, record, ident, body)
        if isinstance(made, Answer):
            return made
        return Answer(status=204, raw=b"", headers={"Location": f"{self.url}/services/rest/record/v1/{record}/{made}"})

    def _effect(self, asked: Asked, record: str, ident: str, body: Values) -> Answer | str:
        if asked.method == "PUT" and ident.startswith("eid:"):
            replace = asked.query.get("replace") == "item"
            return self.records.upsert(record, ident.removeprefix("eid:"), body, replace=replace)
        if asked.method == "PATCH" and ident:
            return self.records.patch(record, ident, body)
        if asked.method == "POST" and not ident:
            return self.records.create(record, body)
        return error(405, "METHOD_NOT_ALLOWED", f"{asked.method} is not allowed here.")

    def _queued(self, asked: Asked, record: str, ident: str) -> Answer:
        key = asked.headers.get("x-netsuite-idempotency-key", "")
        if key and key in self._keys:
            refused = error(400, "IDEMPOTENCY_ERROR", "A request with the same idempotency key is already submitted.")
            return msgspec.structs.replace(refused, headers=self._located(self._keys[key]))
        self.jobs.append(Job(run=lambda: self._written(asked, record, ident)))
        if key:
            self._keys[key] = len(self.jobs)
        return Answer(status=202, raw=b"", headers=self._located(len(self.jobs)))

    def _located(self, number: int) -> dict[str, str]:
        return {"Preference-Applied": "respond-async", "Location": f"/services/rest/async/v1/job/{number}"}

    def _job(self, number: int) -> Answer:
        if not 0 < number <= len(self.jobs):
            return error(404, "NONEXISTENT_ID", "There is no such job.")
        job = self.jobs[number - 1]
        if job.made is None and not self.jobs_wait:
            job.made = job.run()
        done = job.made is not None
        progress = "pending" if job.made is None else "succeeded" if job.made.status < 300 else "failed"
        return Answer(body={"links": [], "completed": done, "id": str(number), "progress": progress})

    def _result(self, number: int) -> Answer:
        made = self.jobs[number - 1].made if 0 < number <= len(self.jobs) else None
        return made or error(404, "NONEXISTENT_ID", "There is no such result.")

    def _queried(self, asked: Asked) -> Answer:
        if asked.headers.get("prefer") != "transient":
            return error(400, "INVALID_HEADER", "The required request header 'Prefer' is missing: use transient.")
        sql, limit = str(asked.json().get("q", "")), min(int(asked.query.get("limit", 1000)), 1000)
        offset = int(asked.query.get("offset", 0))
        if self.sells_everything and (found := SKUS.search(sql)):
            self.stock([one.strip().strip("'").replace("''", "'") for one in found[1].split(",")])
        try:
            rows = self.tables.query(sql, limit + 1, offset)
        except sqlite3.Error as wrong:
            return error(400, "INVALID_PARAMETER", f"Invalid search query. Detailed unprocessed description: {wrong}.")
        more, rows = len(rows) > limit, rows[:limit]
        body = {
            "links": [],
            "count": len(rows),
            "hasMore": more,
            "items": rows,
            "offset": offset,
            "totalResults": len(rows),
        }
        return Answer(body=body)

    def stock(self, skus: list[str]) -> dict[str, int]:
        """Items with these SKUs, and their internal ids."""
        found = {}
        for sku in skus:
            there = self.tables.run("SELECT id FROM item WHERE itemid = ?", sku)
            ident = (
                there[0]["id"]
                if there
                else self.tables.run("SELECT coalesce(max(id), 500) + 1 AS id FROM item")[0]["id"]
            )
            if not there:
                self.tables.put("item", id=ident, itemid=sku, displayname=sku, lastmodifieddate=self.stamp())
            found[sku] = int(ident)
        return found

    def stamp(self) -> str:
        """Now, as SuiteQL tells it."""
        return self.clock().strftime("%Y-%m-%d %H:%M:%S")


def given(value: Any) -> Any:
    """As a record gives it back: a reference with its name and links."""
    if isinstance(value, dict):
        named = {"links": [], "refName": f"Name of {value['id']}"} if value.keys() == {"id"} else {}
        return {name: given(inner) for name, inner in value.items()} | named
    return [given(one) for one in value] if isinstance(value, list) else value


def kind_of(asked: Asked) -> str:
    """The class of endpoint, for its faults."""
    if asked.path == TOKEN:
        return "token"
    if asked.method == "GET" or asked.path == SUITEQL:
        return "find"
    return "change" if asked.method == "PATCH" else "create"


def tidied(answer: Answer) -> Answer:
    """A 204 has no body: what is spoilt of one is a 200."""
    if answer.later is not None:
        later = answer.later
        return msgspec.structs.replace(answer, later=lambda: tidied(later()))
    spoilt = answer.status in {202, 204} and answer.raw
    return msgspec.structs.replace(answer, status=200) if spoilt else answer
