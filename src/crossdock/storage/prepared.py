"""Hot statements: built with SQLAlchemy Core, compiled once a dialect, then handed to the driver itself.

An execution through SQLAlchemy costs several times what SQLite needs for the statement (docs/profile.md), and the walk
of an order takes some thirty of them. The words, the types and both dialects stay SQLAlchemy's; only its way to run a
statement is left out.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Dialect, Executable
from sqlalchemy.engine import Connection

from crossdock.errors import StorageError
from crossdock.storage.dialect import Once

if TYPE_CHECKING:
    from sqlalchemy.sql import ClauseElement
    from sqlalchemy.sql.compiler import SQLCompiler

Values = Mapping[str, Any]
Convert = Callable[[Any], Any]
LATER = "crossdock.later"


def begin(connection: Connection) -> None:
    """Nothing waits for the end of this transaction yet."""
    connection.info[LATER] = {}


def flush(connection: Connection) -> None:
    """What was to be done at the end of the transaction: in the order in which its statements came first."""
    for prepared, kinds in connection.info.pop(LATER).items():
        for rows in kinds.values():
            prepared.many(connection, rows)


class Prepared:
    """One statement. Its parameters are those of its binds; of an INSERT or UPDATE without values, its columns too."""

    def __init__(self, statement: Executable | Once) -> None:
        self._statement = statement
        self._compiled: dict[tuple[str, tuple[str, ...]], _Compiled] = {}

    def rows(self, connection: Connection, values: Values) -> list[Any]:
        """All rows, as named tuples."""
        compiled, cursor = self._run(connection, values)
        try:
            return list(map(compiled.row, cursor))
        finally:
            cursor.close()

    def first(self, connection: Connection, values: Values) -> Any:
        """The first row as a named tuple, or None."""
        compiled, cursor = self._run(connection, values)
        try:
            row = cursor.fetchone()
            return None if row is None else compiled.row(row)
        finally:
            cursor.close()

    def scalar(self, connection: Connection, values: Values) -> Any:
        """The first column of the first row, or None."""
        row = self.first(connection, values)
        return None if row is None else row[0]

    def scalars(self, connection: Connection, values: Values) -> list[Any]:
        """The first column of every row."""
        return [row[0] for row in self.rows(connection, values)]

    def run(self, connection: Connection, values: Values) -> int:
        """How many rows it changed."""
        _, cursor = self._run(connection, values)
        changed: int = cursor.rowcount
        cursor.close()
        return changed

    def many(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Once for each of them; all have the same names."""
        if not rows:
            return
        compiled = self._for(connection.dialect, rows[0])
        _execute(
            connection, lambda cursor: cursor.executemany(compiled.text, [compiled.bound(row) for row in rows])
        ).close()

    def later(self, connection: Connection, values: Values) -> None:
        """At the end of this transaction, with all its likes in one go. Only within one that `flush` ends."""
        waiting: Later = connection.info[LATER]
        waiting.setdefault(self, {}).setdefault(tuple(values), []).append(values)

    def _run(self, connection: Connection, values: Values) -> tuple[_Compiled, Any]:
        compiled = self._for(connection.dialect, values)
        bound = compiled.bound(values)
        return compiled, _execute(connection, lambda cursor: cursor.execute(compiled.text, bound))

    def _for(self, dialect: Dialect, values: Values) -> _Compiled:
        place = dialect.name, tuple(values)
        if (found := self._compiled.get(place)) is None:
            statement = self._statement(dialect.name) if callable(self._statement) else self._statement
            found = self._compiled[place] = _Compiled(statement, dialect, list(values))
        return found


Later = dict[Prepared, dict[tuple[str, ...], list[Values]]]


class _Compiled:
    """For one dialect and one set of names."""

    def __init__(self, statement: Executable, dialect: Dialect, names: list[str]) -> None:
        # what Core's compile() makes of an executable is a SQLCompiler; its signature says less
        compiled = cast("SQLCompiler", cast("ClauseElement", statement).compile(dialect=dialect, column_keys=names))
        self.text = str(compiled)
        self._defaults = {name: bind.effective_value for name, bind in compiled.binds.items()}
        self._converts = {
            name: convert
            for name, bind in compiled.binds.items()
            if (convert := bind.type.dialect_impl(dialect).bind_processor(dialect))
        }
        self._positions = compiled.positiontup if compiled.positional else None
        columns = list(getattr(statement, "exported_columns", ()))
        names = [column.key for column in columns]
        named = namedtuple("Row", names)  # type: ignore[misc]  # noqa: PYI024  the names come with the statement
        self._row = partial(tuple.__new__, named)  # as its _make, without a frame of Python's for each row
        self._reads = [
            (place, convert)
            for place, column in enumerate(columns)
            if (convert := column.type.dialect_impl(dialect).result_processor(dialect, None))
        ]
        self.row: Callable[[Sequence[Any]], Any] = self._converted if self._reads else self._row

    def bound(self, values: Values) -> Any:
        """As the driver takes them."""
        given = {**self._defaults, **values}
        for name, convert in self._converts.items():
            given[name] = convert(given[name])
        return given if self._positions is None else [given[name] for name in self._positions]

    def _converted(self, raw: Sequence[Any]) -> Any:
        """As our types have it."""
        fields = list(raw)
        for place, convert in self._reads:
            fields[place] = convert(fields[place])
        return self._row(fields)


def _execute(connection: Connection, act: Callable[[Any], object]) -> Any:
    driver = connection.dialect.loaded_dbapi
    try:
        cursor = connection.connection.cursor()
        act(cursor)
    except driver.Error as error:
        raise StorageError(f"the database failed: {type(error).__name__}") from error
    return cursor


__all__ = ["Prepared", "begin", "flush"]
