"""Real servers for tests, on free loopback ports, ended by process id."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import requests

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class S3Server:
    """A running SeaweedFS and the keys to it."""

    endpoint: str
    access_key: str = "tester"
    secret_key: str = "tester-secret"

    def client(self) -> "S3Client":
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name="us-east-1",
        )

    def environment(self, bucket: str) -> dict[str, str]:
        return {
            "AWS_S3_BUCKET": bucket,
            "AWS_S3_ENDPOINT": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
        }


def free_ports(count: int) -> list[int]:
    """Ports that are free now; SeaweedFS derives a second one from each by adding 10000."""
    found: list[int] = []
    while len(found) < count:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        if port < 50000 and port not in found:
            found.append(port)
    return found


@contextlib.contextmanager
def seaweedfs(folder: Path) -> Iterator[S3Server]:
    """A SeaweedFS whose data is in `folder`, stopped at the end."""
    master, volume, filer, s3, webdav, admin = free_ports(6)
    ports = {"master": master, "volume": volume, "filer": filer, "s3": s3, "webdav": webdav, "admin": admin}
    command = [
        str(Path(sys.executable).parent / "weed"),
        "mini",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
    ]
    command += [f"-{name}.port={port}" for name, port in ports.items()]
    server = S3Server(f"http://127.0.0.1:{s3}")
    keys = {
        "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
        "PATH": "/usr/bin:/bin",
    }
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(command, env=keys, stdout=log, stderr=log, cwd=folder)
    try:
        wait_until_ready(server, process, folder / "weed.log")
        yield server
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_ready(server: S3Server, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Return when a bucket can be made; RuntimeError with the log's end when the server stops or takes a minute."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(Exception):
            requests.get(server.endpoint, timeout=2)
            server.client().create_bucket(Bucket="ready")
            return
        time.sleep(0.3)
    raise RuntimeError(f"SeaweedFS did not start: {log.read_text()[-2000:]}")
