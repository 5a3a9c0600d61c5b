"""Cancellations, holds and payments into a custom ERP."""

from __future__ import annotations

from crossdock.contract.message import Receipt
from crossdock.erp.rest.answers import as_id, search
from crossdock.erp.rest.client import RestClient, fill
from crossdock.erp.rest.lookup import Wanted, pick, receipt_of
from crossdock.erp.rest.mapping import build_change_payload
from crossdock.erp.rest.settings import PathSettings, RestSettings
from crossdock.erp.rest.shaping import Build
from crossdock.errors import Conflict, Rejected
from crossdock.model.change import ChangeKind, OrderChange
from crossdock.transport.told import decode
from crossdock.transport.wire import HttpResponse


class ChangeSink:
    """POSTs a change to its own path. Any success will do: a change needs no id of the ERP's."""

    def __init__(
        self, client: RestClient, settings: RestSettings, build: Build[OrderChange] = build_change_payload
    ) -> None:
        self._client = client
        self._settings = settings
        self._build = build

    def put(self, change: OrderChange, key: str) -> Receipt:
        """Raises NotReady where the ERP does not have the order (yet)."""
        path = fill(path_of(change, self._settings.paths), **_places(change, key))
        try:
            response = self._client.write(path, self._build(change, key), key, followup=True)
        except Conflict as conflict:
            found = self.find(change, key) if self._settings.paths.find_change else None
            if found is None:
                raise Rejected(str(conflict), status=conflict.status) from conflict
            return found
        return followup_receipt(response, self._settings)

    def find(self, change: OrderChange, key: str) -> Receipt | None:
        """By the key alone."""
        if not self._settings.paths.find_change:
            raise Rejected("this ERP cannot be asked for a change: a person must look")
        answers = self._settings.answers
        data = self._client.look(fill(self._settings.paths.find_change, **_places(change, key)))
        entry = pick(data, Wanted(key=key, field=answers.key_field), answers)
        return receipt_of(entry, answers, numbered=False) if entry else None


def path_of(change: OrderChange, paths: PathSettings) -> str:
    """The template for this kind of change."""
    return {
        ChangeKind.CANCEL: paths.cancel,
        ChangeKind.HOLD: paths.hold,
        ChangeKind.UNHOLD: paths.unhold,
        ChangeKind.PAYMENT: paths.payment,
    }[change.kind]


def followup_receipt(response: HttpResponse, settings: RestSettings) -> Receipt:
    """The receipt of a call whose answer need not name anything."""
    name = as_id(search(settings.answers.id_field, decode(response.body)))
    return Receipt(external_id=name, status=response.status, detail=f"accepted with HTTP {response.status}")


def _places(change: OrderChange, key: str) -> dict[str, str]:
    number = change.order_number
    return {"number": number, "order_number": number, "id": change.order_id, "key": key}
