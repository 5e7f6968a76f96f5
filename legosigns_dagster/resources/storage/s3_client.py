"""The S3 client as a Dagster resource: one client for all threads, with retries."""

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from dagster_aws.s3 import S3Resource
from pydantic import PrivateAttr

from legosigns_dagster.resources.storage.object_store import PARALLEL_TRANSFERS
from legosigns_dagster.resources.storage.s3_errors import S3Error
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
        }
        try:
            return self._session().client(
                "s3",
                endpoint_url=self.endpoint_url,
                use_ssl=self.use_ssl,
                verify=self.verify,
                config=Config(**(settings | changes)),  # type: ignore[arg-type]
            )
        except ValueError as error:
            raise S3Error(f"AWS_S3_ENDPOINT is {self.endpoint_url!r}, expected https://host:port") from error

    def _session(self) -> boto3.Session:
        return boto3.Session(
            aws_access_key_id=self.aws_access_key_id,
            aws_secret_access_key=self.aws_secret_access_key,
            aws_session_token=self.aws_session_token,
            region_name=self.region_name,
            profile_name=self.profile_name,
        )
