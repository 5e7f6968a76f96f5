"""What `S3ObjectStore` stands on: the server's address, writes with a condition, and copies that the server makes.

Of the servers that speak the S3 API, some ignore the conditions: see `require_conditional_writes`.
"""

import time
import uuid
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from botocore.exceptions import ClientError

from legosigns_dagster.resources.storage.layout import PREFIX, PREFLIGHT, content_type
from legosigns_dagster.resources.storage.s3_errors import NOT_FOUND_CODES, S3Error, error_code

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NOT_MET_CODES = {"PreconditionFailed", "412"}
BUSY_CODES = {"ConditionalRequestConflict", "OperationAborted", "409"}  # another write of the key is on its way
BUSY_ATTEMPTS, BUSY_PAUSE_S = 10, 0.2
OTHER_TAG = f'"{"0" * 32}"'  # an ETag that no object has
COPIED_FROM = "copied-from"  # in the metadata of a copy: the key of what was copied


def put_object_if(client: "S3Client", bucket: str, key: str, content: bytes, tag: str = "") -> bool:
    """Write an object if it still has this ETag, or without one if there is no such object.

    Returns:
        Whether it was written. Where a retry is refused, since the answer to the first attempt was lost, the object
        with these bytes counts as written.
    """
    condition: dict[str, Any] = {"IfMatch": tag} if tag else {"IfNoneMatch": "*"}
    for attempt in range(1, BUSY_ATTEMPTS + 1):
        try:
            client.put_object(Bucket=bucket, Key=key, Body=content, ContentType=content_type(key), **condition)
            return True
        except ClientError as error:
            code = error_code(error)
            if code in NOT_MET_CODES or (tag and code in NOT_FOUND_CODES):
                retried = error.response["ResponseMetadata"].get("RetryAttempts", 0) > 0
                return retried and bool(tag_of_content(client, bucket, key, content))
            if code not in BUSY_CODES or attempt == BUSY_ATTEMPTS:
                raise
        time.sleep(BUSY_PAUSE_S)
    return False


def tag_of_content(client: "S3Client", bucket: str, key: str, expected: bytes) -> str:
    """Get the ETag of an object that has the expected bytes; empty where it has others, or is not there."""
    try:
        answer = client.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error_code(error) in NOT_FOUND_CODES:
            return ""
        raise
    with closing(answer["Body"]) as body:
        return answer["ETag"] if body.read() == expected else ""


def copy_object(client: "S3Client", bucket: str, source: str, target: str) -> None:
    """Let the server copy an object, and note on the copy what it is one of."""
    client.copy_object(
        Bucket=bucket,
        Key=target,
        CopySource={"Bucket": bucket, "Key": source},
        MetadataDirective="REPLACE",
        ContentType=content_type(target),
        Metadata={COPIED_FROM: quote(source)},  # a header is ASCII
    )


def is_copied_from(client: "S3Client", bucket: str, source: str, target: str) -> bool:
    """Tell whether an object is there and says that it is a copy of another."""
    try:
        return client.head_object(Bucket=bucket, Key=target)["Metadata"].get(COPIED_FROM) == quote(source)
    except ClientError as error:
        if error_code(error) in NOT_FOUND_CODES:
            return False
        raise


def require_conditional_writes(client: "S3Client", bucket: str) -> None:
    """Try with a small object, which is deleted, whether the server keeps to the conditions of a write.

    Raises:
        S3Error: it ignores one. The message says what to do.
    """
    key = f"{PREFIX}{PREFLIGHT}{uuid.uuid4().hex}"
    put_object_if(client, bucket, key, b"first")
    tags = {"If-None-Match": "", "If-Match": OTHER_TAG}
    try:
        ignored = [name for name, tag in tags.items() if put_object_if(client, bucket, key, b"second", tag)]
    finally:
        client.delete_object(Bucket=bucket, Key=key)
    if ignored:
        raise S3Error(
            f"the server {client.meta.endpoint_url} of the bucket {bucket} ignores {' and '.join(ignored)} at a write, "
            "so that two releases at once could get one number: update the server, or set AWS_S3_ENDPOINT and "
            "AWS_S3_BUCKET to one that knows conditional writes (S3 and SeaweedFS do)"
        )


def bucket_in_address(endpoint: str, bucket: str) -> str:
    """Explain that the bucket's name does not belong into the server's address."""
    return (
        f"AWS_S3_ENDPOINT is {endpoint!r}, which has the name of the bucket {bucket!r} in it, so that the server takes "
        "the bucket for an object: expected https://host:port without it"
    )


def check_address(endpoint: str, bucket: str) -> None:
    """Check that the bucket's name is not in the server's address: all keys would get it in front.

    Raises:
        S3Error: it is.
    """
    parts = urlsplit(endpoint)
    in_path = parts.path.rstrip("/").endswith(f"/{bucket}")
    if in_path or parts.netloc.startswith((f"{bucket}.s3.", f"{bucket}.s3-")):
        raise S3Error(bucket_in_address(endpoint, bucket))
