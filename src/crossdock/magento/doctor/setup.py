"""How the store is set up: its clock, limits, modules, sources, currencies, tax, kinds of products, webhooks, login."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from crossdock.contract.findings import Check, Finding, clocks
from crossdock.magento.mapping.prices import View
from crossdock.model.base import Record

CLOCK = Check(
    name="magento-clock",
    title="The store's clock and ours agree",
    why="Signed webhooks and OAuth calls are refused when the two are apart; changes are read by the store's clock.",
    told_as="a clock that differs from the store's",
    instead_of="erp-clock",  # by its list of orders, whose times are what polling goes by
)
LIMITS = Check(
    name="magento-limits",
    title="The store takes calls as large as ours",
    why="With input limits on, Magento refuses a call with more rows than it allows, as a whole.",
)
MODULES = Check(
    name="magento-modules",
    title="The modules that the routes need are installed",
    why="Without its module a call does not exist: stock without MSI, bulks without asynchronous operations.",
)
SOURCES = Check(
    name="magento-sources",
    title="Sources and stocks let what is told be sold",
    why="A level that is written to a source outside any stock, or in two of them, is sold never or twice.",
)
PRODUCTS = Check(
    name="magento-products",
    title="The newest products can take a stock level",
    why="A product without stock management, or in no source that is told of, is sold without end or not at all.",
)
TYPES = Check(
    name="magento-product-types",
    title="Crossdock knows the kinds of products in use",
    why="An order line of an unknown kind is carried as it stands: whether its money lies on it nobody has tried.",
)
CURRENCIES = Check(
    name="magento-currencies",
    title="Price scopes and their currency fit the store's websites",
    why="A price is written in the website's base currency, whatever the ERP meant by it.",
)
TAX = Check(
    name="magento-tax",
    title="Catalog prices include tax exactly where the route says so",
    why="Net prices in a store of gross ones make every product cheaper by its tax.",
)
SUBSCRIPTIONS = Check(
    name="magento-subscriptions",
    title="The store's webhook subscriptions are there and on",
    why="Without them orders come by polling alone: none is lost, each is late.",
    told_as="subscriptions to the store's changes that are not there, or off",
)
ACCOUNT = Check(
    name="magento-login",
    title="Our login at the store is one that lasts",
    why="An admin's password changes and may want a second factor; an integration's keys are made for programs.",
)
KNOWN_TYPES = frozenset({"simple", "virtual", "downloadable", "configurable", "bundle", "grouped"})
UNSEEN_TYPES = frozenset({"giftcard"})  # of Adobe Commerce: carried like simple ones
DEFAULT_ROWS = 20  # Web API Input Limitations: what a list may have where limiting is on
WHERE_LIMITS = "Stores > Configuration > Services > Magento Web API > Web API Input Limitations"
WHERE_TAX = "Stores > Configuration > Sales > Tax > Calculation Settings > Catalog Prices"
MOST = re.compile(r"Maximum items of type .* is (\d+)")
PAGE_MOST = re.compile(r"Maximum SearchCriteria pageSize is (\d+)")
NEEDED: Mapping[str, tuple[str, ...]] = {
    "inventory": ("Magento_InventoryApi", "Magento_InventorySalesApi"),
    "products": ("Magento_AsynchronousOperations", "Magento_WebapiAsync"),
    "subscriptions": ("MageOS_AsyncEvents",),
}


class Limits(Record, frozen=True, kw_only=True):
    """`page`: the most a page may have, None for no limit. `rows`: of a list in a call, None where it was not told."""

    page: int | None = None
    rows: int | None = None


class Row(Record, frozen=True, kw_only=True):
    """A line of an order with a tax: the catalog's own price, and what it was sold at without and with tax."""

    original: Decimal
    net: Decimal
    gross: Decimal


def clock(theirs: datetime | None, before: datetime, after: datetime) -> list[Finding]:
    """Pure: `before` and `after` are our own clock around the question; the store tells whole seconds."""
    if theirs is None:
        return [CLOCK.unseen("the store sends no Date", "let the proxy in front of it pass the header Date")]
    return clocks(CLOCK, "store", theirs, before, after)


def limits(found: Limits, batches: Mapping[str, int]) -> list[Finding]:
    """Pure: `batches` are the settings by which rows go in one call."""
    if found.page is None and found.rows is None:
        return [LIMITS.ok("the store does not limit its input")]
    most = found.rows if found.rows is not None else DEFAULT_ROWS
    large = {name: size for name, size in batches.items() if size > most}
    page = f"pages of at most {found.page} (kept by itself)" if found.page else "pages as large as they like"
    if not large:
        return [LIMITS.ok(f"the store limits its input: {page}, lists of {most}; our calls are smaller")]
    named = ", ".join(f"{name} = {size}" for name, size in sorted(large.items()))
    mend = f"set {', '.join(f'{name} = {most}' for name in sorted(large))}, or raise the limit ({WHERE_LIMITS})"
    if found.rows is None:
        told = f"the store limits its input ({page}), to lists of {most} unless that was changed, and we have {named}"
        return [LIMITS.warning(told, mend)]
    return [LIMITS.error(f"the store takes lists of at most {most}, and we have {named}", mend)]


