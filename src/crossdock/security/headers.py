"""What an HTML answer says of itself to a browser. Pure."""

from __future__ import annotations

from collections.abc import Mapping

# scripts and styles come from files of our own; nothing inline, nothing from elsewhere, in no frame
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
YEAR = 31_536_000  # seconds
HTML: Mapping[str, str] = {
    "content-security-policy": POLICY,
    "strict-transport-security": f"max-age={YEAR}; includeSubDomains",  # browsers take it over https only
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
