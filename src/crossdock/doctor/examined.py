"""All checks of this Crossdock: here facts are gathered, the modules beside this one decide on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from crossdock.app import Crossdock, needed_secrets, utc_now
from crossdock.contract.connector import Connector, ShowsNewest
from crossdock.contract.findings import Check, Duties, Examination, Examined, Finding
from crossdock.contract.message import Message
from crossdock.delivery.store import DeadFilter
from crossdock.doctor import broker, certificates, database, ends, keys, outbox
from crossdock.doctor.ends import Rehearsed
from crossdock.doctor.outbox import Scheduled
from crossdock.errors import CrossdockError
from crossdock.flows import LOOKS, ORDERS, PRIORITIES
from crossdock.model.order import Order
from crossdock.rehearsal import outcomes
from crossdock.security.envelope import Envelope

CHECKS: tuple[Check, ...] = (
    *database.CHECKS,
    *broker.CHECKS,
    *keys.CHECKS,
    *outbox.CHECKS,
    *ends.CHECKS,
    *certificates.CHECKS,
)
COUNTED = 20_000
WAITING = 100_000
TRIED = 100  # orders: a page that every store gives
OF_LATE = timedelta(minutes=5)
OURS = "crossdock"
Looks = Callable[[], Sequence[Finding]]
Lines = Callable[[], Iterable[Scheduled]]


def examinations(crossdock: Crossdock, lines: Lines) -> list[Examination]:
    """Nothing is looked at yet. `lines` tells how the schedules stand."""
    ours = [*_of_database(crossdock), *_of_keys(crossdock), *_of_outbox(crossdock, lines)]
    found = [Examination(check=check, subject=OURS, look=look) for check, look in ours]
    for name, connector in crossdock.connections.by_name.items():
        found += _of_connection(crossdock, name, connector)
    return found


def _of_database(crossdock: Crossdock) -> Iterator[tuple[Check, Looks]]:
    store, url = crossdock.store, crossdock.settings.broker.url
    yield database.DATABASE, lambda: database.is_kept(store.facts(), utc_now().date())
    yield database.DATABASE_CLOCK, lambda: _clocks(crossdock)
    yield database.DISK, lambda: _room(crossdock)
    if url:
        yield broker.BROKER, lambda: broker.found(crossdock.secrets.url(url, key="broker.url"))


def _clocks(crossdock: Crossdock) -> list[Finding]:
    before = utc_now()
    facts = crossdock.store.facts()
    return database.clocks(facts, before, utc_now())


def _room(crossdock: Crossdock) -> list[Finding]:
    facts = crossdock.store.facts()
    return database.room(facts, database.room_in(facts.folder) if facts.folder else None)


def _of_keys(crossdock: Crossdock) -> Iterator[tuple[Check, Looks]]:
    store = crossdock.store
    yield keys.MASTER_KEY, lambda: keys.master_key(_wrapped(crossdock))
    yield keys.TOKENS, lambda: keys.tokens(store.access.tokens(), utc_now())
    yield keys.SECRETS, lambda: keys.secrets(keys.aged(_own_secrets(crossdock)), utc_now())


def _wrapped(crossdock: Crossdock) -> keys.Wrapped:
    sealer = crossdock.store.sealer
    former = sealer.former if isinstance(sealer, Envelope) else frozenset()
    return keys.Wrapped(current=sealer.head, former=former, counts=crossdock.store.keys_by_head())


def _own_secrets(crossdock: Crossdock) -> list[tuple[str, str]]:
    """All but those of a connection, and but the master key, whose rotation is looked at by itself."""
    return [
        (setting, ref)
        for setting, ref in needed_secrets(crossdock.settings)
        if not setting.startswith(("connections.", "security."))
    ]


def _of_outbox(crossdock: Crossdock, lines: Lines) -> Iterator[tuple[Check, Looks]]:
    store = crossdock.store
    yield outbox.WORKERS, lambda: _workers(crossdock)
    yield outbox.BACKLOG, lambda: outbox.backlog(store.operations.standings(COUNTED), utc_now())
    yield outbox.DEAD_LETTERS, lambda: outbox.dead_letters(store.operations.standings(COUNTED))
    yield outbox.LOOKUPS, lambda: outbox.lookups(_missing_entries(crossdock))
    if crossdock.timetables():
        yield outbox.SCHEDULES, lambda: outbox.schedules(lines())


def _missing_entries(crossdock: Crossdock) -> list[str]:
    return [one.reason for one in crossdock.store.dead(DeadFilter(code=outbox.MISSING, limit=WAITING))]


def _workers(crossdock: Crossdock) -> list[Finding]:
    store, now = crossdock.store, utc_now()
    standings = store.operations.standings(COUNTED)
    delivered = store.operations.rates(now - OF_LATE, now)
    moving = bool(delivered) or any(one.group.state == "leased" for one in standings)
    held = [f"{one.connection}, which is paused" for one in store.paused()]
    held += ["dead letters before it"] if any(one.group.word() == "dead" for one in standings) else []
    due = store.operations.due_since(tuple(crossdock.connections.by_name), PRIORITIES, now)
    return outbox.workers(min(due.values(), default=None), now, held, moving=moving)


def _of_connection(crossdock: Crossdock, name: str, connector: Connector) -> list[Examination]:
    duties = duties_of(crossdock, name)
    table = crossdock.settings.connections[name]
    pairs = [*_of_any(crossdock, name, connector, table), *_of_reading(crossdock, name, connector, duties)]
    own = list(connector.examinations(duties)) if isinstance(connector, Examined) else []
    replaced = {one.check.instead_of for one in own}
    found = [Examination(check=check, subject=name, look=look) for check, look in pairs if check.name not in replaced]
    return found + own


def _of_any(
    crossdock: Crossdock, name: str, connector: Connector, table: Mapping[str, Any]
) -> Iterator[tuple[Check, Looks]]:
    yield ends.CONNECTION, lambda: ends.answers(connector.probe())
    yield ends.CLOCK, lambda: _clock_of(crossdock, name, connector)
    yield ends.PAUSED, lambda: ends.paused(name, crossdock.store.paused())
    references = [pair for pair in needed_secrets(crossdock.settings) if pair[0].startswith(f"connections.{name}.")]
    if references:
        yield keys.SECRETS, lambda: keys.secrets(keys.aged(references), utc_now())
    for address in certificates.addresses(f"connections.{name}", table, str(table.get("ca_file") or "")):
        yield certificates.check_of(address), partial(_at_address, address)


def _clock_of(crossdock: Crossdock, name: str, connector: Connector) -> list[Finding]:
    before = utc_now()
    health, theirs = crossdock.exchanges.clock_of(name, connector.probe)
    return ends.clock(health, theirs, before, utc_now())


def _at_address(address: certificates.Address) -> list[Finding]:
    return certificates.look_at(address, utc_now())


def _of_reading(crossdock: Crossdock, name: str, connector: Connector, duties: Duties) -> Iterator[tuple[Check, Looks]]:
    yield ends.READING, lambda: ends.reading(ends.questions(connector, duties))
    if ORDERS.name in duties.gives:
        yield ends.MAPPING, lambda: ends.mapping(_rehearsed(crossdock, name, connector))


def duties_of(crossdock: Crossdock, name: str) -> Duties:
    """By the routes of the settings."""
    every = [route for other in crossdock.connections.by_name for route in crossdock.connections.routes(other)]
    return Duties(
        out=tuple(route for route in every if route.source == name),
        into=tuple(route for route in every if route.target == name),
    )


def _rehearsed(crossdock: Crossdock, name: str, connector: Connector) -> list[Rehearsed]:
    found: list[Rehearsed] = []
    for message in _newest(crossdock, name, connector):
        number = message.reference or message.subject
        try:
            order = crossdock.connections.source(name, LOOKS).parse(message).order
        except CrossdockError as error:
            stopped = f"{error.code}: {error}"
            found += [Rehearsed(order=number, target=target, stopped=stopped) for target in _takers(crossdock, name)]
            continue
        found += _tried(crossdock, name, order)
    return found


def _newest(crossdock: Crossdock, name: str, connector: Connector) -> Sequence[Message]:
    """As the store has them; where it cannot be read, as they were last told."""
    if isinstance(connector, ShowsNewest) and connector.capabilities.rereads:
        return connector.newest(TRIED)
    return [message for message in crossdock.store.newest(LOOKS.name, TRIED) if message.source == name]


def _takers(crossdock: Crossdock, name: str) -> list[str]:
    return [route.target for route in crossdock.connections.routes(name) if ORDERS.name in route.flows]


def _tried(crossdock: Crossdock, name: str, order: Order) -> list[Rehearsed]:
    by_name = crossdock.connections.by_name

    def preview(target: str, told: Order) -> Mapping[str, Any]:
        return by_name[target].preview(ORDERS, told)

    told = outcomes(order, crossdock.connections.routes(name), preview)
    return [
        Rehearsed(order=order.number, target=target, stopped="" if sent.expected else sent.waits)
        for target, sent in told.items()
    ]
