"""When something is done: cron expressions in a time zone."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import Field, model_validator

from crossdock.settings.section import Section

CRON_FIELDS = 5  # cronsim would take a sixth, for seconds


class ScheduleSettings(Section):
    """When one flow of this route is read from its source. Several lines for one flow are several such tables."""

    cron: str = Field(
        max_length=100,
        description="Minute, hour, day, month and weekday (`*/5 * * * *`, `30 2 * * 1-5`). A time that a clock change "
        "skips or repeats runs once.",
    )
    time_zone: str = Field(
        default="UTC", max_length=60, description="IANA time zone of the expression, as `Europe/Rome`."
    )
    full: bool = Field(
        default=False, description="Whether everything is read, or only what has changed since the last run."
    )
    grace_s: float = Field(
        default=300,
        ge=1,
        le=7 * 86400,
        description="Seconds after which a run that was due and has not begun is an alarm. It is worth being above "
        "`workers.lease_seconds`, the time that a killed run takes to be noticed.",
    )

    @model_validator(mode="after")
    def _comes_at_all(self) -> ScheduleSettings:
        check_schedule(self.cron, self.time_zone)
        return self


def check_schedule(cron: str, time_zone: str) -> None:
    """ValueError for what is no cron expression of five fields, comes never, or is in no time zone."""
    if len(cron.split()) != CRON_FIELDS:
        raise ValueError("cron wants five fields: minute, hour, day, month, weekday")
    try:
        next(CronSim(cron, datetime(2026, 1, 1, tzinfo=ZoneInfo(time_zone))))
    except CronSimError as error:
        raise ValueError(f"cron: {error}") from None
    except StopIteration:
        raise ValueError("cron: this time never comes") from None
    except (KeyError, OSError, ValueError):  # ZoneInfo's, of a name that is none
        raise ValueError("time_zone: is no IANA time zone, as Europe/Rome or UTC") from None


__all__ = ["CRON_FIELDS", "ScheduleSettings", "check_schedule"]
