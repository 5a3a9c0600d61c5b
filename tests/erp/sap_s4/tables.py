"""Tables of connections for the tests of this folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossdock.erp.sap_s4.connector import SapS4Connector, build
from crossdock.erp.sap_s4.settings import SapS4Settings
from crossdock.sandbox.erps.sap_s4 import stand_in
from crossdock.transport.connection import check_settings

ROOT = stand_in.ROOT
SECRETS: Mapping[str, str] = {
    "env:USER": stand_in.USER,
    "env:PASSWORD": stand_in.PASSWORD,
    "env:SECRET": stand_in.SECRET,
}
BASIC = {"scheme": "basic", "username": "env:USER", "password": "env:PASSWORD"}
# the stand-in's customising: TTX1 is computed by class, ZTAX is an amount by hand
BY_CLASS = {
    "conditions": {"price": "PMP0", "discount": "DRM1", "tax": "TTX1"},
    "taxes": {"classes": {"0": "0", "22": "1", "10": "2"}},
}
BY_HAND = {
    "conditions": {"price": "PMP0", "discount": "DRM1", "freight": "DFR1", "fpt": "DFP1", "tax": "ZTAX"},
    "taxes": {"told": "amount"},
}
# CAP computes nothing: there are no sums to be compared
ON_CAP = {"check": "none"}


def table(url: str, **more: Any) -> dict[str, Any]:
    """A connection's table, as a person would write it."""
    return {
        "base_url": f"{url}{ROOT}",
        "auth": BASIC,
        "flows": ["orders", "cancellations", "holds"],
        "sales": {"organization": "1010", "channel": "10", "division": "00"},
        "materials": {"shipping": "SHIPPING", "fee": "FEE", "fpt": "FPT"},
        "texts": {"note": "TX01", "ship_to": "TX02"},
        "sold_to": {"number": stand_in.CUSTOMER},
        "blocks": {"rejection": "61", "hold": "08", "difference": "09"},
        **BY_HAND,
        **more,
    }


def settings(**more: Any) -> SapS4Settings:
    """Checked."""
    return check_settings(SapS4Settings, "erp", table("https://s4.example.com", **more))


def connected(url: str, **more: Any) -> SapS4Connector:
    """A connector."""
    given: dict[str, Any] = {name: more.pop(name) for name in ("lookups", "clock") if name in more}
    return build("erp", table(url, **more), resolve=SECRETS.__getitem__, **given)
