"""What the settings of every connection over HTTP have in common. Secrets are references, never values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from crossdock.errors import ConfigurationError
from crossdock.settings import OptionalSecretRef, SecretRef
from crossdock.transport.http import HttpOptions, hosts_in, is_loopback
from crossdock.transport.limits import LimitSettings

__all__ = [
    "Address",
    "BasicLogin",
    "BearerLogin",
    "CertificateLogin",
    "ConnectionSettings",
    "DeadlineSettings",
    "OAuthLogin",
    "OptionalSecretRef",
    "SecretRef",
    "Strict",
    "WireSettings",
    "check_address",
    "check_settings",
    "refuse_plain",
    "texts_in",
]
Model = TypeVar("Model", bound=BaseModel)


def check_address(value: str) -> str:
    """ValueError for what is no address, or holds credentials, a query or a fragment."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment or parts.query:
        raise ValueError("an address like https://erp.example.com/api is wanted")
    if parts.username or parts.password:
        raise ValueError("credentials do not belong into the address")
    return value


def refuse_plain(url: str, *, allowed: bool) -> None:
    """ValueError for http:// to another machine, unless allowed."""
    parts = urlsplit(url)
    if parts.scheme == "http" and not allowed and not is_loopback(parts.hostname or ""):
        raise ValueError("the address is plain http: use https, or set allow_plain_http")


Address = Annotated[str, AfterValidator(check_address), AfterValidator(lambda value: value.rstrip("/"))]


class Strict(BaseModel):
    """Unknown keys are errors; values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)


class BearerLogin(Strict):
    """A fixed token in `Authorization: Bearer`."""

    scheme: Literal["bearer"] = Field(description="a fixed token")
    token: SecretRef = Field(description="the token, as a secret reference")


class BasicLogin(Strict):
    """Name and password (RFC 7617)."""

    scheme: Literal["basic"] = Field(description="name and password")
    username: SecretRef = Field(description="the user's name, as a secret reference")
    password: SecretRef = Field(description="the password, as a secret reference")


class OAuthLogin(Strict):
    """OAuth 2.0 client credentials (RFC 6749, section 4.4)."""

    scheme: Literal["oauth2"] = Field(description="OAuth 2.0 client credentials")
    token_url: Address = Field(description="where a token is fetched")
    client_id: SecretRef = Field(description="the client's id, as a secret reference")
    client_secret: SecretRef = Field(description="the client's secret, as a secret reference")
    scope: str = Field(default="", description="the scope that is asked for; empty: none is named")
    client_in: Literal["body", "header"] = Field(
        default="body", description="where id and secret go: the form's body, or HTTP Basic"
    )


class CertificateLogin(Strict):
    """A client certificate is all that is shown (mutual TLS)."""

    scheme: Literal["certificate"] = Field(description="the client certificate of `client_certificate`")


class DeadlineSettings(Strict):
    """All in seconds."""

    connect_s: float = Field(default=5, gt=0, description="seconds to get a connection")
    read_s: float = Field(default=30, gt=0, description="seconds without a byte before an answer is given up")
    total_s: float = Field(default=60, gt=0, description="seconds for a whole request with its answer")

    @model_validator(mode="after")
    def _ordered(self) -> DeadlineSettings:
        if not self.connect_s < self.read_s <= self.total_s:
            raise ValueError("connect_s must be below read_s, and read_s not above total_s")
        return self


class WireSettings(Strict):
    """Deadlines, limits, TLS: the same for every kind that is spoken to over HTTP."""

    settling_s: float = Field(
        default=30, ge=0, description="seconds after which a request that we gave up on can no longer take effect"
    )
    deadlines: DeadlineSettings = Field(default=DeadlineSettings(), description="deadlines of one request")
    limits: LimitSettings = Field(default=LimitSettings(), description="how fast it may be used")
    max_response_bytes: int = Field(default=10_000_000, gt=0, description="bytes that an answer may have")
    allow_plain_http: bool = Field(default=False, description="whether http:// is allowed beyond this machine itself")
    ca_file: str = Field(default="", description="PEM file with a further certificate authority")
    client_certificate: OptionalSecretRef = Field(
        default="",
        description="client certificate and its key in PEM, as a secret reference; empty: none is shown",
    )
    system_proxy: bool = Field(default=False, description="whether HTTPS_PROXY and its like are used")

    def http_options(self, resolve: Callable[[str], str]) -> HttpOptions:
        """For `transport.http.Http`; `resolve` makes of a reference the secret."""
        return HttpOptions(
            connect_timeout=self.deadlines.connect_s,
            read_timeout=self.deadlines.read_s,
            total_timeout=self.deadlines.total_s,
            max_response_bytes=self.max_response_bytes,
            allow_plain_http=self.allow_plain_http,
            ca_file=self.ca_file,
            client_certificate=resolve(self.client_certificate) if self.client_certificate else "",
            system_proxy=self.system_proxy,
            hosts=hosts_in(self.addresses()),
        )

    def addresses(self) -> tuple[str, ...]:
        """All that the settings name: no other host is asked, whatever an answer says."""
        return tuple(texts_in(self.model_dump(mode="json")))


class ConnectionSettings(WireSettings):
    """The same with lookup tables."""

    lookups: dict[str, str] = Field(
        default={}, description="which `[lookups.*]` table stands for a role, where it is not called like it"
    )


def texts_in(value: Any) -> Iterator[str]:
    """Every text in it, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from texts_in(part)


def check_settings(model: type[Model], name: str, settings: Mapping[str, Any]) -> Model:
    """Checked. The values themselves never stand in an error's text: one may be a secret in the wrong place."""
    try:
        return model.model_validate(dict(settings))
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, ('connections', name, *one['loc'])))}: {one['msg'].removeprefix('Value error, ')}"
            for one in error.errors(include_input=False, include_url=False)
        ]
        raise ConfigurationError(problems) from None
