"""The S3 client as a Dagster resource: one client for all threads, with retries, for servers of any make."""

import base64
import hashlib
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from dagster_aws.s3 import S3Resource
from pydantic import ConfigDict, PrivateAttr, field_validator

from legosigns_dagster.core.variables import strip_value
from legosigns_dagster.resources.storage.object_store import PARALLEL_TRANSFERS
from legosigns_dagster.resources.storage.s3_errors import S3Error, advice_for
from legosigns_dagster.resources.storage.s3_fast_path import S3FastPath, open_fast_path
from legosigns_dagster.resources.storage.s3_object_store import S3ObjectStore

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONNECT_S, READ_S = 5.0, 30.0
ATTEMPTS = 8  # with botocore's growing pauses a server may be away for half a minute


class S3(S3Resource):
    """A server that speaks the S3 API: S3 itself, MinIO, SeaweedFS.

    A request that fails, or gets no answer within `read_timeout_s`, is sent again after growing pauses.
    """

    model_config = ConfigDict(hide_input_in_errors=True)
    strip_values = field_validator("*", mode="before")(strip_value)

    max_attempts: int = ATTEMPTS
    connect_timeout_s: float = CONNECT_S
    read_timeout_s: float = READ_S
    _client: "S3Client | None" = PrivateAttr(default=None)
    _fast_paths: dict[str, S3FastPath] = PrivateAttr(default_factory=dict)

    def get_client(self) -> "S3Client":
        """Make the client, once: all threads share its connections."""
        if self._client is None:
            self._client = self._new_client()
        return self._client

    def objects(self, bucket: str) -> S3ObjectStore:
        """Open a bucket. All that open the same one share its client and its fast path."""
        client = self.get_client()
        if bucket not in self._fast_paths:
            # With `verify` off there is no fast path: obstore would verify the certificate.
            fast_path = S3FastPath(None) if self.verify is False else open_fast_path(client, self._session(), bucket)
            self._fast_paths[bucket] = fast_path
        return S3ObjectStore(client, bucket, fast_path=self._fast_paths[bucket])

    def preflight_client(self) -> "S3Client":
        """Make a client with short timeouts: each request has succeeded or failed within eight seconds."""
        return self._new_client(
            connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2}
        )

    def _new_client(self, **changes: object) -> "S3Client":
        settings: dict[str, object] = {
            "connect_timeout": self.connect_timeout_s,
            "read_timeout": self.read_timeout_s,
            # Errors and requests without an answer are sent again after growing pauses.
            "retries": {"mode": "standard", "total_max_attempts": self.max_attempts},
            # With fewer connections than threads, some would be opened and closed for each request.
            "max_pool_connections": PARALLEL_TRANSFERS,
            # Servers from before 2025 refuse newer checksums. The signature covers the bytes in any case.
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
        }
        endpoint = checked_endpoint(self.endpoint_url)
        try:
            client = self._session().client(
                "s3",
                endpoint_url=endpoint,
                use_ssl=self.use_ssl,
                verify=self.verify,
                config=Config(**(settings | changes)),  # type: ignore[arg-type]
            )
        except (ValueError, BotoCoreError) as error:
            raise S3Error(f"no S3 client can be made: {error}: {advice_for(error)}") from error
        client.meta.events.register("before-call.s3.DeleteObjects", add_content_md5)
        return client

    def _session(self) -> boto3.Session:
        keys = {
            "AWS_ACCESS_KEY_ID": self.aws_access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.aws_secret_access_key,
            "AWS_SESSION_TOKEN": self.aws_session_token,
        }
        check_keys(keys)
        return boto3.Session(
            aws_access_key_id=self.aws_access_key_id,
            aws_secret_access_key=self.aws_secret_access_key,
            aws_session_token=self.aws_session_token,
            region_name=self.region_name,
            profile_name=self.profile_name,
        )

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Give the fields for a `repr`, without the secrets."""
        return [(name, value) for name, value in super().__repr_args__() if not str(name).startswith("aws_")]


def checked_endpoint(address: str | None) -> str | None:
    """Check the server's address.

    Raises:
        S3Error: it is not `https://host:port`, or has a user and a password in it.
    """
    if not address:
        return None
    try:
        parts = urlsplit(address)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # a port that is no number
        is_address = False
    if "@" in address:
        raise S3Error(
            f"AWS_S3_ENDPOINT has a user and a password in it, before {address.rpartition('@')[2]!r}: remove both, and "
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    if not is_address or parts.query or parts.fragment:
        raise S3Error(f"AWS_S3_ENDPOINT is {address!r}, expected https://host:port")
    return address.rstrip("/")


def check_keys(keys: dict[str, str | None]) -> None:
    """Check the keys, by the variable that each comes from.

    Raises:
        S3Error: one is missing beside another, or could not be sent. The keys are not in the message.
    """
    given = [name for name, value in keys.items() if value]
    missing = [name for name, value in list(keys.items())[:2] if not value]
    if given and missing:
        raise S3Error(f"{' and '.join(given)} is set, {' and '.join(missing)} not: set both keys, or none of them")
    for name in given:
        if re.search(r"[^ -~]", str(keys[name])):
            raise S3Error(f"{name} has a line break or a character that is not ASCII in it: copy it again")


def add_content_md5(params: dict[str, Any], **_: object) -> None:
    """Send the old checksum with a request to delete: servers from before 2025 want it, new ones accept it.

    It is the only request that must have a checksum. Botocore sends a CRC32, which old servers do not know.
    """
    headers, body = params["headers"], params["body"]
    content = body if isinstance(body, bytes) else str(body).encode()
    for name in [name for name in headers if name.lower().startswith(("x-amz-checksum-", "x-amz-sdk-checksum-"))]:
        del headers[name]
    headers["Content-MD5"] = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
    params["context"].pop("checksum", None)
