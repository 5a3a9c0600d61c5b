"""A secret in a file that is changed while Crossdock runs, as Kubernetes does it with mounted secrets."""

from __future__ import annotations

from pathlib import Path

from crossdock.app import Crossdock
from tests.material import needs_shared
from tests.recorded_server import Asked, Reply, serve
from tests.walk.world import Erp, Shop, recorded, settings, until

pytestmark = needs_shared


class GuardedShop(Shop):
    """Lets in who has the token of today."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token
        self.refused = 0

    def answer(self, asked: Asked) -> Reply:
        with self.lock:
            if asked.headers.get("authorization") != f"Bearer {self.token}":
                self.refused += 1
                return Reply(401, {"message": "The consumer isn't authorized to access %resources."})
            return super().answer(asked)


def order(number: int) -> dict[str, object]:
    return recorded("001_smoke") | {"entity_id": number, "increment_id": f"{number:09}"}


def test_the_stores_token_is_read_again_when_the_store_refuses_the_old_one(tmp_path: Path) -> None:
    shop, erp = GuardedShop("t0ken"), Erp()
    with serve(shop.answer) as store, serve(erp.answer) as target:
        crossdock = Crossdock(settings(tmp_path, store.url, target.url))
        crossdock.start()
        try:
            shop.add(order(1))
            until(lambda: erp.numbers() == ["000000001"])
            (tmp_path / "token").write_text("tuesday")
            with shop.lock:
                shop.token = "tuesday"
            shop.add(order(2))
            until(lambda: erp.numbers() == ["000000001", "000000002"])
            assert 1 <= shop.refused <= 8, "each thread that had the old one at most once"
            assert crossdock.store.paused() == []
        finally:
            crossdock.stop()
