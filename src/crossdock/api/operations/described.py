"""What the API's description says of the operations, beyond what their signatures tell: examples, and every refusal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar.openapi.spec import (
    Components,
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
)
from litestar.openapi.spec.enums import OpenAPIType

from crossdock.api.described import BEARER
from crossdock.api.problems import KIND, titled

TEXT = Schema(type=OpenAPIType.STRING)
REFUSALS: Mapping[int, str] = {
    400: "What was sent does not fit: the field and why",
    401: "No token that is known",
    403: "Not allowed to this token",
    404: "There is no such thing",
    409: "It cannot be done to this thing as it stands",
    412: "It is another version by now",
    422: "The settings do not allow it",
    428: "If-Match is missing",
    502: "The connected system does not answer as it should",
    503: "The database does not answer; ask again",
}
ALWAYS = (400, 401, 403, 503)
PROBLEM = Schema(
    type=OpenAPIType.OBJECT,
    description="RFC 9457",
    properties={
        "type": TEXT,
        "title": TEXT,
        "status": Schema(type=OpenAPIType.INTEGER),
        "detail": TEXT,
        "code": Schema(type=OpenAPIType.STRING, description="Crossdock's own word for it (docs/runbook.md)"),
        "errors": Schema(
            type=OpenAPIType.ARRAY,
            items=Schema(type=OpenAPIType.OBJECT, properties={"field": TEXT, "reason": TEXT}),
        ),
    },
    required=["title", "status"],
)


def shows(
    example: Any,
    *,
    body: Any = None,
    refused: Sequence[int] = (),
    kind: str = "application/json",
    tagged: bool = False,
    conditions: Sequence[str] = (),
    open_body: bool = False,
) -> type[Operation]:
    """An operation's description: an example of its answer and of its body, and how it may refuse.

    `tagged`: its answer has an ETag. `conditions`: headers that it heeds. `open_body`: any JSON object is its body.
    Litestar asks for a class of operation, not for an operation.
    """

    @dataclass
    class Shown(Operation):
        def __post_init__(self) -> None:
            """Called once the signature was read."""
            self.responses = {
                **_answers(self.responses or {}, _plain(example), kind, tagged=tagged),
                **{
                    str(status): Reference(ref=f"#/components/responses/{name_of(status)}")
                    for status in {*ALWAYS, *refused}
                },
            }
            if "if-none-match" in conditions and tagged:
                self.responses["304"] = OpenAPIResponse(description="As the ETag in If-None-Match has it")
            if open_body:
                anything = OpenAPIMediaType(schema=Schema(type=OpenAPIType.OBJECT), example=body)
                self.request_body = RequestBody(content={"application/json": anything}, required=True)
            elif isinstance(self.request_body, RequestBody) and body is not None:
                for media in self.request_body.content.values():
                    media.example = _plain(body)
            self.parameters = [*(self.parameters or []), *map(_condition, conditions)]
            self.security = [BEARER]

    return Shown


def _answers(made: Mapping[str, Any], example: Any, kind: str, *, tagged: bool) -> dict[str, OpenAPIResponse]:
    """Those of success, as the signature has them, with the example."""
    found = {}
    for status, response in made.items():
        if not status.startswith("2"):
            continue
        schemas = [media.schema for media in (response.content or {}).values()]
        content = {kind: OpenAPIMediaType(schema=schemas[0] if schemas else TEXT, example=example)}
        headers = {"ETag": OpenAPIHeader(schema=TEXT, description="For If-Match and If-None-Match")} if tagged else None
        found[status] = OpenAPIResponse(description=response.description, content=content, headers=headers)  # type: ignore[arg-type]  # a dict is invariant in its values
    return found


def refusals() -> Components:
    """What the operations refer to."""
    return Components(
        schemas={"Problem": PROBLEM}, responses={name_of(status): _refusal(status) for status in REFUSALS}
    )


def name_of(status: int) -> str:
    """Of a refusal in the description."""
    return f"problem-{status}"


def _refusal(status: int) -> OpenAPIResponse:
    example = {"type": "about:blank", "title": titled(status), "status": status, "detail": REFUSALS[status]}
    schema = Reference(ref="#/components/schemas/Problem")
    return OpenAPIResponse(
        description=REFUSALS[status], content={KIND: OpenAPIMediaType(schema=schema, example=example)}
    )


def _condition(name: str) -> Parameter:
    return Parameter(name=name, param_in="header", required=False, schema=TEXT, description="RFC 9110, 13.1")


def _plain(example: Any) -> Any:
    return example if isinstance(example, str) else msgspec.to_builtins(example)


__all__ = ["REFUSALS", "refusals", "shows"]
