"""A small HTTP proxy in front of a real server, which makes chosen requests fail."""

import contextlib
import http.client
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import trustme

EXPIRED = (
    b'<?xml version="1.0"?><Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>'
)
PAGE = b"<!doctype html><html><body>MinIO Console</body></html>"
BLOCK = 65536


@dataclass
class FaultyProxy:
    """Passes requests on. The next `times` requests that `only` selects get the `fault` instead.

    Attributes:
        target: the real server's address.
        endpoint: the proxy's own address.
        fault: "500", "expired", "page", "hang", "slow", "cut" or "cut_upload".
        times: how many more requests get the fault.
        only: selects by method and path which requests may get it.
        requests: method and path of each request so far.
        lock: for the threads that answer requests.
    """

    target: str
    endpoint: str = ""
    fault: str = ""
    times: int = 0
    only: Callable[[str, str], bool] = lambda method, path: True
    requests: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_fault(self, method: str, path: str) -> str:
        """Choose the fault of this request, empty for none."""
        with self.lock:
            self.requests.append(f"{method} {path}")
            if self.times > 0 and self.only(method, path):
                self.times -= 1
                return self.fault
            return ""


class Handler(BaseHTTPRequestHandler):
    """One connection to the proxy."""

    protocol_version = "HTTP/1.1"
    proxy: FaultyProxy

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the terminal."""

    def pass_on(self) -> None:
        """Answer as the server does, or with the fault."""
        fault = self.proxy.next_fault(self.command, self.path)
        length = int(self.headers.get("Content-Length", 0))
        if fault == "cut_upload":
            self.rfile.read(length // 2)
            self.close_connection = True
            self.connection.close()
            return
        body = self.rfile.read(length) if length else b"".join(self.chunks())
        if fault == "hang":
            time.sleep(8)
            self.close_connection = True
        elif fault == "expired":
            self.answer(403, EXPIRED)
        elif fault == "page":
            self.answer(200, PAGE)
        elif fault == "500":
            self.answer(500, b"")
        else:
            self.relay(body, fault)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = pass_on  # noqa: N815

    def chunks(self) -> Iterator[bytes]:
        """Read the body of a request without a length: each chunk as it came, with its length in front."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return
        while head := self.rfile.readline():
            yield head
            yield self.rfile.read(int(head, 16) + len("\r\n"))
            if int(head, 16) == 0:
                return

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def relay(self, body: bytes, fault: str) -> None:
        """Answer as the server does; with a fault, slowly or only half of the body."""
        with contextlib.closing(http.client.HTTPConnection(urlsplit(self.proxy.target).netloc, timeout=60)) as server:
            server.request(self.command, self.path, body, dict(self.headers))
            response = server.getresponse()
            content = response.read()
        self.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        self.send_header("Content-Length", response.getheader("Content-Length") or str(len(content)))
        self.end_headers()
        if fault == "cut":
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
        elif fault == "slow":
            for start in range(0, len(content), BLOCK):
                self.wfile.write(content[start : start + BLOCK])
                time.sleep(0.05)
        else:
            self.wfile.write(content)


class QuietServer(ThreadingHTTPServer):
    """Does not print errors of clients that have gone."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing on the terminal."""


@contextlib.contextmanager
def faulty_proxy(target: str, certificate: trustme.LeafCert | None = None) -> Iterator[FaultyProxy]:
    """Run a proxy in front of the server at this address. With a certificate it speaks TLS."""
    proxy = FaultyProxy(target)
    handler = type("ProxyHandler", (Handler,), {"proxy": proxy})
    with QuietServer(("127.0.0.1", 0), handler) as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(context)
            # Each connection does its handshake in its own thread: one that is refused would block all others.
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        # A name, not a number: only then could a client put the bucket into the host's name.
        proxy.endpoint = f"{'https' if certificate else 'http'}://localhost:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield proxy
        server.shutdown()
        thread.join()
