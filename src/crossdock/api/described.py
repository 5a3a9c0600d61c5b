"""What the API's description says of pushes, beyond what their handlers' signatures tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar.openapi.spec import (
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    RequestBody,
    Schema,
    SecurityRequirement,
)
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from crossdock.model.base import Record

TEXT, NUMBER, WHOLE = OpenAPIType.STRING, OpenAPIType.NUMBER, OpenAPIType.INTEGER
VERSIONS = {
    "version": Schema(type=[WHOLE, TEXT], description="A whole number; an older one never wins"),
    "as_of": Schema(
        type=TEXT, format=OpenAPIFormat.DATE_TIME, description="The moment for which it is told, with its zone"
    ),
}
SKU = Schema(type=TEXT, max_length=64, description="As the store has it; case and blanks around it are ignored")
LEVEL = {
    "sku": SKU,
    "qty": Schema(type=[NUMBER, TEXT], description="From 0 to 99999999.9999, at most 4 decimals"),
    "warehouse": Schema(type=TEXT, description="One of the route's options.inventory.warehouses"),
    "status": Schema(type=[WHOLE, TEXT], description="1 or in_stock, 0 or out_of_stock; else from the quantity"),
    **VERSIONS,
    "meaning": Schema(type=TEXT, enum=["on_hand", "available"], description="Else the route's"),
}
LEVELS = {"items": [{"sku": "A-1", "qty": 12, "warehouse": "MI"}, {"sku": "B-2", "qty": "0.5", "warehouse": "MI"}]}
DAY = Schema(
    type=TEXT, format=OpenAPIFormat.DATE, description="Special prices: a day of the store's calendar, included"
)
PRICE = {
    "kind": Schema(type=TEXT, enum=["base", "special", "tier", "cost"]),
    "sku": SKU,
    "scope": Schema(type=TEXT, description="One of the route's options.prices.scopes"),
    "price": Schema(type=[NUMBER, TEXT], description="From 0 to 999999999.999999, at most 6 decimals"),
    "currency": Schema(type=TEXT, description="ISO 4217; else the route's options.prices.currency"),
    "tax": Schema(type=TEXT, enum=["included", "excluded"], description="Held against options.prices.tax"),
    "from": DAY,
    "to": DAY,
    "group": Schema(type=TEXT, max_length=32, description="Tier prices: a customer group's code, or ALL GROUPS"),
    "quantity": Schema(type=[NUMBER, TEXT], description="Tier prices: from so many pieces on"),
    "discount": Schema(type=[NUMBER, TEXT], description="Tier prices: percent off, in the place of a price"),
    "remove": Schema(type=OpenAPIType.BOOLEAN, description="Special and tier prices: it is to be taken away"),
    "tiers": Schema(
        type=OpenAPIType.ARRAY,
        items=Schema(type=OpenAPIType.OBJECT),
        description="All tier prices of the SKU (scope, group, quantity, price or discount), where the route's "
        "options.prices.tiers is replace",
    ),
    **VERSIONS,
}
PRICES = {
    "items": [
        {"kind": "base", "sku": "A-1", "scope": "STD", "price": "11.50", "currency": "EUR"},
        {"kind": "special", "sku": "B-2", "scope": "STD", "price": "9.99", "from": "2026-11-27", "to": "2026-11-30"},
    ]
}
FIRST = {"success": True, "result": {"success_count": 2, "error_count": 0, "errors": []}}
SECOND = {
    "job": "7",
    "state": "done",
    "rows": [
        {"row": 0, "sku": "A-1", "outcome": "applied"},
        {"row": 1, "sku": "B-2", "outcome": "rejected", "reason": "the store has no product of this SKU"},
    ],
    "counts": {"applied": 1, "rejected": 1},
}
JOB = {"job": "7", "state": "queued", "total": 12000}
REFUSED = {
    "400": "No JSON, or no items array",
    "401": "No token that is known",
    "409": "The same Idempotency-Key is being worked on",
    "413": "Larger than api.push_limit",
    "422": "This Idempotency-Key came with another body, or there is no one route for it",
    "503": "Not stored; send it again",
}


def answered(example: Any) -> dict[str, OpenAPIMediaType]:
    """A JSON body, with an example of it."""
    return {"application/json": OpenAPIMediaType(schema=Schema(type=OpenAPIType.OBJECT), example=example)}


def _push(operation: Operation, pushed: Pushed, answer: Any, *, jobs: bool) -> None:
    rows = Schema(type=OpenAPIType.OBJECT, properties=dict(pushed.row), required=[*pushed.required])
    items = Schema(type=OpenAPIType.ARRAY, items=rows)
    body = Schema(type=OpenAPIType.OBJECT, properties={"items": items}, required=["items"])
    operation.request_body = RequestBody(
        content={"application/json": OpenAPIMediaType(schema=body, example=pushed.example)}, required=True
    )
    operation.responses = {status: OpenAPIResponse(description=meaning) for status, meaning in REFUSED.items()}
    operation.responses["200"] = OpenAPIResponse(description="What the store did", content=answered(answer))
    if jobs:
        operation.responses["202"] = OpenAPIResponse(description="Stored; ask the job", content=answered(JOB))
    operation.security = [BEARER]


BEARER: SecurityRequirement = {"bearer": []}


WORDS = Schema(type=[OpenAPIType.ARRAY, TEXT], description="A list, or texts with | between them")
PRODUCT = {
    "sku": SKU,
    "type": Schema(type=TEXT, enum=["simple", "virtual", "configurable"], description="Of a new one; never changed"),
    "attribute_set": Schema(type=TEXT, description="Of a new one, by name or id; never changed"),
    "name": Schema(type=TEXT, max_length=255),
    "price": Schema(type=[NUMBER, TEXT], description="From 0 to 999999999.999999, at most 6 decimals"),
    "weight": Schema(type=[NUMBER, TEXT]),
    "status": Schema(type=[TEXT, WHOLE], description="enabled (1) or disabled (2)"),
    "visibility": Schema(type=[TEXT, WHOLE], description="none (1), catalog (2), search (3) or both (4)"),
    "websites": WORDS,
    "categories": WORDS,
    "images": WORDS,
    "variant_attributes": WORDS,
    "children": WORDS,
    "attributes": Schema(
        type=OpenAPIType.OBJECT, description="Any others, by code; options by their labels. They may stand beside `sku`"
    ),
    "clear": Schema(type=[OpenAPIType.ARRAY, TEXT], description="Fields to be emptied"),
    "removed": Schema(type=OpenAPIType.BOOLEAN, description="The source has it no more: see options.products.missing"),
    **VERSIONS,
}
PRODUCTS = {
    "items": [
        {"sku": "A-1", "name": "Shirt", "price": "19.90", "attributes": {"color": "Red"}, "categories": ["Men/Shirts"]},
        {"sku": "B-2", "removed": True},
    ]
}


class Pushed(Record, frozen=True, kw_only=True):
    """What is said of one flow's pushes. Litestar asks for a class of operation, not for an operation."""

    flow: str
    what: str
    row: dict[str, Schema]
    required: tuple[str, ...]
    example: dict[str, Any]
    about_first: str
    about_second: str

    @property
    def first(self) -> type[Operation]:
        """Of the first version."""
        return self._described(FIRST, jobs=False)

    @property
    def second(self) -> type[Operation]:
        """Of the second version."""
        return self._described(SECOND, jobs=True)

    def _described(self, answer: Any, *, jobs: bool) -> type[Operation]:
        pushed = self

        @dataclass
        class Push(Operation):
            def __post_init__(self) -> None:
                """Called once the signature was read."""
                _push(self, pushed, answer, jobs=jobs)

        return Push


