"""The stand-in store's attributes, their options, attribute sets and categories."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from crossdock.sandbox.search import listed, narrowed
from crossdock.sandbox.wire import Answer

if TYPE_CHECKING:
    from crossdock.sandbox.routes import Call
    from crossdock.sandbox.store import Store

Row = dict[str, Any]
SETS = [
    {"attribute_set_id": 4, "attribute_set_name": "Default", "sort_order": 1, "entity_type_id": 4},
    {"attribute_set_id": 9, "attribute_set_name": "Clothing", "sort_order": 2, "entity_type_id": 4},
]
# code: number, input, backend, scope, options
KINDS: dict[str, tuple[int, str, str, str]] = {
    "name": (73, "text", "varchar", "store"),
    "sku": (74, "text", "static", "global"),
    "description": (75, "textarea", "text", "store"),
    "short_description": (76, "textarea", "text", "store"),
    "price": (77, "price", "decimal", "global"),
    "special_price": (78, "price", "decimal", "global"),
    "weight": (82, "weight", "decimal", "global"),
    "manufacturer": (83, "select", "int", "global"),
    "image": (87, "media_image", "varchar", "store"),
    "news_from_date": (79, "date", "datetime", "website"),
    "color": (93, "select", "int", "global"),
    "status": (97, "select", "int", "website"),
    "visibility": (99, "select", "int", "store"),
    "cost": (81, "price", "decimal", "global"),
    "url_key": (119, "text", "varchar", "store"),
    "tax_class_id": (136, "select", "int", "website"),
    "ean": (140, "text", "varchar", "global"),
    "size": (141, "select", "int", "global"),
    "material": (142, "multiselect", "text", "global"),
    "organic": (143, "boolean", "int", "global"),
}
ONLY_CLOTHING = frozenset({"size", "material"})
OPTIONS = {
    "color": {"4": "Red", "5": "Blue"},
    "size": {"10": "S", "11": "M"},
    "material": {"20": "Cotton", "21": "Wool"},
    "organic": {"1": "Yes", "0": "No"},
    "tax_class_id": {"0": "None", "2": "Taxable Goods"},
    "manufacturer": {},
}
CATEGORIES = {
    "id": 2,
    "parent_id": 1,
    "name": "Default Category",
    "children": [
        {"id": 3, "name": "Men", "children": [{"id": 4, "name": "Shirts"}, {"id": 5, "name": "Shoes"}]},
        {"id": 6, "name": "Women", "children": [{"id": 7, "name": "Shirts"}]},
    ],
}
NO_ATTRIBUTE = 'The attribute with a "%1" attributeCode doesn\'t exist. Verify the attribute and try again.'


class Options:
    """Of each attribute, label by number. Those that were made are numbered from 1000 on."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, str]] = copy.deepcopy(OPTIONS)
        self.made = 0

    def add(self, code: str, label: str) -> str | None:
        """Its number; None where there is one of this label."""
        if label.casefold() in {one.casefold() for one in self.kept[code].values()}:
            return None
        self.made += 1
        number = str(999 + self.made)
        self.kept[code][number] = label
        return number


def codes_of(set_id: int) -> frozenset[str]:
    """The attributes of a set."""
    return frozenset(KINDS) - (frozenset() if set_id == 9 else ONLY_CLOTHING)


def attribute(store: Store, call: Call) -> Answer:
    """One."""
    code = call.parts[0]
    if code not in KINDS:
        return _unknown(code)
    return Answer(body=narrowed(_shown(store, code), call.asked.query.get("fields")))


def every(store: Store, call: Call) -> Answer:
    """A list of them."""
    rows = [_shown(store, code) for code in KINDS]
    return listed(rows, call.asked.query, {"attribute_id", "attribute_code"}, store.faults.bugs)


def options(store: Store, call: Call) -> Answer:
    """The options of one, the empty one first."""
    code = call.parts[0]
    return Answer(body=_options(store, code)) if code in KINDS else _unknown(code)


def add_option(store: Store, call: Call) -> Answer:
    """A new one; its number in the answer, as a text with `id_` before it."""
    code, label = call.parts[0], str(call.body["option"].get("label", "")).strip()
    if code not in store.options.kept or not label:
        return _unknown(code)
    number = store.options.add(code, label)
    if number is None:
        text = f"Admin store attribute option label '{label}' is already exists."
        return Answer(status=400, body={"message": text})
    return Answer(body=f"id_{number}")


def sets(store: Store, call: Call) -> Answer:
    """The attribute sets."""
    return listed(SETS, call.asked.query, {"attribute_set_id", "attribute_set_name"}, store.faults.bugs)


def categories(_store: Store, _call: Call) -> Answer:
    """All of them as a tree."""
    return Answer(body=_category(CATEGORIES, 1, 1))


def category_list(store: Store, call: Call) -> Answer:
    """All of them in a row."""
    rows: list[Row] = []
    _flat(_category(CATEGORIES, 1, 1), rows)
    return listed(rows, call.asked.query, {"id", "entity_id", "name", "parent_id"}, store.faults.bugs)


def _category(one: Row, level: int, above: int) -> Row:
    children = [_category(child, level + 1, one["id"]) for child in one.get("children", ())]
    row = {"id": one["id"], "parent_id": above, "name": one["name"], "is_active": True, "position": 1, "level": level}
    return row | {"product_count": 0, "children_data": children}


def _flat(one: Row, rows: list[Row]) -> None:
    rows.append({name: value for name, value in one.items() if name != "children_data"})
    for child in one["children_data"]:
        _flat(child, rows)


def _unknown(code: str) -> Answer:
    return Answer(status=404, body={"message": NO_ATTRIBUTE, "parameters": [code]})


def _options(store: Store, code: str) -> list[Row]:
    known = store.options.kept.get(code)
    if known is None:
        return []
    first = [] if code in {"organic", "tax_class_id"} else [{"label": " ", "value": ""}]
    return [*first, *({"label": label, "value": number} for number, label in known.items())]


def _shown(store: Store, code: str) -> Row:
    number, kind, backend, scope = KINDS[code]
    label = "Product Name" if code == "name" else code.replace("_", " ").capitalize()
    flags = ["is_wysiwyg_enabled", "is_html_allowed_on_front", "is_filterable", "is_filterable_in_search"]
    flags += ["is_used_in_grid", "is_visible_in_grid", "is_filterable_in_grid"]
    words = ("is_visible_in_advanced_search", "is_comparable", "is_used_for_promo_rules", "is_visible_on_front")
    told: Row = dict.fromkeys(flags, False) | dict.fromkeys(words, "0")
    model = {"backend_model": r"Magento\Catalog\Model\Product\Attribute\Backend\Sku"} if code == "sku" else {}
    return (
        told
        | model
        | {
            "used_for_sort_by": code == "name",
            "position": 0,
            "apply_to": [],
            "is_searchable": "1",
            "used_in_product_listing": "1",
            "is_visible": True,
            "scope": "website" if code == "price" and store.prices.scope != "global" else scope,
            "attribute_id": number,
            "attribute_code": code,
            "frontend_input": kind,
            "entity_type_id": "4",
            "is_required": code in {"name", "sku", "price"},
            "options": _options(store, code),
            "is_user_defined": number in {83, 93} or number >= 140,
            "default_frontend_label": label,
            "frontend_labels": [],
            "backend_type": backend,
            "is_unique": "0",
            "frontend_class": "validate-length maximum-length-255" if code == "name" else "",
            "validation_rules": [],
        }
    )
