"""Products, ERP to store. Pure.

Each field has one owner (flaw 53). What the route's options.products does not give to the ERP is not even read: it
cannot be sent, whatever a row holds. A cell without anything in it says nothing; to empty a field it is named in
`clear`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Any

import msgspec

from crossdock.contract.state import Raw, StateRules
from crossdock.errors import MappingError
from crossdock.flows.cells import is_empty, moment_of, number_of, plain, sku_of, version_of
from crossdock.model.product import Picture, Product, Removal, Variants

CODE = re.compile(r"[a-z][a-z0-9_]{0,59}")  # Magento: eav_attribute.attribute_code
KINDS = frozenset({"simple", "virtual", "configurable", "downloadable", "grouped", "bundle"})
MADE = frozenset({"simple", "virtual", "configurable"})  # the others need more than a row says
WHOLE = frozenset({"websites", "categories", "images", "variants"})  # lists: written as a whole
NO_ATTRIBUTES = WHOLE | {"sku", "type", "attribute_set", "type_id", "attribute_set_id", "status", "visibility"}
MOST = Decimal("999999999.999999")  # as of prices: decimal(20,6), read as a double
DECIMALS = 6
NUMBERS = frozenset({"price", "weight"})
LONGEST_NAME = 255  # Magento: varchar
LONGEST_TEXT = 60_000  # Magento: text holds 65,535 bytes
STATUSES: Mapping[Any, str] = {"enabled": "1", "disabled": "2", "1": "1", "2": "2", 1: "1", 2: "2"}
SHOWN: Mapping[Any, str] = {"none": "1", "catalog": "2", "search": "3", "both": "4"} | {
    key: str(number) for number in (1, 2, 3, 4) for key in (number, str(number))
}
YES: Mapping[Any, bool] = {True: True, False: False, "true": True, "false": False, "1": True, "0": False}
REMOVALS: Mapping[Any, Removal] = {"ignore": "ignore", "disable": "disable", "delete": "delete"}
ROLES = frozenset({"image", "small_image", "thumbnail", "swatch_image"})
DIGEST = re.compile(r"[0-9a-f]{64}")
FIRST_PLANE = 0xFFFF


def reader(options: Raw) -> Callable[[Raw], Product]:
    """Reads rows as docs/products.md has them; it raises MappingError."""
    owned = frozenset(options.get("owned") or ())
    taken = owned | frozenset(options.get("initial") or ())

    def read(raw: Raw) -> Product:
        as_of = None if is_empty(raw.get("as_of")) else moment_of(raw.get("as_of"))
        version = version_of(raw.get("version"), as_of)
        sku = sku_of(raw.get("sku"))
        _kept_by_the_store("sku", sku)
        if _yes("removed", raw.get("removed")):
            removal = REMOVALS[options.get("missing") or "ignore"]
            return Product(sku=sku, removal=removal, as_of=as_of, version=version)
        kind = _kind(raw.get("type"))
        return Product(
            sku=sku,
            kind=kind,
            attribute_set=_text("attribute_set", raw.get("attribute_set"), LONGEST_NAME),
            default_set=options.get("attribute_set") or "",
            values=_values(raw, taken, options),
            websites=_names("websites", raw, taken, options.get("websites")),
            categories=_names("categories", raw, taken, options.get("categories")),
            pictures=_pictures(raw.get("images"), options) if "images" in taken else None,
            variants=_variants(raw, kind) if "variants" in taken else None,
            owned=tuple(sorted(owned)),
            creates=options.get("create") is not False,
            makes_options=bool(options.get("create_options")),
            as_of=as_of,
            version=version,
        )

    return read


def subject(product: Product) -> str:
    """Magento finds a SKU whatever its case (recorded)."""
    return f"product/{product.sku.casefold()}"


def content(product: Product) -> str:
    """What makes a difference at the store, or to what may be done there."""
    if product.removal:
        return f"removed: {product.removal}"
    bare = msgspec.structs.replace(product, version="", as_of=None)
    ordered = msgspec.structs.replace(bare, values=dict(sorted(product.values.items())))
    return f"{len(product.values)} values {sha256(msgspec.json.encode(ordered)).hexdigest()[:32]}"


def alarm(product: Product, before: Product | None, options: Raw) -> str:  # noqa: ARG001  the rules' signature
    """`gone` where a product that could be bought is to be no more."""
    is_gone = product.removal in {"disable", "delete"} or product.values.get("status") == "2"
    was_gone = before is not None and (bool(before.removal) or before.values.get("status") == "2")
    return "gone" if is_gone and not was_gone and (before is not None or product.removal) else ""


def guard(alarms: Mapping[str, int], rows: int, options: Raw) -> str:
    """Why a feed must wait for a person, or ""."""
    rules = options.get("guard") or {}
    gone, most = alarms.get("gone", 0), Decimal(str(rules.get("gone_percent", 100)))
    if gone >= rules.get("least_rows", 1) and gone * 100 > rows * most:
        return f"{gone} of {rows} products are disabled or removed, more than {most} %"
    return ""


def _kind(value: Any) -> str:
    kind = _text("type", value, LONGEST_NAME)
    if kind and kind not in KINDS:
        raise MappingError("type", f"is none of {', '.join(sorted(KINDS))}")
    return kind


def _values(raw: Raw, taken: frozenset[str], options: Raw) -> dict[str, str | tuple[str, ...] | None]:
    nested = raw.get("attributes")
    if nested is not None and not isinstance(nested, Mapping):
        raise MappingError("attributes", "is no object")
    told = {**raw, **(nested or {})}
    found: dict[str, str | tuple[str, ...] | None] = {}
    for code in taken - WHOLE:
        if not is_empty(value := told.get(code)):
            found[code] = _value(code, value, options)
    for code in _list("clear", raw.get("clear")):
        if code in taken - WHOLE:
            if code in {"name", "status", "visibility", "price"}:
                raise MappingError("clear", f"names {code}, which no product is without")
            found[code] = None
    return found


def _value(code: str, value: Any, options: Raw) -> str | tuple[str, ...]:
    if code in {"status", "visibility"}:
        words = STATUSES if code == "status" else SHOWN
        if isinstance(value, bool) or not isinstance(value, int | str) or value not in words:
            raise MappingError(code, f"is none of {', '.join(str(word) for word in words if isinstance(word, str))}")
        return words[value]
    if code in NUMBERS:
        return plain(number_of(code, value, MOST, DECIMALS))
    if isinstance(value, list | tuple):
        return tuple(sorted({_clean(code, one, options) for one in value}))
    return _clean(code, value, options)


def _clean(code: str, value: Any, options: Raw) -> str:
    text = _text(code, value, LONGEST_NAME if code == "name" else LONGEST_TEXT)
    if options.get("four_byte") == "drop":
        text = "".join(one for one in text if ord(one) <= FIRST_PLANE).strip()
    elif options.get("four_byte") != "send":
        _kept_by_the_store(code, text)
    if not text:
        raise MappingError(code, "is empty")
    return text


def _kept_by_the_store(column: str, text: str) -> None:
    """A store on three-byte UTF-8 makes ???? of what lies beyond (recorded)."""
    if any(ord(one) > FIRST_PLANE for one in text):
        raise MappingError(column, "has characters of four bytes, which the store does not keep")


def _text(column: str, value: Any, longest: int) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if not isinstance(value, str | int | Decimal):
        raise MappingError(column, "is no text")
    text = plain(value) if isinstance(value, Decimal) and value.is_finite() else str(value).strip()
    if any(ord(one) < ord(" ") and one not in "\t\r\n" for one in text):
        raise MappingError(column, "has control characters")
    if len(text) > longest:
        raise MappingError(column, f"is longer than {longest} characters")
    return text.replace("\r\n", "\n")


def _yes(column: str, value: Any) -> bool:
    if is_empty(value):
        return False
    if not isinstance(value, bool | int | str) or value not in YES:
        raise MappingError(column, "is neither true nor false")
    return YES[value]


def _list(column: str, value: Any) -> list[str]:
    """A JSON list, or texts with | between them."""
    if is_empty(value):
        return []
    parts: Iterable[Any] = value.split("|") if isinstance(value, str) else value
    if not isinstance(parts, list):
        raise MappingError(column, "is no list")
    found = [_text(column, one, LONGEST_TEXT) for one in parts]
    return [one for one in dict.fromkeys(found) if one]


def _names(column: str, raw: Raw, taken: frozenset[str], common: Any) -> tuple[str, ...] | None:
    """What the row names, else what is common to all products of the route; None where that is nobody's matter here."""
    own = _list(column, raw.get(column)) if column in taken else []
    if not own and column in taken and column in _list("clear", raw.get("clear")):
        return ()
    return tuple(own) or (tuple(common) if common else None)


