"""Prices and products out of SAP, by the time of their change.

A price changes on the day on which its validity begins too, without anybody touching it: those are looked for by that
day. What was never changed has no time of change: the day on which it was made is asked for beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from crossdock.erp.sap_s4.client import SapClient
from crossdock.erp.sap_s4.mapping import odata
from crossdock.erp.sap_s4.mapping.rows import both, either, prices, products
from crossdock.erp.sap_s4.places import Leg
from crossdock.erp.sap_s4.reading import Part
from crossdock.erp.sap_s4.settings import CatalogSettings, PriceSettings, SalesArea

PRICES, RECORDS, VALIDITIES = (
    "API_SLSPRICINGCONDITIONRECORD_SRV",
    "A_SlsPrcgConditionRecord",
    "A_SlsPrcgCndnRecdValidity",
)
TO_VALIDITY, TO_RECORD = "to_SlsPrcgCndnRecdValidity", "to_SlsPrcgConditionRecord"
CHANGE, CREATION, BEGIN = "LastChangeDateTime", "CreationDate", "ConditionValidityStartDate"


class Prices:
    """The flow prices: condition records of one type in the sales area."""

    def __init__(self, settings: PriceSettings, area: SalesArea | None) -> None:
        self._settings = settings
        self._area = area

    def everything(self) -> Sequence[Leg]:
        """By the records' numbers."""
        return (self._records("", daily=False),)

    def changed(self, day: str, now: datetime) -> Sequence[Leg]:
        """What was changed, what was made, and what began."""
        told = date.fromisoformat(day) if day else now.date()
        began = self._begun(told - timedelta(days=1), now.date() + timedelta(days=1))  # the shop's day is not SAP's
        return (self._records(CHANGE, daily=False), self._records(CREATION, daily=True), began)

    def rows(self, client: SapClient, page: Part, at: datetime) -> list[dict[str, Any]]:  # noqa: ARG002  all is there
        """A row for each record that is everybody's price today."""
        if page.leg.entity_set == VALIDITIES:
            pairs: list[tuple[odata.Row, odata.Row]] = [(_single(row, TO_RECORD), row) for row in page.rows]
        else:
            pairs = [(row, validity) for row in page.rows for validity in odata.inner(row, TO_VALIDITY)]
        return prices([pair for pair in pairs if self._is_ours(pair[1])], self._settings, at)

    def _records(self, stamp: str, *, daily: bool) -> Leg:
        return Leg(
            service=PRICES,
            entity_set=RECORDS,
            key="ConditionRecord",
            stamp=stamp,
            clock=CHANGE,
            daily=daily,
            narrow=both("ConditionApplication eq 'V'", f"ConditionType eq {odata.text(self._settings.condition_type)}"),
            expand=TO_VALIDITY,
            versions=(CHANGE,) if stamp else (),
        )

    def _begun(self, since: date, upto: date) -> Leg:
        organization = f"SalesOrganization eq {odata.text(self._area.organization)}" if self._area else ""
        kind = f"ConditionType eq {odata.text(self._settings.condition_type)}"
        days = (f"{BEGIN} gt {odata.day(since)}", f"{BEGIN} le {odata.day(upto)}")
        return Leg(
            service=PRICES,
            entity_set=VALIDITIES,
            key="ConditionRecord",
            unique=False,
            narrow=both(kind, organization, *days),
            expand=TO_RECORD,
        )

    def _is_ours(self, validity: odata.Row) -> bool:
        """Where a record says neither, it is for all."""
        area = self._area
        if area is None:
            return True
        wanted = (("SalesOrganization", area.organization), ("DistributionChannel", area.channel))
        return all(odata.word(validity, name).strip() in {"", value} for name, value in wanted)


class Catalog:
    """The flow products."""

    def __init__(self, settings: CatalogSettings) -> None:
        self._settings = settings

    def everything(self) -> Sequence[Leg]:
        """By their numbers."""
        return (self._leg("", daily=False),)

    def changed(self, day: str, now: datetime) -> Sequence[Leg]:  # noqa: ARG002  the port's signature
        """What was changed, and what was made."""
        return (self._leg(CHANGE, daily=False), self._leg(CREATION, daily=True))

    def rows(self, client: SapClient, page: Part, at: datetime) -> list[dict[str, Any]]:  # noqa: ARG002  all is there
        """A row for each product."""
        return products(page.rows, self._settings, at)

    def _leg(self, stamp: str, *, daily: bool) -> Leg:
        return Leg(
            service="API_PRODUCT_SRV",
            entity_set="A_Product",
            key="Product",
            stamp=stamp,
            clock=CHANGE,
            daily=daily,
            narrow=either("ProductType", self._settings.types),
            expand="to_Description",
            versions=(CHANGE,) if stamp else (),
        )


def _single(row: odata.Row, nav: str) -> odata.Row:
    """An expanded row where there is one at most, however it is written."""
    found = row.get(nav)
    rows = odata.inner(row, nav)
    if rows:
        return rows[0]
    return found if isinstance(found, dict) else {}
