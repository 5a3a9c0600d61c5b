"""Who may ask for what, written by hand: each address that is served stands here, with those who may.

What the guards declare is held against it (test_table.py), so a guard that was forgotten, or one that asks for too
little, is noticed. A new address is one line. Callers are named as in callers.py: a role, or `token:` and its scope.
"""

from __future__ import annotations

from collections.abc import Mapping

PEOPLE = ("viewer", "operator", "approver", "admin")
SCOPES = (
    "intake",
    "erp:inventory:write",
    "erp:prices:write",
    "erp:products:write",
    "erp:fulfilment:write",
    "erp:customers:write",
    "erp:*",
    "read",
    "operate",
    "approve",
    "admin",
)
# a token of the settings file; nobody; who was somebody once
OTHERS = ("client", "anonymous", "revoked", "disabled")
CALLERS = (*PEOPLE, *(f"token:{scope}" for scope in SCOPES), *OTHERS)
NOBODY = frozenset({"anonymous", "revoked", "disabled"})

Who = frozenset[str]


def _tokens(*scopes: str) -> set[str]:
    return {f"token:{scope}" for scope in scopes}


LOOK: Who = frozenset({"viewer", "operator", "approver", "admin"} | _tokens("read", "operate", "approve", "admin"))
ACT: Who = frozenset({"operator", "approver", "admin"} | _tokens("operate", "admin"))
DECIDE: Who = frozenset({"approver", "admin"} | _tokens("approve", "admin"))
RULE: Who = frozenset({"admin"} | _tokens("admin"))
STOCK: Who = frozenset({"client"} | _tokens("erp:inventory:write", "erp:*"))
PRICES: Who = frozenset({"client"} | _tokens("erp:prices:write", "erp:*"))
PRODUCTS: Who = frozenset({"client"} | _tokens("erp:products:write", "erp:*"))
DOCUMENTS: Who = frozenset({"client"} | _tokens("erp:fulfilment:write", "erp:*"))
CUSTOMERS: Who = frozenset({"client"} | _tokens("erp:customers:write", "erp:*"))
EVERYBODY: Who = frozenset(CALLERS)
# no permission opens it: signatures of stores, the login form
OWN_LOCK: Who = frozenset()

