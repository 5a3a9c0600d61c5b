"""The settings file: one TOML, checked whole before anything starts.

`load` reads `crossdock.toml`, lets the environment override single keys (CROSSDOCK__DATABASE__URL is `database.url`),
and names every problem at once. Secrets are never in it: they stay references such as `env:NAME` or `file:PATH`, which
`crossdock.security.secrets.resolve` turns into the secret where it is used.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from crossdock.errors import ConfigurationError

PREFIX = "CROSSDOCK__"
FILE_VARIABLE = "CROSSDOCK_CONFIG"
DEFAULT_FILE = Path("crossdock.toml")

CONNECTION_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")

PaymentRule = Literal["always", "paid", "authorized", "never"]
# as flows.eligibility has them, which this room may not import; a test holds the two together
_OFFLINE = ("checkmo", "banktransfer", "cashondelivery", "purchaseorder", "free")
DEFAULT_RULES: dict[str, PaymentRule] = {"*": "authorized", **dict.fromkeys(_OFFLINE, "always")}
RouteFlow = Literal[
    "orders",
    "cancellations",
    "holds",
    "payments",
    "refunds",
    "inventory",
    "prices",
    "products",
    "customers",
    "shipments",
    "tracks",
    "invoices",
    "credit_memos",
    "order_updates",
]
EVERY_FLOW: frozenset[RouteFlow] = frozenset(get_args(RouteFlow))
STATE_FLOWS: tuple[str, ...] = ("inventory", "prices", "products")
OWN_RULES: tuple[str, ...] = (*STATE_FLOWS, "customers")  # flows with a table of options of their own
EXPORT_FLOWS: tuple[RouteFlow, ...] = ("orders", "cancellations", "holds", "payments", "refunds")


CRON_FIELDS = 5  # cronsim would take a sixth, for seconds
REFERENCE = r"^(env|file|vault|aws-sm):.+"


class Section(BaseModel):
    """One table of the file: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True)


class DatabaseSettings(Section):
    """Where messages, deliveries and the audit trail are kept."""

    url: str = Field(
        default="sqlite:///crossdock.sqlite",
        description="SQLAlchemy URL of SQLite or PostgreSQL (`postgresql+psycopg://user@host/name`). It may be a "
        "reference (`env:DATABASE_URL`) so that a password stays out of this file.",
    )


class BrokerSettings(Section):
    """What tells workers in other processes that something is due. It carries row numbers only."""

    url: str = Field(
        default="",
        description="AMQP URL of RabbitMQ (`amqp://user:password@host:5672/vhost`, `amqps://…`), or a reference "
        "(`env:BROKER_URL`) so that a password stays out of this file. Needs PostgreSQL and the extra `fleet`. Empty: "
        "workers find what is due in the database alone.",
    )

    @field_validator("url")
    @classmethod
    def _is_amqp(cls, value: str) -> str:
        if value and not value.startswith(("amqp://", "amqps://", "env:", "file:", "vault:", "aws-sm:")):
            raise ValueError("must be an amqp:// or amqps:// URL, or a reference to one")
        return value


class ApiClient(Section):
    """One system that may call the API."""

    token: str = Field(pattern=REFERENCE, description="Its bearer token, as a secret reference.")
    connection: str = Field(description="The connection on whose behalf it speaks: its ERP.")


