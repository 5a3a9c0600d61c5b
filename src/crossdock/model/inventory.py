"""Stock: how much of what lies where."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

from crossdock.model.base import Record

Meaning = Literal["on_hand", "available"]


class StockLevel(Record, frozen=True, kw_only=True, gc=False):
    """The quantity of one SKU at one place of the store (a Magento source).

    `on_hand` is what lies there; `available` what may still be promised: orders that the ERP knows are already taken
    off it. `as_of` is the moment for which the ERP says so. `version` sorts; "" stands for the order of arrival.
    """

    sku: str
    place: str
    quantity: Decimal
    in_stock: bool
    meaning: Meaning = "on_hand"
    as_of: datetime | None = None
    version: str = ""
