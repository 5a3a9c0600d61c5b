"""The rules of each flow that has its own: stock, prices, products, customers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from crossdock.settings.section import Section


class GuardSettings(Section):
    """What makes a feed wait for a person. `crossdock held list` shows what waits."""

    zero_percent: float = Field(
        default=30, ge=0, le=100, description="Share of a feed's rows that may fall to zero, in percent."
    )
    jump_factor: float = Field(
        default=20, ge=0, description="By how many times a value must grow or shrink to count as a jump; 0: never."
    )
    jump_percent: float = Field(default=20, ge=0, le=100, description="Share of rows that may jump, in percent.")
    least_rows: int = Field(
        default=20, ge=1, description="How many such rows it takes: a feed of three rows is not held for one zero."
    )


class InventoryOptions(Section):
    """How stock levels of this route are read."""

    warehouses: dict[str, str] = Field(
        default_factory=dict,
        description="The source's warehouses, each with the code of the Magento source that it is. Others are refused.",
    )
    meaning: Literal["on_hand", "available"] = Field(
        default="on_hand",
        description="What a quantity means where its row does not say: what lies there, or what may still be promised "
        "(the ERP has taken off the orders that it knows).",
    )
    reserve_at: str = Field(
        default="",
        description="Of `available` quantities: the Magento source to whose level is added what the store still "
        "reserves for orders that the ERP has taken off already. Empty: the first one of `warehouses`.",
    )
    backorders: bool = Field(default=False, description="Whether a quantity of 0 is still in stock.")
    negative: Literal["reject", "zero"] = Field(
        default="reject", description="What becomes of a quantity below 0: refused, or written as 0."
    )
    guard: GuardSettings = Field(default_factory=GuardSettings, description="Protection against a broken feed.")


class PriceGuardSettings(Section):
    """What makes a feed of prices wait for a person. `crossdock held list` shows what waits."""

    change_percent: float = Field(
        default=50,
        ge=0,
        description="By how many percent a price must rise or fall to count as a large change; 0: never.",
    )
    rows_percent: float = Field(
        default=5, ge=0, le=100, description="Share of a feed's rows that may change so much, in percent."
    )
    zero_percent: float = Field(
        default=0, ge=0, le=100, description="Share of a feed's rows that may become free of charge, in percent."
    )
    least_rows: int = Field(default=3, ge=1, description="How many such rows it takes to hold a feed.")


class PriceScope(Section):
    """What one scope of the source's prices is at the store. 0 is all of them, and must be written out."""

    store: int | None = Field(
        default=None,
        ge=0,
        description="Id of the store view that base, special and cost prices are written for; 0: all. None: they are "
        "refused.",
    )
    website: int | None = Field(
        default=None, ge=0, description="Id of the website that tier prices are written for; 0: all. None: refused."
    )


class PricesOptions(Section):
    """How prices of this route are read."""

    scopes: dict[str, PriceScope] = Field(
        default_factory=dict,
        description="The source's price lists or websites, each with the store view and the website that it is. Prices "
        "of others are refused.",
    )
    currency: str = Field(
        default="",
        pattern=r"^([A-Z]{3})?$",
        description="Currency that prices are in (ISO 4217). Rows that say another are refused; empty: each row must "
        "say it. It is held against the store's base currency.",
    )
    tax: Literal["", "included", "excluded"] = Field(
        default="",
        description="Whether the store's catalog prices include tax (Stores > Configuration > Sales > Tax > Catalog "
        "Prices; its REST API does not tell). Rows that say otherwise are refused; empty: rows must not speak of tax.",
    )
    tiers: Literal["merge", "replace"] = Field(
        default="merge",
        description="`merge`: a row is one tier price, others of its SKU stay. `replace`: a row holds all tier prices "
        "of its SKU (`tiers`), others are removed.",
    )
    guard: PriceGuardSettings = Field(
        default_factory=PriceGuardSettings, description="Protection against a broken feed."
    )


class ProductGuardSettings(Section):
    """What makes a feed of products wait for a person. `crossdock held list` shows what waits."""

    gone_percent: float = Field(
        default=5, ge=0, le=100, description="Share of a feed's rows that may disable or remove a product, in percent."
    )
    least_rows: int = Field(default=5, ge=1, description="How many such rows it takes to hold a feed.")