def _pictures(value: Any, options: Raw) -> tuple[Picture, ...] | None:
    if is_empty(value):
        return None
    told = value.split("|") if isinstance(value, str) else value
    if not isinstance(told, list):
        raise MappingError("images", "is no list")
    found = [_picture(one, number, options) for number, one in enumerate(told)]
    if len({one.source for one in found}) < len(found):
        raise MappingError("images", "names one twice")
    return tuple(found)


def _picture(value: Any, number: int, options: Raw) -> Picture:
    told = value if isinstance(value, Mapping) else {"source": value}
    source = _text("images", told.get("source"), 2000)
    if not source:
        raise MappingError("images", "has one without a source")
    if "://" in source and not source.startswith("https://"):
        raise MappingError("images", "has a source that is neither https nor a file")
    digest = _text("images", told.get("sha256"), 64).lower()
    if digest and not DIGEST.fullmatch(digest):
        raise MappingError("images", "has a sha256 that is none")
    label = "" if is_empty(told.get("label")) else _clean("images", told.get("label"), options)
    roles = _list("images", told.get("roles")) or ([] if number else ["image", "small_image", "thumbnail"])
    if strange := set(roles) - ROLES:
        raise MappingError("images", f"has the role {min(strange)[:40]!r}, which is none of {sorted(ROLES)}")
    return Picture(source=source, digest=digest, label=label, roles=tuple(roles))


def _variants(raw: Raw, kind: str) -> Variants | None:
    attributes = _list("variant_attributes", raw.get("variant_attributes"))
    children = _list("children", raw.get("children"))
    if not attributes and not children:
        return None
    if kind != "configurable":
        raise MappingError("children", "is for the type configurable only")
    if not attributes or not children:
        raise MappingError("children", "and variant_attributes need each other")
    if bad := next((code for code in attributes if not CODE.fullmatch(code)), ""):
        raise MappingError("variant_attributes", f"{bad[:40]!r} is no attribute code")
    return Variants(attributes=tuple(attributes), children=tuple(sku_of(child) for child in children))


RULES: StateRules[Product] = StateRules(
    reader=reader,
    subject=subject,
    reference=lambda product: product.sku,
    lane=lambda _product: "catalog",
    content=content,
    version=lambda product: product.version,
    alarm=alarm,
    guard=guard,
)