PUSHED = (
    Pushed(
        flow="inventory",
        what="stock levels",
        row=LEVEL,
        required=("sku", "qty", "warehouse"),
        example=LEVELS,
        about_first='Body `{"items": [{"sku", "qty", "warehouse"}]}`; the counts say what the store did.',
        about_second="Rows may carry version or as_of, meaning and status. 202 with a job for large bodies and slow "
        "stores.",
    ),
    Pushed(
        flow="prices",
        what="prices",
        row=PRICE,
        required=("kind", "sku"),
        example=PRICES,
        about_first='Body `{"items": [{"kind", "sku", "scope", "price"}]}`; the counts say what the store did.',
        about_second="Rows may carry version or as_of. 202 with a job for large bodies and slow stores.",
    ),
    Pushed(
        flow="products",
        what="products",
        row=PRODUCT,
        required=("sku",),
        example=PRODUCTS,
        about_first='Body `{"items": [{"sku", "name"}]}`; the counts say what the store did.',
        about_second="What options.products does not give to the source is never written. 202 with a job for large "
        "bodies and slow stores.",
    ),
)


LINE = {
    "line": Schema(type=[TEXT, WHOLE], description="The order line's id at the store, as the order was sent with"),
    "sku": Schema(type=TEXT, description="Else the SKU; its lines are filled one after the other"),
    "qty": Schema(type=[NUMBER, TEXT], description="Above 0, at most 4 decimals, at most what is open"),
    "warehouse": Schema(type=TEXT, description="Shipments: where it leaves from, if not where the document says"),
    "back_to_stock": Schema(type=OpenAPIType.BOOLEAN, description="Credit memos: it can be sold again"),
}
TRACK = {
    "number": Schema(type=TEXT, max_length=255),
    "carrier": Schema(type=TEXT, max_length=32, description="Magento's carrier code; `custom` without it"),
    "title": Schema(type=TEXT, max_length=255, description="What people read"),
}
LINES = Schema(
    type=OpenAPIType.ARRAY,
    items=Schema(type=OpenAPIType.OBJECT, properties=dict(LINE), required=["qty"]),
    description="None: all that is open",
)
TRACKS = Schema(
    type=OpenAPIType.ARRAY, items=Schema(type=OpenAPIType.OBJECT, properties=dict(TRACK), required=["number"])
)
YES = Schema(type=OpenAPIType.BOOLEAN)
AMOUNT = Schema(type=[NUMBER, TEXT], description="In the order's base currency, at least 0")
COMMON = {
    "number": Schema(type=TEXT, max_length=100, description="The ERP's own: the same one is carried once"),
    "order": Schema(type=TEXT, max_length=100, description="The order's number as people read it"),
    "comment": Schema(type=TEXT, max_length=2000),
    "notify": Schema(type=OpenAPIType.BOOLEAN, description="Whether the store mails the customer"),
}
OWN: dict[str, dict[str, Schema]] = {
    "shipments": {
        "warehouse": Schema(type=TEXT),
        "lines": LINES,
        "tracks": TRACKS,
        "shipped_at": Schema(
            type=TEXT,
            format=OpenAPIFormat.DATE_TIME,
            description="When it left by the ERP's books: stock levels `as_of` then or later lack it",
        ),
    },
    "tracks": {"tracks": TRACKS},
    "invoices": {"lines": LINES, "capture": YES},
    "credit_memos": {
        "lines": LINES,
        "shipping": AMOUNT,
        "adjustment_positive": AMOUNT,
        "adjustment_negative": AMOUNT,
        "online": YES,
    },
    "order_updates": {
        "action": Schema(type=TEXT, enum=["cancel", "hold", "unhold", "comment"]),
        "status": Schema(type=TEXT, max_length=32, description="Of a comment: one of the order's present state"),
        "visible": YES,
    },
}
EXAMPLES: dict[str, dict[str, Any]] = {
    "shipments": {
        "warehouse": "MI",
        "lines": [{"sku": "A-1", "qty": 1}],
        "tracks": [{"number": "1Z999", "carrier": "ups", "title": "UPS"}],
    },
    "tracks": {"tracks": [{"number": "1Z998", "carrier": "ups", "title": "UPS"}]},
    "invoices": {"capture": True},
    "credit_memos": {"lines": [{"line": "7", "qty": 1, "back_to_stock": True}], "shipping": "0"},
    "order_updates": {"action": "cancel", "comment": "out of stock"},
}
DOCUMENT = {
    "success": True,
    "id": "shop:shipments:SH-88",
    "state": "pending",
    "documents": [{"state": "pending", "reason": ""}],
}


