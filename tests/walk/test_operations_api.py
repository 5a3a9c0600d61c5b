"""The operations API of a Crossdock that runs: a dead letter is seen, understood and tried again over HTTP."""

from __future__ import annotations

import threading
import time
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest

from crossdock.api.serving import Serving
from crossdock.security.tokens import NewToken, hash_of, new_token
from crossdock.settings import Settings
from tests.material import needs_shared
from tests.recorded_server import Reply, serve
from tests.walk.world import Erp, Shop, recorded, settings, until

pytestmark = needs_shared


def told(folder: Path, shop: str, erp: str) -> Settings:
    made = settings(folder, shop, erp)
    api = made.api.model_copy(update={"port": 0, "v1_deprecated_on": date(2026, 12, 1)})
    return made.model_copy(update={"api": api})


def let_in(serving: Serving, *scopes: str) -> dict[str, str]:
    """A token with these scopes, as the headers that show it."""
    secret = new_token()
    new = NewToken(name="desk", hash=hash_of(secret), scopes=scopes)
    serving.crossdock.store.access.add_token(new, "cli:test", datetime.now(UTC))
    return {"Authorization": f"Bearer {secret}"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of uvicorn's websockets, which nothing here uses
def test_a_refused_order_is_understood_and_tried_again_over_http(tmp_path: Path) -> None:
    shop, erp = Shop(), Erp()
    erp.before.append(Reply(422, {"message": "unknown SKU A-1"}))
    number = shop.add(recorded("001_smoke"))
    with serve(shop.answer) as shop_server, serve(erp.answer) as erp_server:
        serving = Serving(told(tmp_path, shop_server.url, erp_server.url))
        serving.start()
        known = let_in(serving, "read", "operate")
        heard: list[str] = []
        listener = threading.Thread(target=listen, args=(serving.url, known, heard), daemon=True)
        listener.start()
        with httpx.Client(base_url=f"{serving.url}/api/v1", headers=known, timeout=20) as client:
            assert httpx.get(f"{serving.url}/api/v1/overview").status_code == 401
            until(lambda: bool(client.get("/deliveries?state=dead").json()["rows"]))
            until(lambda: any('"dead":1' in line for line in heard))
            listed = client.get("/dead").json()
            (cause,) = listed["causes"]
            assert cause["reason"].startswith("HTTP 422")
            assert cause["at_risk"]["counted"] == 1
            (row,) = client.get("/deliveries?state=dead").json()["rows"]
            story = client.get(f"/deliveries/{row['id']}").json()
            sent = [one for one in story["tries"] if one["operation"].startswith("POST")]
            assert [one["status"] for one in sent] == [422]
            assert recorded("001_smoke")["increment_id"] in sent[0]["request"]
            done = client.post("/dead/replay", json={"cause": cause["id"], "why": "the SKU is known by now"}).json()
            assert (done["done"], done["left"]) == (1, 0)
            until(lambda: "ext_order_id" in shop.orders[number])
            assert client.get("/deliveries", params={"search": "SO-1"}).json()["rows"]
            first = client.get(f"{serving.url}/rest/V1/erp/shipments/1")
            assert first.headers["deprecation"] == "@1796083200"
        began = time.monotonic()
        serving.stop()
        assert time.monotonic() - began < 9, "whoever listens keeps nobody from stopping"
        listener.join(60)
        assert not listener.is_alive()
    assert len(erp.kept) == 1


def listen(url: str, known: dict[str, str], heard: list[str]) -> None:
    """Until the server ends, in good order or not."""
    try:
        with httpx.stream("GET", f"{url}/api/v1/events", headers=known, timeout=120) as stream:
            heard.extend(stream.iter_lines())
    except httpx.TransportError:
        return
