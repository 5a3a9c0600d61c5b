"""Whether a description still keeps what an earlier one promised. Pure: two documents in, what is broken out.

What somebody sends must still be taken, what somebody reads must still be there:

- a path, an operation, an answer, a message or a field that is gone;
- a field of another type, a value of an enumeration that is not taken, or told, any more;
- of what is sent (requests): a field that is needed and was not, a parameter too;
- of what is read (answers, events): a field that was always there and need not be any more.

More fields, answers and paths break nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

Document = Mapping[str, Any]
Way = Literal["sent", "read"]
DEEPEST = 12  # a schema that refers to itself is compared so far down
METHODS = ("get", "put", "post", "delete", "patch", "head", "options")


def broken(before: Document, after: Document) -> list[str]:
    """Of two OpenAPI documents, two AsyncAPI documents, or two JSON Schemas of what we send."""
    if "openapi" in before:
        return sorted(set(_api(before, after)))
    if "asyncapi" in before:
        return sorted(set(_events(before, after)))
    return sorted(set(_schema("", before, after, (before, after), "read")))


def _api(before: Document, after: Document) -> Iterator[str]:
    documents = (before, after)
    for path, operations in before.get("paths", {}).items():
        if path not in after.get("paths", {}):
            yield f"{path}: the path is gone"
            continue
        for method in METHODS:
            if method in operations:
                name = f"{method.upper()} {path}"
                yield from _operation(name, operations[method], after["paths"][path].get(method), documents)


def _operation(
    name: str, before: Document, after: Document | None, documents: tuple[Document, Document]
) -> Iterator[str]:
    if after is None:
        yield f"{name}: the operation is gone"
        return
    yield from _parameters(name, before, after, documents)
    old, new = (
        resolved(one.get("requestBody", {}), where) for one, where in zip((before, after), documents, strict=True)
    )
    if new.get("required") and not old.get("required"):
        yield f"{name}: a body is needed now"
    yield from _contents(f"{name}: body", old, new, documents, "sent")
    for status, answer in before.get("responses", {}).items():
        if status not in after.get("responses", {}):
            if status.startswith("2"):
                yield f"{name}: the answer {status} is gone"
            continue
        old, new = resolved(answer, documents[0]), resolved(after["responses"][status], documents[1])
        yield from _contents(f"{name}: {status}", old, new, documents, "read")


def _parameters(name: str, before: Document, after: Document, documents: tuple[Document, Document]) -> Iterator[str]:
    old, new = _by_place(before, documents[0]), _by_place(after, documents[1])
    for place, one in old.items():
        if place not in new:
            yield f"{name}: the parameter {place[1]} is gone"
        else:
            yield from _schema(
                f"{name}: {place[1]}", one.get("schema", {}), new[place].get("schema", {}), documents, "sent"
            )
    for place, one in new.items():
        if one.get("required") and not old.get(place, {}).get("required"):
            yield f"{name}: the parameter {place[1]} is needed now"


def _by_place(operation: Document, document: Document) -> dict[tuple[str, str], Document]:
    found = (resolved(one, document) for one in operation.get("parameters", ()))
    return {(one["in"], one["name"]): one for one in found}


def _contents(
    name: str, before: Document, after: Document, documents: tuple[Document, Document], way: Way
) -> Iterator[str]:
    for kind, media in before.get("content", {}).items():
        if kind not in after.get("content", {}):
            yield f"{name}: {kind} is gone"
        else:
            yield from _schema(name, media.get("schema", {}), after["content"][kind].get("schema", {}), documents, way)


def _events(before: Document, after: Document) -> Iterator[str]:
    for name, channel in before.get("channels", {}).items():
        if name not in after.get("channels", {}):
            yield f"{name}: the channel is gone"
            continue
        for message in channel.get("messages", {}):
            if message not in after["channels"][name].get("messages", {}):
                yield f"{name}: the message {message} is gone"
    for name, message in before.get("components", {}).get("messages", {}).items():
        if (now := after.get("components", {}).get("messages", {}).get(name)) is None:
            yield f"{name}: the message is gone"
            continue
        for part in ("payload", "headers"):
            yield from _schema(f"{name}: {part}", message.get(part, {}), now.get(part, {}), (before, after), "read")


def _schema(
    name: str, before: Document, after: Document, documents: tuple[Document, Document], way: Way, depth: int = 0
) -> Iterator[str]:
    if depth > DEEPEST:
        return
    old, new = resolved(before, documents[0]), resolved(after, documents[1])
    yield from _types(name, old, new, way)
    yield from _fields(name, old, new, documents, way, depth)
    if isinstance(old.get("items"), Mapping) and isinstance(new.get("items"), Mapping):
        yield from _schema(f"{name}[]", old["items"], new["items"], documents, way, depth + 1)
    for word in ("oneOf", "anyOf", "allOf"):
        for place, (one, other) in enumerate(zip(old.get(word, ()), new.get(word, ()), strict=False)):
            yield from _schema(f"{name} ({word} {place})", one, other, documents, way, depth + 1)
        if len(old.get(word, ())) > len(new.get(word, ())) and way == "sent":
            yield f"{name}: a form of it is not taken any more"


def _types(name: str, old: Document, new: Document, way: Way) -> Iterator[str]:
    """What is sent may take more types, what is read may have fewer: the other way round somebody is surprised."""
    was, now = types_of(old), types_of(new)
    narrower = now and (was - now if was else now)
    wider = was and (now - was if now else {"anything"})
    if (way == "sent" and narrower) or (way == "read" and wider):
        yield f"{name}: was {_told(was)}, is {_told(now)}"
    if "enum" in old and "enum" in new:
        lost, added = (
            {*map(str, a)} - {*map(str, b)} for a, b in ((old["enum"], new["enum"]), (new["enum"], old["enum"]))
        )
        changed = lost if way == "sent" else lost | added
        if changed:
            yield f"{name}: values are others: {', '.join(sorted(changed))}"


def types_of(schema: Document) -> set[str]:
    """Empty: any. A whole number is a number."""
    told = schema.get("type")
    found = {told} if isinstance(told, str) else set(told or ())
    if not found and "const" in schema:
        return {type(schema["const"]).__name__}
    return found | ({"integer"} if "number" in found else set())


def _told(types: set[str]) -> str:
    return " or ".join(sorted(types)) or "anything"


def _fields(
    name: str, old: Document, new: Document, documents: tuple[Document, Document], way: Way, depth: int
) -> Iterator[str]:
    was, now = old.get("properties", {}), new.get("properties", {})
    needed, still = set(old.get("required", ())), set(new.get("required", ()))
    for field, schema in was.items():
        if field not in now:
            yield f"{name}.{field}: the field is gone"
        else:
            yield from _schema(f"{name}.{field}", schema, now[field], documents, way, depth + 1)
    if way == "sent":
        yield from (f"{name}.{field}: the field is needed now" for field in sorted(still - needed))
    else:
        yield from (f"{name}.{field}: the field may be missing now" for field in sorted((needed & now.keys()) - still))


def resolved(schema: Document, document: Document) -> Document:
    """Without a reference; its own words go before those of what it refers to."""
    seen: Sequence[str] = ()
    while "$ref" in schema and schema["$ref"] not in seen:
        seen = (*seen, schema["$ref"])
        own = {word: value for word, value in schema.items() if word != "$ref"}
        schema = {**_at(document, schema["$ref"]), **own}
    return schema


def _at(document: Document, reference: str) -> Document:
    """By `#/a/b`; what is elsewhere cannot be compared, and is nothing."""
    if not reference.startswith("#/"):
        return {}
    found: Any = document
    for part in reference[2:].split("/"):
        word = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or word not in found:
            return {}
        found = found[word]
    return found if isinstance(found, Mapping) else {}


__all__ = ["broken", "resolved", "types_of"]
