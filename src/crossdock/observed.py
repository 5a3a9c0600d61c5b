"""Whoever carries deliveries, observed: a span and the log's context around each attempt, and how long it took."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from structlog.contextvars import bound_contextvars

from crossdock.contract.message import Message
from crossdock.delivery.batches import CarriesBatches
from crossdock.delivery.records import Delivery, Verdict
from crossdock.delivery.worker import Carries
from crossdock.feeds.levels import Feed, FeedState
from crossdock.log import without_emails
from crossdock.storage.watched import Watched
from crossdock.telemetry.meters import Meters
from crossdock.telemetry.spans import Attributes, Role, Span, Tracer
from crossdock.telemetry.traces import id_of, is_root

SHOWN = 20  # of a batch's deliveries, in each line of the log
Took = Callable[[str, str, float], None]  # flow, target, seconds


def watch(watched: Watched, meters: Meters, tracer: Tracer) -> None:
    """What the storage tells of itself is counted, and a trace that began with us gets its root once that is stored."""

    def heard(message: Message, channel: str, outcome: str) -> None:
        meters.heard(message, channel, outcome)
        if outcome == "new" and is_root(message.trace):
            attributes = {
                "crossdock.flow": message.flow,
                "crossdock.connection": message.source,
                "crossdock.subject": without_emails(message.subject),
                "crossdock.channel": channel,
            }
            tracer.root(f"hear {message.flow}", message.trace, attributes)

    def compared(feed: Feed) -> None:
        # one that is held is compared again when a person has decided
        fates = ("changed", "unchanged", "stale", "rejected") if feed.state == FeedState.DONE else ()
        rows = {fate: getattr(feed, fate) for fate in fates}
        meters.compared(feed.flow, feed.target, feed.state, rows)

    watched.group, watched.heard, watched.feed = meters.committed, heard, compared


class Observed:
    """Carries as another does."""

    def __init__(self, carrier: Carries, tracer: Tracer, took: Took) -> None:
        self._carrier = carrier
        self._tracer = tracer
        self._took = took

    def carry(self, delivery: Delivery) -> Verdict | None:
        """One attempt; every line that is logged meanwhile, whoever writes it, says what it is about."""
        began = time.monotonic()
        with self._span(delivery) as span, _bound(delivery, span):
            verdict = self._carrier.carry(delivery)
            _tell(span, verdict)
        self._took(delivery.flow, delivery.target, time.monotonic() - began)
        return verdict

    def _span(self, delivery: Delivery) -> AbstractContextManager[Span]:
        attributes: Attributes = {
            "crossdock.delivery": delivery.id,
            "crossdock.flow": delivery.flow,
            "crossdock.source": delivery.source,
            "crossdock.connection": delivery.target,
            "crossdock.subject": without_emails(delivery.subject),
            "crossdock.reference": without_emails(delivery.reference),
            "crossdock.attempt": delivery.attempts + 1,
            "crossdock.maybe_sent": delivery.maybe_sent,
        }
        return self._tracer.span(f"deliver {delivery.flow}", delivery.message.trace, Role.CONSUMER, attributes)


class ObservedBatches:
    """The same of batches: in the trace of the first row, with links to those of the others."""

    def __init__(self, carrier: CarriesBatches, tracer: Tracer, took: Took) -> None:
        self._carrier = carrier
        self._tracer = tracer
        self._took = took

    def carry(self, batch: Sequence[Delivery]) -> list[tuple[Delivery, Verdict]]:
        """One call."""
        began, first = time.monotonic(), batch[0]
        with self._span(batch) as span, _bound_batch(batch, span):
            settled = self._carrier.carry(batch)
            failed = next((verdict.code for _, verdict in settled if verdict.code), "")
            span.told({"crossdock.settled": len(settled)}, failed=failed)
        self._took(first.flow, first.target, time.monotonic() - began)
        return settled

    def _span(self, batch: Sequence[Delivery]) -> AbstractContextManager[Span]:
        first = batch[0]
        traces = list(dict.fromkeys(one.message.trace for one in batch if one.message.trace))
        attributes: Attributes = {
            "crossdock.flow": first.flow,
            "crossdock.source": first.source,
            "crossdock.connection": first.target,
            "crossdock.lane": first.lane,
            "crossdock.rows": len(batch),
        }
        trace, links = (traces[0], traces[1:]) if traces else ("", [])
        return self._tracer.span(f"deliver {first.flow}", trace, Role.CONSUMER, attributes, links=links)


def _bound(delivery: Delivery, span: Span) -> AbstractContextManager[None]:
    return bound_contextvars(
        delivery=delivery.id,
        subject=delivery.subject,
        flow=delivery.flow,
        connection=delivery.target,
        trace_id=id_of(span.trace),
    )


def _bound_batch(batch: Sequence[Delivery], span: Span) -> AbstractContextManager[None]:
    return bound_contextvars(
        deliveries=[one.id for one in batch[:SHOWN]],
        rows=len(batch),
        lane=batch[0].lane,
        flow=batch[0].flow,
        connection=batch[0].target,
        trace_id=id_of(span.trace),
    )


def _tell(span: Span, verdict: Verdict | None) -> None:
    if verdict is None:
        span.told({"crossdock.state": "lost"}, failed="lease-lost")
    else:
        span.told({"crossdock.state": str(verdict.state), "crossdock.code": verdict.code}, failed=verdict.code)
