"""SuiteQL: text literals, and paging by what was read last. Pure.

A page is never asked for by its number: rows that change move, and the ones behind them would be passed over. Oracle
asks for a unique order of its own accord (help page section_158394344595).

Times are compared as the text that SuiteQL itself makes of them, to the second: then neither fractions of a second nor
the zone in which it reads a literal can part what is told from what is compared. A literal stands beside that, a whole
day earlier, so that the database need not look at everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from crossdock.model.base import Record

TIME = "YYYY-MM-DD HH24:MI:SS"
FORM = "%Y-%m-%d %H:%M:%S"
SLACK = timedelta(days=1)


def literal(text: str) -> str:
    """A text in single quotes."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def among(column: str, values: Iterable[str]) -> str:
    """A condition."""
    return f"{column} IN ({', '.join(literal(one) for one in values)})"


def told_time(stamp: str) -> str:
    """A time as text that sorts."""
    return f"TO_CHAR({stamp}, '{TIME}')"


def earlier(at: str, by: timedelta) -> str:
    """In the same zone, whatever it is."""
    return (datetime.strptime(at, FORM) - by).strftime(FORM)  # noqa: DTZ007  the zone is NetSuite's own


class Table(Record, frozen=True, kw_only=True):
    """What is read. `columns`: ours -> an expression. `stamp`: when a row changed, "" where nobody knows.

    `keys`: whole numbers that name a row together, and part rows of one second.
    """

    source: str
    columns: Mapping[str, str]
    keys: tuple[str, ...]
    stamp: str = ""
    where: tuple[str, ...] = ()

    def page(self, *, stamped: bool, since: str = "", at: str = "", after: Sequence[int] = ()) -> str:
        """The rows behind the last one that was read (`at`, `after`), or from `since` on. `stamped`: oldest first."""
        names = dict(self.columns) | {f"key{place}": key for place, key in enumerate(self.keys)}
        if self.stamp:
            names["stamp"] = told_time(self.stamp)
        told = ", ".join(f"{expression} AS {name}" for name, expression in names.items())
        conditions = [*self.where, *(self._behind(since, at, after) if stamped else self._after(after))]
        order = [told_time(self.stamp), *self.keys] if stamped else [*self.keys]
        return f"SELECT {told} FROM {self.source}{_where(conditions)} ORDER BY {', '.join(order)}"  # noqa: S608  ours, or the settings'

    def newest(self) -> str:
        """When the newest change was."""
        return f"SELECT MAX({told_time(self.stamp)}) AS stamp FROM {self.source}{_where(self.where)}"  # noqa: S608  as above

    def _after(self, after: Sequence[int]) -> list[str]:
        return [_greater(self.keys, after)] if after else []

    def _behind(self, since: str, at: str, after: Sequence[int]) -> list[str]:
        text, first = told_time(self.stamp), at if after else since
        if not first:
            return [f"{self.stamp} IS NOT NULL"]
        near = f"{self.stamp} >= TO_TIMESTAMP({literal(earlier(first, SLACK))}, '{TIME}')"
        if not after:
            return [near, f"{text} >= {literal(since)}"]
        tied = f"({text} = {literal(at)} AND {_greater(self.keys, after)})"
        return [near, f"({text} > {literal(at)} OR {tied})"]


def _where(conditions: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _greater(keys: Sequence[str], after: Sequence[int]) -> str:
    key, last = keys[0], after[0]
    if len(keys) == 1:
        return f"{key} > {last}"
    return f"({key} > {last} OR ({key} = {last} AND {_greater(keys[1:], after[1:])}))"
