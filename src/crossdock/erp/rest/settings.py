"""Settings of a connection to a custom ERP. Secrets are references (`env:NAME`, `file:PATH`), never values."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from crossdock.erp.rest.templates import Expression, PathTemplate, PersonPath, ReadPath, Statuses, places_of
from crossdock.flows.customer_rows import KNOWN as CUSTOMER_COLUMNS
from crossdock.transport.connection import (
    BasicLogin,
    BearerLogin,
    ConnectionSettings,
    OAuthLogin,
    OptionalSecretRef,
    SecretRef,
    Strict,
    check_address,
    refuse_plain,
)

OrderFlow = Literal["orders", "cancellations", "holds", "payments", "refunds"]
FlowName = Literal["orders", "cancellations", "holds", "payments", "refunds", "customers"]
ReadFlow = Literal[
    "inventory", "prices", "products", "customers", "shipments", "tracks", "invoices", "credit_memos", "order_updates"
]
Fate = Literal["temporary", "not_ready", "unknown", "rejected", "conflict", "misconfigured", "unauthorized"]


class NoLogin(Strict):
    """No credentials: only for a system on this machine or behind its own fence."""

    scheme: Literal["none"] = Field(default="none", description="no credentials")


class HmacLogin(Strict):
    """Hex HMAC-SHA256 of the body in a header. A GET has no body: its signature proves little."""

    scheme: Literal["hmac"] = Field(description="the body is signed with HMAC-SHA256, in hex")
    secret: SecretRef = Field(description="the shared secret, as a secret reference")
    header: str = Field(default="X-Signature", pattern=r"^[A-Za-z0-9-]+$", description="the header of the signature")
    prefix: str = Field(default="", pattern=r"^[\x21-\x7e]*$", description="text before the signature, e.g. sha256=")


class HeaderLogin(Strict):
    """A fixed secret in a header of its own."""

    scheme: Literal["header"] = Field(description="an API key in a header")
    header: str = Field(default="X-Api-Key", pattern=r"^[A-Za-z0-9-]+$", description="the header of the API key")
    value: SecretRef = Field(description="the API key, as a secret reference")


Login = Annotated[
    NoLogin | BearerLogin | BasicLogin | HmacLogin | HeaderLogin | OAuthLogin, Field(discriminator="scheme")
]


class PathSettings(Strict):
    """Behind base_url. {number} is the order's or the refund's own, {order_number} always the order's.

    {id} is the store's id of the order or refund, {key} the idempotency key.
    """

    orders: PathTemplate = Field(default="/orders", description="POST: a new order")
    find: PathTemplate = Field(default="/orders?order_number={number}", description="GET: an order by its number")
    find_many: PathTemplate = Field(
        default="",
        description="GET: orders by {numbers}, separated by commas, for `crossdock effects verify`; empty: they are "
        "looked up one by one",
    )
    cancel: PathTemplate = Field(default="/orders/{order_number}/cancel", description="POST: an order is canceled")
    hold: PathTemplate = Field(default="/orders/{order_number}/hold", description="POST: an order is put on hold")
    unhold: PathTemplate = Field(default="/orders/{order_number}/unhold", description="POST: a hold ends")
    payment: PathTemplate = Field(default="/orders/{order_number}/payments", description="POST: a payment was captured")
    refund: PathTemplate = Field(default="/orders/{order_number}/refunds", description="POST: a credit memo")
    find_refund: PathTemplate = Field(
        default="", description="GET: a refund by its number or key; empty: refunds cannot be looked up"
    )
    find_change: PathTemplate = Field(
        default="", description="GET: a cancel, hold or payment by its key; empty: changes cannot be looked up"
    )
    customers: PathTemplate = Field(
        default="/customers",
        description="POST: a customer, or what has changed of one; {number} is the ERP's own number of it, {id} the "
        "store's id",
    )
    find_customer: PathTemplate = Field(
        default="",
        description="GET: what was told of a customer, by its {key}; empty: it cannot be looked up",
    )
    show_customer: PersonPath = Field(
        default="",
        description="GET: a customer as the ERP has it, by whomever it was put there, for a shadow (docs/shadow.md): "
        "by the store's {id}, its own {number}, or {email} and {website}; empty: a customer cannot be compared",
    )
    erase: PathTemplate = Field(
        default="/customers/{number}/erasure", description="POST: a customer wishes to be forgotten"
    )
    probe: PathTemplate = Field(
        default="", description="GET: answers 2xx when all is well; empty: an order is looked for"
    )


class AnswerSettings(Strict):
    """How answers are read. Fields are JMESPath expressions on the answer's JSON."""

    accepted: Statuses = Field(
        default=frozenset({200, 201}),
        description="statuses that are a success; 409 here means: already there, and the answer names it",
    )
    id_field: Expression = Field(
        default="erp_order_id || id", min_length=1, description="the ERP's own id, in answers and in what a find lists"
    )
    customer_field: Expression = Field(
        default="customer_number || customer.number || number || id",
        min_length=1,
        description="the ERP's number of a customer, in the answer to one that was sent",
    )
    number_field: Expression = Field(default="erp_order_number", description="the ERP's number that people read")
    handle_field: Expression = Field(
        default="", description="a ticket that stands for the id in an asynchronous 202 (which must be accepted)"
    )
    reference_field: Expression = Field(default="order_number", min_length=1, description="our order number")
    refund_reference_field: Expression = Field(
        default="refund_number", min_length=1, description="our refund number, in what find_refund lists"
    )
    key_field: Expression = Field(default="idempotency_key", min_length=1, description="our key, in what a find lists")
    list_field: Expression = Field(
        default="orders || items || results || data || @",
        min_length=1,
        description="the list in a find's answer; a single entry may stand in its place",
    )
    lines_field: Expression = Field(
        default="items[].[line_id, erp_line_id]", description="pairs of our line id and the ERP's"
    )
    fault: Expression = Field(
        default="success == `false` || status == 'error' || error || errors",
        description="true for a fault that comes with a success status",
    )
    fault_code: Expression = Field(default="code || error.code || errors[0].code", description="the fault's code")
    fault_codes: dict[str, Fate] = Field(
        default={"duplicate": "conflict", "duplicate_order": "conflict"},
        description="what a code means, whatever the status; a fault of another code is rejected",
    )
    message_field: Expression = Field(
        default="message || error.message || errors[0].message || detail || title || error",
        description="the ERP's message for people; never put it where it may name a customer",
    )
    statuses: dict[int, Fate] = Field(default={}, description="what a status means, before our own table is asked")
    shows: dict[str, Expression] = Field(
        default={},
        description="field of our body -> where a find's entry has it under another name: what a shadow "
        '(docs/shadow.md) compares, e.g. `"totals.grand_total" = "total"`',
    )
    shows_customer: dict[str, Expression] = Field(
        default={},
        description="the same of a customer, in what `paths.show_customer` lists, e.g. "
        '`"customer.last_name" = "family"`',
    )


