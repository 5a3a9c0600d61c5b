"""`$batch` bodies: what is sent is read back by the standard library, what servers answer is read here."""

from __future__ import annotations

from email import message_from_bytes
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.transport.multipart import (
    BatchBody,
    ChangeSet,
    ChangeSetAnswer,
    Operation,
    build_batch,
    parse_batch,
)
from crossdock.transport.wire import HttpResponse

READ = Operation(method="GET", path="Orders?$top=1", headers={"Accept": "application/json"})
CREATE = Operation(method="POST", path="Orders", headers={"Content-Type": "application/json"}, body=b'{"No": "1"}')
LINE = Operation(method="POST", path="$1/Lines", body=b"{}", content_id="line-1")


def read_by_others(built: BatchBody) -> Message:
    return message_from_bytes(b"Content-Type: " + built.content_type.encode() + b"\r\n\r\n" + built.body)


def parts_of(message: Message) -> list[Message]:
    found = message.get_payload()
    assert isinstance(found, list)
    return [part for part in found if isinstance(part, Message)]


def test_what_is_sent_is_a_multipart_with_change_sets_of_their_own() -> None:
    built = build_batch([READ, ChangeSet(operations=(CREATE, LINE))])

    read, changes = parts_of(read_by_others(built))
    assert read.get_content_type() == "application/http"
    assert str(read.get_payload()).replace("\r\n", "\n") == "GET Orders?$top=1 HTTP/1.1\nAccept: application/json\n\n"
    create, line = parts_of(changes)
    assert [create["Content-ID"], line["Content-ID"]] == ["1", "line-1"]
    assert str(create.get_payload()).replace("\r\n", "\n") == (
        'POST Orders HTTP/1.1\nContent-Type: application/json\nContent-Length: 11\n\n{"No": "1"}'
    )


def test_every_line_ends_with_crlf_and_a_read_ends_with_an_empty_one() -> None:
    body = build_batch([READ]).body

    assert body.count(b"\n") == body.count(b"\r\n")
    assert b"Accept: application/json\r\n\r\n\r\n--batch_" in body


def test_the_same_parts_give_the_same_bytes_and_other_parts_another_boundary() -> None:
    assert build_batch([READ, CREATE]) == build_batch([READ, CREATE])
    assert build_batch([READ]).content_type != build_batch([CREATE]).content_type


def test_a_line_break_does_not_get_into_the_head_of_a_request() -> None:
    for evil in (
        Operation(method="GET", path="Orders HTTP/1.1\r\nX-Evil: 1"),
        Operation(method="GET", path="Orders", headers={"X": "1\nX-Evil: 1"}),
        ChangeSet(operations=(Operation(method="POST", path="Orders", content_id="1\r\nX-Evil: 1"),)),
    ):
        with pytest.raises(ValueError, match="line break"):
            build_batch([evil])


def test_nothing_is_no_batch() -> None:
    for empty in ([], [ChangeSet(operations=())]):
        with pytest.raises(ValueError, match="of nothing"):
            build_batch(empty)


ANSWER = b"""--resp\r
Content-Type: multipart/mixed; boundary=inner\r
Content-Length: 400\r
\r
--inner\r
Content-Type: application/http\r
Content-Length: 90\r
content-transfer-encoding: binary\r
Content-ID: 7\r
\r
HTTP/1.1 201 Created\r
Content-Type: application/json\r
Content-Length: 10\r
\r
{"d":"\r\n"}\r
--inner\r
Content-Type: application/http\r
\r
HTTP/1.1 204 No Content\r
content-id: 8\r
ETag: W/"1"\r
\r
\r
--inner--\r
\r
--resp\r
Content-Type: application/http\r
Content-Length: 60\r
content-transfer-encoding: binary\r
\r
HTTP/1.1 400 Bad Request\r
Content-Type: application/json\r
content-length: 12\r
\r
{"error":{}}\r
--resp--\r
"""


def test_each_part_has_its_own_status_headers_and_body() -> None:
    done, failed = parse_batch("multipart/mixed; boundary=resp", ANSWER)

    assert isinstance(done, ChangeSetAnswer)
    created, changed = done.answers
    assert (created.status, created.body, created.headers["content-id"]) == (201, b'{"d":"\r\n"}', "7")
    assert (changed.status, changed.body, changed.headers["content-id"]) == (204, b"", "8")
    assert changed.headers["etag"] == 'W/"1"'
    assert isinstance(failed, HttpResponse)
    assert (failed.status, failed.body) == (400, b'{"error":{}}')


def test_lines_may_end_with_lf_alone_and_the_boundary_may_be_quoted() -> None:
    text = b'preamble\n--a b\nContent-Type: application/http\n\nHTTP/1.1 200 OK\nX: 1\n\n{"d":1}\n--a b--\nepilogue'

    (answer,) = parse_batch('multipart/mixed; boundary="a b"', text)

    assert isinstance(answer, HttpResponse)
    assert (answer.status, answer.headers, answer.body) == (200, {"x": "1"}, b'{"d":1}')


def test_what_looks_like_a_boundary_within_a_body_is_none() -> None:
    text = b"--b\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx --b-- y\r\n--bc\r\n--b--"

    (answer,) = parse_batch("multipart/mixed; boundary=b", text)

    assert isinstance(answer, HttpResponse)
    assert answer.body == b"x --b-- y\r\n--bc"


@pytest.mark.parametrize("cut", range(len(ANSWER) - len(b"--resp--\r\n") + 1))
def test_an_answer_that_is_cut_off_is_told_as_such(cut: int) -> None:
    with pytest.raises(ValueError, match="multipart answer"):
        parse_batch("multipart/mixed; boundary=resp", ANSWER[:cut])


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("", b""),
        ("multipart/mixed", b"--x--"),
        ("multipart/mixed; boundary=x", b"--x\r\n\r\nnonsense\r\n--x--"),
        ("multipart/mixed; boundary=x", b"--x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort\r\n--x--"),
    ],
)
def test_what_is_no_such_answer_is_refused(content_type: str, body: bytes) -> None:
    with pytest.raises(ValueError, match="multipart answer"):
        parse_batch(content_type, body)


@given(bodies=st.lists(st.binary(min_size=1), min_size=1, max_size=4))
def test_whatever_the_bodies_are_they_come_back_as_they_were(bodies: list[bytes]) -> None:
    sent = [Operation(method="HTTP/1.1", path="200", body=body) for body in bodies]  # a request line read as a status
    built = build_batch(sent)
    answered = built.body.replace(b"HTTP/1.1 200 HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n")

    told = parse_batch(built.content_type, answered)

    assert [one.body for one in told if isinstance(one, HttpResponse)] == bodies
