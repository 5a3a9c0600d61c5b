"""An order on a terminal: what we understand of it, its money, and whether that adds up.

Everything from a file is put on the screen as plain text: neither markup nor control characters in it have any effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from crossdock.cli.common import plain
from crossdock.flows.proof import CurrencyProof, Proof
from crossdock.model.address import Address
from crossdock.model.money import Totals
from crossdock.model.order import Order, OrderLine

_COLUMNS = ("price", "gross", "discount", "net", "tax", "compensation", "fpt", "fpt_tax")
_HEADINGS = {"discount": "disc.", "compensation": "comp.", "fpt": "FPT", "fpt_tax": "VAT"}
_ALWAYS = frozenset({"price", "gross", "net", "tax"})
_SIGNS = (
    ("subtotal", 1),
    ("discount", -1),
    ("compensation", 1),
    ("tax", 1),
    ("shipping", 1),
    ("shipping_compensation", 1),
    ("fpt", 1),
    ("gift_card", -1),
    ("store_credit", -1),
    ("reward", -1),
)
_AFTER = ("paid", "refunded", "canceled", "due")


def view_order(order: Order, proof: Proof) -> RenderableType:
    """Who, what, and the money in each currency."""
    return Group(_facts(order), _lines(order), _money(order, proof))


def view_proof(proof: Proof) -> RenderableType:
    """Both identities in each currency, with the differences where they do not hold."""
    grid = Table.grid(padding=(0, 2))
    for which, one in (("order currency", proof.order), ("base currency", proof.base)):
        grid.add_row(plain(f"{which} {one.currency}"), _identity("header", one.header_difference), _lines_identity(one))
        if one.tax_outside_lines:
            grid.add_row("", Text(f"tax that no line explains: {one.tax_outside_lines:f}", "yellow"), "")
    return grid


def _identity(name: str, difference: Decimal) -> Text:
    if difference:
        return Text(f"✗ by {name}: off by {difference:+f}", style="bold red")
    return Text(f"✓ adds up by {name}", style="green")


def _lines_identity(one: CurrencyProof) -> Text:
    if one.broken_lines:
        return plain(f"✗ net is not gross - discount on line {', '.join(one.broken_lines[:5])}", "bold red")
    return _identity("rows", one.rows_difference)


def _facts(order: Order) -> Table:
    grid = Table.grid(padding=(0, 2))
    for name, value in _told(order):
        if value:
            grid.add_row(Text(name, style="dim"), plain(value))
    return grid


def _told(order: Order) -> Iterator[tuple[str, str]]:
    buyer = order.buyer
    yield "placed", f"{order.created_at:%Y-%m-%d %H:%M:%S} UTC, changed {order.updated_at:%Y-%m-%d %H:%M:%S} UTC"
    yield "state", f"{order.state} ({order.status})"
    yield "store", " / ".join(filter(None, (order.website, order.store_name)))
    yield "buyer", "guest" if buyer.guest else f"customer {buyer.id}, group {buyer.group}"
    yield "VAT id", buyer.vat_id
    yield "billed to", _place(order.billing)
    yield "shipped to", _place(order.shipping) if order.shipping else "nothing to ship"
    yield "by", " - ".join(filter(None, (order.shipping_method, order.shipping_description)))
    yield "paid by", " ".join(filter(None, (order.payment.method, order.payment.purchase_order_number)))
    yield "coupon", " - ".join(filter(None, (order.coupon, order.discount_description)))
    yield "replaces", order.replaces or ""
    yield "replaced by", order.replaced_by or ""
    yield "ERP number", order.external_id


def _place(address: Address) -> str:
    parts = (address.company, address.name, *address.street, f"{address.postcode} {address.city}".strip())
    return ", ".join(filter(None, (*parts, address.region_code or address.region, address.country)))


def _lines(order: Order) -> Table:
    """A column for each amount that any line has."""
    shown = [name for name in _COLUMNS if name in _ALWAYS or any(getattr(one.amounts, name) for one in order.lines)]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("line", no_wrap=True)
    table.add_column("SKU", overflow="fold", min_width=9)  # gives way first, but never wholly
    for name in ("qty", *shown):
        table.add_column(_HEADINGS.get(name, name), justify="right", no_wrap=True)
    ids = {line.id for line in order.lines}
    for line in order.lines:
        table.add_row(*_row(line, shown, inside=line.parent_id in ids))
    return table


def _row(line: OrderLine, shown: Sequence[str], *, inside: bool) -> list[Text]:
    cells = [_amount(getattr(line.amounts, name)) for name in shown]
    sku = plain(f"{'└ ' if inside else ''}{line.sku}")
    kind = plain("" if line.kind == "simple" else f" {line.kind}", "dim")
    return [plain(line.id), sku + kind, plain(f"{line.quantity:f}"), *cells]


def _money(order: Order, proof: Proof) -> Table:
    """The header identity written out, each currency by itself."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    both = (order.totals, order.base_totals)
    for which, totals in zip(("", " (base)"), both, strict=True):
        table.add_column(plain(f"{totals.currency}{which}"), justify="right", no_wrap=True)
    for name, sign in _SIGNS:
        values = [getattr(totals, name) * sign for totals in both]
        if any(values) or name in {"subtotal", "tax"}:
            table.add_row(plain(_label(name, sign)), *map(_amount, values))
    for name in dict.fromkeys((*order.totals.fees, *order.base_totals.fees)):
        table.add_row(plain(f"+ {name.replace('_', ' ')}"), *(_amount(one.fees.get(name, Decimal(0))) for one in both))
    table.add_section()
    styles = ["bold green" if one.holds else "bold red" for one in (proof.order, proof.base)]
    totals_cells = [_amount(one.grand_total, style) for one, style in zip(both, styles, strict=True)]
    table.add_row(Text("= grand total", style="bold"), *totals_cells)
    for name in _AFTER:
        if any(getattr(totals, name) for totals in both):
            table.add_row(Text(f"  {name}", style="dim"), *(_amount(getattr(one, name), "dim") for one in both))
    return table


def _label(name: str, sign: int) -> str:
    return f"{'+' if sign > 0 else '-'} {name.replace('_', ' ')}" if name != "subtotal" else "  subtotal"


def _amount(value: Decimal, style: str = "") -> Text:
    """With two decimals at least, and as many as it has."""
    if not value:
        return Text("-", style="dim")
    exponent = value.as_tuple().exponent
    places = max(2, -exponent) if isinstance(exponent, int) else 2
    return Text(f"{value:.{places}f}", style=style)


def view_totals_line(totals: Totals) -> str:
    """The grand total in a few characters."""
    return f"{totals.grand_total:.2f} {totals.currency}"
