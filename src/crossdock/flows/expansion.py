"""Bundles on an order, as the target wants them: one line, their parts, or their parts sharing the price. Pure.

An order as parsed holds the bundle's own line and its children. The money stands on the line itself (a fixed price) or
on its children (a dynamic one), never on both. Every strategy keeps every sum: the money proof holds
after it as before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_DOWN, Decimal
from types import MappingProxyType
from typing import Literal

import msgspec

from crossdock.model.base import Record
from crossdock.model.money import ZERO, LineAmounts
from crossdock.model.order import AppliedTax, Order, OrderLine

Strategy = Literal["parent", "exploded", "prorata"]

_ROW_FIELDS = ("gross", "discount", "net", "tax", "compensation", "fpt", "fpt_tax")
_FOUR_DECIMALS = Decimal("0.0001")
_NO_PRICES: Mapping[str, Decimal] = MappingProxyType({})


class _Bundle(Record, frozen=True, kw_only=True):
    parent: OrderLine
    children: tuple[OrderLine, ...]


def expand(order: Order, strategy: Strategy, *, list_prices: Mapping[str, Decimal] = _NO_PRICES) -> Order:
    """The order with its bundles as `strategy` says.

    - parent: one line a bundle, with the money of all its parts; `child_ids` names them.
    - exploded: the parts as lines. A dynamic bundle's own line goes; a fixed one's stays with the price, its parts are
      at zero.
    - prorata: the parts as lines, and a fixed price shared over them by the largest remainder: by `list_prices` (by
      SKU, one piece) times quantity where all of a bundle's parts have one, else by quantity, since a store does not
      tell the list prices of a fixed bundle's parts.
    """
    by_id = {line.id: line for line in order.lines}
    parts: defaultdict[str, list[OrderLine]] = defaultdict(list)
    for line in order.lines:
        parts[_root(line, by_id)].append(line)
    lines: list[OrderLine] = []
    for line in order.lines:
        children = tuple(part for part in parts.get(line.id, ()) if part.id != line.id)
        if children:
            lines += _expanded(_Bundle(parent=line, children=children), strategy, list_prices)
        elif line.id in parts:
            lines.append(line)
    return msgspec.structs.replace(order, lines=tuple(lines))


def _root(line: OrderLine, by_id: Mapping[str, OrderLine]) -> str:
    """The id of the outermost line that this one is a part of; its own where it is none's, or in a ring."""
    first, seen = line.id, {line.id}
    while line.parent_id is not None and line.parent_id in by_id:
        line = by_id[line.parent_id]
        if line.id in seen:
            return first
        seen.add(line.id)
    return line.id


def _expanded(bundle: _Bundle, strategy: Strategy, list_prices: Mapping[str, Decimal]) -> list[OrderLine]:
    if strategy == "parent":
        return [_folded(bundle)]
    if _is_dynamic(bundle):
        return list(bundle.children)
    if strategy == "exploded":
        return [bundle.parent, *bundle.children]
    return list(_shared(bundle, _weights(bundle.children, list_prices)))


def _is_dynamic(bundle: _Bundle) -> bool:
    """The money stands on the children."""
    return any(_has_money(child) for child in bundle.children) and not _has_money(bundle.parent)


def _has_money(line: OrderLine) -> bool:
    both = (line.amounts, line.base_amounts)
    return any(getattr(amounts, field) for amounts in both for field in _ROW_FIELDS)


# parent -------------------------------------------------------------------------------------------------------------


def _folded(bundle: _Bundle) -> OrderLine:
    parent, every = bundle.parent, (bundle.parent, *bundle.children)
    return msgspec.structs.replace(
        parent,
        child_ids=tuple(line.id for line in bundle.children),
        tax_rate=parent.tax_rate or _common_rate(bundle.children),
        virtual=all(line.virtual for line in every),
        weight=parent.weight or _per_piece(sum((one.weight * one.quantity for one in bundle.children), ZERO), parent),
        amounts=_added([line.amounts for line in every], parent),
        base_amounts=_added([line.base_amounts for line in every], parent),
        taxes=tuple(_merged(tax for line in every for tax in line.taxes)),
    )


def _common_rate(children: Sequence[OrderLine]) -> Decimal:
    """The rate where all priced parts share it; 0 where one line cannot tell (its taxes still can)."""
    rates = {line.tax_rate for line in children if _has_money(line)}
    return rates.pop() if len(rates) == 1 else ZERO