API, CONSOLE = "/api/v1", "/console"
PAGES = (
    *("audit", "bulks", "bulks/{name}/{ticket}", "dead", "dead/cause/{cause}", "deliveries", "deliveries/{number}"),
    *("held", "held/{feed}", "lookups", "lookups/entry", "reconciliation", "reconciliation/history"),
    *("incidents", "incidents/{number}", "reconciliation/{run}", "schedules", "shadow", "shadow/{number}"),
)
# a page that asks for the reason, and what its form does
ACTS = (
    *("connections/{name}/pause", "connections/{name}/resume", "dead/replay", "dead/resolve"),
    *("deliveries/{number}/correct", "deliveries/{number}/replay", "deliveries/{number}/resolve"),
    *(
        "incidents/{number}/acknowledge",
        "reconciliation/{run}/apply",
        "schedules/pause",
        "schedules/resume",
        "schedules/run",
        "shadow/again",
    ),
)
ERP = "/rest/V1/erp"
ROWS = "/rest/V2/erp"
TABLE: Mapping[str, Who] = {
    "GET /health/live": EVERYBODY,
    "GET /health/ready": EVERYBODY,
    "GET /metrics": EVERYBODY,
    "GET /openapi.json": EVERYBODY,
    "GET /": EVERYBODY,  # the same description
    "GET /{path}": EVERYBODY,  # no such page
    "* /webhooks": OWN_LOCK,
    "POST /hints/{connection}": OWN_LOCK,
    "GET /console/login": OWN_LOCK,
    "POST /console/login": OWN_LOCK,
    "POST /console/logout": frozenset(PEOPLE),
    # what there is to see
    f"GET {API}/overview": LOOK,
    f"GET {API}/deliveries": LOOK,
    f"GET {API}/deliveries/{{number}}": LOOK,
    f"GET {API}/audit": LOOK,
    f"GET {API}/audit/export": LOOK,
    f"GET {API}/coverage": LOOK,
    f"GET {API}/events": LOOK,
    f"GET {API}/connections": LOOK,
    f"GET {API}/connections/{{name}}": LOOK,
    f"POST {API}/connections/{{name}}/probe": LOOK,
    f"GET {API}/held": LOOK,
    f"GET {API}/held/{{number}}/rows": LOOK,
    f"GET {API}/bulks": LOOK,
    f"GET {API}/bulks/{{name}}/{{ticket}}": LOOK,
    f"GET {API}/schedules": LOOK,
    f"GET {API}/lookups": LOOK,
    f"GET {API}/lookups/missing": LOOK,
    f"GET {API}/lookups/{{table}}/entry": LOOK,
    f"GET {API}/dead": LOOK,
    f"GET {API}/dead/{{cause}}": LOOK,
    f"POST {API}/dead/preview": LOOK,
    # what changes something
    f"POST {API}/dead/replay": ACT,
    f"POST {API}/dead/resolve": ACT,
    f"PUT {API}/deliveries/{{number}}/record": ACT,
    f"POST {API}/connections/{{name}}/pause": ACT,
    f"POST {API}/connections/{{name}}/resume": ACT,
    f"POST {API}/schedules/pause": ACT,
    f"POST {API}/schedules/resume": ACT,
    f"PUT {API}/lookups/{{table}}/entry": ACT,
    f"DELETE {API}/lookups/{{table}}/entry": ACT,
    f"POST {API}/held/{{number}}/approve": DECIDE,
    f"POST {API}/held/{{number}}/reject": DECIDE,
    # a person's data, and the settings
    f"GET {API}/deliveries/{{number}}/record": RULE,
    f"GET {API}/settings": RULE,
    f"GET {API}/doctor": RULE,
    f"POST {API}/doctor": RULE,
    f"POST {API}/previews/settings": RULE,
    # corrections, comparisons, previews
    f"GET {API}/deliveries/{{number}}/draft": ACT,
    f"PUT {API}/deliveries/{{number}}/draft": ACT,
    f"POST {API}/previews/entry": ACT,
    f"GET {API}/lookups/{{table}}/history": LOOK,
    f"GET {API}/reconciliations": LOOK,
    f"GET {API}/reconciliations/comparisons": LOOK,
    f"GET {API}/reconciliations/history": LOOK,
    f"GET {API}/reconciliations/totals": LOOK,
    f"GET {API}/reconciliations/{{number}}": LOOK,
    f"GET {API}/reconciliations/{{number}}/drifts": LOOK,
    f"POST {API}/reconciliations": ACT,
    f"POST {API}/reconciliations/{{number}}/apply": ACT,
    f"POST {API}/schedules/run": ACT,
    f"GET {API}/explain/{{kind}}/{{key}}": LOOK,
    f"GET {API}/shadow": LOOK,
    f"GET {API}/shadow/deliveries": LOOK,
    f"GET {API}/shadow/{{number}}": LOOK,
    f"POST {API}/shadow/again": ACT,
    f"POST {API}/shadow/send": DECIDE,
    f"GET {API}/incidents": LOOK,
    f"GET {API}/incidents/{{number}}": LOOK,
    f"POST {API}/incidents/{{number}}/acknowledge": ACT,
    # the console's pages
    f"GET {CONSOLE}": LOOK,
    f"GET {CONSOLE}/static/{{digest}}/{{name}}": EVERYBODY,
    **{f"GET {CONSOLE}/{page}": LOOK for page in PAGES},
    **{f"{method} {CONSOLE}/{act}": ACT for act in ACTS for method in ("GET", "POST")},
    f"POST {CONSOLE}/connections/{{name}}/probe": LOOK,
    f"POST {CONSOLE}/lookups/preview": ACT,
    f"POST {CONSOLE}/lookups/publish": ACT,
    f"POST {CONSOLE}/reconciliation": ACT,
    f"GET {CONSOLE}/held/{{feed}}/approve": DECIDE,
    f"POST {CONSOLE}/held/{{feed}}/approve": DECIDE,
    f"GET {CONSOLE}/held/{{feed}}/reject": DECIDE,
    f"POST {CONSOLE}/held/{{feed}}/reject": DECIDE,
    f"GET {CONSOLE}/settings": RULE,
    f"POST {CONSOLE}/settings/doctor": RULE,
    f"GET {CONSOLE}/mappings": RULE,
    f"POST {CONSOLE}/mappings": RULE,
    # what ERPs push
    f"POST {ERP}/inventory/update": STOCK,
    f"POST {ROWS}/inventory/update": STOCK,
    f"GET {ROWS}/inventory/jobs/{{job}}": STOCK,
    f"POST {ERP}/prices/update": PRICES,
    f"POST {ROWS}/prices/update": PRICES,
    f"GET {ROWS}/prices/jobs/{{job}}": PRICES,
    f"POST {ERP}/products/update": PRODUCTS,
    f"POST {ROWS}/products/update": PRODUCTS,
    f"GET {ROWS}/products/jobs/{{job}}": PRODUCTS,
    f"GET {ERP}/bulk/{{uuid}}/status": PRODUCTS,
    f"POST {ERP}/shipments": DOCUMENTS,
    f"GET {ERP}/shipments/{{number}}": DOCUMENTS,
    f"POST {ERP}/tracks": DOCUMENTS,
    f"GET {ERP}/tracks/{{number}}": DOCUMENTS,
    f"POST {ERP}/invoices": DOCUMENTS,
    f"GET {ERP}/invoices/{{number}}": DOCUMENTS,
    f"POST {ERP}/credit-memos": DOCUMENTS,
    f"GET {ERP}/credit-memos/{{number}}": DOCUMENTS,
    f"POST {ERP}/order-updates": DOCUMENTS,
    f"GET {ERP}/order-updates/{{number}}": DOCUMENTS,
    f"POST {ERP}/customers": CUSTOMERS,
    f"GET {ERP}/customers/{{number}}": CUSTOMERS,
    f"POST {ERP}/customers/{{number}}/erasure": CUSTOMERS,
}