class ReadSettings(Strict):
    """How rows of a flow are read from the ERP, page by page. Expressions are JMESPath."""

    path: ReadPath = Field(
        description="GET: rows behind a place, in the order of their change, e.g. "
        "`/stock?changed_since={since}&after={after}&limit={limit}`. {since}: a value of change_field, {after}: of "
        "id_field, {cursor}: what the last answer gave, {limit}: page_size. A query's pair without a value is left out."
    )
    rows_field: Expression = Field(
        default="", description="the list of rows in an answer; empty: the answer itself, its items, rows or data"
    )
    fields: dict[str, Expression] = Field(
        default={}, description="our column -> where it is in a row; empty: the rows have our columns"
    )
    change_field: Expression = Field(
        default="", description="what grows whenever a row changes; empty: each scan reads everything there is"
    )
    change_is: Literal["sequence", "time"] = Field(
        default="sequence", description="whether change_field holds whole numbers, or times (ISO 8601)"
    )
    naive_is_utc: bool = Field(default=False, description="whether times without a zone are UTC; else they are refused")
    id_field: Expression = Field(
        default="", description="what tells rows apart that changed at one time; needed where the path holds {after}"
    )
    cursor_field: Expression = Field(
        default="", description="the next page's {cursor} in an answer; none there ends the scan"
    )
    cursor_lasts: bool = Field(
        default=False, description="whether the last cursor is where the next scan begins (a delta token)"
    )
    head_field: Expression = Field(
        default="",
        description="the newest number of a sequence in an answer; without it the first scan is read a second time",
    )
    overlap: int = Field(
        default=300,
        ge=0,
        description="how far behind the newest change a scan begins again, for what is committed late: in seconds, or "
        "in numbers of the sequence",
    )
    page_size: int = Field(default=500, ge=1, le=10_000, description="{limit}: rows asked for at a time")
    interval_s: float = Field(
        default=60, ge=0, description="seconds between two scans where no schedule says when; 0: only by schedules"
    )

    @model_validator(mode="after")
    def _can_be_paged(self) -> ReadSettings:
        names = places_of(self.path)
        if not names & {"since", "after", "cursor"}:
            raise ValueError("path needs {since}, {after} or {cursor}: pages by their number lose rows")
        for place, needed in (("since", "change_field"), ("after", "id_field"), ("cursor", "cursor_field")):
            if place in names and not getattr(self, needed):
                raise ValueError(f"{{{place}}} in the path needs {needed}")
        if self.cursor_field and "cursor" not in names:
            raise ValueError("cursor_field needs {cursor} in the path")
        if self.change_field and "since" not in names and not self.cursor_lasts:
            raise ValueError("change_field needs {since} in the path, or cursor_lasts")
        if self.cursor_lasts and not self.cursor_field:
            raise ValueError("cursor_lasts needs cursor_field")
        return self


