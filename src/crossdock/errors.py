"""Every error that Crossdock raises, ordered by what must happen next.

    CrossdockError
    ├── ConfigurationError      refuse to start: every problem at once, with its file and key
    ├── MessageError            the data is wrong; trying again changes nothing
    │   ├── SignatureError      nobody we know has signed this: 401, counted, never recorded
    │   ├── InvalidPayload      not what its kind of message looks like
    │   └── MappingError        a field that we cannot carry across: (field, reason)
    │       └── MissingEntry    a lookup table has no entry for a value: adding it lets what waited go on
    ├── DeliveryError
    │   ├── Temporary           later, by itself
    │   │   ├── Unreachable     nothing was sent
    │   │   ├── RateLimited     the target says when (retry_after)
    │   │   └── NotReady        what it refers to is not there yet
    │   ├── UnderWay            the target has it in a queue of its own: look again, costs no attempt
    │   ├── OutcomeUnknown      sent, no answer that we can read: find before put
    │   ├── Rejected            the target says no: a dead letter
    │   │   └── NotOpen         its order does not take it as it stands: tried again once the order has changed
    │   ├── Conflict            the target has something else under this reference: find decides
    │   ├── Misconfigured       pauses the connection (redirect, wrong path, TLS)
    │   └── Unauthorized        pauses the connection, costs no attempt
    ├── BrokerDown              nobody is told that something is due; it is found in the tables
    └── StorageError
        ├── Unreadable          what was kept does not open: a dead letter, which holds up nobody else
        └── LeaseLost           another worker holds the delivery now: drop what we know, it will be found

Texts never carry a secret nor a person's name, e-mail, phone or address: they are stored, logged and shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class CrossdockError(Exception):
    """The root. `code` is stable: dashboards, alerts and the runbook are keyed by it."""

    code: ClassVar[str] = "crossdock"


class ConfigurationError(CrossdockError):
    """Settings that cannot be run. `problems` lists all of them, each with the key that is wrong."""

    code = "configuration"

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class MessageError(CrossdockError):
    """The data itself is wrong."""

    code = "message"


class SignatureError(MessageError):
    """A signature, its time stamp or its secret does not hold."""

    code = "signature"


class InvalidPayload(MessageError):
    """A body that is not what its kind of message looks like."""

    code = "invalid-payload"


class MappingError(MessageError):
    """A field that cannot be carried across. `field` is its path, `reason` is without personal data."""

    code = "mapping"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class MissingEntry(MappingError):
    """`lookups.TABLE` has nothing for `value`. A person adds the entry; what waits on it is tried again then."""

    code = "lookup-missing"

    def __init__(self, table: str, value: str) -> None:
        super().__init__(f"lookups.{table}", f"has no entry for {value!r}")
        self.table = table
        self.value = value


class DeliveryError(CrossdockError):
    """What an attempt at a target came to. `status` is the HTTP status, where there was one."""

    code = "delivery"

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Temporary(DeliveryError):
    """It will pass: tried again with growing pauses."""

    code = "temporary"


class Unreachable(Temporary):
    """No connection: nothing was sent."""

    code = "unreachable"


class RateLimited(Temporary):
    """The target asks for a pause of `retry_after` seconds (None: it did not say how long)."""

    code = "rate-limited"

    def __init__(self, message: str, *, retry_after: float | None = None, status: int | None = 429) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after


class NotReady(Temporary):
    """What this refers to is not there yet."""

    code = "not-ready"


class UnderWay(DeliveryError):
    """The target will do it later, or has no room for it yet: look again in `look_in` seconds. No failure."""

    code = "under-way"

    def __init__(self, message: str, *, look_in: float) -> None:
        super().__init__(message)
        self.look_in = look_in


class OutcomeUnknown(DeliveryError):
    """Sent, but no answer that tells whether it was done. Never resent before a `find`."""

    code = "outcome-unknown"


class Rejected(DeliveryError):
    """The target understood and says no: a dead letter for the business."""

    code = "rejected"


class NotOpen(Rejected):
    """What it is done to does not take it as it stands: a dead letter, tried again once that has changed."""

    code = "not-open"


class Conflict(DeliveryError):
    """The target holds something under this reference already."""

    code = "conflict"


class Misconfigured(DeliveryError):
    """Our settings for this target are wrong: its connection is paused."""

    code = "misconfigured"


class Unauthorized(DeliveryError):
    """The target does not accept our login: its connection is paused, no attempt is counted."""

    code = "unauthorized"


class NotThere(CrossdockError):
    """What was asked for does not exist."""

    code = "not-there"


class NotNow(CrossdockError):
    """It cannot be done to this thing as it stands: it was decided already, or is busy."""

    code = "not-now"


class BrokerDown(CrossdockError):
    """The broker did not take an announcement. Nothing is lost by it: the tables know what is due."""

    code = "broker-down"


class StorageError(CrossdockError):
    """The database did not do what was asked."""

    code = "storage"


class Unreadable(StorageError):
    """What was kept does not open: it was changed, moved, or sealed under another key."""

    code = "unreadable"


class Stale(StorageError):
    """What was to be changed was changed by another meanwhile; nothing was written."""

    code = "stale"


class LeaseLost(StorageError):
    """The delivery's lease went to another worker meanwhile; nothing was written."""

    code = "lease-lost"
