"""Products as Magento takes and gives them, and what of one is to change. Pure.

Custom attributes are texts, whatever they hold; options are their ids; a store answers numbers as texts and the other
way round. What the store has already is never sent: a save moves `updated_at` even where nothing changes (recorded).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from crossdock.errors import MappingError
from crossdock.model.base import Record

Row = dict[str, Any]
Value = str | tuple[str, ...] | None
ENABLED, DISABLED = 1, 2
OWN = {"name": str, "price": Decimal, "weight": Decimal, "status": int, "visibility": int}  # the rest are custom
BOOLEANS = {"true": "1", "false": "0", "1": "1", "0": "0"}
DECODER = msgspec.json.Decoder(float_hook=Decimal)


class Attribute(Record, frozen=True, kw_only=True):
    """As the store describes it. `options` are its labels with their ids, where it has any."""

    id: int
    code: str
    input: str = "text"  # select multiselect boolean date datetime price weight text textarea media_image gallery ...
    backend: str = "varchar"
    label: str = ""

    @property
    def has_options(self) -> bool:
        """Whether its values are options'."""
        return self.input in {"select", "multiselect"}


class Axis(Record, frozen=True, kw_only=True):
    """One attribute in which the children of a configurable product differ, with the options that they have."""

    attribute: Attribute
    options: tuple[str, ...]


class Entry(Record, frozen=True, kw_only=True):
    """A picture in a product's gallery."""

    id: int
    file: str
    label: str = ""
    position: int = 0
    types: tuple[str, ...] = ()


class Standing(Record, frozen=True, kw_only=True):
    """A product as the store has it."""

    id: int
    sku: str
    kind: str
    set_id: int
    values: dict[str, Any]
    website_ids: frozenset[int] = frozenset()
    category_ids: frozenset[str] = frozenset()
    positions: dict[str, int] = msgspec.field(
        default_factory=dict
    )  # of the product in its categories; a list of products does not tell them
    gallery: tuple[Entry, ...] = ()
    axes: tuple[Row, ...] = ()
    children: frozenset[int] = frozenset()


class Wanted(Record, frozen=True, kw_only=True):
    """What is to be true of a product, in the store's own ids. None: nothing is said of it."""

    values: dict[str, Value] = msgspec.field(default_factory=dict)
    attributes: dict[str, Attribute] = msgspec.field(
        default_factory=dict
    )  # of those values that are no field of their own
    website_ids: frozenset[int] | None = None
    category_ids: frozenset[str] | None = None
    axes: tuple[Axis, ...] = ()
    children: frozenset[int] | None = None


def parse_product(row: Any) -> Standing:
    """A row of /products, or the answer to a save. Raises MappingError."""
    if not isinstance(row, dict) or not isinstance(row.get("sku"), str) or not isinstance(row.get("id"), int):
        raise MappingError("product", "is in an unknown form")
    more = row.get("extension_attributes")
    extra: Row = more if isinstance(more, dict) else {}
    custom = {
        str(one.get("attribute_code")): one.get("value")
        for one in row.get("custom_attributes") or ()
        if isinstance(one, dict)
    }
    links = [one for one in extra.get("category_links") or () if isinstance(one, dict)]
    categories = custom.get("category_ids")
    ids = categories if isinstance(categories, list) else [one.get("category_id") for one in links]
    return Standing(
        id=row["id"],
        sku=row["sku"],
        kind=str(row.get("type_id", "")),
        set_id=int(row.get("attribute_set_id") or 0),
        values=custom | {name: row.get(name) for name in OWN},
        website_ids=frozenset(int(one) for one in extra.get("website_ids") or ()),
        category_ids=frozenset(str(one) for one in ids),
        positions={str(one.get("category_id")): int(one.get("position") or 0) for one in links},
        gallery=tuple(parse_entry(one) for one in row.get("media_gallery_entries") or ()),
        axes=tuple(extra.get("configurable_product_options") or ()),
        children=frozenset(int(one) for one in extra.get("configurable_product_links") or ()),
    )


def parse_attribute(row: Any) -> Attribute:
    """An answer of /products/attributes/CODE. Raises MappingError."""
    if not isinstance(row, dict) or not isinstance(row.get("attribute_id"), int):
        raise MappingError("attribute", "is in an unknown form")
    return Attribute(
        id=row["attribute_id"],
        code=str(row.get("attribute_code")),
        input=str(row.get("frontend_input") or "text"),
        backend=str(row.get("backend_type") or "varchar"),
        label=str(row.get("default_frontend_label") or row.get("attribute_code")),
    )


