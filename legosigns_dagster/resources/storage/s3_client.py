"""How S3 is reached: one client for all threads, patient with a server that stumbles."""

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from dagster_aws.s3 import S3Resource
from pydantic import PrivateAttr

from legosigns_dagster.resources.storage.object_store import TRANSFERS
from legosigns_dagster.resources.storage.s3_errors import S3Error
from legosigns_dagster.resources.storage.s3_fast_path import QuickS3, quick_s3
from legosigns_dagster.resources.storage.s3_object_store import S3ObjectStore

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONNECT_S, READ_S = 5.0, 30.0
ATTEMPTS = 8  # with botocore's growing pauses a server may be away for half a minute


class S3(S3Resource):
    """S3, MinIO or another server that speaks its API.

    A request that fails, or is not answered within `read_timeout_s`, is made again after growing pauses.
    """

    max_attempts: int = ATTEMPTS
    connect_timeout_s: float = CONNECT_S
    read_timeout_s: float = READ_S
    _client: "S3Client | None" = PrivateAttr(default=None)
    _quick: dict[str, QuickS3] = PrivateAttr(default_factory=dict)

    def get_client(self) -> "S3Client":
        """The client, made once: its connections are shared by all threads."""
        if self._client is None:
            self._client = self._new_client()
        return self._client

    def objects(self, bucket: str) -> S3ObjectStore:
        """A bucket; its ways are shared by all that are asked for."""
        client = self.get_client()
        if bucket not in self._quick:
            # obstore is not told which certificates need no verification.
            self._quick[bucket] = QuickS3(None) if self.verify is False else quick_s3(client, self._session(), bucket)
        return S3ObjectStore(client, bucket, quick=self._quick[bucket])

    def impatient(self) -> "S3Client":
        """A client whose every request has succeeded or failed within eight seconds."""
        return self._new_client(
            connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2}
        )

    def _new_client(self, **changes: object) -> "S3Client":
        settings: dict[str, object] = {
            "connect_timeout": self.connect_timeout_s,
            "read_timeout": self.read_timeout_s,
            "retries": retries(self.max_attempts),
            # Fewer connections than threads would be opened and closed for each request.
            "max_pool_connections": TRANSFERS,
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


def retries(attempts: int) -> dict[str, object]:
    """Botocore's retries with growing pauses, of errors and of requests without an answer."""
    return {"mode": "standard", "total_max_attempts": attempts}
