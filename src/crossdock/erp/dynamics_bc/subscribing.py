"""Subscribes, renews and drops: obeys what `subscriptions.plan` decides.

The handshake comes while a request of ours is under way, to the public route: that must be served before this runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from crossdock.erp.dynamics_bc.client import BcClient
from crossdock.erp.dynamics_bc.directory import Directory
from crossdock.erp.dynamics_bc.settings import SubscriptionSettings
from crossdock.erp.dynamics_bc.subscriptions import (
    Plan,
    Subscription,
    build_subscription,
    next_look,
    plan,
    subscription_in,
    wanted,
)
from crossdock.transport.odata import Query

SET = "subscriptions"


class Subscriber:
    """Keeps the subscriptions of one connection. `secret` is the client state."""

    def __init__(
        self,
        client: BcClient,
        directory: Directory,
        settings: SubscriptionSettings,
        secret: str,
        reads: Sequence[str],
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client.about((secret,))
        self._directory = directory
        self._settings = settings
        self._secret = secret
        self._reads = tuple(reads)
        self._clock = clock

    def keep(self) -> float:
        """Does what is due; seconds until it is to be called again. Raises DeliveryError: then call it again soon."""
        there = self.there()
        url, now = self._settings.notification_url, self._clock()
        self._carry_out(plan(there, wanted(self._reads), url, now, self._margin))
        return next_look(self.there(), url, self._clock(), self._margin)

    def there(self) -> list[Subscription]:
        """Every subscription that Business Central shows us."""
        rows = self._client.every(SET, Query())
        return [one for row in rows if (one := subscription_in(row)) is not None]

    def end(self) -> None:
        """Drops all of ours."""
        ours = [one for one in self.there() if one.url == self._settings.notification_url]
        self._carry_out(Plan(drop=tuple(ours)))

    def _carry_out(self, todo: Plan) -> None:
        company, url = self._directory.company(), self._settings.notification_url
        for entity in todo.create:
            self._client.post(SET, build_subscription(url, company, entity, self._secret))
        for one in todo.renew:
            told = build_subscription(url, company, one.entity, self._secret)
            self._client.change(f"{SET}('{one.id}')", one.etag or "*", told)
        for one in todo.drop:
            self._client.delete(f"{SET}('{one.id}')", one.etag or "*")

    @property
    def _margin(self) -> timedelta:
        return timedelta(seconds=self._settings.renew_before_s)