def differing(wanted: Wanted, standing: Standing) -> list[str]:
    """The names of what is not as it is wanted."""
    found = [code for code, value in wanted.values.items() if not _same(code, value, wanted, standing)]
    if wanted.website_ids is not None and wanted.website_ids != standing.website_ids:
        found.append("websites")
    if wanted.category_ids is not None and wanted.category_ids != standing.category_ids:
        found.append("categories")
    if wanted.children is not None and (wanted.children != standing.children or not _same_axes(wanted, standing)):
        found.append("variants")
    return found


def told(one: Wanted | Standing, name: str) -> str:
    """A field of it as people read it, in the store's own ids."""
    lists = {"websites": one.website_ids, "categories": one.category_ids, "variants": one.children}
    value = lists[name] if name in lists else one.values.get(name)
    if isinstance(value, frozenset | tuple | list):
        return ", ".join(sorted(map(str, value)))
    return "" if value is None else str(value)


def changes(names: Sequence[str], wanted: Wanted, standing: Standing | None) -> Row:
    """Those fields as Magento takes them."""
    body: Row = {}
    custom = []
    for code in names:
        if code in OWN:
            value = wanted.values[code]
            body[code] = None if value is None else OWN[code](str(value))
        elif code in wanted.values:
            custom.append({"attribute_code": code, "value": _wire(wanted.values[code])})
    if custom:
        body["custom_attributes"] = custom
    more = _extension(names, wanted, standing)
    return body | ({"extension_attributes": more} if more else {})


def _extension(names: Sequence[str], wanted: Wanted, standing: Standing | None) -> Row:
    more: Row = {}
    if "websites" in names and wanted.website_ids is not None:
        more["website_ids"] = sorted(wanted.website_ids)
    if "categories" in names and wanted.category_ids is not None:
        known = standing.positions if standing else {}
        more["category_links"] = [
            {"position": known.get(one, 0), "category_id": one} for one in sorted(wanted.category_ids, key=int)
        ]
    if "variants" in names and wanted.children is not None:
        ids = {int(one.get("attribute_id") or 0): one.get("id") for one in (standing.axes if standing else ())}
        more["configurable_product_options"] = [
            _axis(place, axis, ids.get(axis.attribute.id)) for place, axis in enumerate(wanted.axes)
        ]
        more["configurable_product_links"] = sorted(wanted.children)
    return more


def _axis(place: int, axis: Axis, number: Any) -> Row:
    """`id` is that of the option which the product has already for this attribute."""
    told = {
        "attribute_id": str(axis.attribute.id),
        "label": axis.attribute.label,
        "position": place,
        "values": [{"value_index": int(one)} for one in axis.options],
    }
    return told | ({} if number is None else {"id": number})


def _same_axes(wanted: Wanted, standing: Standing) -> bool:
    have = {
        str(one.get("attribute_id")): {str(value.get("value_index")) for value in one.get("values") or ()}
        for one in standing.axes
    }
    return have == {str(axis.attribute.id): {*axis.options} for axis in wanted.axes}


def _same(code: str, value: Value, wanted: Wanted, standing: Standing) -> bool:
    have = standing.values.get(code)
    if value is None:
        return have is None or have in ("", [])
    if have is None:
        return False
    if code in OWN:
        return _number(have) == Decimal(str(value)) if OWN[code] is not str else _text(have) == _text(value)
    if isinstance(value, tuple):
        return {*value} == {*(have if isinstance(have, list) else str(have).split(","))}
    return _same_custom(value, have, wanted.attributes[code])


def _same_custom(value: str, have: Any, attribute: Attribute) -> bool:
    if attribute.backend == "decimal":
        return _number(have) == _number(value)
    if attribute.input in {"date", "datetime"} or attribute.backend == "datetime":
        length = 10 if len(value) == 10 else 19
        return str(have)[:length] == value[:length]
    return _text(have) == _text(value)


def _number(value: Any) -> Decimal | None:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def _text(value: Any) -> str:
    return str(value).replace("\r\n", "\n").strip()


def _wire(value: Value) -> Any:
    """Several options go as their ids with commas between them."""
    return ",".join(value) if isinstance(value, tuple) else value or ""


def parse_entry(row: Any) -> Entry:
    """A row of /products/SKU/media. Raises MappingError."""
    if not isinstance(row, Mapping):
        raise MappingError("media", "is in an unknown form")
    return Entry(
        id=int(row.get("id") or 0),
        file=str(row.get("file") or ""),
        label=str(row.get("label") or ""),
        position=int(row.get("position") or 0),
        types=tuple(row.get("types") or ()),
    )