class ApiSettings(Section):
    """The HTTP server that takes webhooks."""

    host: str = Field(
        default="127.0.0.1", description="Address to listen on. Anything but loopback belongs behind TLS."
    )
    port: int = Field(default=8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    clients: dict[str, ApiClient] = Field(
        default_factory=dict, description="Systems that may push records, by name. Without one nothing can be pushed."
    )
    push_limit: int = Field(
        default=20_000_000,
        ge=1_000,
        le=1_000_000_000,
        description="Largest pushed body taken, in bytes; a larger one gets 413.",
    )
    rows_at_once: int = Field(
        default=1000,
        ge=1,
        le=100_000,
        description="Largest push of the second version that is answered row by row; a larger one gets 202 and a job.",
    )
    wait_s: float = Field(
        default=20, ge=0, le=300, description="How long a push waits for what the target says, in seconds."
    )
    body_limit: int = Field(
        default=2_200_000,
        ge=1_000,
        le=100_000_000,
        description="Largest request body taken, in bytes; a larger one gets 413. Adobe's batches have up to 2 MB.",
    )


class WorkerSettings(Section):
    """How many deliveries go at a time."""

    threads: int = Field(default=8, ge=1, le=256, description="Threads that deliver.")
    lease_seconds: float = Field(
        default=180,
        ge=5,
        le=3600,
        description="How long a worker's claim on a delivery holds, in seconds. No request of the attempt outlives it; "
        "it is worth being several times the deadline of one request (`deadlines.total_s`), since an attempt may be "
        "several requests.",
    )
    batch: int = Field(default=20, ge=1, le=1000, description="Deliveries claimed in one transaction.")
    look_s: float = Field(
        default=5,
        gt=0,
        le=3600,
        description="With a broker: how often a worker looks into the database itself, in seconds, for what no "
        "announcement told it of.",
    )


class DeliverySettings(Section):
    """When a delivery is tried again, and when it becomes a dead letter."""

    horizon_days: float = Field(
        default=3,
        gt=0,
        le=60,
        description="How long a temporary failure is tried again before it is a dead letter, in days.",
    )
    first_pause_s: float = Field(
        default=2, gt=0, le=3600, description="Longest pause before the second try, in seconds."
    )
    longest_pause_s: float = Field(
        default=3600, gt=0, le=7 * 86400, description="Longest pause between two tries, in seconds."
    )
    unexpected_tries: int = Field(
        default=3,
        ge=1,
        le=20,
        description="Tries of a delivery that fails in a way that we do not know, before it is dead.",
    )
    fresh_for_s: float = Field(
        default=30, ge=0, le=3600, description="How long what was read from the source counts as fresh, in seconds."
    )

    @field_validator("longest_pause_s")
    @classmethod
    def _not_below_the_first(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("first_pause_s", value):
            raise ValueError("must not be below first_pause_s")
        return value


class SecuritySettings(Section):
    """What protects the stored payloads."""

    master_key: str = Field(
        default="file:.crossdock/master.key",
        description="Reference to the master key that wraps each subject's own key: 32 bytes in base64. "
        "`crossdock init` makes one. Without it no stored payload can be read again: keep a copy elsewhere.",
    )

    @field_validator("master_key")
    @classmethod
    def _is_a_reference(cls, value: str) -> str:
        if not value.startswith(("env:", "file:", "vault:", "aws-sm:")):
            raise ValueError("must be a reference (env:NAME or file:PATH), never the key itself")
        return value


class KeepDays(Section):
    """How many days what can be forgotten is kept. What is unresolved is never removed, however old."""

    payloads: int = Field(
        default=90,
        ge=1,
        le=36_500,
        description="Requests, responses and message bodies. The rows that speak of them, and their hashes, stay.",
    )
    rows: int = Field(
        default=3650,
        ge=1,
        le=36_500,
        description="Rows of the audit trail: who did what, when, and what was answered. Not below `payloads`. The "
        "chain of hashes stays whole: an anchor holds the place of what went.",
    )

    @field_validator("rows")
    @classmethod
    def _not_below_their_bodies(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data.get("payloads", value):
            raise ValueError("must not be below payloads")
        return value


class AuditSettings(Section):
    """The audit trail."""

    keep_days: KeepDays = Field(default_factory=KeepDays, description="Retention by class, in days.")


class ArchiveSettings(Section):
    """Orders of which nothing more is expected, moved out of the tables that every delivery goes through."""

    after_days: int = Field(
        default=0,
        ge=0,
        le=36_500,
        description="Days after which an order goes to the archive, counted from the last thing done for it; 0: never. "
        "It comes back by itself when anything is heard of it. Switch it on once all processes are of one version.",
    )


class LogSettings(Section):
    """What goes to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe event written."
    )
    format: Literal["json", "console"] = Field(default="console", description="JSON lines, or text for people.")


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

    inventory: InventoryOptions = Field(default_factory=InventoryOptions, description="Stock levels.")
    prices: PricesOptions = Field(default_factory=PricesOptions, description="Prices.")
    products: ProductsOptions = Field(default_factory=ProductsOptions, description="Products.")
    customers: CustomersOptions = Field(default_factory=CustomersOptions, description="Customers.")

    def of_orders(self) -> dict[str, Any]:
        """The rules of orders and what follows them."""
        return self.model_dump(mode="python", exclude={*OWN_RULES})

    def of_states(self) -> dict[str, dict[str, Any]]:
        """The rules of each flow that has its own, by its name."""
        return self.model_dump(mode="python", include={*OWN_RULES})

    @field_validator("eligibility")
    @classmethod
    def _has_a_rule_for_the_rest(cls, value: dict[str, PaymentRule]) -> dict[str, PaymentRule]:
        if "*" not in value:
            raise ValueError('needs a rule for every other payment method: "*" = "always", "paid", …')
        return value


class ScheduleSettings(Section):
    """When one flow of this route is read from its source. Several lines for one flow are several such tables."""

    cron: str = Field(
        max_length=100,
        description="Minute, hour, day, month and weekday (`*/5 * * * *`, `30 2 * * 1-5`). A time that a clock change "
        "skips or repeats runs once.",
    )
    time_zone: str = Field(
        default="UTC", max_length=60, description="IANA time zone of the expression, as `Europe/Rome`."
    )
    full: bool = Field(
        default=False, description="Whether everything is read, or only what has changed since the last run."
    )
    grace_s: float = Field(
        default=300,
        ge=1,
        le=7 * 86400,
        description="Seconds after which a run that was due and has not begun is an alarm. It is worth being above "
        "`workers.lease_seconds`, the time that a killed run takes to be noticed.",
    )

    @model_validator(mode="after")
    def _comes_at_all(self) -> ScheduleSettings:
        check_schedule(self.cron, self.time_zone)
        return self


def check_schedule(cron: str, time_zone: str) -> None:
    """ValueError for what is no cron expression of five fields, comes never, or is in no time zone."""
    if len(cron.split()) != CRON_FIELDS:
        raise ValueError("cron wants five fields: minute, hour, day, month, weekday")
    try:
        next(CronSim(cron, datetime(2026, 1, 1, tzinfo=ZoneInfo(time_zone))))
    except CronSimError as error:
        raise ValueError(f"cron: {error}") from None
    except StopIteration:
        raise ValueError("cron: this time never comes") from None
    except (KeyError, OSError, ValueError):  # ZoneInfo's, of a name that is none
        raise ValueError("time_zone: is no IANA time zone, as Europe/Rome or UTC") from None


ReadFlow = Literal[
    "inventory", "prices", "products", "shipments", "tracks", "invoices", "credit_memos", "order_updates"
]


class RouteSettings(Section):
    """What goes from one connection to another."""

    source: str = Field(description="Connection that it comes from.")
    target: str = Field(description="Connection that it goes to.")
    flows: frozenset[RouteFlow] = Field(
        default=EVERY_FLOW,
        description="Flows carried, as far as the target takes them; `orders` must be there for any that follows an "
        "order. The target's number always goes back to the source.",
    )
    options: RouteOptions = Field(default_factory=RouteOptions, description="This route's rules.")
    schedules: dict[ReadFlow, tuple[ScheduleSettings, ...]] = Field(
        default_factory=dict,
        description="When each flow that is polled is read (docs/polling.md), one table or a list of them. A flow "
        "without one is read every `reads.FLOW.interval_s`.",
    )

    @field_validator("schedules", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: [one] if isinstance(one, dict | ScheduleSettings) else one for name, one in value.items()}

    @field_validator("schedules")
    @classmethod
    def _differ(
        cls, value: dict[ReadFlow, tuple[ScheduleSettings, ...]]
    ) -> dict[ReadFlow, tuple[ScheduleSettings, ...]]:
        for name, several in value.items():
            if not several or len({(one.cron, one.time_zone, one.full) for one in several}) < len(several):
                raise ValueError(f"{name}: is empty, or says one thing twice")
        return value

    @field_validator("flows")
    @classmethod
    def _begin_with_orders(cls, value: frozenset[RouteFlow]) -> frozenset[RouteFlow]:
        if "orders" not in value and (not value or value.intersection(EXPORT_FLOWS)):
            raise ValueError('must hold "orders": the other flows follow an order that was carried')
        return value

    @field_serializer("flows", when_used="json")
    def _in_order(self, flows: frozenset[RouteFlow]) -> list[str]:
        return sorted(flows)


ConnectionTable = Annotated[dict[str, Any], Field(description="`kind`, and that kind's own settings.")]


class Settings(BaseSettings):
    """The whole file."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        validate_default=True,
        env_prefix=PREFIX,
        env_nested_delimiter="__",
    )

    database: DatabaseSettings = Field(default_factory=DatabaseSettings, description="Storage.")
    broker: BrokerSettings = Field(default_factory=BrokerSettings, description="Many processes.")
    api: ApiSettings = Field(default_factory=ApiSettings, description="The HTTP server.")
    workers: WorkerSettings = Field(default_factory=WorkerSettings, description="The threads that deliver.")
    delivery: DeliverySettings = Field(default_factory=DeliverySettings, description="Retries.")
    security: SecuritySettings = Field(default_factory=SecuritySettings, description="Keys.")
    audit: AuditSettings = Field(default_factory=AuditSettings, description="The audit trail.")
    archive: ArchiveSettings = Field(default_factory=ArchiveSettings, description="The archive.")
    log: LogSettings = Field(default_factory=LogSettings, description="Logs.")
    connections: dict[str, ConnectionTable] = Field(
        default_factory=dict, description="The systems that are connected, by name. Each kind has its own settings."
    )
    routes: tuple[RouteSettings, ...] = Field(default=(), description="What goes from where to where.")

    @field_validator("connections")
    @classmethod
    def _are_named_and_of_a_kind(cls, value: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        problems = [*_connection_problems(value)]
        if problems:
            raise ValueError("; ".join(problems))
        return value

    @field_validator("routes")
    @classmethod
    def _join_known_connections(
        cls, value: tuple[RouteSettings, ...], info: ValidationInfo
    ) -> tuple[RouteSettings, ...]:
        problems = [*_route_problems(value, info.data["connections"])] if "connections" in info.data else []
        if problems:
            raise ValueError("; ".join(problems))
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment goes before the file; nothing else is read."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings


def load(path: Path | None = None) -> Settings:
    """The settings in `path`, else in the file that CROSSDOCK_CONFIG names, else in `crossdock.toml` if it is there.

    Raises ConfigurationError with every problem, each with its file (or environment variable) and key, never its value.
    """
    file = find(path)
    found = _read(file) if file else {}
    strays = [*_stray_variables(os.environ)]
    try:
        settings = Settings(**found)
    except ValidationError as error:
        raise ConfigurationError([*strays, *told(error, file)]) from None  # its text could show what was typed
    except SettingsError as error:
        raise ConfigurationError([*strays, f"environment: {error}"]) from None
    if strays:
        raise ConfigurationError(strays)
    return settings


def find(path: Path | None = None) -> Path | None:
    """The file that `load` reads, or None where there is none and the defaults hold."""
    named = path or (Path(os.environ[FILE_VARIABLE]) if os.environ.get(FILE_VARIABLE) else None)
    return named or (DEFAULT_FILE if DEFAULT_FILE.is_file() else None)


def told(error: ValidationError, file: Path | None, prefix: Sequence[str] = ()) -> list[str]:
    """A pydantic error as our lines, `place: a.b.c: what is wrong`, without what was typed.

    The ends' own settings models come through here too, with the `prefix` ("connections", NAME).
    """
    return [
        _line(problem["type"], problem["msg"], [*prefix, *problem["loc"]], file)
        for problem in error.errors(include_input=False, include_url=False)
    ]


def _line(kind: str, message: str, loc: Sequence[int | str], file: Path | None) -> str:
    place = _variable(loc) or str(file or DEFAULT_FILE)
    return f"{place}: {_dotted(loc)}: {_sentence(kind, message)}"


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigurationError([f"{file}: there is no such file; `crossdock init` writes one"]) from None
    except OSError as error:
        raise ConfigurationError([f"{file}: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError([f"{file}: is not UTF-8 text"]) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError([f"{file}: is not TOML: {error}"]) from error


def _variable(loc: Sequence[int | str]) -> str | None:
    """The environment variable that the key at `loc` came from, if it did."""
    wanted = [PREFIX + "__".join(str(part) for part in loc[: depth + 1]).upper() for depth in range(len(loc))]
    return next((name for name in os.environ if name.upper() in wanted), None)


def _stray_variables(environ: Mapping[str, str]) -> Iterator[str]:
    """pydantic-settings passes over a variable whose first part is no section; we do not."""
    for name in environ:
        section = name.upper().removeprefix(PREFIX).split("__")[0].lower()
        if name.upper().startswith(PREFIX) and section not in Settings.model_fields:
            yield f"{name}: there is no section {section!r}"


def _dotted(loc: Sequence[int | str]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return text.removeprefix(".") or "(whole)"


def _sentence(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "there is no such key"
    if kind == "missing":
        return "is missing"
    return message.removeprefix("Value error, ")


def _connection_problems(connections: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, table in connections.items():
        if not CONNECTION_NAME.fullmatch(name):
            yield f"{name!r} is no connection name (small letters, digits, - and _, a letter first, at most 40)"
        if not isinstance(table.get("kind"), str):
            yield f"{name} needs its kind"


def _route_problems(routes: Sequence[RouteSettings], connections: Mapping[str, Any]) -> Iterator[str]:
    seen: set[tuple[str, str]] = set()
    for index, route in enumerate(routes):
        unknown = {route.source, route.target} - connections.keys()
        if unknown:
            yield f"[{index}] names {', '.join(sorted(map(repr, unknown)))}, which is not among the connections"
        if route.source == route.target:
            yield f"[{index}] goes back to where it comes from"
        if (route.source, route.target) in seen:
            yield f"[{index}] joins the same two connections as an earlier one"
        seen.add((route.source, route.target))
