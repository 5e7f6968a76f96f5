"""Turns errors of boto3 into one `S3Error` that says what is wrong and which variable to correct."""

from collections.abc import Iterator
from contextlib import contextmanager

from boto3.exceptions import Boto3Error
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    FlexibleChecksumError,
    IncompleteReadError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
    ReadTimeoutError,
    ResponseStreamingError,
    SSLError,
)
from botocore.parsers import ResponseParserError
from s3transfer.exceptions import RetriesExceededError

KEYS = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
NOT_FOUND_CODES = {"404", "NoSuchKey", "NotFound"}
# By S3's error code. {variable} is the variable that names the bucket: AWS_S3_BUCKET, or that of a source.
ADVICE_BY_CODE = {
    "NoSuchBucket": "there is no such bucket: correct {variable}, or create the bucket",
    "InvalidBucketName": "this is not a valid bucket name: correct {variable}",
    "InvalidAccessKeyId": "the server does not know this key: correct AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "the secret does not match the key: correct AWS_SECRET_ACCESS_KEY",
    "ExpiredToken": f"the credentials have expired: set new {KEYS} (and AWS_SESSION_TOKEN, if they came with one)",
    "RequestTimeTooSkewed": "the clock of this machine is wrong by more than 15 minutes: correct it",
    "AccessDenied": f"the key may not do this: give it read and write on the bucket, or set another by {KEYS}. If "
    "it has them, check that {variable} names the right bucket",
    "PermanentRedirect": "the bucket is in another region: set AWS_DEFAULT_REGION to it",
    "AuthorizationHeaderMalformed": "the bucket is in another region: set AWS_DEFAULT_REGION to it",
}
# Other codes that mean the same.
CODE_ALIASES = {"403": "AccessDenied", "Forbidden": "AccessDenied", "AllAccessDisabled": "AccessDenied",
        "ExpiredTokenException": "ExpiredToken", "TokenRefreshRequired": "ExpiredToken",
        "InvalidToken": "ExpiredToken", "InvalidClientTokenId": "InvalidAccessKeyId",
        "301": "PermanentRedirect"}  # fmt: skip
SERVER_ERROR_ADVICE = "the server failed on every attempt: check its log and its disk (its address is AWS_S3_ENDPOINT)"
ADVICE_BY_ERROR: dict[tuple[type[Exception], ...], str] = {
    (SSLError,): "its certificate is not trusted: set AWS_CA_BUNDLE to the file of the authority that signed it",
    (EndpointConnectionError, ConnectTimeoutError, ConnectionClosedError, ProxyConnectionError): "nothing answers "
    "there: correct AWS_S3_ENDPOINT (https://host:port), or check that the server runs and can be reached from here",
    (ReadTimeoutError,): "the server accepts requests and does not answer: correct AWS_S3_ENDPOINT, or check the "
    "server's load",
    (
        ResponseStreamingError,
        IncompleteReadError,
        FlexibleChecksumError,
    ): "the answer broke off on every attempt: check the server at AWS_S3_ENDPOINT and the network",
    (
        ResponseParserError,
    ): "the answer is not S3's: correct AWS_S3_ENDPOINT, which may be the address of the server's web page",
    (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError): f"set {KEYS}",
    (ParamValidationError,): "this is not a valid bucket name: correct {variable}",
}

# An answer that began and did not end.
INTERRUPTED = (ResponseStreamingError, IncompleteReadError, FlexibleChecksumError, ReadTimeoutError)


class S3Error(OSError):
    """A request to S3 failed. The message has the object, the server, its answer, and which variable to correct."""


@contextmanager
def translate_errors(address: str, endpoint: str, variable: str) -> Iterator[None]:
    """Turn errors of boto3 in a `with` block into errors that say what to do.

    Args:
        address: What was asked for, as an `s3://` URI.
        endpoint: The server's address.
        variable: The variable that names the bucket.

    Raises:
        FileNotFoundError: there is no such object.
        S3Error: anything else went wrong.
    """
    try:
        yield
    except (BotoCoreError, ClientError, Boto3Error, ResponseParserError, RetriesExceededError) as error:
        cause = root_cause(error)
        if error_code(cause) in NOT_FOUND_CODES:
            raise FileNotFoundError(f"{address} does not exist") from error
        advice = advice_for(cause).format(variable=variable)
        raise S3Error(f"{address} (server {endpoint}): {cause}: {advice}") from error


def root_cause(error: BaseException) -> BaseException:
    """Find botocore's own error inside those in which boto3's transfers wrap it."""
    last = getattr(error, "last_exception", None) or (error.__context__ if isinstance(error, Boto3Error) else None)
    return root_cause(last) if isinstance(last, BaseException) else error


def error_code(error: BaseException) -> str:
    """Read S3's own name for the error. It is empty where S3 did not answer."""
    return str(error.response.get("Error", {}).get("Code")) if isinstance(error, ClientError) else ""


def advice_for(error: BaseException) -> str:
    """Say what is wrong and what to do."""
    for kinds, advice in ADVICE_BY_ERROR.items():
        if isinstance(error, kinds):
            return advice
    if isinstance(error, ClientError):
        code = error_code(error)
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return ADVICE_BY_CODE.get(CODE_ALIASES.get(code, code)) or (
            SERVER_ERROR_ADVICE if status >= 500 else f"check {KEYS}"
        )
    return "check AWS_S3_ENDPOINT"
