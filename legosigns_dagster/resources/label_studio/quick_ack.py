"""HTTP connections that acknowledge at once (`TCP_QUICKACK`), which saves 40 ms for each request.

Label Studio as pip installs it sends the status line first. By Nagle's algorithm it then waits until we acknowledge
that line, and Linux delays an acknowledgement by 40 ms. With quick acknowledgements a small request takes 10 ms
instead of 52 ms.
"""

import socket
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import HTTPResponse


class QuickAckConnection(HTTPConnection):
    """A connection that acknowledges at once where the system can, which is on Linux."""

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        """See `HTTPConnection`. Linux resets the option, so it is set before each response."""
        if self.sock is not None and hasattr(socket, "TCP_QUICKACK"):
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return super().getresponse()


class QuickAckSecureConnection(QuickAckConnection, HTTPSConnection):
    """The same over TLS."""


class QuickAckPool(HTTPConnectionPool):
    """A pool of such connections to one host."""

    ConnectionCls = QuickAckConnection


class QuickAckSecurePool(HTTPSConnectionPool):
    """The same over TLS."""

    ConnectionCls = QuickAckSecureConnection


class QuickAckAdapter(HTTPAdapter):
    """A transport adapter to mount on a `requests.Session`."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """See `HTTPAdapter`."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": QuickAckPool, "https": QuickAckSecurePool}
