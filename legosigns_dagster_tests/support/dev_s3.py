"""`make dev-s3`: the Dagster UI with its store in a SeaweedFS on this machine, to see what lies in S3 and how."""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from legosigns_dagster_tests.support.environment import ROOT
from legosigns_dagster_tests.support.servers import S3Server, seaweedfs

BUCKET = "legosigns"
GRACE_S = 60


def with_bucket(server: S3Server) -> None:
    """Leave one bucket, that of the store."""
    client = server.client()
    names = [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]
    for name in names:
        if name.startswith("ready-"):  # what told us that the server was ready
            client.delete_bucket(Bucket=name)
    if BUCKET not in names:
        client.create_bucket(Bucket=BUCKET)


@contextlib.contextmanager
def dagster_dev(variables: dict[str, str], port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """The UI and its daemon with these variables, all of whose processes have ended afterwards."""
    command = [str(Path(sys.executable).parent / "dagster"), "dev", "-w", "workspace.yaml", "-p", str(port)]
    # A session of its own: a Ctrl-C reaches this process alone, which then ends the others in order.
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | variables, start_new_session=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def main() -> None:
    """Both until Ctrl-C or the end of one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT / ".legosigns" / "s3", help="folder of the S3 server")
    parser.add_argument("--port", type=int, default=3000, help="port of the UI")
    asked = parser.parse_args()
    asked.data.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # What a script starts in the background ignores Ctrl-C, and so would the UI and the S3 server.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with seaweedfs(asked.data) as server, contextlib.suppress(KeyboardInterrupt):
        with_bucket(server)
        variables = server.environment(BUCKET)
        print("".join(f"export {name}={value}\n" for name, value in variables.items()), flush=True)
        with dagster_dev(variables, asked.port) as process:
            process.wait()


if __name__ == "__main__":
    main()