def modules(there: Iterable[str], needed: Iterable[str]) -> list[Finding]:
    """Pure: `needed` are words of NEEDED."""
    have = frozenset(there)
    wanted = [(need, module) for need in needed for module in NEEDED.get(need, ())]
    told = [
        MODULES.error(f"{module} is not there, which {need} needs", f"bin/magento module:enable {module}")
        for need, module in wanted
        if module not in have
    ]
    return told or [MODULES.ok(f"{', '.join(module for _, module in wanted) or 'no further module'}: all there")]


def sources(sentences: Sequence[str], places: Iterable[str]) -> list[Finding]:
    """Pure: of what topology.lint says."""
    mend = "Stores > Inventory > Sources / Stocks, or the route's options.inventory.warehouses"
    told = [SOURCES.error(one, mend) for one in sentences]
    return told or [SOURCES.ok(f"{', '.join(sorted(places))} are sold, each by one stock")]


def products(sentences: Sequence[str]) -> list[Finding]:
    """Pure: of what topology.lint_products says."""
    mend = "Catalog > Products > the product > Sources / Advanced Inventory > Manage Stock"
    told = [PRODUCTS.error(one, mend) for one in sentences]
    return told or [PRODUCTS.ok("each of the newest products is counted, and in a source that is told of")]


def types(counts: Mapping[str, int]) -> list[Finding]:
    """Pure: how many products there are of each kind."""
    used = {name: count for name, count in counts.items() if count}
    odd = {name: count for name, count in used.items() if name not in KNOWN_TYPES}
    told = [
        TYPES.warning(
            f"{count} products of the kind {name}"
            + ("" if name in UNSEEN_TYPES else ", which is no kind of Magento's own"),
            f"order one in a test store, then `crossdock map order FILE`: does its money add up? ({name})",
        )
        for name, count in sorted(odd.items())
    ]
    named = ", ".join(f"{count} {name}" for name, count in sorted(used.items())) or "no products yet"
    return told or [TYPES.ok(named)]


def currencies(views: Sequence[View], options: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Pure: the store's views against the scopes of each route that brings prices."""
    told = [finding for option in options for finding in _scopes(views, option)]
    bases = ", ".join(sorted({view.base_currency_code for view in views}))
    return told or [CURRENCIES.ok(f"base currency {bases}: every scope is there, and in its route's currency")]


def _scopes(views: Sequence[View], option: Mapping[str, Any]) -> Iterable[Finding]:
    scopes, currency = option.get("scopes") or {}, str(option.get("currency") or "")
    if not scopes:
        mend = "routes: options.prices.scopes.NAME = { store = 0, website = 0 }"
        yield CURRENCIES.error("the route names no scope: every price is refused", mend)
    for name, scope in sorted(scopes.items()):
        for kind in ("store", "website"):
            number = scope.get(kind)
            if number is None:
                continue
            met = [view for view in views if number in {0, view.id if kind == "store" else view.website_id}]
            if not met:
                yield CURRENCIES.error(
                    f"scope {name}: the store has no {kind} {number}", f"options.prices.scopes.{name}.{kind}"
                )
            strange = sorted({view.base_currency_code for view in met} - {currency}) if currency else []
            if strange:
                mend = "options.prices.currency, or a scope for each currency"
                yield CURRENCIES.error(
                    f"scope {name}: prices come in {currency}, {kind} {number} has {strange[0]}", mend
                )


def tax(said: Iterable[str], sold: Sequence[Row]) -> list[Finding]:
    """Pure: what the routes say (`included`, `excluded`, "") against the newest orders' own prices."""
    wanted = sorted({one for one in said if one})
    if not wanted:
        return [TAX.look_by_hand("no route says whether its prices include tax", f"{WHERE_TAX}; options.prices.tax")]
    seen = seen_in(sold)
    if not seen:
        mend = f"{WHERE_TAX} must be {' / '.join(wanted)}"
        return [TAX.look_by_hand("no order yet that shows it, and REST does not tell this setting", mend)]
    if wanted == [seen]:
        return [TAX.ok(f"the newest orders show catalog prices with tax {seen}, as the route says")]
    told = f"the newest orders show catalog prices with tax {seen}, and a route says {', '.join(wanted)}"
    return [TAX.error(told, f"options.prices.tax, or {WHERE_TAX}")]


def seen_in(sold: Sequence[Row]) -> str:
    """`included` or `excluded` where all rows that can tell agree; else ""."""
    votes = {
        "included" if row.original == row.gross else "excluded"
        for row in sold
        if row.net != row.gross and row.original in {row.net, row.gross}
    }
    return votes.pop() if len(votes) == 1 else ""


def subscriptions(absent: Sequence[str], wanted: int) -> list[Finding]:
    """Pure."""
    if absent:
        return [SUBSCRIPTIONS.error(f"missing or off: {', '.join(absent)}", "crossdock store subscribe")]
    return [SUBSCRIPTIONS.ok(f"all {wanted} there and on")]


def login(scheme: str) -> list[Finding]:
    """Pure."""
    if scheme == "admin":
        mend = "System > Integrations > Add New, then auth.scheme = oauth1 with its four keys"
        return [ACCOUNT.warning("an admin user's name and password: a token of 4 hours, fetched again and again", mend)]
    if scheme == "bearer":
        mend = "auth.scheme = oauth1 signs each call instead; the token itself then never travels"
        return [ACCOUNT.warning("the integration's token goes with every call, and works for whoever reads it", mend)]
    return [ACCOUNT.ok("each call is signed (OAuth 1.0a)" if scheme == "oauth1" else "Adobe IMS, renewed by itself")]
