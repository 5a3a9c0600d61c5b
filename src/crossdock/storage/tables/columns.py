"""What the tables are made of. Times are microseconds since 1970 in UTC: they sort, index and never lose a zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Dialect, Integer, MetaData
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

MICROSECOND = timedelta(microseconds=1)


class Moment(TypeDecorator[datetime]):
    """An aware UTC datetime, kept as microseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Refuses a naive time by failing to subtract it."""
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Always aware, always UTC."""
        return None if value is None else EPOCH + timedelta(microseconds=value)


def micros(moment: datetime) -> int:
    """As a Moment is kept."""
    return (moment - EPOCH) // MICROSECOND


def moment_of(number: int) -> datetime:
    """What was kept so."""
    return EPOCH + timedelta(microseconds=number)


# SQLite only counts INTEGER PRIMARY KEY up by itself
Serial = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    }
)


__all__ = [
    "EPOCH",
    "MICROSECOND",
    "Moment",
    "Serial",
    "metadata",
    "micros",
    "moment_of",
]
