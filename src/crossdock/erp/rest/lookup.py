"""Finding what we sent among the entries that a find lists. Pure.

The number alone is not enough: two stores may use the same one, a search may match parts of it, and an ERP that does
not know our filter lists everything. Where the entries leave it open, a person decides, and nothing is sent twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from crossdock.contract.message import Receipt
from crossdock.erp.rest.answers import as_id, read_links, search
from crossdock.erp.rest.settings import AnswerSettings
from crossdock.errors import Conflict, Misconfigured
from crossdock.model.base import Record

Entry = Mapping[str, Any]
STORE_ID = "metadata.magento_order_id"


class Wanted(Record, frozen=True, kw_only=True):
    """What is looked for. An empty `reference` means: by the key alone.

    `field` says where an entry has the reference. `store_id` is the store's own id of the order. `facts` are pairs of
    JMESPath and value that an entry of the same content has, as far as it shows them.
    """

    key: str
    field: str
    reference: str = ""
    store_id: str = ""
    facts: tuple[tuple[str, str | Decimal], ...] = ()


def pick(data: Any, wanted: Wanted, answers: AnswerSettings) -> Entry | None:
    """The entry that is ours; None where it is not there.

    Raises Conflict where another content stands under our number, Misconfigured where the entries cannot be judged.
    """
    ours = _ours(data, wanted, answers)
    return ours[0] if ours else None


def how_many(data: Any, wanted: Wanted, answers: AnswerSettings) -> int:
    """How many entries are ours. Raises as `pick` does."""
    return len(_ours(data, wanted, answers))


def _ours(data: Any, wanted: Wanted, answers: AnswerSettings) -> list[Entry]:
    listed = entries(data, wanted, answers)
    found = [entry for entry in listed if _names(entry, wanted, answers)]
    if not found:
        _refuse_unfiltered(listed, wanted, answers)
    return [entry for entry in found if _is_ours(entry, wanted, answers)]


def receipt_of(entry: Entry, answers: AnswerSettings, *, numbered: bool) -> Receipt:
    """The receipt of what was found. Raises Misconfigured where an entry has no id."""
    name = as_id(search(answers.id_field, entry))
    if not name:
        raise Misconfigured("what the find lists has no id: set answers.id_field")
    number = as_id(search(answers.number_field, entry)) or name
    return Receipt(external_id=name, number=number if numbered else "", found=True, links=read_links(entry, answers))


def entries(data: Any, wanted: Wanted, answers: AnswerSettings) -> list[Entry]:
    """The entries of a find's answer: a list, a list inside something, or one entry by itself."""
    if isinstance(data, dict) and _has(data, wanted, answers):
        return [data]
    listed = data if isinstance(data, list) else search(answers.list_field, data)
    if isinstance(listed, dict) and _has(listed, wanted, answers):
        return [listed]
    if isinstance(listed, list) and all(isinstance(entry, dict) for entry in listed):
        return listed
    if data is None or (isinstance(data, dict) and _is_empty(data)):
        return []
    raise Misconfigured("a find's answer that cannot be read: set answers.list_field")


def _is_empty(data: Entry) -> bool:
    """`{"orders": [], "total": 0}`, `{"data": null}`, `{}`: nothing is there, and it says so."""
    insides = [value for value in data.values() if value is None or isinstance(value, list | dict)]
    return not any(insides) and (bool(insides) or not data)


def _has(entry: Entry, wanted: Wanted, answers: AnswerSettings) -> bool:
    return bool(as_id(search(wanted.field if wanted.reference else answers.key_field, entry)))


def _names(entry: Entry, wanted: Wanted, answers: AnswerSettings) -> bool:
    if wanted.reference:
        return as_id(search(wanted.field, entry)) == wanted.reference
    return as_id(search(answers.key_field, entry)) == wanted.key


def _is_ours(entry: Entry, wanted: Wanted, answers: AnswerSettings) -> bool:
    key = as_id(search(answers.key_field, entry))
    if key == wanted.key:
        return True
    store_id = as_id(search(STORE_ID, entry))
    if store_id and wanted.store_id and store_id != wanted.store_id:
        return False  # another store's, under the same number
    if key and not store_id:
        return False
    if key:
        raise Conflict("holds this order under another key: was the connection renamed?")
    for expression, value in wanted.facts:
        there = search(expression, entry)
        if there is not None and not _same(there, value):
            raise Conflict(f"holds another content under this number ({expression} differs)")
    return True


def _same(there: Any, value: str | Decimal) -> bool:
    if isinstance(value, str):
        return as_id(there) == value
    try:
        return Decimal(str(there)) == value
    except ArithmeticError:
        return False


def _refuse_unfiltered(listed: list[Entry], wanted: Wanted, answers: AnswerSettings) -> None:
    """Entries that have nothing to do with what we asked for: that we do not see ours among them proves nothing."""
    if not listed:
        return
    field = wanted.field if wanted.reference else answers.key_field
    shown = [as_id(search(field, entry)) for entry in listed]
    if not all(shown):
        raise Misconfigured(f"what the find lists has no {field}: absence cannot be proven")
    if wanted.reference and not any(wanted.reference in one for one in shown):
        raise Misconfigured("the find lists other orders than the one asked for: it does not filter by the number")
