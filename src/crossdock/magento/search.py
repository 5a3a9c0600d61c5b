"""searchCriteria as Magento's REST API takes them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from crossdock.model.base import Record

Query = tuple[tuple[str, str], ...]


class Filter(Record, frozen=True):
    """One condition. Conditions of one group are joined by OR, groups by AND."""

    field: str
    condition: str
    value: str


Group = tuple[Filter, ...]


def where(field: str, condition: str, value: object) -> Filter:
    """A condition; a moment is written as Magento keeps it, in UTC."""
    return Filter(field=field, condition=condition, value=stamp(value) if isinstance(value, datetime) else str(value))


def criteria(groups: Iterable[Group], *, sort: Sequence[str], size: int, fields: str = "") -> Query:
    """Ascending by `sort`; descending by a field with a "-" before it.

    No page is named: what was read is left out by a condition, never by counting pages. Without a page every store
    gives the first one; some endpoints count from 0, others from 1 (magento2#25619).
    """
    query: list[tuple[str, str]] = []
    for number, group in enumerate(group for group in groups if group):
        for place, condition in enumerate(group):
            name = f"searchCriteria[filterGroups][{number}][filters][{place}]"
            query += [
                (f"{name}[field]", condition.field),
                (f"{name}[value]", condition.value),
                (f"{name}[conditionType]", condition.condition),
            ]
    for number, field in enumerate(sort):
        query += [
            (f"searchCriteria[sortOrders][{number}][field]", field.removeprefix("-")),
            (f"searchCriteria[sortOrders][{number}][direction]", "DESC" if field.startswith("-") else "ASC"),
        ]
    query.append(("searchCriteria[pageSize]", str(size)))
    return (*query, ("fields", fields)) if fields else tuple(query)


def after(updated_at: datetime, entity_id: int) -> tuple[Group, Group]:
    """Everything behind the place (updated_at, entity_id): `u >= X AND (u > X OR id > Y)`."""
    return (
        (where("updated_at", "gteq", updated_at),),
        (where("updated_at", "gt", updated_at), where("entity_id", "gt", entity_id)),
    )


def stamp(moment: datetime) -> str:
    """`YYYY-MM-DD HH:MM:SS` in UTC. An offset in a filter's value would be ignored by Magento."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def parse_stamp(text: str) -> datetime:
    """Magento's time stamp, which is UTC whatever the store's time zone. Raises ValueError."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
