"""The task: read the order, map it, POST it to the ERP with a key, note it, write the number back.

Acknowledged late, tried again with growing pauses, and an order that was noted is not sent again. What it does not do
is in README.md.
"""

from __future__ import annotations

import os
import sqlite3
from functools import cache
from typing import Any

import httpx
from celery import Celery

TARGETS, DATABASE = os.environ["PEER_TARGETS"], os.environ["PEER_DATABASE"]
app = Celery("peer", broker=os.environ["PEER_BROKER"])
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    task_default_queue="orders",
    worker_prefetch_multiplier=4,
    broker_transport_options={"confirm_publish": True},
    broker_connection_retry_on_startup=True,
)


@cache
def client() -> httpx.Client:
    """One for each process."""
    return httpx.Client(headers={"Authorization": "Bearer bench"}, timeout=30)


@cache
def noted() -> sqlite3.Connection:
    """Which orders the ERP has."""
    connection = sqlite3.connect(DATABASE, timeout=30, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE IF NOT EXISTS sent (entity INTEGER PRIMARY KEY, number TEXT, erp TEXT)")
    return connection


@app.task(autoretry_for=(httpx.HTTPError,), retry_backoff=True, retry_kwargs={"max_retries": 10})
def export(entity: int) -> None:
    """One order."""
    if noted().execute("SELECT 1 FROM sent WHERE entity = ?", (entity,)).fetchone():
        return
    order = _asked("GET", f"/rest/all/V1/orders/{entity}").json()
    key = {"Idempotency-Key": f"order-{order['increment_id']}"}
    made = _asked("POST", "/orders", mapped(order), key).json()
    noted().execute("INSERT OR IGNORE INTO sent VALUES (?, ?, ?)", (entity, order["increment_id"], made["id"]))
    _asked("POST", "/rest/all/V1/orders", {"entity": {"entity_id": entity, "ext_order_id": made["number"]}})
    comment = {"comment": f"ERP order {made['number']}", "is_customer_notified": 0, "is_visible_on_front": 0}
    _asked("POST", f"/rest/all/V1/orders/{entity}/comments", {"statusHistory": comment})


def _asked(method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> httpx.Response:
    return client().request(method, TARGETS + path, json=body, headers=headers).raise_for_status()


def mapped(order: dict[str, Any]) -> dict[str, Any]:
    """The order as the ERP wants it."""
    lines = [
        {
            "sku": one["sku"],
            "quantity": one["qty_ordered"],
            "price": one.get("price", 0),
            "total": one.get("row_total", 0),
        }
        for one in order["items"]
        if "parent_item_id" not in one
    ]
    billing = order["billing_address"]
    return {
        "order_number": order["increment_id"],
        "currency": order["order_currency_code"],
        "total": order["grand_total"],
        "shipping": order.get("shipping_amount", 0),
        "tax": order.get("tax_amount", 0),
        "customer": {"email": order["customer_email"], "name": f"{billing['firstname']} {billing['lastname']}"},
        "billing": {"street": billing["street"], "city": billing["city"], "country": billing["country_id"]},
        "lines": lines,
    }
