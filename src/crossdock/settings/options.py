"""The rules of a route."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, field_validator, model_validator

from crossdock.settings.flow_options import CustomersOptions, InventoryOptions, PricesOptions, ProductsOptions
from crossdock.settings.section import Section

PaymentRule = Literal["always", "paid", "authorized", "never"]
# as flows.eligibility has them, which this room may not import; a test holds the two together
_OFFLINE = ("checkmo", "banktransfer", "cashondelivery", "purchaseorder", "free")
DEFAULT_RULES: dict[str, PaymentRule] = {"*": "authorized", **dict.fromkeys(_OFFLINE, "always")}
STATE_FLOWS: tuple[str, ...] = ("inventory", "prices", "products")
OWN_RULES: tuple[str, ...] = (*STATE_FLOWS, "customers")  # flows with a table of options of their own


class WhenOptions(Section):
    """Which orders a route takes. What is not given does not matter; all that is given must hold."""

    stores: tuple[str, ...] = Field(default=(), description="Ids of the stores (`store_id`).")
    websites: tuple[str, ...] = Field(default=(), description="The websites, as the order tells them.")
    countries: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...] = Field(
        default=(), description="Countries that it is shipped to; of what is not shipped, of the bill (ISO 3166-1)."
    )
    currencies: tuple[Annotated[str, Field(pattern=r"^[A-Z]{3}$")], ...] = Field(
        default=(), description="Currencies that the customer pays in (ISO 4217)."
    )
    groups: tuple[str, ...] = Field(default=(), description="Customer groups, as the order tells them.")
    least: Decimal | None = Field(default=None, ge=0, description="Smallest grand total, in the store's base currency.")
    below: Decimal | None = Field(
        default=None, gt=0, description="Grand totals must be below this, in the store's base currency."
    )

    @model_validator(mode="after")
    def _leaves_something(self) -> WhenOptions:
        if self.least is not None and self.below is not None and self.least >= self.below:
            raise ValueError("least must be smaller than below")
        return self

    def takes_all(self) -> bool:
        """Whether nothing is asked."""
        return self == WhenOptions()


class RouteOptions(Section):
    """A route's rules."""

    eligibility: dict[str, PaymentRule] = Field(
        default_factory=lambda: dict(DEFAULT_RULES),
        description="When an order may go, by payment method; `*` is every other method. `always`: at once; `paid`: "
        "once captured in full; `authorized`: once authorized or captured; `never`: not at all. A table here takes the "
        "place of the default as a whole.",
    )
    give_up_days: int = Field(
        default=30,
        ge=0,
        le=3650,
        description="Days after which an order that is still not eligible is not looked at any more; 0 is never.",
    )
    on_mismatch: Literal["park", "rounding_line", "accept_cents"] = Field(
        default="park",
        description="When an order's lines do not add up to its total: `park` it for a person, send the difference as "
        "a `rounding_line`, or `accept_cents`.",
    )
    accept_cents: int = Field(
        default=1,
        ge=1,
        le=100,
        description="Largest difference, in cents, that `accept_cents` takes as it is and that `rounding_line` closes; "
        "an order with a larger one is parked.",
    )
    bundles: Literal["parent", "exploded", "prorata"] = Field(
        default="parent",
        description="How a bundle goes: as one line (`parent`), as its parts with their own prices (`exploded`), or "
        "as its parts with the bundle's price spread over them (`prorata`).",
    )

    when: WhenOptions = Field(
        default_factory=WhenOptions,
        description="Which orders this route takes. Of a source's routes the first that wants one takes it, alone.",
    )
    shares: bool = Field(
        default=False, description="Whether this route takes what it wants beside another one, and not in its place."
    )

    mode: Literal["live", "shadow", "canary"] = Field(
        default="live",
        description="Whether orders and what follows them are sent, and customers (docs/shadow.md). `shadow`: all is "
        "computed and compared with what the target has, and nothing is sent; `canary`: a share of new orders is sent, "
        "the others are compared. Customers likewise, each by itself.",
    )
    canary: Decimal = Field(
        default=Decimal(5),
        gt=0,
        le=100,
        description="Percent of the new orders, and of the customers, that a `canary` sends. A larger one only adds.",
    )
    live_from: AwareDatetime | None = Field(
        default=None,
        description="Orders that were placed before this moment are never sent, in whatever mode: they are another "
        "integration's, and are compared.",
    )
    shadow_patience_s: float = Field(
        default=3600,
        ge=0,
        le=7 * 86400,
        description="Seconds within which another integration may still bring to the target what is compared; then it "
        "counts as missing there.",
    )

    inventory: InventoryOptions = Field(default_factory=InventoryOptions, description="Stock levels.")
    prices: PricesOptions = Field(default_factory=PricesOptions, description="Prices.")
    products: ProductsOptions = Field(default_factory=ProductsOptions, description="Products.")
    customers: CustomersOptions = Field(default_factory=CustomersOptions, description="Customers.")

    def of_orders(self) -> dict[str, Any]:
        """The rules of orders and what follows them."""
        return self.model_dump(mode="python", exclude={*OWN_RULES, "shadow_patience_s"})

    def of_states(self) -> dict[str, dict[str, Any]]:
        """The rules of each flow that has its own, by its name."""
        return self.model_dump(mode="python", include={*OWN_RULES})

    @field_validator("eligibility")
    @classmethod
    def _has_a_rule_for_the_rest(cls, value: dict[str, PaymentRule]) -> dict[str, PaymentRule]:
        if "*" not in value:
            raise ValueError('needs a rule for every other payment method: "*" = "always", "paid", …')
        return value


__all__ = ["DEFAULT_RULES", "OWN_RULES", "STATE_FLOWS", "PaymentRule", "RouteOptions", "WhenOptions"]
