"""The stand-in's rows: read by queries, made by deep inserts, changed under their ETag."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from crossdock.sandbox.erps.sap_s4.fields import SETS, EntitySet
from crossdock.sandbox.odata_filters import Unreadable, comparable, parse_filter

Row = dict[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIME = re.compile(r"/Date\(-?\d+([+-]\d{4})?\)/")
PAGE = 1000  # rows that the server gives at a time, whatever was asked for
Query = Mapping[str, str]


class Refused(Exception):
    """An answer other than a success."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def stamp(moment: datetime) -> str:
    """A time as JSON has it."""
    return f"/Date({(moment - EPOCH) // timedelta(milliseconds=1)})/"


class Tables:
    """All rows, by entity set. `made` is told of each row that a client makes, whole with what is below it."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.rows: dict[str, list[Row]] = {name: [] for name in SETS}
        self.rules: dict[str, Callable[[Row], None]] = {}
        self.page = PAGE
        self.next_address = 20000

    def put(self, name: str, row: Row, at: datetime | None = None) -> None:
        """As a person in SAP would: in the place of the row with the same key, changed now or at that time."""
        kind = SETS[name]
        full: Row = dict.fromkeys(kind.fields) | row
        self._touch(name, full, at)
        kept = [one for one in self.rows[name] if not _same(one, full, kind.keys)]
        self.rows[name] = [*kept, full]

    def create(self, name: str, body: Row) -> Row:
        """A deep insert. Raises Refused, with nothing done."""
        kind = SETS[name]
        if not kind.creatable:
            raise Refused(405, "/IWFND/CM_MGW/096", f"{name} is not creatable")
        _check(name, body)
        whole = copy.deepcopy(body)
        if rule := self.rules.get(name):
            rule(whole)
        keys = {key: whole.get(key) for key in kind.keys}
        if any(_same(one, keys, kind.keys) for one in self.rows[name]):
            raise Refused(400, "V1/397", f"{name} {'/'.join(map(str, keys.values()))} is there already")
        self._store(name, whole)
        return self._found(name, whole)

    def change(self, name: str, keys: Mapping[str, str], body: Row, etag: str) -> None:
        """A PATCH. Raises Refused."""
        row, kind = self._row(name, keys), SETS[name]
        if kind.etag and not etag:
            raise Refused(428, "/IWBEP/CM_MGW_RT/021", "Precondition required")
        if kind.etag and etag not in {self.etag(name, row), "*"}:
            raise Refused(412, "/IWBEP/CM_MGW_RT/020", "Precondition failed")
        _check(name, body, change=True)
        row |= _kept(name, body)
        self._touch(name, row)

    def one(self, name: str, keys: Mapping[str, str], query: Query) -> Row:
        """By its key. Raises Refused."""
        return self._told(name, self._row(name, keys), query.get("$expand", ""), query.get("$select", ""))

    def some(self, name: str, query: Query) -> tuple[list[Row], bool]:
        """Rows, and whether there are more than the server gives at a time. Raises Refused."""
        kind = SETS[name]
        try:
            test = parse_filter(query["$filter"], kind.fields) if "$filter" in query else None
        except (Unreadable, ValueError) as error:
            raise Refused(400, "005056A509B11EE1B9A8FEC11C21D78E", f"Invalid filter: {error}") from error
        found = [row for row in self.rows[name] if test is None or test(row)]
        found = _sorted(found, query.get("$orderby", ""), kind)
        most = int(query.get("$top", len(found)))
        shown = found[: min(most, self.page)]
        told = [self._told(name, row, query.get("$expand", ""), query.get("$select", "")) for row in shown]
        return told, len(shown) < min(most, len(found))

    def etag(self, name: str, row: Row) -> str:
        """Of the row as it is now."""
        return f"W/\"datetimeoffset'{row.get('LastChangeDateTime') or row.get('ETag')}'\"" if SETS[name].etag else ""

    def delete(self, name: str, keys: Mapping[str, str]) -> None:
        """One row. Raises Refused."""
        row = self._row(name, keys)
        self.rows[name] = [one for one in self.rows[name] if one is not row]

    def _touch(self, name: str, row: Row, at: datetime | None = None) -> None:
        now = at or self._clock()
        row |= {field: stamp(now) for field in ("LastChangeDateTime",) if field in SETS[name].fields}
        if "ETag" in SETS[name].fields:
            row |= {"ETag": f"{now:%Y%m%d%H%M%S%f}", "LastChangeDate": stamp(_midnight(now))}
            row["LastChangeTime"] = f"PT{now:%H}H{now:%M}M{now:%S}S"

    def _store(self, name: str, whole: Row) -> None:
        kind = SETS[name]
        below = {nav: whole.pop(nav) for nav in [*kind.navs] if nav in whole}
        row: Row = dict.fromkeys(kind.fields) | _kept(name, whole)
        self._touch(name, row)
        self.rows[name].append(row)
        for nav, rows in below.items():
            for one in _results(rows):
                self._store(kind.navs[nav], one)

    def _row(self, name: str, keys: Mapping[str, str]) -> Row:
        for row in self.rows[name]:
            if all(str(row.get(key) or "") == value for key, value in keys.items()):
                return row
        raise Refused(404, "/IWBEP/CM_MGW_RT/020", "Resource not found for the segment")

    def _found(self, name: str, whole: Row) -> Row:
        return self.one(name, {key: str(whole[key]) for key in SETS[name].keys}, {})

    def _told(self, name: str, row: Row, expand: str, select: str) -> Row:
        kind = SETS[name]
        paths = [path.split("/") for path in expand.split(",") if path]
        for path in paths:
            if path[0] not in kind.navs:
                raise Refused(400, "/IWFND/CM_MGW/017", f"{path[0]} is no navigation of {name}")
        wanted = [field for field in select.split(",") if field and "/" not in field]
        for field in wanted:
            if field not in kind.fields and field not in kind.navs:
                raise Refused(400, "/IWFND/CM_MGW/017", f"Property {field} not found")
        told = {field: value for field, value in row.items() if not wanted or field in wanted}
        for nav in dict.fromkeys(path[0] for path in paths):
            rest = ",".join("/".join(path[1:]) for path in paths if path[0] == nav and path[1:])
            told[nav] = {"results": self._below(name, row, kind.navs[nav], rest)}
        return {"__metadata": {"etag": self.etag(name, row)} if kind.etag else {}} | told

    def _below(self, name: str, row: Row, target: str, expand: str) -> list[Row]:
        shared = [key for key in SETS[target].keys if key in row] or list(SETS[name].keys)
        same = [one for one in self.rows[target] if all(one.get(key) == row.get(key) for key in shared)]
        return [self._told(target, one, expand, "") for one in same]


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _same(one: Row, other: Row, keys: Sequence[str]) -> bool:
    return all((one.get(key) or "") == (other.get(key) or "") for key in keys)


def _results(value: Any) -> list[Row]:
    return list(value["results"]) if isinstance(value, dict) else list(value)


def _sorted(rows: list[Row], order: str, kind: EntitySet) -> list[Row]:
    for term in reversed([term.split() for term in order.split(",") if term.strip()]):
        field = term[0]
        if field not in kind.fields:
            raise Refused(400, "/IWFND/CM_MGW/017", f"Property {field} not found")
        rows = sorted(rows, key=_by(field, kind.fields[field]), reverse=term[1:] == ["desc"])
    return rows


def _by(field: str, form: str) -> Callable[[Row], Any]:
    return lambda row: comparable(row.get(field), form)


def _check(name: str, body: Row, *, change: bool = False) -> None:
    kind = SETS[name]
    for field, value in body.items():
        if field in kind.navs and not change:
            for one in _results(value):
                _check(kind.navs[field], one)
        elif field not in kind.fields:
            raise Refused(400, "/IWBEP/CM_MGW_RT/022", f"Property '{field}' is invalid for '{name}'")
        elif problem := _problem(kind.fields[field], value):
            raise Refused(400, "/IWBEP/CM_MGW_RT/022", f"{name}.{field}: {problem}")
        elif change and field in kind.keys:
            raise Refused(400, "/IWBEP/CM_MGW_RT/022", f"{name}.{field} is a key")


def _kept(name: str, body: Row) -> Row:
    fields = SETS[name].fields
    return {
        field: value.upper() if isinstance(value, str) and fields.get(field, "").startswith("u") else value
        for field, value in body.items()
    }


def _problem(kind: str, value: Any) -> str:
    if kind.startswith("!"):
        return "is read-only"
    if kind == "b":
        return "" if isinstance(value, bool) else "is no Edm.Boolean"
    if not isinstance(value, str):
        return "is no text in JSON"
    if kind == "t":
        return "" if TIME.fullmatch(value) else "is no Edm.DateTime"
    size = int(kind[1:])
    if kind[0] in "su":
        return "" if len(value) <= size else f"is longer than {size}"
    shape = r"-?\d{1,15}" + (rf"(\.\d{{1,{size}}})?" if size else "")
    return "" if re.fullmatch(shape, value) else "is no Edm.Decimal"