def document_operation(flow: str) -> type[Operation]:
    """The description of a document's push."""
    example = {"number": "SH-88", "order": "000000123"} | EXAMPLES[flow]

    @dataclass
    class DocumentPush(Operation):
        def __post_init__(self) -> None:
            schema = Schema(type=OpenAPIType.OBJECT, properties={**COMMON, **OWN[flow]}, required=["number", "order"])
            content = {"application/json": OpenAPIMediaType(schema=schema, example=example)}
            self.request_body = RequestBody(content=content, required=True)
            self.responses = {
                "200": OpenAPIResponse(description="It came before: what became of it", content=answered(DOCUMENT)),
                "202": OpenAPIResponse(description="Stored: it will be carried", content=answered(DOCUMENT)),
                "400": OpenAPIResponse(description="Not such a document: the field and why"),
                "401": OpenAPIResponse(description="No token that is known"),
                "409": OpenAPIResponse(description="This number came before with another content"),
                "422": OpenAPIResponse(description="No one route takes it"),
                "503": OpenAPIResponse(description="Not stored; send it again"),
            }
            self.security = [BEARER]

    return DocumentPush


def _named(*names: str) -> dict[str, Schema]:
    return {name: Schema(type=[TEXT, OpenAPIType.NULL], max_length=255) for name in names}


