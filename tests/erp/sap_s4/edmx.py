"""Requests held against SAP's own service definitions. Nothing of those is kept here.

SAP's pyodata could read them too, but its wheel installs a package called `tests` beside ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from email import message_from_bytes
from email.message import Message
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.etree import ElementTree as ET

import pytest

from tests.material import SHARED

FOLDER = SHARED / "contracts" / "sap-s4hana"
needs_edmx = pytest.mark.skipif(not FOLDER.is_dir(), reason="SAP's service definitions are not here")
JSON_TYPES: Mapping[str, type] = {
    "Edm.Boolean": bool,
    "Edm.Int16": int,
    "Edm.Int32": int,
    "Edm.Byte": int,
}  # all else is a text in OData V2
WORDS = frozenset(["and", "or", "eq", "ne", "gt", "ge", "lt", "le", "true", "false", "datetime", "datetimeoffset"])
TIME = re.compile(r"/Date\(-?\d+([+-]\d{4})?\)/")


class Field:
    """A property as it is defined."""

    def __init__(self, element: ET.Element) -> None:
        told = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}
        self.kind = told["Type"]
        self.longest = int(told["MaxLength"]) if told.get("MaxLength", "").isdigit() else None
        self.digits = int(told.get("Precision") or 99)
        self.scale = int(told.get("Scale") or 0)
        self.refused = frozenset(name for name, value in told.items() if value == "false")  # creatable, filterable …


class Kind:
    """An entity set with its type."""

    def __init__(self, entity_set: ET.Element, entity_type: ET.Element) -> None:
        self.type = str(entity_type.get("Name"))
        self.refused = frozenset(
            name.rpartition("}")[2] for name, value in entity_set.attrib.items() if value == "false"
        )
        self.fields = {str(one.get("Name")): Field(one) for one in _below(entity_type, "Property")}
        self.keys = {str(one.get("Name")) for one in _below(entity_type, "PropertyRef")}
        self.navs = {
            str(one.get("Name")): (str(one.get("Relationship")).rpartition(".")[2], str(one.get("ToRole")))
            for one in _below(entity_type, "NavigationProperty")
        }


@cache
def schema(service: str) -> tuple[dict[str, Kind], dict[tuple[str, str], str]]:
    """A service's entity sets by name, and the entity sets at the ends of its associations."""
    root = ET.parse(FOLDER / f"{service}.edmx").getroot()
    types = {str(one.get("Name")): one for one in _below(root, "EntityType")}
    sets = {
        str(one.get("Name")): Kind(one, types[str(one.get("EntityType")).rpartition(".")[2]])
        for one in _below(root, "EntitySet")
    }
    by_type = {kind.type: name for name, kind in sets.items()}
    ends = {
        (str(one.get("Name")), str(end.get("Role"))): by_type[str(end.get("Type")).rpartition(".")[2]]
        for one in _below(root, "Association")
        for end in _below(one, "End")
    }
    return sets, ends


def _below(element: ET.Element, name: str) -> list[ET.Element]:
    return [one for one in element.iter() if one.tag.rpartition("}")[2] == name]


