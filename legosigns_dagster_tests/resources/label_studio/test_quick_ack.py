"""Requests to Label Studio do not wait until the system acknowledges: see `quick_ack.py`."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from urllib3.connection import HTTPConnection

from legosigns_dagster.resources.label_studio.quick_ack import QuickAckAdapter, QuickAckConnection


class KeptOpen(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a web server that keeps its connections open."""
    with ThreadingHTTPServer(("127.0.0.1", 0), KeptOpen) as server:
        threading.Thread(target=server.serve_forever).start()
        yield server.server_port
        server.shutdown()


def acknowledges_at_once(connection: HTTPConnection) -> bool:
    """Ask until the system takes the connection for a conversation, and look at the option that it has then."""
    for _ in range(30):
        connection.request("GET", "/")
        connection.getresponse().read()
    assert connection.sock
    is_set = bool(connection.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK))
    connection.close()
    return is_set


def test_a_connection_to_label_studio_acknowledges_at_once(port: int) -> None:
    assert acknowledges_at_once(QuickAckConnection("127.0.0.1", port, timeout=30))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_every_connection_to_label_studio_is_such_a_connection(scheme: str) -> None:
    pool = QuickAckAdapter().poolmanager.connection_from_url(f"{scheme}://127.0.0.1:9/")
    assert isinstance(pool._new_conn(), QuickAckConnection)
