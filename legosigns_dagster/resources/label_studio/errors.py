"""Errors of Label Studio that name what was asked, and that contain no secret."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

import requests

from legosigns_dagster.core.redaction import redact, without_credentials, without_userinfo

MAX_DETAIL = 200  # characters of an error page that are repeated in a message


class LabelStudioError(RuntimeError):
    """A request to Label Studio failed. The message says what was asked, what came back and what to do.

    Attributes:
        status: The HTTP status of the answer, 0 where there was no answer.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


def without_query(url: str) -> str:
    """Remove the query, the fragment, and a user with a password from a URL.

    A query may contain a signature: everybody who reads a log with it could open what the URL points to.

    Example:
        >>> without_query("https://labels.example.com/data/upload/1/sign.jpg?X-Amz-Signature=5e884898#top")
        'https://labels.example.com/data/upload/1/sign.jpg'
    """
    parts = urlsplit(url)
    return without_userinfo(f"{parts.scheme}://{parts.netloc}{parts.path}")


def without_queries(text: str) -> str:
    """Remove the query from each URL or path in a text, such as the message of an error of `requests`.

    Example:
        >>> without_queries("Max retries exceeded with url: /sign.jpg?X-Amz-Signature=5e884898 (Connection refused)")
        'Max retries exceeded with url: /sign.jpg (Connection refused)'
    """
    return re.sub(r"\?[^\s'\"<>]+", "", text)


def without_secrets(text: str) -> str:
    """Remove queries and passwords of URLs from a text, and the keys that a storage repeats in its error pages.

    Example:
        >>> without_secrets("403 for https://me:secret@host/a.jpg: <AWSAccessKeyId>AKIA1</AWSAccessKeyId>")
        '403 for https://host/a.jpg: <AWSAccessKeyId>…</AWSAccessKeyId>'
    """
    return without_credentials(without_queries(text))


def error_detail(response: requests.Response, secrets: Iterable[str]) -> str:
    """Summarize the body of an error response in one line of at most 200 characters.

    The secrets, and those of `without_secrets`, are not in it: a proxy's error page may repeat the request.
    """
    try:
        body = response.json()
        detail = body.get("detail") or body if isinstance(body, dict) else body
    except ValueError:
        detail = " ".join(response.text.split())
    return without_secrets(redact(str(detail), secrets))[:MAX_DETAIL]
