"""`make dev-s3`: the Dagster UI with its store in a SeaweedFS on this machine, to see how the store looks in S3."""

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


def prepare_bucket(server: S3Server) -> None:
    """Make the store's bucket, and delete the others."""
    client = server.client()
    names = [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]
    for name in names:
        if name.startswith("ready-"):  # made by the check that the server is ready
            client.delete_bucket(Bucket=name)
    if BUCKET not in names:
        client.create_bucket(Bucket=BUCKET)


@contextlib.contextmanager
def dagster_dev(variables: dict[str, str], port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the UI and its daemon with these variables. At the end all their processes have ended."""
    command = [str(Path(sys.executable).parent / "dagster"), "dev", "-w", "workspace.yaml", "-p", str(port)]
    # In its own session: Ctrl-C then reaches this process alone, which ends the others in order.
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
    """Run both until Ctrl-C, or until the UI ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT / ".legosigns" / "s3", help="folder of the S3 server")
    parser.add_argument("--port", type=int, default=3000, help="port of the UI")
    options = parser.parse_args()
    options.data.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # A process that a script starts in the background ignores Ctrl-C. The UI and the S3 server would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with seaweedfs(options.data) as server, contextlib.suppress(KeyboardInterrupt):
        prepare_bucket(server)
        variables = server.environment(BUCKET)
        print("".join(f"export {name}={value}\n" for name, value in variables.items()), flush=True)
        with dagster_dev(variables, options.port) as process:
            process.wait()


if __name__ == "__main__":
    main()
