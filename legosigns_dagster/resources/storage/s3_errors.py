"""Turns errors of boto3 into one `S3Error` that says what is wrong and which variable to correct."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

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
    InvalidRegionError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    ReadTimeoutError,
    ResponseStreamingError,
    SSLError,
)
from botocore.parsers import ResponseParserError
from s3transfer.exceptions import RetriesExceededError

from legosigns_dagster.core.redaction import hide_secrets, without_userinfo

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
    "PermanentRedirect": "the bucket is in another region: set AWS_DEFAULT_REGION to {region}",
    "RequestTimeout": "the server waited for bytes that did not come: check the network",
    "VirtualHostDomainRequired": "the server wants the bucket in the host's name: write `[default]`, `s3 =` and "
    "`  addressing_style = virtual` into the file that AWS_CONFIG_FILE names (~/.aws/config)",
    "NotImplemented": "the server does not know this kind of request: update it, or use another server",
    "MissingContentMD5": "the server wants a checksum that was lost on the way: check the proxy between",
    "QuotaExceeded": "the bucket is full: delete old versions with `legosigns prune`, or raise its quota",
}
# Other codes that mean the same.
CODE_ALIASES = {"403": "AccessDenied", "Forbidden": "AccessDenied", "AllAccessDisabled": "AccessDenied",
        "ExpiredTokenException": "ExpiredToken", "TokenRefreshRequired": "ExpiredToken",
        "InvalidToken": "ExpiredToken", "InvalidClientTokenId": "InvalidAccessKeyId",
        "301": "PermanentRedirect", "AuthorizationHeaderMalformed": "PermanentRedirect",
        "IllegalLocationConstraintException": "PermanentRedirect", "307": "PermanentRedirect",
        "302": "PermanentRedirect", "308": "PermanentRedirect", "TemporaryRedirect": "PermanentRedirect",
        "RequestExpired": "RequestTimeTooSkewed", "SecondLevelDomainForbidden": "VirtualHostDomainRequired",
        "PathStyleDomainForbidden": "VirtualHostDomainRequired", "InvalidPathAccess": "VirtualHostDomainRequired",
        "501": "NotImplemented", "XMinioStorageFull": "QuotaExceeded", "507": "QuotaExceeded",
        "XMinioAdminBucketQuotaExceeded": "QuotaExceeded"}  # fmt: skip
MOST_SKEW_S = 15 * 60.0  # S3 refuses a signature that is older, or from later
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
    (ProfileNotFound,): "correct AWS_PROFILE, or do not set it",
    (InvalidRegionError,): "correct AWS_DEFAULT_REGION",
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
    with hide_secrets(tuple):
        try:
            yield
        except (BotoCoreError, ClientError, Boto3Error, ResponseParserError, RetriesExceededError) as error:
            cause = root_cause(error)
            if error_code(cause) in NOT_FOUND_CODES:
                raise FileNotFoundError(f"{address} does not exist") from error
            advice = proxy_advice(cause, endpoint) + advice_for(cause).format(
                variable=variable, region=named_region(cause)
            )
            raise S3Error(f"{address} (server {endpoint}): {cause}: {advice}") from error


def root_cause(error: BaseException) -> BaseException:
    """Find botocore's own error inside those in which boto3's transfers wrap it."""
    last = getattr(error, "last_exception", None) or (error.__context__ if isinstance(error, Boto3Error) else None)
    return root_cause(last) if isinstance(last, BaseException) else error


def error_code(error: BaseException) -> str:
    """Read S3's own name for the error. It is empty where S3 did not answer."""
    return str(error.response.get("Error", {}).get("Code")) if isinstance(error, ClientError) else ""


def answer_headers(error: BaseException) -> dict[str, str]:
    """Get the headers of the server's answer, in lower case. Empty where there was no answer."""
    about = error.response.get("ResponseMetadata", {}) if isinstance(error, ClientError) else {}
    return dict(about.get("HTTPHeaders") or {})


def named_region(error: BaseException) -> str:
    """Read which region the server names as the bucket's own."""
    told = error.response.get("Error", {}).get("Region") if isinstance(error, ClientError) else ""
    return str(told or answer_headers(error).get("x-amz-bucket-region") or "it")


def proxy_for(endpoint: str) -> str:
    """Find the proxy that requests to a server go through, by the variables that all libraries read."""
    parts = urlsplit(endpoint)
    return "" if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme, "")


def proxy_advice(error: BaseException, endpoint: str) -> str:
    """Name the proxy of the environment, where an error may be its own and not the server's."""
    is_servers = isinstance(error, ClientError) and not error_code(error).isdigit()
    proxy = "" if is_servers else proxy_for(endpoint)
    if not proxy:
        return ""
    parts = urlsplit(endpoint)
    return (
        f"the request went through the proxy {without_userinfo(proxy)}: correct {parts.scheme.upper()}_PROXY, or add "
        f"{parts.hostname} to NO_PROXY so that it is not used; if the proxy is right, "
    )


def clock_is_wrong(error: BaseException) -> bool:
    """Tell whether this machine's clock and that of the server that answered are too far apart."""
    try:
        server_s = parsedate_to_datetime(answer_headers(error)["date"]).timestamp()
    except (KeyError, ValueError):
        return False
    return abs(server_s - time.time()) > MOST_SKEW_S


def advice_for(error: BaseException) -> str:
    """Say what is wrong and what to do."""
    for kinds, advice in ADVICE_BY_ERROR.items():
        if isinstance(error, kinds):
            return advice
    if not isinstance(error, ClientError):
        return "check AWS_S3_ENDPOINT"
    code = CODE_ALIASES.get(error_code(error), error_code(error))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if status in (400, 401, 403) and clock_is_wrong(error):
        code = "RequestTimeTooSkewed"
    if (
        code == "PermanentRedirect"
        and named_region(error) == "it"
        and (elsewhere := answer_headers(error).get("location"))
    ):
        parts = urlsplit(elsewhere)
        return f"the server sends requests on to {parts.scheme}://{parts.netloc}: set AWS_S3_ENDPOINT to that"
    return ADVICE_BY_CODE.get(code) or (SERVER_ERROR_ADVICE if status >= 500 else f"check {KEYS}")
