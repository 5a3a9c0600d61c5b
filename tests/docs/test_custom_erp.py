"""The page on a custom ERP, tried word by word on a recorded order."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from crossdock.contract.lookups import FixedLookups
from crossdock.erp.rest.connector import build
from crossdock.flows import ORDERS
from crossdock.magento.mapping.orders import parse_order
from tests.material import needs_shared
from tests.walk.world import recorded

PAGE = (Path(__file__).parent.parent.parent / "docs/custom-erp.md").read_text()
pytestmark = needs_shared


def settings() -> dict[str, Any]:
    text = "\n".join(re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL))
    found: dict[str, Any] = tomllib.loads(text)["connections"]["erp"]
    return found


def test_the_page_s_settings_send_what_it_says() -> None:
    order = recorded("001_smoke")
    words = FixedLookups(
        {
            "payment_terms": {order["payment"]["method"]: "N30"},
            "tax_codes": {str(rate): "V" for rate in ("22", "22.0000", "0")},
        }
    )
    connector = build("erp", settings(), lookups=words, resolve=lambda _ref: "secret")
    sent = connector.preview(ORDERS, parse_order(msgspec.json.encode(order)))
    assert sent["external_ref"] == order["increment_id"]
    (line,) = sent["lines"]
    assert line["no"] == order["items"][0]["sku"]
    assert line["qty"] == order["items"][0]["qty_ordered"]
    assert float(line["net"]) == order["items"][0]["row_total"] - order["items"][0]["discount_amount"]
    assert set(sent) == {"external_ref", "lines"}
