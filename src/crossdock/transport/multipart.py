"""OData `$batch` over multipart/mixed: several requests as one body; the answer's parts with their own status. Pure.

The form is that of OData 2.0 ("Batch Processing", odata.org) and 4.0 (Part 1, section 11.7): a part is a read or a
change set; a change set is a multipart of its own, done whole or not at all. A change set that failed is answered by
one plain part. Lines end with CRLF; parts of servers that end them with LF alone are read too.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from email.message import Message as Headers
from itertools import pairwise

import msgspec

from crossdock.model.base import Record
from crossdock.transport.wire import HttpResponse

CONTENT_ID = "content-id"
PART_HEADERS = b"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
STATUS_LINE = re.compile(rb"HTTP/\d(?:\.\d)? (\d{3})(?: |$)")


class Operation(Record, frozen=True, kw_only=True):
    """One request within a batch. `path`: as the server wants it, most often relative to the service's root.

    `content_id`: by which later operations of the change set may refer to it (`$1`) and answers name it.
    """

    method: str
    path: str
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    body: bytes = b""
    content_id: str = ""


class ChangeSet(Record, frozen=True, kw_only=True):
    """Writes that are done all or none. Operations without a content id are numbered from 1."""

    operations: tuple[Operation, ...]


class BatchBody(Record, frozen=True, kw_only=True):
    """What is sent to `$batch`."""

    content_type: str
    body: bytes


class ChangeSetAnswer(Record, frozen=True, kw_only=True):
    """The answers of a change set that was done. One that failed is a plain HttpResponse in its place."""

    answers: tuple[HttpResponse, ...]


def build_batch(parts: Sequence[Operation | ChangeSet]) -> BatchBody:
    """The body and its content type; the same parts give the same bytes.

    Raises ValueError for no parts, an empty change set, and a line break in what becomes a header or request line.
    """
    if not parts:
        raise ValueError("a batch of nothing")
    bodies = [_change_set(part) if isinstance(part, ChangeSet) else PART_HEADERS + _request(part) for part in parts]
    return _multipart("batch", bodies)


def parse_batch(content_type: str, body: bytes) -> tuple[HttpResponse | ChangeSetAnswer, ...]:
    """The answer's parts in their order: one for each part that was sent, if the server did all of them.

    Raises ValueError where it is no such answer, or is cut off. What was sent may have been done all the same: to the
    caller of a write that is an unknown outcome.
    """
    return tuple(_answer(headers, content) for headers, content in _parts(content_type, body))


def _change_set(part: ChangeSet) -> bytes:
    if not part.operations:
        raise ValueError("a change set of nothing")
    bodies = []
    for number, operation in enumerate(part.operations, start=1):
        content_id = operation.content_id or str(number)
        bodies.append(PART_HEADERS + _lines(f"Content-ID: {content_id}") + _request(operation))
    built = _multipart("changeset", bodies)
    return _lines(f"Content-Type: {built.content_type}", f"Content-Length: {len(built.body)}", "") + built.body


def _request(operation: Operation) -> bytes:
    lines = ["", f"{operation.method} {operation.path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in operation.headers.items()]
    if operation.body:
        lines.append(f"Content-Length: {len(operation.body)}")
    return _lines(*lines, "") + operation.body


def _lines(*lines: str) -> bytes:
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a line break in a request line or a header")
    return "".join(f"{line}\r\n" for line in lines).encode()


def _multipart(prefix: str, bodies: Sequence[bytes]) -> BatchBody:
    # The boundary is a digest of what it holds apart: a text that contains its own digest is not to be found.
    boundary = f"{prefix}_{hashlib.sha256(b''.join(bodies)).hexdigest()[:32]}"
    body = b"".join(f"--{boundary}\r\n".encode() + one + b"\r\n" for one in bodies) + f"--{boundary}--\r\n".encode()
    return BatchBody(content_type=f"multipart/mixed; boundary={boundary}", body=body)


def _parts(content_type: str, body: bytes) -> Iterator[tuple[Mapping[str, str], bytes]]:
    boundary = _boundary(content_type)
    if boundary is None:
        raise ValueError("no multipart answer")
    delimiter = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    found = list(delimiter.finditer(body))
    if not found or not found[-1].group(1):
        raise ValueError("the multipart answer is cut off")
    for opening, closing in pairwise(found):
        if opening.group(1):
            break
        head, content = _head_and_rest(body[opening.end() : closing.start()])
        yield _headers(head), content


def _answer(headers: Mapping[str, str], content: bytes) -> HttpResponse | ChangeSetAnswer:
    if _boundary(headers.get("content-type", "")) is not None:
        return ChangeSetAnswer(
            answers=tuple(_response(inner, part) for inner, part in _parts(headers["content-type"], content))
        )
    return _response(headers, content)


def _response(part_headers: Mapping[str, str], content: bytes) -> HttpResponse:
    """`content-id` stands in the part's headers, or in the answer's own (Microsoft's and SAP's servers differ)."""
    head, body = _head_and_rest(content.lstrip(b"\r\n"), starts_with_line=False)
    first, _, rest = head.partition(b"\n")
    status = STATUS_LINE.match(first.strip())
    if status is None:
        raise ValueError("a part of the multipart answer is no HTTP answer")
    headers = _headers(rest)
    if CONTENT_ID in part_headers:
        headers.setdefault(CONTENT_ID, part_headers[CONTENT_ID])
    length = headers.get("content-length", "")
    if length.isascii() and length.isdigit():
        if int(length) > len(body):
            raise ValueError("a part of the multipart answer is shorter than it says")
        body = body[: int(length)]
    return HttpResponse(status=int(status.group(1)), headers=headers, body=body)


def _head_and_rest(text: bytes, *, starts_with_line: bool = True) -> tuple[bytes, bytes]:
    """Up to the first empty line, and what follows it."""
    if starts_with_line:
        text = text.removeprefix(b"\r").removeprefix(b"\n")
    if match := re.match(rb"\r?\n", text):
        return b"", text[match.end() :]
    head = re.search(rb"\r?\n\r?\n", text)
    return (text, b"") if head is None else (text[: head.start()], text[head.end() :])


def _headers(head: bytes) -> dict[str, str]:
    """Lower case; the first of a repeated one counts, as in `transport.http`."""
    headers: dict[str, str] = {}
    for line in head.decode("latin-1").splitlines():
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.strip().lower(), value.strip())
    return headers


def _boundary(content_type: str) -> str | None:
    headers = Headers()
    headers["content-type"] = content_type
    return headers.get_boundary() if headers.get_content_maintype() == "multipart" else None
