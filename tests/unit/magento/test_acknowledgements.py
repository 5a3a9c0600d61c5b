from __future__ import annotations

from collections.abc import Callable

import pytest

from crossdock.errors import OutcomeUnknown, Rejected
from crossdock.magento.acknowledgements import AcknowledgementSink, comment_text
from crossdock.magento.client import MagentoClient
from crossdock.model.change import Acknowledgement
from crossdock.transport.auth import Bearer
from crossdock.transport.http import Http
from tests.recorded_server import Asked, Reply, serve
from tests.unit.magento.fake_store import FakeStore, running

ACK = Acknowledgement(subject_id="3", number="000000003", external_id="SO-88", target="erp")


def test_the_number_and_a_comment_are_written_by_narrow_calls() -> None:
    store = FakeStore()
    store.place(3)
    with running(store) as (client, server):
        receipt = AcknowledgementSink(client).put(ACK, "k")
    assert not receipt.found
    assert [(one.method, one.path) for one in server.asked] == [
        ("GET", "/rest/all/V1/orders/3"),
        ("POST", "/rest/all/V1/orders"),
        ("POST", "/rest/all/V1/orders/3/comments"),
    ]
    assert server.asked[1].json() == {"entity": {"entity_id": 3, "ext_order_id": "SO-88"}}
    assert server.asked[2].json() == {
        "statusHistory": {
            "comment": "ERP order SO-88 (crossdock)",
            "is_customer_notified": 0,
            "is_visible_on_front": 0,
            "parent_id": 3,
        }
    }
    assert store.orders[3]["grand_total"] == 10.1


def test_doing_it_again_writes_nothing() -> None:
    store = FakeStore()
    store.place(3)
    with running(store) as (client, server):
        sink = AcknowledgementSink(client)
        assert sink.find(ACK, "k") is None
        sink.put(ACK, "k")
        before = len(server.asked)
        again, found = sink.put(ACK, "k"), sink.find(ACK, "k")
    assert again.found
    assert found == again
    assert [one.method for one in server.asked[before:]] == ["GET", "GET"]
    assert len(store.orders[3]["status_histories"]) == 1


def test_what_a_crash_left_undone_is_completed() -> None:
    store = FakeStore()
    store.place(3, ext_order_id="SO-88", status_histories=[{"comment": None}, {"comment": "other"}])
    with running(store) as (client, server):
        assert AcknowledgementSink(client).find(ACK, "k") is None
        AcknowledgementSink(client).put(ACK, "k")
    assert [one.path for one in server.asked if one.method == "POST"] == ["/rest/all/V1/orders/3/comments"]


def test_an_escaped_comment_is_known_again() -> None:
    odd = Acknowledgement(subject_id="3", number="3", external_id="SO&88", target="erp")
    store = FakeStore()
    store.place(3, ext_order_id="SO&88", status_histories=[{"comment": comment_text(odd).replace("&", "&amp;")}])
    with running(store) as (client, _):
        assert AcknowledgementSink(client).find(odd, "k") is not None


def test_without_comments_only_the_number_counts() -> None:
    store = FakeStore()
    store.place(3)
    with running(store) as (client, server):
        sink = AcknowledgementSink(client, comment=False)
        sink.put(ACK, "k")
        assert sink.find(ACK, "k") is not None
        assert list(sink.preview(ACK)) == ["POST V1/orders"]
    assert [one.method for one in server.asked] == ["GET", "POST", "GET"]


def test_an_order_that_is_not_there_is_rejected_and_not_found() -> None:
    with running(FakeStore()) as (client, _):
        assert AcknowledgementSink(client).find(ACK, "k") is None
        with pytest.raises(Rejected):
            AcknowledgementSink(client).put(ACK, "k")


def refusing(path: str, reply: Reply) -> Callable[[Asked], Reply]:
    store = FakeStore()
    store.place(3)
    return lambda one: reply if one.method == "POST" and one.path.endswith(path) else store.answer(one)


@pytest.mark.parametrize("path", ["/V1/orders", "/comments"])
@pytest.mark.parametrize(
    "reply",
    [Reply(200, {"entity_id": 3}), Reply(200, b"<html>"), Reply(500, {"message": "x"})],
    ids=["other", "html", "500"],
)
def test_an_answer_that_does_not_confirm_is_an_unknown_outcome(path: str, reply: Reply) -> None:
    with serve(refusing(path, reply)) as server:
        client = MagentoClient(Http(), Bearer("t"), base_url=server.url)
        with pytest.raises(OutcomeUnknown):
            AcknowledgementSink(client).put(ACK, "k")
