"""Small objects in a bucket by obstore, whose Rust takes a fifth of the time that botocore takes in Python."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from obstore.auth.boto3 import Boto3CredentialProvider
from obstore.exceptions import BaseError
from obstore.store import S3Store

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from obstore.store import ClientConfig, RetryConfig

T = TypeVar("T")

ONCE: "RetryConfig" = {"max_retries": 0, "retry_timeout": timedelta(seconds=30)}


class QuickS3:
    """Tries each request once, and after the first that failed no more: which reasons are worth a wait, and what people
    are told, is known to `S3ObjectStore` alone. Used by threads.
    """

    def __init__(self, store: S3Store | None) -> None:
        self._store = store

    def put(self, key: str, content: bytes) -> bool:
        """Whether the object is written now."""
        return self._tried(lambda store: store.put(key, content, use_multipart=False)) is not None

    def get(self, key: str) -> bytes | None:
        """The object's bytes; None where they could not be had."""
        return self._tried(lambda store: store.get(key).bytes().to_bytes())

    def exists(self, key: str) -> bool | None:
        """Whether there is an object with exactly this key; None where that could not be learned."""

        def there(store: S3Store) -> bool:
            try:
                return bool(store.head(key))
            except FileNotFoundError:
                return False

        return self._tried(there)

    def keys(self, prefix: str, most: int) -> list[str] | None:
        """The first keys that start with a prefix, sorted; None where they could not be had."""
        if not prefix.endswith("/"):
            return None  # obstore would list what is in a folder of this name

        def listed(store: S3Store) -> list[str]:
            pages = store.list(prefix, chunk_size=most)
            return [one["path"] for one in next(iter(pages), [])]

        return self._tried(listed)

    def _tried(self, ask: Callable[[S3Store], T]) -> T | None:
        if self._store is None:
            return None
        try:
            return ask(self._store)
        except FileNotFoundError:
            return None
        except (BaseError, OSError):
            self._store = None
            return None


def quick_s3(client: "S3Client", session: boto3.Session, bucket: str) -> QuickS3:
    """For a bucket as a client reaches it, with its session's keys, timeouts and authorities.

    One that does nothing where there are no keys or no such file of authorities.
    """
    about = client.meta
    timeouts: Any = about.config  # has what it was made with, which its stubs do not know
    try:
        options: ClientConfig = {
            "allow_http": True,
            "connect_timeout": timedelta(seconds=timeouts.connect_timeout),
            "timeout": timedelta(seconds=timeouts.read_timeout),
        }
        if bundle := os.environ.get("AWS_CA_BUNDLE"):
            options["root_certificate"] = Path(bundle).read_bytes()
        store = S3Store(
            bucket,
            endpoint=about.endpoint_url,
            region=about.region_name,
            virtual_hosted_style_request=False,
            credential_provider=Boto3CredentialProvider(session),
            client_options=options,
            retry_config=ONCE,
        )
    except (BaseError, OSError, ValueError):
        return QuickS3(None)
    return QuickS3(store)
