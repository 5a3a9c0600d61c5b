"""The store's own background work: consumers of its queue, cron, index. REST tells of none: evidence is looked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from crossdock.contract.findings import Check, Finding, counted
from crossdock.magento.client import MagentoClient
from crossdock.magento.mapping.wire import decode, rows, text
from crossdock.magento.reservations import Sold, Topology, sold_of
from crossdock.magento.search import criteria, parse_stamp, where
from crossdock.model.base import Record

CONSUMERS = Check(
    name="magento-consumers",
    title="The consumers of the store's queue run",
    why="Products go as bulks: accepted at once, and carried out only by the consumer async.operations.all.",
    told_as="bulks that no consumer of the store carries out",
)
CRON = Check(
    name="magento-cron",
    title="The store's cron runs",
    why="Cron starts consumers, brings the index up to date and ends unpaid orders; without it the shop grows stale.",
    told_as="orders that the store's cron should have ended",
)
INDEX = Check(
    name="magento-index",
    title="What lies in the sources can be bought",
    why="A shopper sees the index, not the sources: a level that was written counts only once it is indexed.",
)
BULK, OPEN, COMPLETE = "V1/bulk", "4", "1"
SLOW = timedelta(minutes=15)
ENDED_AFTER = timedelta(hours=8)  # Sales > Orders Cron Settings > Pending Payment Order Lifetime (minutes): 480
UNPAID = "pending_payment"
UNPAID_FOR = timedelta(hours=24)
FEW = 5
HOW_CONSUMERS = (
    "bin/magento queue:consumers:start async.operations.all (env.php: cron_consumers_runner; or a supervisor)"
)
HOW_CRON = "bin/magento cron:run; crontab -l; SELECT MAX(executed_at) FROM cron_schedule"
HOW_INDEX = "bin/magento indexer:status; bin/magento indexer:show-mode (Update by Schedule needs cron)"


class Queue(Record, frozen=True, kw_only=True):
    """Operations of bulks. `oldest_open`: since when the oldest one waits; `last_done`: when the newest done began."""

    now: datetime | None
    open: int = 0
    oldest_open: datetime | None = None
    last_done: datetime | None = None


class Unpaid(Record, frozen=True, kw_only=True):
    """Orders that wait for a payment for longer than cron would let them."""

    count: int = 0
    oldest: datetime | None = None


def queue(client: MagentoClient) -> Queue:
    """Raises DeliveryError."""
    answer = client.fetch("GET", BULK, criteria(((where("status", "eq", OPEN),),), sort=("start_time",), size=1))
    waiting = answer.json()
    done = client.get(BULK, criteria(((where("status", "eq", COMPLETE),),), sort=("-start_time",), size=1))
    return Queue(
        now=answer.store_time,
        open=int(waiting.get("total_count") or 0) if isinstance(waiting, dict) else 0,
        oldest_open=_began(waiting),
        last_done=_began(done),
    )


def _began(told: Any) -> datetime | None:
    items = rows(told, "items") if isinstance(told, dict) else []
    stamps = [text(row.get("extension_attributes") or {}, "start_time") for row in items]
    return parse_stamp(stamps[0]) if stamps and stamps[0] else None


def consumers(found: Queue, now: datetime) -> list[Finding]:
    """Pure. Single operations that stay open for ever are Magento's own bug (magento2#28288), no dead consumer."""
    at = found.now or now
    if found.oldest_open is None or at - found.oldest_open <= SLOW:
        if found.last_done is None and not found.open:
            return [CONSUMERS.look_by_hand("nothing was ever sent through the store's queue", HOW_CONSUMERS)]
        return [CONSUMERS.ok(f"{counted(found.open, 'operation')} waiting, none for long")]
    told = f"{counted(found.open, 'operation')} waiting, the oldest since {found.oldest_open:%Y-%m-%d %H:%M} UTC"
    if found.last_done is not None and found.last_done > found.oldest_open:
        mend = (
            "they are read back and sent anew after products.bulk_deadline_s (magento2#28288); look whether they grow"
        )
        return [CONSUMERS.warning(f"{told}, though later ones were carried out", mend)]
    return [CONSUMERS.error(f"{told}, and none after it was carried out", HOW_CONSUMERS)]


def unpaid(client: MagentoClient, now: datetime) -> Unpaid:
    """By the store's index of orders. Raises DeliveryError."""
    groups = ((where("state", "eq", UNPAID),), (where("created_at", "lt", now - UNPAID_FOR),))
    told = client.get(
        "V1/orders", criteria(groups, sort=("created_at",), size=1, fields="items[created_at],total_count")
    )
    found = rows(told, "items") if isinstance(told, dict) else []
    stamps = [text(row, "created_at") for row in found]
    if not stamps:
        return Unpaid()
    return Unpaid(count=int(told.get("total_count") or 0), oldest=parse_stamp(stamps[0]))


def cron(found: Unpaid) -> list[Finding]:
    """Pure: there is evidence against it, never for it."""
    if found.oldest is None:
        return [CRON.look_by_hand("nothing speaks against it, and REST does not tell whether it runs", HOW_CRON)]
    told = f"{counted(found.count, 'order')} waiting for payment, the first since {found.oldest:%Y-%m-%d %H:%M} UTC"
    hours = ENDED_AFTER.total_seconds() / 3600
    return [CRON.warning(f"{told}; cron ends such orders after {hours:.0f} h unless it was set otherwise", HOW_CRON)]


def sold(client: MagentoClient, topology: Topology, place: str, most: int) -> list[Sold]:
    """Of SKUs that this source holds some of, in its stock; ones of which the store does not say are left out."""
    stock = topology.stock_of(place)
    if stock is None:
        return []
    groups = ((where("source_code", "eq", place),), (where("quantity", "gt", "0"),), (where("status", "eq", "1"),))
    held = client.fetch("GET", "V1/inventory/source-items", criteria(groups, sort=("sku",), size=most))
    skus = [text(row, "sku") for row in rows(decode(held.body), "items")]
    found = (sold_of(client, topology, stock, sku) for sku in skus)
    return [one for one in found if one is not None]


def index(found: Sequence[Sold]) -> list[Finding]:
    """Pure. More salable than there is proves an old index; nothing salable of what is there is a hint of one."""
    if not found:
        return [INDEX.look_by_hand("no product that is sold in pieces could be compared", HOW_INDEX)]
    over = [one.sku for one in found if one.salable > one.there]
    none = [one.sku for one in found if one.there > 0 >= one.salable]
    if over:
        told = f"the store sells more than its sources hold of {_named(over)}: its stock index is old"
        return [INDEX.error(told, f"{HOW_INDEX}; bin/magento indexer:reindex inventory")]
    if none and len(none) * 2 >= len(found):
        told = (
            f"of {len(none)} of {len(found)} products nothing can be bought, though sources hold some: {_named(none)}"
        )
        return [INDEX.warning(told, f"all reserved by open orders, stock management off, or not indexed: {HOW_INDEX}")]
    return [INDEX.ok(f"{counted(len(found), 'product')}: what sources hold can be bought, less what is reserved")]


def _named(skus: Sequence[str]) -> str:
    return ", ".join(sorted(skus)[:FEW]) + (f" and {len(skus) - FEW} more" if len(skus) > FEW else "")
