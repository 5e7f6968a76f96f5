"""HTTP to a model server: token, certificates, time-outs, and retries where they can help."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError, SSLError

from legosigns_dagster.core.redaction import redact, without_credentials
from legosigns_dagster.resources.serving.endpoint import ServingError

RETRY_STATUSES = frozenset({429, 502, 503, 504})
REFUSALS = (301, 302, 303, 307, 308, 401, 403)  # a login page in front of a server redirects to itself
CONNECT_S = 5.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 4.0
MAX_DETAIL = 300  # characters of an error page that are repeated in a message
NO_RETRIES = urllib3.Retry(total=False, redirect=False)


@dataclass(frozen=True)
class Access:
    """How a model server is reached.

    Attributes:
        token: Sent as a bearer token; empty for none.
        ca_bundle: A file with the certificate of the authority that signed the server's; None for the system's.
        timeout_s: How long an answer may take, in seconds.
        retries: How often a request is tried again where the server could not be reached or was overloaded.
        connections: How many requests may be on their way at once.
        sleep: Waits for so many seconds.
    """

    token: str = field(default="", repr=False)
    ca_bundle: Path | None = None
    timeout_s: float = 30.0
    retries: int = 3
    connections: int = 8
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def __post_init__(self) -> None:
        if self.ca_bundle and not self.ca_bundle.is_file():
            raise ValueError(
                f"the CA bundle {self.ca_bundle} is no file: name the file with the authority's certificate"
            )
        if not self.token.isascii() or any(letter.isspace() or not letter.isprintable() for letter in self.token):
            raise ValueError(
                "the token has spaces, line feeds or other letters in it, expected one word: see SERVING_TOKEN"
            )
        if self.timeout_s <= 0 or self.retries < 0 or self.connections < 1:
            raise ValueError(
                f"time-out {self.timeout_s}, retries {self.retries}, requests in flight {self.connections}: expected "
                "more than 0 seconds, 0 or more retries, 1 or more requests"
            )

    def wait_s(self, tries: int) -> float:
        """How long to wait after this many tries, in seconds: twice as long each time."""
        return min(FIRST_WAIT_S * 2.0 ** (tries - 1), LONGEST_WAIT_S)

    def clean(self, text: str) -> str:
        """Remove the token from a text, make it one line, and cut it off."""
        line = "".join(letter if letter.isprintable() else " " for letter in text)
        return without_credentials(redact(" ".join(line.split()), [self.token]))[:MAX_DETAIL]

    def refusal(self, address: str, detail: str) -> ServingError:
        """Make the error for a server that wants another token, or one at all."""
        token = (
            "the token that was sent: it has expired, or has no right to this"
            if self.token
            else "a request without a token"
        )
        return ServingError(
            f"{address} refused {token} ({self.clean(detail)}): set SERVING_TOKEN or --token-file to one "
            "that is valid now"
        )


def check_url(url: str) -> str:
    """Check the address of a server.

    Returns:
        It, without a slash at its end.

    Raises:
        ValueError: It is none, or has a user, a password or a query in it.

    Example:
        >>> check_url("https://models.example.com/signs/")
        'https://models.example.com/signs'
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(
            f"the server's address is {without_credentials(url.partition('?')[0])!r}, expected http://HOST:PORT"
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(
            f"the address of the server at {parts.hostname} has a user, a query or a fragment in it, expected "
            "http://HOST:PORT: a token is given by SERVING_TOKEN or --token-file"
        )
    return url.rstrip("/")


class HttpSession:
    """Connections to one server. Safe for threads.

    Args:
        url: The server's address, below which all paths are.
        access: How it is reached.
    """

    def __init__(self, url: str, access: Access) -> None:
        self.url, self.access = check_url(url), access
        timeout = urllib3.Timeout(connect=min(CONNECT_S, access.timeout_s), read=access.timeout_s)
        options: dict[str, Any] = {"ca_certs": str(access.ca_bundle)} if access.ca_bundle else {}
        self._pool = urllib3.PoolManager(maxsize=access.connections, timeout=timeout, retries=NO_RETRIES, **options)

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> urllib3.BaseHTTPResponse:
        """Send a request, again where the server could not be reached or was overloaded.

        Returns:
            The response, its body read; any status but a refusal.

        Raises:
            ServingError: No server answered, or it refused the token.
        """
        address = f"{self.url}/{path}"
        sent = dict(headers or {}) | ({"Authorization": f"Bearer {self.access.token}"} if self.access.token else {})
        for tries in range(1, self.access.retries + 2):
            try:
                response = self._pool.request(method, address, body=body, headers=sent)
            except HTTPError as error:
                if tries > self.access.retries or not is_transient(error):
                    raise self._failure(address, error, tries) from None
            else:
                if response.status in REFUSALS:
                    raise self.access.refusal(address, describe_response(response))
                if tries > self.access.retries or response.status not in RETRY_STATUSES:
                    return response
            self.access.sleep(self.access.wait_s(tries))
        raise AssertionError("the last try returns or raises")

    def _failure(self, address: str, error: HTTPError, tries: int) -> ServingError:
        reason = self.access.clean(f"{type(error).__name__}: {error}")
        if isinstance(error, SSLError):
            advice = "name the file with the certificate of the authority that signed the server's by --ca-bundle"
        elif isinstance(error, ReadTimeoutError):
            advice = f"it took longer than {self.access.timeout_s:g} s: raise --timeout, or lower --in-flight"
        elif "BadStatusLine" in reason:
            return ServingError(
                f"{address} does not speak HTTP ({reason[:80]}): is it the port for gRPC? Then add --grpc"
            )
        else:
            advice = "is the address right, and is the server running?"
        return ServingError(
            f"no answer from {address} in {tries} {'try' if tries == 1 else 'tries'} ({reason}): {advice}"
        )


def is_transient(error: HTTPError) -> bool:
    """Tell whether a connection failed in a way that may be over soon.

    A time-out of an answer is none: a second request would only add to the server's work.
    """
    if isinstance(error, SSLError | ReadTimeoutError):
        return False
    return isinstance(error, ProtocolError | urllib3.exceptions.NewConnectionError | urllib3.exceptions.TimeoutError)


def describe_response(response: urllib3.BaseHTTPResponse) -> str:
    """Say what a server answered, in its status and its own words."""
    text = response.data.decode("utf-8", "replace")
    return f"HTTP {response.status}: {text}" if text else f"HTTP {response.status}"
