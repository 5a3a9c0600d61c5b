"""What breaks those who use a description, and what does not."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from crossdock.api.compatibility import broken

API: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {
        "/things": {
            "post": {
                "parameters": [{"name": "store", "in": "query", "required": False, "schema": {"type": "string"}}],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}},
                },
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Answer"}}}},
                    "400": {"description": "no"},
                },
            }
        }
    },
    "components": {
        "schemas": {
            "Thing": {
                "type": "object",
                "required": ["sku"],
                "properties": {
                    "sku": {"type": "string"},
                    "qty": {"type": ["number", "string"]},
                    "kind": {"enum": ["a", "b"]},
                    "lines": {"type": "array", "items": {"type": "object", "properties": {"line": {"type": "string"}}}},
                },
            },
            "Answer": {
                "type": "object",
                "required": ["id"],
                "properties": {"id": {"type": "string"}, "next": {"type": ["string", "null"]}},
            },
        }
    },
}


def changed(path: str, value: Any) -> list[str]:
    """The description with another value at a place; None takes it away."""
    after = deepcopy(API)
    *way, last = path.split("|")
    place: Any = after
    for part in way:
        place = place[int(part)] if isinstance(place, list) else place[part]
    if value is None:
        del place[int(last) if isinstance(place, list) else last]
    else:
        place[last] = value
    return broken(API, after)


THING, ANSWER = "components|schemas|Thing", "components|schemas|Answer"
POST = "paths|/things|post"


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("paths|/things", None, "/things: the path is gone"),
        (POST, None, "POST /things: the operation is gone"),
        (f"{POST}|responses|200", None, "POST /things: the answer 200 is gone"),
        (f"{POST}|parameters|0", None, "POST /things: the parameter store is gone"),
        (f"{THING}|properties|qty", None, "POST /things: body.qty: the field is gone"),
        (
            f"{THING}|properties|qty",
            {"type": "number"},
            "POST /things: body.qty: was integer or number or string, is integer or number",
        ),
        (f"{THING}|properties|sku", {"type": "integer"}, "POST /things: body.sku: was string, is integer"),
        (f"{THING}|required", ["sku", "qty"], "POST /things: body.qty: the field is needed now"),
        (f"{THING}|properties|kind", {"enum": ["a"]}, "POST /things: body.kind: values are others: b"),
        (
            f"{THING}|properties|lines|items|properties|line",
            {"type": "integer"},
            "POST /things: body.lines[].line: was string, is integer",
        ),
        (f"{ANSWER}|properties|id", None, "POST /things: 200.id: the field is gone"),
        (
            f"{ANSWER}|properties|id",
            {"type": ["string", "null"]},
            "POST /things: 200.id: was string, is null or string",
        ),
        (f"{ANSWER}|required", [], "POST /things: 200.id: the field may be missing now"),
        (
            f"{POST}|parameters",
            [{"name": "store", "in": "query", "required": True, "schema": {"type": "string"}}],
            "POST /things: the parameter store is needed now",
        ),
    ],
)
def test_what_breaks_somebody_is_told(path: str, value: Any, told: str) -> None:
    assert told in changed(path, value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("paths|/more", {"get": {"responses": {}}}),
        (f"{POST}|responses|409", {"description": "no"}),
        (f"{POST}|responses|400", None),
        (f"{THING}|properties|more", {"type": "string"}),
        (f"{THING}|properties|sku", {"type": ["string", "integer"]}),
        (f"{THING}|properties|kind", {"enum": ["a", "b", "c"]}),
        (f"{THING}|required", []),
        (f"{ANSWER}|properties|more", {"type": "string"}),
        (f"{ANSWER}|properties|next", {"type": "string"}),
        (f"{ANSWER}|required", ["id", "next"]),
    ],
)
def test_what_breaks_nobody_is_not(path: str, value: Any) -> None:
    assert changed(path, value) == []


def test_a_document_breaks_itself_in_nothing() -> None:
    assert broken(API, deepcopy(API)) == []


def test_a_schema_that_refers_to_itself_ends() -> None:
    tree: dict[str, Any] = {"properties": {"a": {"$ref": "#"}}, "type": "object", "$defs": {}}
    around = {"$defs": {"x": {"$ref": "#/$defs/x"}}, "properties": {"a": {"$ref": "#/$defs/x"}}}
    assert broken(tree, deepcopy(tree)) == []
    assert broken(around, deepcopy(around)) == []


def test_of_what_we_send_a_field_that_is_gone_or_may_be_missing_breaks_the_reader() -> None:
    before = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "b": {"type": "number"}}}
    after = {"type": "object", "properties": {"a": {"type": "string"}}}
    assert broken(before, after) == [".a: the field may be missing now", ".b: the field is gone"]


def test_of_events_too() -> None:
    def document(**payload: Any) -> dict[str, Any]:
        message = {"payload": {"type": "object", "properties": payload}}
        return {
            "asyncapi": "3.0.0",
            "channels": {"events": {"messages": {"placed": {"$ref": "#/components/messages/placed"}}}},
            "components": {"messages": {"placed": message}},
        }

    before = document(number={"type": "string"})
    assert broken(before, document(number={"type": "string"}, more={})) == []
    assert broken(before, document(number={"type": "integer"})) == ["placed: payload.number: was string, is integer"]
    gone = document()
    gone["channels"] = {}
    assert "events: the channel is gone" in broken(before, gone)