FieldName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
_NEVER = ("sku", "type", "attribute_set", "removed", "clear", "version", "as_of", "attributes", "category_ids")


class ProductsOptions(Section):
    """Which fields of a product are whose on this route, and what may be made."""

    owned: tuple[FieldName, ...] = Field(
        default=(),
        description="Fields that belong to the source: they are written whenever it says something of them. Attribute "
        "codes, or `websites`, `categories`, `images`, `variants`. All others are the store's and are never sent.",
    )
    initial: tuple[FieldName, ...] = Field(
        default=("name", "price", "weight", "status", "visibility", "websites", "categories"),
        description="Fields that are written once, where a product is made, and are the store's from then on.",
    )
    create: bool = Field(default=True, description="Whether products that the store does not have are made.")
    attribute_set: str = Field(
        default="Default", description="Attribute set of a new product whose row names none: its name or its id."
    )
    websites: tuple[str, ...] = Field(
        default=(), description="Codes of the websites of products whose row names none; none: as the store decides."
    )
    categories: tuple[str, ...] = Field(
        default=(), description="Categories of products whose row names none: ids, or paths as `Men/Shirts`."
    )
    create_options: bool = Field(
        default=False, description="Whether an option that an attribute does not have is made; else the row is refused."
    )
    four_byte: Literal["reject", "drop", "send"] = Field(
        default="reject",
        description="What becomes of characters beyond U+FFFF (emoji), of which a store on three-byte UTF-8 makes "
        "question marks: the row is refused, they are left out, or sent to a store that keeps them.",
    )
    missing: Literal["ignore", "disable", "delete"] = Field(
        default="ignore",
        description="What becomes of a product that the source says it has no more (`removed`).",
    )
    guard: ProductGuardSettings = Field(
        default_factory=ProductGuardSettings, description="Protection against a broken feed."
    )

    @field_validator("owned", "initial")
    @classmethod
    def _can_be_owned(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := sorted({*value}.intersection(_NEVER)):
            raise ValueError(f"{', '.join(wrong)}: not a field that can be owned")
        return value


FieldOwner = Literal["store", "erp", "newest", "ask"]
DEFAULT_OWNERS: dict[str, FieldOwner] = {"email": "store", "group": "erp"}
CustomerField = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}(\.[a-z][a-z0-9_]{0,59})?$")]


class CustomersOptions(Section):
    """Whose word counts about a customer. The route from the store says it for both ways, where there is one."""

    owners: dict[CustomerField, FieldOwner] = Field(
        default_factory=lambda: dict(DEFAULT_OWNERS),
        description="Whose a field is: `store` and `erp` always win, `newest` is whoever changed it last, `ask` waits "
        "for a person where both have changed it. Fields are `email`, `first_name`, `last_name`, `middle_name`, "
        "`prefix`, `suffix`, `birthday`, `vat_id`, `group`, `subscribed`, `addresses`, `attributes` or "
        "`attributes.CODE`; what is not named is `newest`. A table here takes the place of the default as a whole.",
    )
    create: bool = Field(
        default=True, description="To a store: whether a customer of the ERP whom it does not have is made."
    )
    website: str = Field(
        default="", description="To a store: code of the website of customers whose row names none; empty: it must."
    )
    guests: Literal["none", "customer"] = Field(
        default="none",
        description="From a store: whether the buyer of a guest's order becomes a customer of the ERP, once for each "
        "e-mail address and website.",
    )
    erasure: Literal["ask", "send"] = Field(
        default="ask",
        description="What becomes of a person's wish to be forgotten at this route's target: `ask` makes a dead letter "
        "that a person resolves once it is done there; `send` carries it out (a store deletes the account).",
    )


__all__ = [
    "DEFAULT_OWNERS",
    "CustomerField",
    "CustomersOptions",
    "FieldName",
    "FieldOwner",
    "GuardSettings",
    "InventoryOptions",
    "PriceGuardSettings",
    "PriceScope",
    "PricesOptions",
    "ProductGuardSettings",
    "ProductsOptions",
]
