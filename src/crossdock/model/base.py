"""What every record of the model has in common."""

from __future__ import annotations

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=False):
    """Frozen, by keyword only. Money and quantities are Decimal, times are aware and in UTC."""
