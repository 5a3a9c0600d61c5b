"""What goes wrong, how often. Seeded: the same seed draws the same faults for the same requests."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import format_datetime
from hashlib import blake2b
from pathlib import Path

import msgspec

from crossdock.model.base import Record
from crossdock.sandbox.house import PLAIN, House
from crossdock.sandbox.wire import Answer

HTML = {"Content-Type": "text/html; charset=UTF-8"}
MAINTENANCE = b"<!doctype html><title>Error 503: Service Unavailable</title>"
LOCKED = {"message": "Database lock wait timeout exceeded", "code": 1205}
NOT_SAVED = {"message": "Could not save Source Item"}  # of source items; the same as for an unknown source
DEADLOCK = {"message": "Database deadlock found when trying to get lock", "code": 1213}
BIGGEST = float(2**64)


def lock_time_out(what: str) -> Answer:
    """As recorded of products and of source items: HTTP 400, and what is said depends on what was to be saved."""
    return Answer(status=400, body=NOT_SAVED if "inventory/source-items" in what else LOCKED)


class Bugs(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Magento's bugs, each with its switch; all off. docs/sandbox.md names the public thread of each."""

    last_page_repeats: bool = False  # past the end comes the last page, again and again
    pages_from_zero: bool = False  # page 0 is the first one, 1 the second
    unstable_order: bool = False  # rows that sort alike come in another order for each page
    total_off_by: int = 0  # total_count is wrong by this
    updated_at_stays: bool = False  # changes do not move updated_at
    poison_ids: tuple[int, ...] = ()  # a list with one of these orders answers 500; each can be read by itself
    poison_every: int = 0  # the same for every n-th entity_id
    late_commits: float = 0.0  # so many orders become visible later, with their old times
    late_commit_s: float = 2.0
    stamps_behind_s: float = 0.0  # created_at, updated_at come from another clock than the Date header
    deadlock_above: int = 0  # more writes than this at once: a deadlock for the last one. Needs latency_s
    nonce_deadlock_above: int = 0  # more OAuth-signed calls than this within a second: a deadlock on their nonces
    source_items_collide: bool = False  # of parallel saves of source items all but the first fail. Needs latency_s
    address_edits_unseen: bool = False  # a customer whose address alone changes keeps its updated_at
    documents_race: bool = False  # parallel invoices, shipments, refunds of one order all succeed. Needs latency_s
    refund_unchecked: bool = False  # more can be refunded than was paid
    invisible_at_first_s: float = 0.0  # the webhook comes before the commit: no order can be read for so long
    silent_saves: bool = False  # no false created and paid after a narrow save, unlike the real Async Events module
    bulk_stays_open: bool = False  # an asynchronous call is carried out, yet its operation stays open for ever
    bulk_never_starts: bool = False  # an asynchronous call is accepted and never carried out
    bulk_told_failed: bool = False  # an asynchronous call is told to have failed while it is still running
    bulk_lost_every: int = 0  # every n-th operation is never carried out: its consumer died with it
    bulk_retriable_every: int = 0  # every n-th operation fails "retriably" (status 2), with nothing done


