"""What a connector can do, declared; the conformance suites hold it to that."""

from __future__ import annotations

from enum import StrEnum

from crossdock.model.base import Record


class Evidence(StrEnum):
    """How far a connector was seen to work: against a stand-in, the vendor's test system, or a live one."""

    SIMULATED = "simulated"
    SANDBOX = "sandbox"
    LIVE = "live"


class Pace(Record, frozen=True, kw_only=True):
    """How fast a connection may be used: `rate` in deliveries a second (None: no limit), `burst` saved up."""

    rate: float | None = None
    burst: int = 10
    concurrency: int = 8


class Capabilities(Record, frozen=True, kw_only=True):
    """`dedupes`: the target itself takes one key once. `finds`: a put can be looked up by our key afterwards.

    `settling` is the time in seconds after which a request that we gave up on can no longer take effect: only then does
    a `find` that finds nothing prove absence.
    """

    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    dedupes: frozenset[str] = frozenset()
    finds: frozenset[str] = frozenset()
    batches: dict[str, int] = {}  # flows of states that go many in a call, and how many at most
    settling: float = 30.0
    rereads: bool = True  # a subject can be read afresh; False: what it told by itself is all there will be
    evidence: Evidence = Evidence.SIMULATED
    pace: Pace = Pace()
