"""Credit memos into a custom ERP."""

from __future__ import annotations

from crossdock.contract.message import Receipt
from crossdock.erp.rest.changes import followup_receipt
from crossdock.erp.rest.client import RestClient, fill
from crossdock.erp.rest.lookup import Wanted, pick, receipt_of
from crossdock.erp.rest.mapping import build_refund_payload
from crossdock.erp.rest.settings import RestSettings
from crossdock.erp.rest.shaping import Build
from crossdock.errors import Conflict, Rejected
from crossdock.model.refund import Refund


class RefundSink:
    """POSTs a credit memo."""

    def __init__(self, client: RestClient, settings: RestSettings, build: Build[Refund] = build_refund_payload) -> None:
        self._client = client
        self._settings = settings
        self._build = build

    def put(self, refund: Refund, key: str) -> Receipt:
        """Raises NotReady where the ERP does not have the order (yet)."""
        path = fill(self._settings.paths.refund, **_places(refund, key))
        try:
            response = self._client.write(path, self._build(refund, key), key, followup=True)
        except Conflict as conflict:
            found = self.find(refund, key) if self._settings.paths.find_refund else None
            if found is None:
                raise Rejected(str(conflict), status=conflict.status) from conflict
            return found
        return followup_receipt(response, self._settings)

    def find(self, refund: Refund, key: str) -> Receipt | None:
        """By its number and, where the ERP shows it, the key."""
        if not self._settings.paths.find_refund:
            raise Rejected("this ERP cannot be asked for a refund: a person must look")
        answers = self._settings.answers
        data = self._client.look(fill(self._settings.paths.find_refund, **_places(refund, key)))
        wanted = Wanted(
            key=key,
            field=answers.refund_reference_field,
            reference=refund.number,
            store_id=refund.order_id,
            facts=(("totals.order.grand_total || grand_total", refund.totals.grand_total),),
        )
        entry = pick(data, wanted, answers)
        return receipt_of(entry, answers, numbered=False) if entry else None


def _places(refund: Refund, key: str) -> dict[str, str]:
    return {"number": refund.number, "order_number": refund.order_number, "id": refund.id, "key": key}
