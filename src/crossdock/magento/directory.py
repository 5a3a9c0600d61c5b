"""What a store calls things: attributes and their options, attribute sets, websites, categories.

All of it is remembered for an hour, and asked anew before something is refused for not being there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from crossdock.errors import MappingError, OutcomeUnknown, Rejected, Temporary
from crossdock.magento.client import MagentoClient, segment
from crossdock.magento.mapping.products import BOOLEANS, Attribute, parse_attribute
from crossdock.magento.search import criteria

REMEMBERED_S = 3600.0
ATTRIBUTES = "V1/products/attributes"
SETS = "V1/products/attribute-sets/sets/list"
WEBSITES = "V1/store/websites"
CATEGORIES = "V1/categories"
AMBIGUOUS = ""


class Directory:
    """Safe for many threads. Every method raises DeliveryError; Rejected where the store has no such thing.

    Needs the rights Magento_Catalog::attributes_attributes, ::sets, ::categories and Magento_Backend::store.
    """

    def __init__(self, client: MagentoClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._kept: dict[str, tuple[float, Any]] = {}

    def attribute(self, code: str) -> Attribute:
        """By its code."""
        path = f"{ATTRIBUTES}/{segment(code)}"
        found: Attribute | None = self._known(path, lambda: self._asked_attribute(path), bool)
        if found is None:
            raise Rejected(f"the store has no attribute {code}")
        return found

    def option(self, attribute: Attribute, label: str, *, make: bool) -> str:
        """The id of an option by its label; `make` adds one that is not there."""
        if attribute.input == "boolean":
            if label.casefold() not in BOOLEANS:
                raise Rejected(f"{attribute.code} is yes or no: {label[:40]!r} is neither true nor false")
            return BOOLEANS[label.casefold()]
        number = self._option(attribute, label)
        if number is None and make:
            number = self._made(attribute, label)
        if number is None:
            raise Rejected(f"{attribute.code} has no option {label[:60]!r} (products.create_options)")
        if number == AMBIGUOUS:
            raise Rejected(f"{attribute.code} has several options {label[:60]!r}")
        return number

    def set_id(self, name: str) -> int:
        """An attribute set, by name or by id."""
        return int(self._named(SETS, self._asked_sets, name, "attribute set"))

    def website_id(self, code: str) -> int:
        """A website, by code."""
        return int(self._named(WEBSITES, self._asked_websites, code, "website"))

    def category_id(self, name: str) -> str:
        r"""A category, by id or by path: `Men/Shirts`, with or without the root; a slash in a name is written `\/`."""
        return self._named(CATEGORIES, self._asked_categories, name, "category")

    def _named(self, path: str, ask: Callable[[], Mapping[str, str]], name: str, what: str) -> str:
        key = name.strip().casefold()
        found: Mapping[str, str] = self._known(path, ask, lambda names: key in names)
        if key not in found:
            raise Rejected(f"the store has no {what} {name[:60]!r}")
        if found[key] == AMBIGUOUS:
            raise Rejected(f"the store has several of {what} {name[:60]!r}: name it by its id")
        return found[key]

    def _option(self, attribute: Attribute, label: str, *, again: bool = False) -> str | None:
        path = f"{ATTRIBUTES}/{segment(attribute.code)}/options"
        key = label.strip()
        labels: Mapping[str, str] = self._known(
            path, lambda: self._asked_options(path), lambda have: key in have, again=again
        )
        return labels.get(key, labels.get(key.casefold()))

    def _made(self, attribute: Attribute, label: str) -> str | None:
        """One at a time; its answer is not relied upon ("id_7", "7", by version): the list tells the id."""
        with self._making:
            known = self._option(attribute, label, again=True)
            if known is not None:
                return known
            body = {"option": {"label": label, "value": "", "sort_order": 0, "is_default": False}}
            try:
                self._client.post(f"{ATTRIBUTES}/{segment(attribute.code)}/options", body)
            except (OutcomeUnknown, Rejected):
                found = self._option(attribute, label, again=True)  # somebody else may have made it meanwhile
                if found is None:
                    raise
                return found
            return self._option(attribute, label, again=True)

    def _asked_attribute(self, path: str) -> Attribute | None:
        answer = self._client.find(path)
        try:
            return None if answer is None else parse_attribute(answer.json())
        except MappingError as error:
            raise Temporary("the store describes an attribute in an unknown form") from error

    def _asked_options(self, path: str) -> Mapping[str, str]:
        """By label as it is written, and without regard to case where only one fits."""
        rows = self._client.get(path)
        exact: dict[str, str] = {}
        loose: dict[str, str] = {}
        for row in rows if isinstance(rows, list) else ():
            label, number = str(row.get("label", "")).strip(), str(row.get("value", ""))
            if label and number:
                exact[label] = AMBIGUOUS if label in exact else number
                loose[label.casefold()] = AMBIGUOUS if label.casefold() in loose else number
        return loose | exact

    def _asked_sets(self) -> Mapping[str, str]:
        rows = self._rows(SETS, criteria((), sort=("attribute_set_id",), size=300))
        return _by_name((str(row.get("attribute_set_name")), str(row.get("attribute_set_id"))) for row in rows)

    def _asked_websites(self) -> Mapping[str, str]:
        rows = self._client.get(WEBSITES)
        return _by_name((str(row.get("code")), str(row.get("id"))) for row in rows if isinstance(row, dict))

    def _asked_categories(self) -> Mapping[str, str]:
        found: list[tuple[str, str]] = []
        _walk(self._client.get(CATEGORIES), (), found)
        return _by_name(found)

    def _rows(self, path: str, query: Any) -> list[Any]:
        answer = self._client.get(path, query)
        rows = answer.get("items") if isinstance(answer, dict) else None
        return [row for row in rows or () if isinstance(row, dict)]

    def _known(self, path: str, ask: Callable[[], Any], fits: Callable[[Any], bool], *, again: bool = False) -> Any:
        with self._lock:
            at, value = self._kept.get(path, (float("-inf"), None))
        if not again and self._clock() - at <= REMEMBERED_S and fits(value):
            return value
        value = ask()
        with self._lock:
            self._kept[path] = (self._clock(), value)
        return value


def _by_name(pairs: Any) -> Mapping[str, str]:
    """Each name and each id, in small letters."""
    found: dict[str, str] = {}
    numbers: dict[str, str] = {}
    for name, number in pairs:
        key = name.strip().casefold()
        found[key] = AMBIGUOUS if found.get(key, number) != number else number
        numbers[number] = number
    return found | numbers


def _walk(category: Any, above: tuple[str, ...], found: list[tuple[str, str]]) -> None:
    """Every category under its path with and without the root's name; the root of all roots (1) is in no path."""
    if not isinstance(category, dict):
        return
    number = str(category.get("id"))
    path = above if number == "1" else (*above, str(category.get("name", "")).replace("/", "\\/"))
    found += [("/".join(path[start:]), number) for start in range(min(2, len(path)))]
    for child in category.get("children_data") or ():
        _walk(child, path, found)
