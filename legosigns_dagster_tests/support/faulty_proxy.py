"""A small HTTP proxy in front of a real server, which makes chosen requests fail."""

import base64
import contextlib
import hashlib
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
OLD_ERROR = '<?xml version="1.0"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
# What S3's clients send since 2025, and what servers from before it refuse: by name, or by the start of the name.
NEW_HEADERS = ("x-amz-checksum-", "x-amz-sdk-checksum-", "x-amz-trailer")
PAGE = b"<!doctype html><html><body>MinIO Console</body></html>"
BLOCK = 65536


@dataclass
class FaultyProxy:
    """Passes requests on. The next `times` requests that `only` selects get the `fault` instead.

    Attributes:
        target: the real server's address.
        endpoint: the proxy's own address.
        fault: "500", "expired", "page", "hang", "slow", "cut", "cut_upload", "lost_answer", or an answer: status,
            headers, body.
        is_old: whether it refuses what servers from before 2025 do not know, and wants a Content-MD5 where they do.
        times: how many more requests get the fault.
        only: selects by method and path which requests may get it.
        requests: method and path of each request so far.
        bodies: bytes of the bodies of all requests and answers that were passed on so far.
        lock: for the threads that answer requests.
    """

    target: str
    endpoint: str = ""
    fault: str | tuple[int, dict[str, str], bytes] = ""
    is_old: bool = False
    times: int = 0
    only: Callable[[str, str], bool] = lambda method, path: True
    requests: list[str] = field(default_factory=list)
    bodies: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_fault(self, method: str, path: str) -> str | tuple[int, dict[str, str], bytes]:
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
        if self.proxy.is_old and (refusal := self.old_refusal(body)):
            self.answer(400, OLD_ERROR.format(**refusal).encode())
        elif isinstance(fault, tuple):
            status, headers, content = fault
            self.answer(status, content, headers)
        elif fault == "hang":
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

    def old_refusal(self, body: bytes) -> dict[str, str]:
        """Say why a server from before 2025 refuses this request; empty where it does not."""
        new = [name for name in self.headers if name.lower().startswith(NEW_HEADERS)]
        chunked = "aws-chunked" in self.headers.get("Content-Encoding", "")
        if new or chunked or self.headers.get("x-amz-content-sha256", "").startswith("STREAMING-UNSIGNED"):
            return {"code": "NotImplemented", "message": f"A header that is not implemented: {new}"}
        md5 = self.headers.get("Content-MD5")
        if self.command == "POST" and self.path.endswith("?delete") and md5 is None:
            return {"code": "MissingContentMD5", "message": "Missing required header for this request: Content-Md5"}
        if md5 and base64.b64decode(md5) != hashlib.md5(body).digest():
            return {"code": "BadDigest", "message": "The Content-Md5 you specified did not match what we received"}
        return {}

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response_only(status)
        for name, value in ({"Date": self.date_time_string()} | (headers or {})).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def relay(self, body: bytes, fault: object) -> None:
        """Answer as the server does; with a fault, slowly or only half of the body."""
        with contextlib.closing(http.client.HTTPConnection(urlsplit(self.proxy.target).netloc, timeout=60)) as server:
            server.request(self.command, self.path, body, dict(self.headers))
            response = server.getresponse()
            content = response.read()
        with self.proxy.lock:
            self.proxy.bodies += len(body) + len(content)
        if fault == "lost_answer":
            self.close_connection = True
            self.connection.close()
            return
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
        try:
            yield proxy
        finally:  # a test that fails must not leave a thread that never ends
            server.shutdown()
            thread.join()
