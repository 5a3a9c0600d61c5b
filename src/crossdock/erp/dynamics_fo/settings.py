"""Settings of a connection to Finance and Operations. Secrets are references, never values."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from crossdock.flows.parts import by_plain_rate
from crossdock.transport.connection import Address, ConnectionSettings, OAuthLogin, Strict, refuse_plain

FlowName = Literal["orders", "holds", "customers"]
READS = ("inventory", "prices", "products")
NUMBER = 20  # characters of a sales order's number, and of a customer's account


TaxMap = Annotated[dict[str, str], AfterValidator(by_plain_rate)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class SetSettings(Strict):
    """What the entities' sets are called there: look into `/data/$metadata` where one answers 404."""

    headers: Name = Field(default="SalesOrderHeadersV2", description="sales order headers")
    lines: Name = Field(default="SalesOrderLinesV2", description="sales order lines")
    customers: Name = Field(default="CustomersV3", description="customers")
    products: Name = Field(default="ReleasedProductsV2", description="released products")
    on_hand: Name = Field(default="WarehousesOnHandV2", description="quantities by warehouse")


class ExtraSettings(Strict):
    """Items for what is no goods of the shop's. An order that needs one that is "" is parked."""

    shipping: str = Field(default="", max_length=20, description="item number for shipping")
    discount: str = Field(default="", max_length=20, description="item number for discounts given after tax")
    fpt: str = Field(default="", max_length=20, description="item number for fixed product taxes")
    fee: str = Field(default="", max_length=20, description="item number for fees: gift wrapping, surcharges")
    credit: str = Field(
        default="", max_length=20, description="item number for gift cards, store credit and reward points"
    )
    rounding: str = Field(default="", max_length=20, description="item number for rounding lines")


class CustomerSettings(Strict):
    """Whose an order is."""

    account: str = Field(
        default="", max_length=20, description="one customer for all orders; empty: each buyer is a customer"
    )
    account_prefix: str = Field(
        default="M", max_length=6, description="put before the shop's customer id to make the customer's account"
    )
    create: bool = Field(default=True, description="whether an unknown buyer becomes a new customer")
    group: str = Field(default="", max_length=10, description="customer group of new customers; they cannot do without")
    currency: str = Field(
        default="", pattern=r"^([A-Z]{3})?$", description="currency of new customers; they cannot do without"
    )

    @model_validator(mode="after")
    def _makeable(self) -> CustomerSettings:
        if not self.account and self.create and not (self.group and self.currency):
            raise ValueError("new customers need group and currency: set both, or account, or create = false")
        return self


class ReadSettings(Strict):
    """What all that is read has in common: there is no time of change, so each scan is whole."""

    page_size: int = Field(default=1000, ge=2, le=10_000, description="records asked for at a time")
    interval_s: float = Field(
        default=3600, ge=0, description="seconds between two scans where no schedule says when; 0: only by schedules"
    )


class LevelSettings(ReadSettings):
    """Quantities by warehouse."""

    warehouses: tuple[str, ...] = Field(default=(), description="their ids; empty: all of the company")
    meaning: Literal["on_hand", "available"] = Field(
        default="on_hand",
        description="on_hand: OnHandQuantity; available: AvailableOnHandQuantity, what is reserved taken off",
    )
    variant_separator: str = Field(
        default="",
        max_length=3,
        description="put between an item's number and its configuration, size, colour, style and version to make the "
        "SKU of a variant; empty: variants are left out",
    )


class PriceSettings(ReadSettings):
    """Base prices of released products."""

    scope: str = Field(min_length=1, description="the name of the scope that they are prices of, as the route has it")
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="the company's own currency, in which they are")
    tax: Literal["excluded", "included", ""] = Field(default="excluded", description="what is said of them")


class CatalogSettings(ReadSettings):
    """Released products."""

    fields: dict[str, Name] = Field(
        min_length=1, description="the shop's attribute code -> field of a released product"
    )
    off_states: tuple[str, ...] = Field(
        default=(),
        description="values of ProductLifecycleStateId of what is not sold; none: nothing is said",
    )


class ReadsSettings(Strict):
    """What is read from it."""

    inventory: LevelSettings | None = Field(default=None, description="quantities by warehouse")
    prices: PriceSettings | None = Field(default=None, description="base prices of released products")
    products: CatalogSettings | None = Field(default=None, description="released products")

    def asked(self) -> dict[str, ReadSettings]:
        """By flow, those that there are."""
        return {flow: one for flow in READS if (one := getattr(self, flow)) is not None}


class FoSettings(ConnectionSettings):
    """One company (legal entity) of one environment."""

    kind: Literal["dynamics_fo"] = Field(default="dynamics_fo", description="the kind of connection")
    url: Address = Field(description="the environment's address, like https://contoso.operations.dynamics.com")
    auth: OAuthLogin = Field(
        description="how it knows us: https://login.microsoftonline.com/TENANT/oauth2/v2.0/token, and as scope the "
        "environment's address with /.default"
    )
    company: str = Field(min_length=1, max_length=4, description="the legal entity: dataAreaId")
    flows: frozenset[FlowName] = Field(
        default=frozenset({"orders"}), min_length=1, description="what is sent to it, and nothing else"
    )
    reads: ReadsSettings = Field(default=ReadsSettings(), description="what is read from it, by flow, and how")
    sets: SetSettings = Field(default=SetSettings(), description="what the entities' sets are called")
    order_numbers: Literal["ours", "theirs"] = Field(
        default="ours",
        description="ours: an order has our number, header and lines are one change set (its number sequence must be "
        "manual); theirs: the header is entered first, and its lines under the number that it was given",
    )
    number_prefix: str = Field(
        default="", max_length=10, description="put before the order number; needed where two shops share numbers"
    )
    line_field: Name = Field(
        default="CustomerRequisitionNumber", description="text field of a line that keeps the id of the order's line"
    )
    reference_field: Name = Field(
        default="CustomersOrderReference",
        description="text field of an order's head in which another integration keeps the order number, for shadow "
        "routes",
    )
    customer: CustomerSettings = Field(description="whose an order is")
    extras: ExtraSettings = Field(default=ExtraSettings(), description="items for what is no goods")
    tax_group: str = Field(default="", max_length=20, description="SalesTaxGroupCode of orders; empty: none is said")
    taxes: TaxMap = Field(
        default={},
        description="rate in percent, or the shop's tax code -> the line's SalesTaxItemGroupCode; the lookup tax_codes "
        "goes before; without either none is sent and the item's own counts",
    )
    tax_rounding: Literal["document", "line"] = Field(
        default="document", description="how sales tax is rounded, for the sums that are worked out beforehand"
    )
    prices_with_tax: bool = Field(
        default=True, description="whether prices may be sent with their tax in them, where only that meets the cent"
    )
    even_out_cents: int = Field(
        default=0,
        ge=0,
        le=100,
        description="cents of tax that are evened out by two rounding lines (extras.rounding), one with tax and one "
        "without; an order that is off by more is parked",
    )
    price_decimals: int = Field(default=6, ge=2, le=10, description="decimals of a unit price")
    site: str = Field(default="", max_length=10, description="site of all lines; empty: none is said")
    warehouse: str = Field(default="", max_length=10, description="warehouse of all lines; empty: none is said")
    duplicate_text: str = Field(
        default="already exists",
        min_length=5,
        description="what is said of a number that is taken, in that language",
    )

    @model_validator(mode="after")
    def _safe(self) -> FoSettings:
        refuse_plain(self.url, allowed=self.allow_plain_http)
        refuse_plain(self.auth.token_url, allowed=self.allow_plain_http)
        return self
