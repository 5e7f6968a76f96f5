"""Runs that are killed at random moments and run again, beside one that nobody killed, on SeaweedFS.

`python -m legosigns_dagster_tests.benchmarks.interruptions` does so 20 times with the assets up to `synthetic_set`, on
the sample, each time on an empty bucket. After each kill every version that can be seen is held against its index, and
after the second run the digests of all assets against those of the run that nobody killed.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from legosigns_dagster.core.files import index_folder
from legosigns_dagster.resources.folder_store import FolderStore
from legosigns_dagster.resources.s3_object_store import S3ObjectStore
from legosigns_dagster_tests.servers import S3Server, seaweedfs

ASSETS = "base_weights,classical_signs,sign_cutouts,backgrounds,raw_annotations,synthetic_set"


class Bucket:
    """An empty bucket, and a folder for the runs that save into it."""

    def __init__(self, server: S3Server, name: str, folder: Path, assets: str) -> None:
        server.client().create_bucket(Bucket=name)
        (folder / "tmp").mkdir(parents=True)
        self.assets, self.folder = assets.split(","), folder
        self.environment = os.environ | server.environment(name) | {
            "DAGSTER_HOME": str(folder), "TMPDIR": str(folder / "tmp"), "PYTHONWARNINGS": "ignore"}  # fmt: skip
        self.store = FolderStore(S3ObjectStore(server.client(), name), folder / "cache", "legosigns/")

    def start(self) -> "subprocess.Popen[bytes]":
        dagster = str(Path(sys.executable).parent / "dagster")
        command = [dagster, "asset", "materialize", "-m", "legosigns_dagster.definitions", "--select"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen([*command, ",".join(self.assets)], env=self.environment, **quiet)  # type: ignore[call-overload,no-any-return]

    def digests(self) -> dict[str, str]:
        """The digest of each asset's current version, of those that have one."""
        found = {}
        for one in self.store.objects.stored("legosigns/current/"):
            asset = Path(one.key).stem
            found[asset] = self.store.snapshot(asset).digest
        return found

    def damaged(self) -> list[str]:
        """Versions that can be seen and are not as their index says."""
        versions = [version for asset in self.assets for version in self.store.versions(asset)]
        versions += [self.store.snapshot(asset) for asset in self.digests()]
        bad = []
        for number, version in enumerate(versions):
            into = self.folder / "seen" / f"{time.time_ns()}-{number}"
            self.store.load(version, into)
            if index_folder(into) != version.files:
                bad.append(f"{version.asset} of {version.run_id}")
        return bad


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--assets", default=ASSETS)
    given = parser.parse_args()
    chance = random.Random(0)
    with tempfile.TemporaryDirectory() as data, tempfile.TemporaryDirectory() as work, seaweedfs(Path(data)) as server:
        undisturbed = Bucket(server, "undisturbed", Path(work) / "undisturbed", given.assets)
        began = time.monotonic()
        if undisturbed.start().wait():
            sys.exit("the run that nobody killed failed")
        seconds, expected = time.monotonic() - began, undisturbed.digests()
        print(f"undisturbed: {seconds:.0f} s, {len(expected)} assets")
        print(" kill at s   assets by then   damaged   run again: the same digests")
        same = 0
        for moment in range(given.moments):
            bucket = Bucket(server, f"moment-{moment}", Path(work) / str(moment), given.assets)
            run, at_s = bucket.start(), chance.uniform(0, seconds)
            time.sleep(at_s)
            run.kill()
            run.wait()
            by_then, damaged = bucket.digests(), bucket.damaged()
            again = bucket.start().wait() == 0 and bucket.digests() == expected
            same += again and not damaged
            print(f"{at_s:10.1f} {len(by_then):16d} {len(damaged):9d}   {'yes' if again else 'NO'}", flush=True)
        print(f"{same} of {given.moments}")


if __name__ == "__main__":
    main()
