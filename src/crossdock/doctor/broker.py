"""The broker of a fleet: does it answer, and is it of a version that was tried?"""

from __future__ import annotations

from crossdock.contract.findings import Check, Finding
from crossdock.errors import BrokerDown, ConfigurationError

BROKER = Check(
    name="broker",
    title="The broker answers",
    why="Without it work is found in the tables alone: nothing is lost, everything is some seconds later.",
    told_as="a broker that does not let us in, or is too old",
)
CHECKS = (BROKER,)
OLDEST = (3, 10)  # what the tests were run against


def found(url: str) -> list[Finding]:
    """Asked now."""
    try:
        from crossdock.broker.rabbit import version_of
    except ModuleNotFoundError:
        return [BROKER.error("the extra is not installed", "pip install 'crossdock[fleet]'")]
    try:
        return answered(version_of(url))
    except (BrokerDown, ConfigurationError) as error:
        mend = "is RabbitMQ running, are user, password and virtual host of broker.url right? `rabbitmqctl status`"
        return [BROKER.error(str(error), mend)]


def answered(version: str) -> list[Finding]:
    """Pure."""
    parts = [int(part) for part in version.split(".")[:2] if part.isdigit()]
    if tuple(parts) < OLDEST:
        told = f"RabbitMQ {version or 'of an unknown version'} is older than any that Crossdock was tried with"
        return [BROKER.warning(told, "upgrade RabbitMQ to 3.10 or newer")]
    return [BROKER.ok(f"RabbitMQ {version}")]
