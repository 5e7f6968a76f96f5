"""Runs that are killed at random moments and run again, beside one that nobody killed, on SeaweedFS.

`python -m legosigns_dagster_tests.benchmarks.interruptions` does so 20 times with the whole job on the sample, each
time on an empty bucket. After each kill every version that a reader sees is compared with its index. After the second
run the digests of all assets are compared with those of the run that nobody killed. Takes 40 minutes on 2 cores.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from legosigns_dagster.core.files import folder_digest, index_folder
from legosigns_dagster.resources.storage.s3_object_store import S3ObjectStore
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore
from legosigns_dagster.resources.versions.listing import read_versions
from legosigns_dagster_tests.support.environment import ROOT
from legosigns_dagster_tests.support.servers import S3Server, seaweedfs
from legosigns_dagster_tests.support.workplace import DAGSTER, JOB

PAGE = "comparison.html"  # has the run's name and times, so it differs


class Place:
    """A bucket, and a folder for the runs that save into it."""

    def __init__(self, server: S3Server, bucket: str, folder: Path) -> None:
        (folder / "tmp").mkdir(parents=True)
        self.folder = folder
        self.environment = os.environ | server.environment(bucket) | {
            "DAGSTER_HOME": str(folder), "TMPDIR": str(folder / "tmp"), "PYTHONWARNINGS": "ignore"}  # fmt: skip
        self.snapshots = SnapshotStore(S3ObjectStore(server.client(), bucket), folder / "cache", "legosigns/")

    def start(self) -> "subprocess.Popen[bytes]":
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen([DAGSTER, *JOB], cwd=ROOT, env=self.environment, stdout=log, stderr=log)

    def digests(self) -> dict[str, str]:
        """The digest of each asset's current version, without the page, which has times in it."""
        digests = {}
        for pointer in self.snapshots.objects.list_objects("legosigns/current/"):
            asset = Path(pointer.key).stem
            files = self.snapshots.find(asset).files
            digests[asset] = folder_digest({path: entry for path, entry in files.items() if path != PAGE})
        return digests

    def broken_versions(self) -> list[str]:
        """Versions that a reader sees and that differ from their index."""
        assets = {
            snapshot.key.split("/")[2] for snapshot in self.snapshots.objects.list_objects("legosigns/snapshots/")
        }
        versions = [version for asset in assets for version in read_versions(self.snapshots, asset)]
        versions += [self.snapshots.find(asset) for asset in self.digests()]
        bad = []
        for number, version in enumerate(versions):
            into = self.folder / "seen" / str(number)
            self.snapshots.load(version, into)
            if index_folder(into) != version.files:
                bad.append(f"{version.asset} of {version.run_id}")
            shutil.rmtree(into)
        return bad


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=20)
    options = parser.parse_args()
    chance = random.Random(0)
    with tempfile.TemporaryDirectory() as data, tempfile.TemporaryDirectory() as work, seaweedfs(Path(data)) as server:
        with server.new_bucket("undisturbed") as bucket:
            undisturbed = Place(server, bucket, Path(work) / bucket)
            began = time.monotonic()
            if undisturbed.start().wait():
                sys.exit("the run that nobody killed failed")
            seconds, expected = time.monotonic() - began, undisturbed.digests()
        print(f"undisturbed: {seconds:.0f} s, {len(expected)} assets")
        print(" kill at s   assets by then   damaged   run again: the same digests", flush=True)
        same = 0
        for moment in range(options.moments):
            with server.new_bucket(f"moment-{moment}") as bucket:
                place = Place(server, bucket, Path(work) / bucket)
                run, at_s = place.start(), chance.uniform(0, seconds)
                time.sleep(at_s)
                run.kill()
                run.wait()
                by_then, damaged = place.digests(), place.broken_versions()
                again = place.start().wait() == 0 and place.digests() == expected
            same += again and not damaged
            print(f"{at_s:10.1f} {len(by_then):16d} {len(damaged):9d}   {'yes' if again else 'NO'}", flush=True)
            shutil.rmtree(place.folder)
        print(f"{same} of {options.moments}")


if __name__ == "__main__":
    main()