class PayloadSettings(Strict):
    """What is made of a flow's payload before it is sent. Paths are dotted; `items[]` is each entry of a list."""

    lookups: dict[str, str] = Field(
        default={}, description="path of a word in the payload -> the lookup table that says what the ERP calls it"
    )
    fields: dict[str, Annotated[Expression, Field(min_length=1)]] = Field(
        default={}, description="path in what is sent -> JMESPath on our payload, its words looked up already"
    )
    only_fields: bool = Field(
        default=False, description="whether `fields` are all that is sent, and our own payload is not"
    )

    @model_validator(mode="after")
    def _sends_something(self) -> PayloadSettings:
        if self.only_fields and not self.fields:
            raise ValueError("only_fields needs fields")
        if any("[]" in path for path in self.fields):
            raise ValueError("fields name one place each: use an expression that makes the whole list")
        return self


LISTED = frozenset({"number", "id", "total", "currency", "created_at"})


class RestSettings(ConnectionSettings):
    """One custom ERP that takes the documented payloads over REST."""

    kind: Literal["rest"] = Field(default="rest", description="the kind of connection")
    base_url: str = Field(description="the ERP's address; paths are put behind it")
    auth: Login = Field(default=NoLogin(), description="how the ERP knows us: bearer, basic, hmac, header or none")
    flows: frozenset[FlowName] = Field(
        default=frozenset({"orders"}), min_length=1, description="what the ERP takes; nothing else is sent to it"
    )
    paths: PathSettings = Field(default=PathSettings(), description="where each flow goes")
    reads: dict[ReadFlow, ReadSettings] = Field(
        default={}, description="what is read from the ERP, by flow, and how (docs/polling.md)"
    )
    order_list: ReadSettings | None = Field(
        default=None,
        description="how the orders that the ERP has are listed, for `crossdock reconcile orders`; its fields are "
        "`number` (the store's own), `id`, `total`, `currency` and `created_at` (docs/reconciliation.md)",
    )
    payloads: dict[FlowName, PayloadSettings] = Field(
        default={}, description="what is made of each flow's payload before it is sent (docs/custom-erp.md)"
    )
    answers: AnswerSettings = Field(default=AnswerSettings(), description="how answers are read")
    key_header: str = Field(
        default="X-Idempotency-Key", pattern=r"^[A-Za-z0-9-]+$", description="the header of the idempotency key"
    )
    dedupes: bool = Field(
        default=True, description="whether the ERP itself takes one key once, for every flow, also after days"
    )
    finds: bool = Field(
        default=True, description="whether an order can be looked up by paths.find as soon as it is there"
    )

    @field_validator("base_url")
    @classmethod
    def _whole_address(cls, value: str) -> str:
        return check_address(value).rstrip("/")

    @model_validator(mode="after")
    def _reachable(self) -> RestSettings:
        refuse_plain(self.base_url, allowed=self.allow_plain_http)
        return self

    @model_validator(mode="after")
    def _customers_say_what_they_are(self) -> RestSettings:
        reads = self.reads.get("customers")
        if reads is None:
            return self
        if missing := sorted({"number", "as_of"} - reads.fields.keys()):
            raise ValueError(f"reads.customers.fields needs {' and '.join(missing)} (docs/customers.md)")
        if unknown := sorted(reads.fields.keys() - CUSTOMER_COLUMNS):
            raise ValueError(f"reads.customers.fields: there is no column {unknown[0]}")
        return self

    @model_validator(mode="after")
    def _list_names_its_orders(self) -> RestSettings:
        fields = self.order_list.fields.keys() if self.order_list else {"number"}
        if "number" not in fields or (self.order_list and fields - LISTED):
            raise ValueError(f"order_list.fields needs number, and holds none but {', '.join(sorted(LISTED))}")
        return self

    @model_validator(mode="after")
    def _find_has_its_path(self) -> RestSettings:
        if self.finds and "orders" in self.flows and not self.paths.find:
            raise ValueError("finds needs paths.find")
        return self


class WebhookSettings(ConnectionSettings):
    """A receiver of the spec's signed webhooks."""

    kind: Literal["webhook"] = Field(default="webhook", description="the kind of connection")
    url: str = Field(description="the receiver's whole address")
    secret: SecretRef = Field(description="the secret that signs the body, as a secret reference")
    dedupes: bool = Field(
        description="whether the receiver takes one X-Magento-Idempotency-Key once; without it an unknown outcome "
        "waits for a person. Only its maker knows: there is no default"
    )
    flows: frozenset[OrderFlow] = Field(
        default=frozenset({"orders"}), min_length=1, description="what the receiver takes; nothing else is sent to it"
    )
    standard_webhooks: bool = Field(
        default=False, description="whether the Standard Webhooks headers are sent too (they sign id and time as well)"
    )
    standard_secret: OptionalSecretRef = Field(
        default="",
        description="the whsec_ secret of Standard Webhooks, as a secret reference; empty: `secret`",
    )
    id_field: Expression = Field(
        default="", description="JMESPath of the id in the answer; empty: answers are not read, any 2xx will do"
    )
    max_response_bytes: int = Field(default=1_000_000, gt=0, description="bytes that an answer may have")

    @field_validator("url")
    @classmethod
    def _whole_address(cls, value: str) -> str:
        return check_address(value)

    @model_validator(mode="after")
    def _reachable(self) -> WebhookSettings:
        refuse_plain(self.url, allowed=self.allow_plain_http)
        return self
