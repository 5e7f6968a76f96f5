"""What S3 answered, in the words of those who set the variables."""

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
MISSING = {"404", "NoSuchKey", "NotFound"}
# {variable} is what names the bucket: AWS_S3_BUCKET, or a source's own variable with an s3:// URI.
REFUSED = {
    "NoSuchBucket": "there is no such bucket: correct {variable}, or create the bucket",
    "InvalidBucketName": "that is no bucket's name: correct {variable}",
    "InvalidAccessKeyId": "the server does not know this key: correct AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "the secret does not belong to the key: correct AWS_SECRET_ACCESS_KEY",
    "ExpiredToken": f"the credentials have expired: set new {KEYS} (and AWS_SESSION_TOKEN, where they came with one)",
    "RequestTimeTooSkewed": "this machine's clock is wrong by more than 15 minutes: set it",
    "AccessDenied": f"the key may not do this: give it read and write on the bucket, or set another by {KEYS}; where "
    "it has them, look whether {variable} names the bucket that you mean",
    "PermanentRedirect": "the bucket is in another region: set AWS_DEFAULT_REGION to it",
    "AuthorizationHeaderMalformed": "the bucket is in another region: set AWS_DEFAULT_REGION to it",
}
SAME = {"403": "AccessDenied", "Forbidden": "AccessDenied", "AllAccessDisabled": "AccessDenied",
        "ExpiredTokenException": "ExpiredToken", "TokenRefreshRequired": "ExpiredToken",
        "InvalidToken": "ExpiredToken", "InvalidClientTokenId": "InvalidAccessKeyId",
        "301": "PermanentRedirect"}  # fmt: skip
BROKEN = "the server failed, each time it was asked: look at its log and its disk; it stands at AWS_S3_ENDPOINT"
UNREACHABLE: dict[tuple[type[Exception], ...], str] = {
    (SSLError,): "its certificate is not trusted: set AWS_CA_BUNDLE to the file of the authority that signed it",
    (EndpointConnectionError, ConnectTimeoutError, ConnectionClosedError, ProxyConnectionError): "nothing answers "
    "there: correct AWS_S3_ENDPOINT (https://host:port), or look whether the server runs and may be reached from here",
    (ReadTimeoutError,): "the server accepts requests and does not answer: correct AWS_S3_ENDPOINT, or look at its "
    "load",
    (
        ResponseStreamingError,
        IncompleteReadError,
        FlexibleChecksumError,
    ): "the answer broke off, each time it was asked for: look at the server at AWS_S3_ENDPOINT and the network",
    (ResponseParserError,): "that is no S3: correct AWS_S3_ENDPOINT, which may be the server's web page",
    (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError): f"set {KEYS}",
    (ParamValidationError,): "that is no bucket's name: correct {variable}",
}

BROKEN_OFF = (ResponseStreamingError, IncompleteReadError, FlexibleChecksumError, ReadTimeoutError)


class S3Error(OSError):
    """S3 did not do what it was asked; says what was asked, what it answered, and which variable to look at."""


@contextmanager
def explained(address: str, endpoint: str, variable: str) -> Iterator[None]:
    """Turn an error of boto3 into FileNotFoundError, for a key that is not there, or into S3Error."""
    try:
        yield
    except (BotoCoreError, ClientError, Boto3Error, ResponseParserError, RetriesExceededError) as error:
        cause = innermost(error)
        if code_of(cause) in MISSING:
            raise FileNotFoundError(f"{address} does not exist") from error
        advice = advice_on(cause).format(variable=variable)
        raise S3Error(f"{address} (server {endpoint}): {cause}: {advice}") from error


def innermost(error: BaseException) -> BaseException:
    """The error of botocore inside one with which boto3's transfers wrap it."""
    last = getattr(error, "last_exception", None) or (error.__context__ if isinstance(error, Boto3Error) else None)
    return innermost(last) if isinstance(last, BaseException) else error


def code_of(error: BaseException) -> str:
    """S3's own name for what is wrong, empty where S3 did not answer."""
    return str(error.response.get("Error", {}).get("Code")) if isinstance(error, ClientError) else ""


def advice_on(error: BaseException) -> str:
    """What is wrong and what to do."""
    for kinds, advice in UNREACHABLE.items():
        if isinstance(error, kinds):
            return advice
    if isinstance(error, ClientError):
        code = code_of(error)
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return REFUSED.get(SAME.get(code, code)) or (BROKEN if status >= 500 else f"look at {KEYS}")
    return "look at AWS_S3_ENDPOINT"
