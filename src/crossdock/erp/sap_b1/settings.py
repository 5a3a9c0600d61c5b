"""Settings of a connection to SAP Business One. Secrets are references (`env:NAME`, `file:PATH`), never values."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from crossdock.flows.parts import by_plain_rate
from crossdock.transport.connection import Address, BasicLogin, ConnectionSettings, Strict

FlowName = Literal["orders", "cancellations"]
UserField = Annotated[str, StringConstraints(pattern=r"^(U_\w+)?$")]


class ItemSettings(Strict):
    """Items for what is no goods of the shop's. An order that needs one that is "" is parked."""

    shipping: str = Field(default="", description="item for shipping")
    fee: str = Field(default="", description="item for fees: gift wrapping, surcharges")
    fpt: str = Field(default="", description="item for fixed product taxes")


class LevelSettings(Strict):
    """Stock levels: read whole in each scan."""

    warehouses: tuple[str, ...] = Field(default=(), description="codes of the warehouses; empty: all")
    meaning: Literal["on_hand", "available"] = Field(
        default="on_hand", description="on_hand: InStock; available: InStock less Committed"
    )
    page_size: int = Field(default=100, ge=1, le=1000, description="items asked for at a time")
    interval_s: float = Field(
        default=900, ge=0, description="seconds between two scans where no schedule says when; 0: only by schedules"
    )


class ReadsSettings(Strict):
    """What is read from it."""

    inventory: LevelSettings | None = Field(default=None, description="stock levels, by item and warehouse")


class SapB1Settings(ConnectionSettings):
    """One company in one Business One."""

    kind: Literal["sap_b1"] = Field(default="sap_b1", description="the kind of connection")
    base_url: Address = Field(description="the Service Layer's address with its version: https://host:50000/b1s/v2")
    company: str = Field(min_length=1, description="CompanyDB: the company's database")
    auth: BasicLogin = Field(description="name and password of a user of the company; a session is made with them")
    flows: frozenset[FlowName] = Field(default=frozenset({"orders"}), description="what is written into it")
    customer: str = Field(
        default="", description="CardCode of guests, and of all whom `[lookups.customers]` does not name"
    )
    tax_field: Literal["VatGroup", "TaxCode"] = Field(
        default="VatGroup", description="the line's field for the tax: which one is used depends on the localization"
    )
    taxes: Annotated[dict[str, str], AfterValidator(by_plain_rate)] = Field(
        default={}, description="rate in percent -> tax code, where `[lookups.tax_codes]` is not there"
    )
    items: ItemSettings = Field(default=ItemSettings(), description="items for what is no goods")
    warehouse: str = Field(default="", description="WarehouseCode of every line; empty: the item's own")
    due_days: int = Field(default=0, ge=0, description="days after the order's that DocDueDate is")
    payment_terms: int | None = Field(
        default=None, description="PaymentGroupCode, where `[lookups.payment_terms]` is not there"
    )
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = Field(
        description="the company's own currency: sums of orders in another one are told apart"
    )
    reference_field: Literal["NumAtCard"] | Annotated[str, StringConstraints(pattern=r"^U_\w+$")] = Field(
        default="NumAtCard", description="where our reference is kept: NumAtCard, or a user field of orders"
    )
    reference_prefix: str = Field(default="", max_length=20, description="put before the shop's order number in it")
    line_id_field: UserField = Field(default="", description="a line's user field that keeps our line id; empty: none")
    credits: Literal["park", "payment"] = Field(
        default="park",
        description="orders paid with gift cards, credit or points: parked; or ordered whole, these being payments",
    )
    amounts: Literal["LineTotal", "UnitPrice"] = Field(
        default="LineTotal", description="how a line's net amount is told: whole, or as a price that must give it"
    )
    tax_amounts: bool = Field(
        default=False, description="whether a line's tax is told too (TaxTotal); whether that holds was not verified"
    )
    check: bool = Field(default=True, description="whether DocTotal and VatSum are compared after an order is made")
    cancel_difference: bool = Field(
        default=False, description="whether an order whose sums came out otherwise is cancelled again by itself"
    )
    reads: ReadsSettings = Field(default=ReadsSettings(), description="what is read from it")
    passing: tuple[str, ...] = Field(
        default=("-2039", "another user or another operation", "deadlock"),
        description="error codes, or words of a message, that tell of a lock: tried again later",
    )