class Faults(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rates between 0 and 1 a request. "after": the effect has happened, the answer says or shows otherwise.

    `classes` gives other rates to one class of endpoints, e.g. {"create": {"reset_after": 0.5}}. The store's classes
    are list, read, write, comment, move, document, token and hook; the ERP's are create, find and change. `reads` and
    `writes` stand for several of them, where a class has no rate of its own.
    """

    error_before: float = 0.0  # HTTP 500, nothing done
    error_after: float = 0.0  # HTTP 500, done
    reset_before: float = 0.0
    reset_after: float = 0.0
    garbage_after: float = 0.0  # 2xx with HTML, nothing, or half a JSON
    cut_after: float = 0.0  # the connection ends in the middle of the answer
    busy: float = 0.0  # 429 with Retry-After
    down: float = 0.0  # 503 in HTML
    locked: float = 0.0  # writes: lock time-out as HTTP 400, as Magento says it
    slow: float = 0.0  # done at once, answered after slow_seconds
    late: float = 0.0  # done and answered only after slow_seconds, even where the client has gone
    answered_twice: float = 0.0  # the same answer two times on one connection
    carried_out_twice: float = 0.0  # a proxy in between sends the request again; without dedupe that is a double
    slow_seconds: float = 0.5
    latency_s: float = 0.0  # every request takes so long
    retry_after: int = 1
    retry_after_as_date: bool = False
    lost_webhooks: float = 0.0
    twice_webhooks: float = 0.0
    late_webhooks: float = 0.0  # held back for late_webhook_s, so that others overtake
    late_webhook_s: float = 0.5
    webhook_retry_scale: float = 0.02  # of the real pauses of 1, 4, 9, 16 and 25 s
    webhook_deadline_s: float = 15.0
    bulk_per_s: float = 0.0  # operations that one consumer carries out in a second, one after the other; 0: all at once
    bulk_s: float = 0.2  # until an asynchronous call is carried out; a real store's consumer looks every 5 s
    classes: dict[str, dict[str, float]] = {}
    bugs: Bugs = Bugs()
    house: House = PLAIN

    def __post_init__(self) -> None:
        if set(self.classes) - CLASSES:
            raise ValueError(f"classes are {', '.join(sorted(CLASSES))}")
        tables = [{name: getattr(self, name) for name in RATES}, *self.classes.values()]
        if unknown := {name for rates in tables for name in rates} - set(RATES):
            raise ValueError(f"{', '.join(sorted(unknown))}: no rate of a class")
        if wrong := [name for rates in tables for name, rate in rates.items() if not 0 <= rate <= 1]:
            raise ValueError(f"{', '.join(wrong)}: a rate is a number from 0 to 1")

    def rate(self, name: str, kind: str) -> float:
        """How often this happens to this class of endpoints."""
        for one in (kind, GROUPS.get(kind, "")):
            if name in self.classes.get(one, ()):
                return self.classes[one][name]
        plain: float = getattr(self, name)
        return plain


GROUPS = {
    "list": "reads",
    "read": "reads",
    "find": "reads",
    "write": "writes",
    "comment": "writes",
    "move": "writes",
    "document": "writes",
    "create": "writes",
    "change": "writes",
}
CLASSES = frozenset(["token", "hook", *GROUPS, *GROUPS.values()])
RATES = (
    "error_before",
    "error_after",
    "reset_before",
    "reset_after",
    "garbage_after",
    "cut_after",
    "busy",
    "down",
    "locked",
    "slow",
    "late",
    "answered_twice",
    "carried_out_twice",
    "lost_webhooks",
    "twice_webhooks",
    "late_webhooks",
)
NONE = Faults()
STORM = Faults(
    error_before=0.02,
    error_after=0.03,
    reset_before=0.02,
    reset_after=0.03,
    garbage_after=0.02,
    busy=0.02,
    down=0.02,
    locked=0.03,
    slow=0.02,
    slow_seconds=0.2,
    cut_after=0.01,
    late=0.01,
    answered_twice=0.02,
    lost_webhooks=0.3,
    twice_webhooks=0.1,
    late_webhooks=0.1,
    bugs=Bugs(
        last_page_repeats=True,
        unstable_order=True,
        total_off_by=-1,
        poison_ids=(23,),
        late_commits=0.1,
    ),
)


def load_faults(path: Path) -> Faults:
    """TOML or JSON. Raises msgspec.ValidationError for an unknown name."""
    text = path.read_text(encoding="utf-8")
    table = msgspec.json.decode(text) if path.suffix == ".json" else tomllib.loads(text)
    return msgspec.convert(table, Faults, strict=False)


class Lottery:
    """Draws what happens to each request. `faults` may be exchanged at any time; `drawn` counts what struck.

    The n-th request of one kind to one address draws the same in every run, whatever else goes on meanwhile.
    """

    def __init__(self, faults: Faults, seed: int) -> None:
        self.faults = faults
        self._seed = seed
        self._seen: dict[tuple[str, str], int] = {}
        self.drawn: dict[str, int] = {}

    def happens(self, name: str, kind: str = "", what: str = "") -> bool:
        """Whether this fault strikes now; counted."""
        rate = self.faults.rate(name, kind)
        struck = rate > 0 and self._draw(name, what) < rate
        if struck:
            self.count(name)
        return struck

    def draw_bug(self, name: str, what: str) -> bool:
        """Whether a bug with a rate strikes now; counted."""
        rate: float = getattr(self.faults.bugs, name)
        struck = rate > 0 and self._draw(name, what) < rate
        if struck:
            self.count(name)
        return struck

    def count(self, name: str) -> None:
        """It struck."""
        self.drawn[name] = self.drawn.get(name, 0) + 1

    def before(self, kind: str, what: str, now: datetime, *, writes: bool) -> Answer | None:
        """An answer instead of the effect."""
        if self.happens("reset_before", kind, what):
            return Answer(reset=True)
        if self.happens("error_before", kind, what):
            return Answer(status=500, body={"message": "Internal Error. Report ID: webapi-5a4db0x"})
        if self.happens("busy", kind, what):
            return Answer(status=429, body={"message": "slow down"}, headers={"Retry-After": self._retry_after(now)})
        if self.happens("down", kind, what):
            return Answer(status=503, raw=MAINTENANCE, headers=HTML)
        if writes and self.happens("locked", kind, what):
            return lock_time_out(what)
        return None

    def around(self, kind: str, what: str, effect: Callable[[], Answer]) -> Answer:
        """What is seen of an effect, which happens now, twice, or later."""
        if self.happens("carried_out_twice", kind, what):
            effect()
        if self.happens("late", kind, what):
            return Answer(delay=self.faults.slow_seconds, later=lambda: self.after(kind, what, effect()))
        answer = self.after(kind, what, effect())
        if self.happens("slow", kind, what):
            return msgspec.structs.replace(answer, delay=self.faults.slow_seconds)
        return answer

    def after(self, kind: str, what: str, answer: Answer) -> Answer:
        """What is seen of an effect that has happened."""
        if self.happens("reset_after", kind, what):
            return Answer(reset=True)
        if self.happens("error_after", kind, what):
            return Answer(status=500, raw=b"<html>oops</html>", headers=HTML)
        if answer.status < 300 and self.happens("garbage_after", kind, what):
            return self._garbage(answer, what)
        if self.happens("cut_after", kind, what):
            return msgspec.structs.replace(answer, cut=True)
        if self.happens("answered_twice", kind, what):
            return msgspec.structs.replace(answer, twice=True)
        return answer

    def _garbage(self, answer: Answer, what: str) -> Answer:
        content = answer.content()
        kinds = (
            Answer(status=answer.status, raw=b"<html>fine</html>", headers=HTML),
            Answer(status=answer.status, raw=b""),
            Answer(status=answer.status, raw=content[: len(content) // 2]),
        )
        return kinds[int(self._draw("which", what) * 3)]

    def _retry_after(self, now: datetime) -> str:
        if not self.faults.retry_after_as_date:
            return str(self.faults.retry_after)
        return format_datetime(now + timedelta(seconds=self.faults.retry_after), usegmt=True)

    def _draw(self, name: str, what: str) -> float:
        nth = self._seen[name, what] = self._seen.get((name, what), 0) + 1
        digest = blake2b(f"{self._seed} {name} {what} {nth}".encode(), digest_size=8).digest()
        return int.from_bytes(digest) / BIGGEST
