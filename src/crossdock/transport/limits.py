"""How fast a connection may be used, as a table of its settings."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from crossdock.contract.capabilities import Pace


class LimitSettings(BaseModel):
    """What an end bears; within it, Crossdock slows down by itself when the end answers that it is busy."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)

    rate_per_s: float | None = Field(default=None, gt=0, description="documents a second at most; none: no limit")
    burst: int = Field(default=10, ge=1, description="documents that may go at once after a quiet time")
    concurrency: int = Field(default=8, ge=1, le=64, description="documents at a time at most")

    def pace(self) -> Pace:
        """As the spine asks for it."""
        return Pace(rate=self.rate_per_s, burst=self.burst, concurrency=self.concurrency)
