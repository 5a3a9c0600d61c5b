"""What a product's record asks for, in the ids of one store."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from crossdock.errors import NotReady, Rejected
from crossdock.flows.products import MADE as NEW
from crossdock.magento.directory import Directory
from crossdock.magento.mapping.products import OWN, Attribute, Axis, Standing, Value, Wanted
from crossdock.model.product import Product, Variants

NO_TEXTS = frozenset({"media_image", "gallery", "weee"})


def resolved(
    product: Product, only: Collection[str] | None, directory: Directory, known: Mapping[str, Standing]
) -> Wanted:
    """Of the fields in `only` (None: all). Raises DeliveryError.

    Rejected for names that the store does not have, NotReady for children that are not there yet.
    """

    def asked(name: str) -> bool:
        return only is None or name in only

    values: dict[str, Value] = {}
    attributes: dict[str, Attribute] = {}
    for code, value in product.values.items():
        if not asked(code):
            continue
        if code not in OWN:
            attributes[code] = directory.attribute(code)
            values[code] = _value(product, attributes[code], value, directory)
        else:
            values[code] = value
    websites = product.websites if asked("websites") else None
    categories = product.categories if asked("categories") else None
    variants = product.variants if asked("variants") else None
    axes, children = ((), None) if variants is None else _variants(variants, directory, known)
    return Wanted(
        values=values,
        attributes=attributes,
        website_ids=None if websites is None else frozenset(directory.website_id(one) for one in websites),
        category_ids=None if categories is None else frozenset(directory.category_id(one) for one in categories),
        axes=axes,
        children=children,
    )


def _value(product: Product, attribute: Attribute, value: Value, directory: Directory) -> Value:
    if attribute.input in NO_TEXTS:
        raise Rejected(f"{attribute.code} is no attribute that takes a text ({attribute.input})")
    if value is None:
        return None
    labels = value.split("|") if attribute.input == "multiselect" and isinstance(value, str) else value
    if attribute.input == "multiselect":
        found = {directory.option(attribute, one.strip(), make=product.makes_options) for one in labels}
        return tuple(sorted(found))
    if not isinstance(value, str):
        raise Rejected(f"{attribute.code} takes one value")
    if attribute.has_options or attribute.input == "boolean":
        return directory.option(attribute, value, make=product.makes_options)
    return value


def _variants(
    variants: Variants, directory: Directory, known: Mapping[str, Standing]
) -> tuple[tuple[Axis, ...], frozenset[int]]:
    missing = [sku for sku in variants.children if sku.casefold() not in known]
    if missing:
        raise NotReady(f"waits for {len(missing)} of its children, {missing[0]} is the first")
    children = [known[sku.casefold()] for sku in variants.children]
    axes = []
    for code in variants.attributes:
        attribute = directory.attribute(code)
        if attribute.input != "select":
            raise Rejected(f"{code} is no attribute with options: variants cannot differ in it")
        without = next((one.sku for one in children if not one.values.get(code)), "")
        if without:
            raise NotReady(f"its child {without} has no {code} yet")
        axes.append(Axis(attribute=attribute, options=tuple(sorted({str(one.values[code]) for one in children}))))
    combined = {tuple(str(one.values[code]) for code in variants.attributes) for one in children}
    if len(combined) < len(children):
        raise Rejected("two of its children have the same options")
    return tuple(axes), frozenset(one.id for one in children)


__all__ = ["NEW", "resolved"]