def _added(parts: Sequence[LineAmounts], parent: OrderLine) -> LineAmounts:
    sums = {field: sum((getattr(part, field) for part in parts), ZERO) for field in _ROW_FIELDS}
    own = parts[0]
    taxed = sums["gross"] + sums["tax"] + sums["compensation"]
    return LineAmounts(
        price=own.price or _per_piece(sums["gross"], parent),
        price_incl_tax=own.price_incl_tax or _per_piece(taxed, parent),
        **sums,
    )


def _per_piece(amount: Decimal, line: OrderLine) -> Decimal:
    if not line.quantity:
        return ZERO
    return (amount / line.quantity).quantize(_FOUR_DECIMALS)


def _merged(taxes: Iterable[AppliedTax]) -> Iterator[AppliedTax]:
    by_code: dict[tuple[str, Decimal], AppliedTax] = {}
    for tax in taxes:
        before = by_code.get((tax.code, tax.rate))
        by_code[tax.code, tax.rate] = tax if before is None else _joined(before, tax)
    yield from by_code.values()


def _joined(first: AppliedTax, second: AppliedTax) -> AppliedTax:
    return msgspec.structs.replace(
        first, amount=first.amount + second.amount, base_amount=first.base_amount + second.base_amount
    )


# prorata ------------------------------------------------------------------------------------------------------------


def _weights(children: Sequence[OrderLine], list_prices: Mapping[str, Decimal]) -> list[Decimal]:
    priced = [list_prices.get(child.sku, ZERO) * child.quantity for child in children]
    weights = priced if all(weight > 0 for weight in priced) else [child.quantity for child in children]
    return weights if sum(weights) > 0 else [Decimal(1)] * len(children)


def _shared(bundle: _Bundle, weights: Sequence[Decimal]) -> Iterator[OrderLine]:
    parent = bundle.parent
    amounts = _shared_amounts(parent.amounts, weights, [tax.amount for tax in parent.taxes])
    base_amounts = _shared_amounts(parent.base_amounts, weights, [tax.base_amount for tax in parent.taxes])
    taxes = [_shared_tax(tax, weights) for tax in parent.taxes]
    for place, child in enumerate(bundle.children):
        yield msgspec.structs.replace(
            child,
            tax_rate=child.tax_rate or parent.tax_rate,
            amounts=_priced(amounts[place], child),
            base_amounts=_priced(base_amounts[place], child),
            taxes=child.taxes + tuple(shares[place] for shares in taxes),
        )


def _shared_amounts(whole: LineAmounts, weights: Sequence[Decimal], taxes: Sequence[Decimal]) -> list[LineAmounts]:
    """`net` is not shared by itself: it is gross - discount on every part, and so its sum is right too."""
    shares = {field: share(getattr(whole, field), weights) for field in _ROW_FIELDS if field != "net"}
    if taxes and sum(taxes, ZERO) == whole.tax:  # then a part's tax is the sum of its taxes, to the cent
        shares["tax"] = [sum(of_one, ZERO) for of_one in zip(*(share(tax, weights) for tax in taxes), strict=True)]
    return [
        LineAmounts(
            net=shares["gross"][place] - shares["discount"][place],
            **{field: parts[place] for field, parts in shares.items()},
        )
        for place in range(len(weights))
    ]


def _priced(amounts: LineAmounts, line: OrderLine) -> LineAmounts:
    taxed = amounts.gross + amounts.tax + amounts.compensation
    return msgspec.structs.replace(
        amounts, price=_per_piece(amounts.gross, line), price_incl_tax=_per_piece(taxed, line)
    )


def _shared_tax(tax: AppliedTax, weights: Sequence[Decimal]) -> list[AppliedTax]:
    pairs = zip(share(tax.amount, weights), share(tax.base_amount, weights), strict=True)
    return [msgspec.structs.replace(tax, amount=amount, base_amount=base) for amount, base in pairs]


def share(amount: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """`amount` over `weights` (>= 0, not all 0) so that the shares sum to it exactly.

    In cents, or in the amount's own last digit where that is finer; what is left over goes one by one to the largest
    remainders, the earlier part first among equals.
    """
    exponent = amount.as_tuple().exponent
    unit = Decimal(1).scaleb(min(-2, exponent if isinstance(exponent, int) else -2))
    whole, total = abs(amount), sum(weights, ZERO)
    exact = [whole * weight / total for weight in weights]
    floors = [one.quantize(unit, rounding=ROUND_DOWN) for one in exact]
    left = int((whole - sum(floors, ZERO)) / unit)
    by_remainder = sorted(range(len(weights)), key=lambda place: floors[place] - exact[place])
    lucky = set(by_remainder[:left])
    sign = -1 if amount < 0 else 1
    return [sign * (floor + unit if place in lucky else floor) for place, floor in enumerate(floors)]
