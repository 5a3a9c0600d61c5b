"""What goes wrong, how often. Seeded: the same seed draws the same faults in the same order of requests."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path

import msgspec

from crossdock.model.base import Record
from crossdock.sandbox.wire import Answer

HTML = {"Content-Type": "text/html; charset=UTF-8"}
MAINTENANCE = b"<!doctype html><title>Error 503: Service Unavailable</title>"
LOCKED = {"message": "Database lock wait timeout exceeded", "code": 1205}


class Faults(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rates between 0 and 1 a request. "after": the effect has happened, the answer says or shows otherwise."""

    error_before: float = 0.0  # HTTP 500, nothing done
    error_after: float = 0.0  # HTTP 500, done
    reset_before: float = 0.0
    reset_after: float = 0.0
    garbage_after: float = 0.0  # 2xx with HTML, nothing, or half a JSON
    busy: float = 0.0  # 429 with Retry-After
    down: float = 0.0  # 503 in HTML
    locked: float = 0.0  # writes: lock time-out as HTTP 400, as Magento says it
    slow: float = 0.0
    slow_seconds: float = 0.5
    retry_after: int = 1
    lost_webhooks: float = 0.0
    twice_webhooks: float = 0.0


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
    lost_webhooks=0.3,
    twice_webhooks=0.1,
)


def load_faults(path: Path) -> Faults:
    """TOML or JSON. Raises msgspec.ValidationError for an unknown name."""
    text = path.read_text()
    table = msgspec.json.decode(text) if path.suffix == ".json" else tomllib.loads(text)
    return msgspec.convert(table, Faults, strict=False)


class Lottery:
    """Draws what happens to each request."""

    def __init__(self, faults: Faults, seed: int) -> None:
        self.faults = faults
        self._luck = random.Random(seed)
        self.drawn: dict[str, int] = {}

    def happens(self, name: str) -> bool:
        """Whether this fault strikes now; counted."""
        rate: float = getattr(self.faults, name)
        struck = self._luck.random() < rate
        if struck:
            self.drawn[name] = self.drawn.get(name, 0) + 1
        return struck

    def before(self, *, writes: bool) -> Answer | None:
        """An answer instead of the effect."""
        if self.happens("reset_before"):
            return Answer(reset=True)
        if self.happens("error_before"):
            return Answer(status=500, body={"message": "Internal Error. Report ID: webapi-5a4db0x"})
        if self.happens("busy"):
            return Answer(
                status=429, body={"message": "slow down"}, headers={"Retry-After": str(self.faults.retry_after)}
            )
        if self.happens("down"):
            return Answer(status=503, raw=MAINTENANCE, headers=HTML)
        if writes and self.happens("locked"):
            return Answer(status=400, body=LOCKED)
        return None

    def after(self, answer: Answer) -> Answer:
        """What is seen of an effect that has happened."""
        if self.happens("reset_after"):
            return Answer(reset=True)
        if self.happens("error_after"):
            return Answer(status=500, raw=b"<html>oops</html>", headers=HTML)
        if answer.status < 300 and self.happens("garbage_after"):
            kinds = (
                Answer(status=answer.status, raw=b"<html>fine</html>", headers=HTML),
                Answer(status=answer.status, raw=b""),
                Answer(status=answer.status, raw=answer.content()[: len(answer.content()) // 2]),
            )
            return self._luck.choice(kinds)
        return answer
