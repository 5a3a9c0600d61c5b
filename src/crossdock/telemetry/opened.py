"""The tracer that the settings ask for."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

from crossdock.errors import ConfigurationError
from crossdock.settings import TracingSettings
from crossdock.telemetry.spans import Tracer, Untraced

Resolve = Callable[[str], str]


def open_tracer(tracing: TracingSettings, resolve: Resolve, instance: str, roles: str) -> Tracer:
    """`resolve` makes of a reference the secret. Raises ConfigurationError where the extra is not installed."""
    if not tracing.endpoint:
        return Untraced()
    try:
        from crossdock.telemetry.otel import OtelTracer
    except ModuleNotFoundError as error:
        raise ConfigurationError(["tracing.endpoint: needs the extra: pip install 'crossdock[otel]'"]) from error
    return OtelTracer(
        tracing.endpoint,
        headers={name: resolve(reference) for name, reference in tracing.headers.items()},
        ratio=tracing.ratio,
        propagate=tracing.propagate,
        resource={
            "service.name": tracing.service,
            "service.version": version("crossdock"),
            "service.instance.id": instance,
            "crossdock.roles": roles,
        },
    )
