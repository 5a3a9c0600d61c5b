from __future__ import annotations

from typing import Any

import pytest

from crossdock.errors import ConfigurationError, Misconfigured, OutcomeUnknown, Rejected
from crossdock.magento.client import MagentoClient
from crossdock.magento.subscriptions import EVENTS, Subscription, ensure, listed, missing, subscribe, switch
from crossdock.transport.auth import Bearer
from crossdock.transport.http import Http
from tests.material import SHARED, needs_shared
from tests.recorded_server import Asked, Recorded, Reply, serve
from tests.unit.magento.fake_store import recorded

URL = "https://hooks.example.com/webhooks/shop"


class Module:
    """Mage-OS Async Events as recorded: validates nothing, and a PUT without status disables."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.spoil: dict[str, Any] = {}

    def answer(self, one: Asked) -> Reply:
        path = one.path.removeprefix("/rest/all/V1/")
        if path == "async_events":
            size, page = (int(one.query[f"searchCriteria[{name}]"]) for name in ("pageSize", "currentPage"))
            return Reply(200, {"items": self.rows[(page - 1) * size : page * size], "total_count": len(self.rows)})
        if one.method == "POST":
            event = one.json()["asyncEvent"]
            kept = {key: event[key] for key in ("event_name", "recipient_url")}
            self.rows.append(
                {"subscription_id": len(self.rows) + 1, **kept, "status": True, "store_id": 0} | self.spoil
            )
            return Reply(200, self.rows[-1])
        row = self.rows[int(path.rpartition("/")[2]) - 1]
        if one.method == "PUT":
            row["status"] = bool(one.json()["asyncEvent"].get("status"))
        return Reply(200, row)


def client_of(server: Recorded) -> MagentoClient:
    return MagentoClient(Http(), Bearer("t"), base_url=server.url)


def test_what_is_missing_is_made_once_and_read_back() -> None:
    module = Module()
    wanted = ["sales.order.created", "sales.order.updated"]
    with serve(module.answer) as server:
        client = client_of(server)
        assert missing(client, wanted, URL) == wanted
        made = ensure(client, wanted, f"{URL}/", "s3cret")
        assert missing(client, wanted, URL) == []
        assert ensure(client, wanted, URL, "s3cret") == []
    assert [one.url for one in made] == [f"{URL}/sales.order.created", f"{URL}/sales.order.updated"]
    sent = next(one for one in server.asked if one.method == "POST").json()
    assert sent == {
        "asyncEvent": {
            "event_name": "sales.order.created",
            "recipient_url": f"{URL}/sales.order.created",
            "verification_token": "s3cret",
            "metadata": "http",
        }
    }
    assert "GET /rest/all/V1/async_event/1" in server.named()


def test_a_disabled_or_misdirected_subscription_counts_as_missing() -> None:
    module = Module()
    with serve(module.answer) as server:
        client = client_of(server)
        made = subscribe(client, "sales.order.paid", URL, "s")
        off = switch(client, made, active=False)
        assert missing(client, ["sales.order.paid"], URL) == ["sales.order.paid"]
        assert switch(client, off, active=True).active
        assert missing(client, ["sales.order.paid"], URL) == []
        assert missing(client, ["sales.order.paid"], "https://other.example.com") == ["sales.order.paid"]
    puts = [one.json()["asyncEvent"] for one in server.asked if one.method == "PUT"]
    assert [one["status"] for one in puts] == [False, True]


@pytest.mark.parametrize(
    ("event", "url", "token"),
    [
        ("sales.order.created", URL, ""),
        ("sales.order.created", URL, "  "),
        ("sales.order.unholded", URL, "s"),
        ("no.such.event", URL, "s"),
        ("sales.order.created", "hooks.example.com", "s"),
    ],
)
def test_what_the_module_would_swallow_is_refused_by_us(event: str, url: str, token: str) -> None:
    with serve(Module().answer) as server, pytest.raises(ConfigurationError):
        subscribe(client_of(server), event, url, token)
    assert server.asked == []


@pytest.mark.parametrize("spoil", [{"status": False}, {"recipient_url": "https://x"}, {"event_name": "other"}])
def test_a_subscription_kept_differently_is_told(spoil: dict[str, Any]) -> None:
    module = Module()
    module.spoil = spoil
    with serve(module.answer) as server, pytest.raises(Rejected, match="differently"):
        subscribe(client_of(server), "sales.order.created", URL, "s")


def test_an_answer_without_an_id_is_an_unknown_outcome() -> None:
    with serve(lambda one: Reply(200, {})) as server, pytest.raises(OutcomeUnknown):
        subscribe(client_of(server), "sales.order.created", URL, "s")


def test_all_pages_are_read() -> None:
    module = Module()
    module.rows = [
        {
            "subscription_id": number,
            "event_name": "customer.login",
            "recipient_url": f"https://x/{number}",
            "status": True,
        }
        for number in range(1, 251)
    ]
    with serve(module.answer) as server:
        assert [one.id for one in listed(client_of(server))] == list(range(1, 251))
    assert len(server.asked) == 3


def test_a_store_without_the_module_is_told() -> None:
    with (
        serve(lambda one: Reply(404, {"message": "Request does not match any route."})) as server,
        pytest.raises(Misconfigured),
    ):
        missing(client_of(server), ["customer.login"], URL)


@needs_shared
def test_the_recorded_list_is_read() -> None:
    recording = recorded(SHARED / "magento" / "webhooks" / "subscriptions" / "19_list_all.json")
    with serve(lambda one: Reply(200, recording["response_body"])) as server:
        found = listed(client_of(server))
    assert found[0] == Subscription(
        id=1, event="sales.order.created", url="http://127.0.0.1:18600/hook/sales_order_created", active=True
    )
    assert {one.event for one in found} - {"sales.order.unholded"} <= EVENTS
