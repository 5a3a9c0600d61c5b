"""NetSuite's internal ids for what an order names: lookups first, then the settings, items by a query."""

from __future__ import annotations

from collections.abc import Sequence

from crossdock.contract.lookups import Named
from crossdock.erp.netsuite.client import NetsuiteClient
from crossdock.erp.netsuite.mapping.amounts import Line
from crossdock.erp.netsuite.mapping.orders import Ids, tax_keys
from crossdock.erp.netsuite.mapping.suiteql import among, literal
from crossdock.erp.netsuite.settings import NetsuiteSettings
from crossdock.errors import MappingError, MissingEntry, Rejected
from crossdock.flows.parts import Role
from crossdock.model.order import Order

AT_ONCE = 200  # SKUs in one query


class Directory:
    """What people have said of codes, and NetSuite of items. Asked anew for each order."""

    def __init__(self, settings: NetsuiteSettings, lookups: Named) -> None:
        self._settings = settings
        self._lookups = lookups

    def ids(self, client: NetsuiteClient, order: Order, lines: Sequence[Line]) -> Ids:
        """Everything but the customer. Raises MappingError, MissingEntry, Rejected."""
        items = self._items(client, lines)
        return Ids(
            entity="",
            currency=self._currency(order.totals.currency),
            terms=self._find("payment_terms", order.payment.method) or self._settings.terms,
            ship_method=self._find("shipping_methods", order.shipping_method) if order.shipping_method else "",
            subsidiary=self.subsidiary(order.website or order.store_id),
            location=self._find("locations", order.store_id) if order.store_id else "",
            items=items,
            taxes=tuple(self._tax(line) for line in lines),
            tax_types=tuple(self._tax_type(line) for line in lines),
            countries=self._countries(order),
        )

    def preview_ids(self, order: Order, lines: Sequence[Line]) -> Ids:
        """The same without asking anybody: an item is its SKU or its role, what is missing is told as it is."""
        return Ids(
            entity="0",
            currency=order.totals.currency,
            items=tuple(line.sku or line.role.value for line in lines),
            taxes=tuple(f"{line.rate} %" if line.tax else "" for line in lines),
        )

    def subsidiary(self, value: str) -> str:
        """By the role `subsidiaries`; "" where there is no such table."""
        return self._find("subsidiaries", value) if value else ""

    def group(self, value: str) -> str:
        """By the role `customer_groups`; "" where there is no such table: then groups are not carried."""
        return self._find("customer_groups", value)

    def _find(self, role: str, value: str) -> str:
        return self._lookups.find(role, value) or ""

    def _currency(self, code: str) -> str:
        found = self._find("currencies", code) or self._settings.currencies.get(code, "")
        if not found:
            raise MissingEntry("currencies", code)
        return found

    def _countries(self, order: Order) -> dict[str, str]:
        codes = {one.country for one in (order.billing, order.shipping) if one is not None and one.country}
        return {code: found for code in codes if (found := self._find("countries", code))}

    def _tax(self, line: Line) -> str:
        if not line.tax and not line.rate:
            return self._settings.taxes.untaxed
        if self._lookups.has("tax_codes"):
            return self._find("tax_codes", tax_keys(line)[0])
        found = next((one for key in tax_keys(line) if (one := self._settings.taxes.codes.get(key))), "")
        if not found:
            raise MappingError("taxes.codes", f"has nothing for {' or '.join(tax_keys(line))}")
        return found

    def _tax_type(self, line: Line) -> str:
        types = self._settings.taxes.types
        return next((one for key in tax_keys(line) if (one := types.get(key))), "") if line.tax else ""

    def _items(self, client: NetsuiteClient, lines: Sequence[Line]) -> tuple[str, ...]:
        goods = self._by_sku(client, sorted({line.sku for line in lines if line.role is Role.GOODS}))
        return tuple(goods[line.sku] if line.role is Role.GOODS else self._own(line) for line in lines)

    def _own(self, line: Line) -> str:
        ident: str = getattr(self._settings.items, line.role.value)
        if not ident:
            raise MappingError(f"items.{line.role.value}", "is not set, and this order needs it")
        return ident

    def _by_sku(self, client: NetsuiteClient, skus: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for start in range(0, len(skus), AT_ONCE):
            found |= self._asked(client, skus[start : start + AT_ONCE])
        missing = [sku for sku in skus if sku not in found]
        if missing and self._settings.unknown_sku == "reject":
            raise Rejected(f"NetSuite has no active item for {', '.join(missing[:5])}")
        return dict.fromkeys(missing, self._settings.items.placeholder) | found

    def _asked(self, client: NetsuiteClient, skus: Sequence[str]) -> dict[str, str]:
        column = self._settings.items.sku_field
        where = f"{among(column, skus)} AND isinactive = {literal('F')}"
        found: dict[str, str] = {}
        for row in client.query(f"SELECT id, {column} AS sku FROM item WHERE {where} ORDER BY id"):  # noqa: S608  quoted by `among`
            sku = str(row.get("sku"))
            if sku in found:
                raise Rejected(f"NetSuite has several active items for {sku}: {found[sku]} and {row.get('id')}")
            found[sku] = str(row.get("id"))
        return found
