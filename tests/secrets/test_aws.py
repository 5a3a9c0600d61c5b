"""AWS Secrets Manager by moto: the version AWSCURRENT, a rotation, what is not there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import structlog

from crossdock.errors import ConfigurationError
from crossdock.security.aws import AwsPlace
from crossdock.security.places import Secrets
from crossdock.settings import AwsSettings
from tests.secret_servers import aws_server

pytestmark = [pytest.mark.services, pytest.mark.slow]
CANARY = "s3cr3t-canary"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch, aws_server(tmp_path_factory.mktemp("moto")) as url:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield url


@pytest.fixture
def aws(endpoint: str) -> Any:
    return boto3.session.Session().client("secretsmanager", region_name="eu-central-1", endpoint_url=endpoint)


def place_at(endpoint: str, **more: Any) -> AwsPlace:
    return AwsPlace(AwsSettings.model_validate({"region": "eu-central-1", "endpoint": endpoint} | more))


def test_a_whole_string_and_a_field_of_one(endpoint: str, aws: Any) -> None:
    aws.create_secret(Name="plain", SecretString=CANARY)
    told = aws.create_secret(
        Name="shop/erp", SecretString=json.dumps({"user": "jane", "password": CANARY, "port": 5432})
    )
    secrets = Secrets({"aws-sm": place_at(endpoint)})
    assert secrets("aws-sm:plain") == CANARY
    assert secrets("aws-sm:shop/erp#password") == CANARY
    assert secrets(f"aws-sm:{told['ARN']}#user") == "jane"


def test_what_is_not_there(endpoint: str, aws: Any) -> None:
    aws.create_secret(Name="fields", SecretString=json.dumps({"a": CANARY, "n": 1}))
    aws.create_secret(Name="bytes", SecretBinary=b"\0")
    secrets = Secrets({"aws-sm": place_at(endpoint)})
    refs = ["none", "fields#b", "fields#n", "bytes", "#a"]
    problems = secrets.missing([(ref, f"aws-sm:{ref}") for ref in refs])
    assert len(problems) == len(refs)
    assert "ResourceNotFoundException" in problems[0]
    assert CANARY not in str(problems)


def test_a_rotation_is_seen_when_the_value_is_doubted(endpoint: str, aws: Any) -> None:
    aws.create_secret(Name="turning", SecretString="old")
    secrets = Secrets({"aws-sm": place_at(endpoint)})
    assert secrets("aws-sm:turning") == "old"
    aws.put_secret_value(SecretId="turning", SecretString="pending", VersionStages=["AWSPENDING"])
    assert secrets.again("aws-sm:turning") == "old", "only what is current counts"
    aws.put_secret_value(SecretId="turning", SecretString="new")
    assert secrets("aws-sm:turning") == "old"
    assert secrets.again("aws-sm:turning") == "new"
    assert secrets("aws-sm:turning") == "new"


def test_a_service_that_is_away_costs_nothing_that_was_read(endpoint: str, aws: Any) -> None:
    aws.create_secret(Name="kept", SecretString=CANARY)
    place = place_at(endpoint)
    secrets = Secrets({"aws-sm": place})
    assert secrets("aws-sm:kept") == CANARY
    place._client = place_at("http://127.0.0.1:1", timeout_s=1)._client
    with structlog.testing.capture_logs() as told:
        assert secrets.again("aws-sm:kept") == CANARY
    assert [one["log_level"] for one in told] == ["error"]
    assert CANARY not in str(told)
    with pytest.raises(ConfigurationError, match=r"(does|did) not answer"):
        secrets("aws-sm:other")
