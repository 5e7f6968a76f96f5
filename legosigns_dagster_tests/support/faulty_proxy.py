"""A small HTTP proxy in front of a real server, which misbehaves as often as it is told to."""

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
class Proxy:
    """Passes requests on; `misbehave` is done instead, for the next `times` requests that `only` picks."""

    target: str
    endpoint: str = ""
    misbehave: str = ""
    times: int = 0
    only: Callable[[str, str], bool] = lambda method, path: True
    seen: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_is_bad(self, method: str, path: str) -> str:
        """What to do instead of passing this request on, empty for nothing."""
        with self.lock:
            self.seen.append(f"{method} {path}")
            if self.times > 0 and self.only(method, path):
                self.times -= 1
                return self.misbehave
            return ""


class Handler(BaseHTTPRequestHandler):
    """One connection to the proxy."""

    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the terminal."""

    def pass_on(self) -> None:
        """Answer as the server does, or badly."""
        bad = self.proxy.next_is_bad(self.command, self.path)
        length = int(self.headers.get("Content-Length", 0))
        if bad == "cut_upload":
            self.rfile.read(length // 2)
            self.close_connection = True
            self.connection.close()
            return
        body = self.rfile.read(length) if length else b"".join(self.chunks())
        if bad == "hang":
            time.sleep(8)
            self.close_connection = True
        elif bad == "expired":
            self.answer(403, EXPIRED)
        elif bad == "page":
            self.answer(200, PAGE)
        elif bad == "500":
            self.answer(500, b"")
        else:
            self.relay(body, bad)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = pass_on  # noqa: N815

    def chunks(self) -> Iterator[bytes]:
        """A request's body without a length: each chunk with its frame, as it came."""
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

    def relay(self, body: bytes, bad: str) -> None:
        """The server's own answer; its body slowly, or only half of it."""
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
        if bad == "cut":
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
        elif bad == "slow":
            for start in range(0, len(content), BLOCK):
                self.wfile.write(content[start : start + BLOCK])
                time.sleep(0.05)
        else:
            self.wfile.write(content)


class QuietServer(ThreadingHTTPServer):
    """Says nothing of clients that go away."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing on the terminal."""


@contextlib.contextmanager
def misbehaving(target: str, certificate: trustme.LeafCert | None = None) -> Iterator[Proxy]:
    """A proxy in front of the server at this address, which speaks TLS where it is given a certificate."""
    proxy = Proxy(target)
    handler = type("ProxyHandler", (Handler,), {"proxy": proxy})
    with QuietServer(("127.0.0.1", 0), handler) as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(context)
            # The handshake is each connection's own: one that is refused would keep all others waiting.
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        # By name: addressed by number, a bucket could not be part of the host's name anyway.
        proxy.endpoint = f"{'https' if certificate else 'http'}://localhost:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield proxy
        server.shutdown()
        thread.join()
