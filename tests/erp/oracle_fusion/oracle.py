"""The stand-in under test, and how its next write is made to go wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from crossdock.conformance.faults import RETRY_AFTER, Fault
from crossdock.contract.lookups import NO_LOOKUPS, Lookups
from crossdock.erp.oracle_fusion.connector import FusionConnector, build
from crossdock.sandbox.erps.oracle_fusion import StandIn
from crossdock.sandbox.faults import NONE, Faults
from crossdock.sandbox.wire import Answer, Asked

HTML = {"Content-Type": "text/html"}
INSTEAD: Mapping[Fault, Answer] = {
    Fault.UNAUTHORIZED: Answer(status=401, raw=b""),
    Fault.LIMITED: Answer(status=429, raw=b"slow down", headers={"Retry-After": f"{RETRY_AFTER:.0f}"}),
    Fault.UNAVAILABLE: Answer(status=503, raw=b"<html>down</html>", headers=HTML),
    Fault.REDIRECT: Answer(status=302, raw=b"", headers={"Location": "https://elsewhere.example"}),
}
AFTER: Mapping[Fault, Answer] = {
    Fault.RESET_AFTER: Answer(reset=True),
    Fault.GARBAGE: Answer(status=201, raw=b"<html>fine</html>", headers=HTML),
    Fault.NAMELESS: Answer(status=201, body={"OrderNumber": None}),
    Fault.ERROR_AFTER: Answer(status=504, raw=b"<html>Gateway Time-out</html>", headers=HTML),
}


@contextmanager
def serving(faults: Faults = NONE) -> Iterator[StandIn]:
    server = StandIn(3, faults)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def connected(server: StandIn, *, lookups: Lookups = NO_LOOKUPS, **more: Any) -> FusionConnector:
    return build("erp", {**server.table(), **more}, lookups=lookups)


def fail_next(server: StandIn, fault: Fault, *, skip: int = 0, also_reads: bool = False) -> bool:
    """The next write, after `skip` others, meets the fault."""
    left = [skip]

    def around(asked: Asked, done: Callable[[], Answer]) -> Answer:
        if asked.path.endswith("/token") or (asked.method == "GET" and not also_reads):
            return done()
        if left[0] > 0:
            left[0] -= 1
            return done()
        server.around = None
        if fault in INSTEAD:
            return INSTEAD[fault]
        if fault is Fault.REFUSED:  # Oracle quotes what it does not like
            words = asked.body.decode()[:3000]
            return Answer(
                status=400, body={"title": "Bad Request", "status": "400", "o:errorDetails": [{"detail": words}]}
            )
        done()
        return AFTER[fault]

    server.around = around
    return True
