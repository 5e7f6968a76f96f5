"""The HTTP session with a Label Studio server: no error that leaves it shows a secret."""

import logging
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

import requests

from legosigns_dagster.core.redaction import hide_secrets, without_userinfo
from legosigns_dagster.resources.label_studio.errors import LabelStudioError, without_queries
from legosigns_dagster.resources.label_studio.quick_ack import QuickAckAdapter


class LabelStudioSession(requests.Session):
    """A session whose errors are without secrets, whatever library words them."""

    def __init__(self, secrets: Callable[[], Iterable[str]]) -> None:
        super().__init__()
        self._secrets = secrets
        for scheme in ("http://", "https://"):
            self.mount(scheme, QuickAckAdapter())

    def request(self, *arguments: Any, **options: Any) -> requests.Response:
        """Send a request, as `requests` does."""
        with hide_secrets(self._secrets):
            return super().request(*arguments, **options)


def server_url(address: str) -> str:
    """Write a server's address so that paths can be joined to it.

    Raises:
        LabelStudioError: A user and a password are in it. They would be sent in place of the key.
    """
    if "@" in urlsplit(address).netloc:
        raise LabelStudioError(
            f"LABEL_STUDIO_URL has a user and a password in it, before {without_userinfo(address)!r}: remove both, the "
            "key in LABEL_STUDIO_API_KEY is enough"
        )
    return address.rstrip("/") + "/"


class WithoutQueries(logging.Filter):
    """Removes the queries of URLs from what a library logs: a signed URL opens what it points to."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record, and let it pass."""
        record.msg, record.args = without_queries(record.getMessage()), ()
        return True


def hide_queries_in_warnings() -> None:
    """Keep signed URLs out of urllib3's warnings, such as `Failed to parse headers`."""
    for name in ("connection", "connectionpool", "response"):
        logger = logging.getLogger(f"urllib3.{name}")
        if not any(isinstance(one, WithoutQueries) for one in logger.filters):
            logger.addFilter(WithoutQueries())