def problems(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Iterator[str]:
    """What a request has that its service's definition does not allow."""
    parts = urlsplit(target)
    service, _, path = unquote(parts.path).partition("/sap/opu/odata/sap/")[2].partition("/")
    if path == "$batch":
        kind = b"Content-Type: " + headers["content-type"].encode() + b"\r\n\r\n"
        for inner, line, sent in _operations(message_from_bytes(kind + body)):
            yield from problems(inner, f"/sap/opu/odata/sap/{service}/{line}", {}, sent)
        return
    if not path:
        return  # the service itself, for a token
    entity_set, _, keys = path.partition("(")
    if entity_set not in schema(service)[0]:
        yield f"{service} has no {entity_set}"
        return
    yield from _keys(service, entity_set, keys)
    yield from _query(service, entity_set, dict(parse_qsl(parts.query)))
    if method in {"POST", "PATCH", "MERGE", "PUT"}:
        flag = "creatable" if method == "POST" else "updatable"
        if flag in schema(service)[0][entity_set].refused:
            yield f"{entity_set} is not {flag}"
        yield from _body(service, entity_set, json.loads(body), flag, "")


def _operations(message: Message) -> Iterator[tuple[str, str, bytes]]:
    for part in message.walk():
        if part.get_content_type() == "application/http":
            head, _, body = str(part.get_payload()).replace("\r\n", "\n").lstrip().partition("\n\n")
            method, path, _ = head.split("\n")[0].split(" ")
            yield method, path, body.encode()


def _properties(service: str, entity_set: str) -> dict[str, Field]:
    return schema(service)[0][entity_set].fields


def _target(service: str, entity_set: str, nav: str) -> str:
    sets, ends = schema(service)
    return ends[sets[entity_set].navs[nav]] if nav in sets[entity_set].navs else ""


def _keys(service: str, entity_set: str, text: str) -> Iterator[str]:
    if not text:
        return
    wanted = schema(service)[0][entity_set].keys
    named = {name for name, _ in re.findall(r"(\w+)=(?:datetime)?'((?:[^']|'')*)'", text)}
    if named != wanted and not (len(wanted) == 1 and not named):
        yield f"{entity_set}: the key is {sorted(wanted)}, not {sorted(named)}"


def _query(service: str, entity_set: str, query: Mapping[str, str]) -> Iterator[str]:
    known = {"$filter", "$select", "$expand", "$orderby", "$top", "$skip", "$format", "$inlinecount", "sap-client"}
    yield from (f"{name} is no query option" for name in query if name not in known)
    bare = re.sub(r"'(?:[^']|'')*'", " ", query.get("$filter", ""))
    named = [word for word in re.findall(r"[A-Za-z_]\w*", bare) if word not in WORDS]
    fields = _properties(service, entity_set)
    yield from _flagged(entity_set, fields, named, "filterable")
    ordered = [term.split()[0] for term in query.get("$orderby", "").split(",") if term.strip()]
    yield from _flagged(entity_set, fields, ordered, "sortable")
    for path in (one for one in query.get("$expand", "").split(",") if one):
        at = entity_set
        for nav in path.split("/"):
            at = at and _target(service, at, nav)
        if not at:
            yield f"{entity_set}: $expand={path} leads nowhere"
    for path in (one for one in query.get("$select", "").split(",") if one):
        *navs, field = path.split("/")
        at = entity_set
        for nav in navs:
            at = _target(service, at, nav)
        if field not in _properties(service, at) and not _target(service, at, field):
            yield f"{entity_set}: $select={path} is not there"


def _flagged(entity_set: str, fields: Mapping[str, Field], named: Iterable[str], flag: str) -> Iterator[str]:
    for name in named:
        if name not in fields:
            yield f"{entity_set}: {name} is unknown"
        elif flag in fields[name].refused:
            yield f"{entity_set}: {name} is not {flag}"


def _body(service: str, entity_set: str, body: Mapping[str, Any], flag: str, at: str) -> Iterator[str]:
    fields = _properties(service, entity_set)
    for name, value in body.items():
        target = _target(service, entity_set, name)
        if target:
            for place, one in enumerate(value["results"] if isinstance(value, dict) else value):
                yield from _body(service, target, one, flag, f"{at}{name}/{place}/")
        elif name not in fields:
            yield f"{at}{name}: unknown"
        elif value is not None:
            if flag in fields[name].refused:
                yield f"{at}{name}: not {flag}"
            yield from (f"{at}{name}: {problem}" for problem in _value(fields[name], value))


def _value(field: Field, value: Any) -> Iterator[str]:
    if field.kind in JSON_TYPES:
        if type(value) is not JSON_TYPES[field.kind]:
            yield f"{field.kind} as {type(value).__name__}"
    elif not isinstance(value, str):
        yield f"{field.kind} as {type(value).__name__}"
    elif field.kind in {"Edm.DateTime", "Edm.DateTimeOffset"} and not TIME.fullmatch(value):
        yield "no /Date(ms)/"
    elif field.kind == "Edm.String" and field.longest is not None and len(value) > field.longest:
        yield f"longer than {field.longest}"
    elif field.kind == "Edm.Decimal":
        shape = r"-?\d+" + (rf"(\.\d{{1,{field.scale}}})?" if field.scale else "")
        if not re.fullmatch(shape, value) or len(re.sub(r"\D", "", value)) > field.digits:
            yield f"no decimal({field.digits},{field.scale})"
