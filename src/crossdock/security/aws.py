"""AWS Secrets Manager: `aws-sm:NAME`, or `aws-sm:NAME#FIELD` of a JSON object; the version AWSCURRENT."""

from __future__ import annotations

import json
from typing import Any

from crossdock.errors import ConfigurationError
from crossdock.security.secrets import PlaceAway
from crossdock.settings import AwsSettings

TRIES = 2


class AwsPlace:
    """The service in one region. One thread at a time."""

    def __init__(self, settings: AwsSettings) -> None:
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError, ClientError
        except ModuleNotFoundError as error:
            raise ConfigurationError(["secrets.aws: needs the extra: pip install 'crossdock[aws]'"]) from error
        self.cache_s = settings.cache_s
        self._absence, self._refusal = BotoCoreError, ClientError
        patience = settings.timeout_s
        try:
            self._client: Any = boto3.session.Session().client(
                "secretsmanager",
                region_name=settings.region or None,
                endpoint_url=settings.endpoint or None,
                config=Config(connect_timeout=patience, read_timeout=patience, retries={"total_max_attempts": TRIES}),
            )
        except (BotoCoreError, ValueError) as error:
            raise ConfigurationError([f"secrets.aws: {type(error).__name__}"]) from None

    def fetch(self, name: str, field: str) -> str:
        """The whole string, or a field of it. Raises ConfigurationError."""
        if not name:
            raise ConfigurationError(["aws-sm: wants a name, as aws-sm:NAME or aws-sm:NAME#FIELD"])
        try:
            answer = self._client.get_secret_value(SecretId=name)
        except self._refusal as error:
            code = str(error.response.get("Error", {}).get("Code", ""))[:60]
            raise ConfigurationError([f"AWS Secrets Manager refuses {name}: {code}"]) from None
        except self._absence as error:
            raise PlaceAway([f"AWS Secrets Manager does not answer: {type(error).__name__}"]) from None
        text = answer.get("SecretString") or ""
        if not text:
            raise ConfigurationError([f"the secret {name} is no text"])
        return _field(text, name, field) if field else str(text)

    def tend(self) -> None:
        """Every request is signed by itself: there is nothing to keep alive."""


def _field(text: str, name: str, field: str) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    value = found.get(field) if isinstance(found, dict) else None
    if not isinstance(value, str) or not value:
        raise ConfigurationError([f"the secret {name} has no text in a field {field}"])
    return value