ADDRESS_ROW = {
    "number": Schema(type=TEXT, max_length=60, description="The ERP's own name of it, or the one it was told by us"),
    **_named("first_name", "last_name", "company", "city", "region", "region_code", "postcode", "telephone", "vat_id"),
    "street": Schema(type=OpenAPIType.ARRAY, items=Schema(type=TEXT)),
    "country": Schema(type=TEXT, description="ISO 3166-1 alpha-2"),
    "default_billing": YES,
    "default_shipping": YES,
    "removed": Schema(type=OpenAPIType.BOOLEAN, description="It is gone; one that is only left out stays"),
}
CUSTOMER = {
    "number": Schema(type=TEXT, max_length=64, description="The ERP's own number of the customer"),
    "as_of": Schema(
        type=TEXT, format=OpenAPIFormat.DATE_TIME, description="When it was so, with its zone; else when it arrives"
    ),
    "website": Schema(type=TEXT, description="Its code at the store; else the route's options.customers.website"),
    "email": Schema(type=TEXT, max_length=255),
    **_named("first_name", "last_name", "middle_name", "prefix", "suffix", "vat_id"),
    "birthday": Schema(type=[TEXT, OpenAPIType.NULL], format=OpenAPIFormat.DATE),
    "group": Schema(type=TEXT, description="A customer group's code at the store"),
    "subscribed": Schema(type=OpenAPIType.BOOLEAN, description="To the newsletter"),
    "attributes": Schema(type=OpenAPIType.OBJECT, description="Customer attributes of the store by their codes"),
    "addresses": Schema(
        type=OpenAPIType.ARRAY, items=Schema(type=OpenAPIType.OBJECT, properties={**ADDRESS_ROW}, required=["number"])
    ),
}
ONE_CUSTOMER = {
    "number": "C-77",
    "as_of": "2026-11-25T10:15:00+01:00",
    "email": "ada@example.com",
    "first_name": "Ada",
    "last_name": "Rossi",
    "vat_id": "IT01234567890",
    "addresses": [
        {
            "number": "A1",
            "first_name": "Ada",
            "last_name": "Rossi",
            "street": ["Via Roma 1"],
            "city": "Milano",
            "postcode": "20100",
            "country": "IT",
            "default_billing": True,
        }
    ],
}
CUSTOMER_STATE = {
    "success": True,
    "number": "C-77",
    "customer_id": "5",
    "state": "pending",
    "pushes": [{"state": "delivered", "reason": ""}],
    "open_writes": [{"to": "shop", "state": "pending", "fields": ["vat_id"]}],
}


@dataclass
class CustomerPush(Operation):
    """The description of a customer's push."""

    def __post_init__(self) -> None:
        """Called by dataclasses."""
        schema = Schema(type=OpenAPIType.OBJECT, properties={**CUSTOMER}, required=["number"])
        content = {"application/json": OpenAPIMediaType(schema=schema, example=ONE_CUSTOMER)}
        self.request_body = RequestBody(content=content, required=True)
        self.responses = {
            "200": OpenAPIResponse(description="The same came before", content=answered(CUSTOMER_STATE)),
            "202": OpenAPIResponse(
                description="Stored: it will be carried",
                content=answered(CUSTOMER_STATE),
            ),
            "400": OpenAPIResponse(description="Not such a customer: the field and why, never its value"),
            "401": OpenAPIResponse(description="No token that is known"),
            "409": OpenAPIResponse(description="This as_of came before with another content"),
            "422": OpenAPIResponse(description="No one route takes it"),
            "503": OpenAPIResponse(description="Not stored; send it again"),
        }
        self.security = [BEARER]
