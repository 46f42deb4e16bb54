"""AWS as it is called here: by boto3, with what the environment and its files say of credentials and endpoints."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from trackback.errors import ConfigurationError, MissingLibrary, NotFound, PermissionDenied, TrackbackError, Unavailable

_REFUSED = ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "AuthFailure", "OptInRequired")
_ATTEMPTS = 8


@dataclass(frozen=True)
class Aws:
    """``ebs`` and ``ec2`` are boto3's clients for a region; threads may share them."""

    region: str
    ebs: Any
    ec2: Any


def connect_to_aws(region: str, connections: int = 16) -> Aws:
    """MissingLibrary: there is no boto3. ConfigurationError: there is no such region, or its settings are wrong."""
    try:
        import boto3  # noqa: PLC0415 - only who makes AMIs has it
        from botocore.config import Config  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415
    except ImportError as error:
        raise MissingLibrary("To make AMIs takes boto3: pip install 'trackback[deliver]'") from error
    config = Config(
        region_name=region,
        max_pool_connections=connections,
        retries={"mode": "standard", "max_attempts": _ATTEMPTS},
        connect_timeout=10,
    )
    try:
        return Aws(region, boto3.client("ebs", config=config), boto3.client("ec2", config=config))
    except (BotoCoreError, ValueError) as error:
        raise ConfigurationError(f"AWS can't be called in {region}: {error}") from error


@contextmanager
def answering(what: str) -> Iterator[None]:
    """Turns what boto3 raises into an error of the tree, which begins with what was tried."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - only who makes AMIs has it

    try:
        yield
    except ClientError as error:
        raise _refusal(what, error) from error
    except BotoCoreError as error:
        raise Unavailable(f"{what}: AWS can't be called: {error}") from error


def code_of(error: BaseException) -> str:
    """The code of a ``ClientError``; empty for others."""
    response: dict[str, Any] = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", ""))


def _refusal(what: str, error: Any) -> TrackbackError:
    code, said = code_of(error), str(error)
    if code in _REFUSED:
        return PermissionDenied(
            f"{what}: AWS refuses it: {said}. docs/reference/deliver-ami.md lists what has to be allowed."
        )
    if "NotFound" in code:
        return NotFound(f"{what}: {said}")
    return Unavailable(f"{what}: AWS answers: {said}")


def tags_of(listed: Any) -> dict[str, str]:
    """Tags as AWS lists them."""
    return {each["Key"]: each["Value"] for each in listed or ()}


def listed_tags(tags: dict[str, str]) -> list[dict[str, str]]:
    """Tags as AWS takes them."""
    return [{"Key": key, "Value": value[:256]} for key, value in tags.items()]
