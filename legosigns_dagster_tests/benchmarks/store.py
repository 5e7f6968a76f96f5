"""The store against `rclone copy` with 16 transfers, on one SeaweedFS: `python -m …benchmarks.store`.

Stores 5,000 files of 50 KB and loads them again, then the same with 1 % of them changed, and one file of 1 GiB up and
down with the peak of memory. Each step has its own process, and the two take turns. Our time is that of
`SnapshotStore`, with its hashing and its checks; rclone's is that of the command. Look at the ratio: other work on the
machine slows both.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from legosigns_dagster.resources.storage.s3_client import S3
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore
from legosigns_dagster_tests.support.servers import S3Server, seaweedfs

SIZE, GIB = 50_000, 2**30


def ours(step: str, bucket: str, folder: Path) -> None:
    """Run one step in this process, and print its seconds and its peak memory in MiB."""
    s3 = S3(endpoint_url=os.environ["AWS_S3_ENDPOINT"], region_name="us-east-1")
    # One machine saves, another loads.
    store = SnapshotStore(s3.objects(bucket), folder / f"cache-{step}", "legosigns/")
    began = time.perf_counter()
    if step == "up":
        store.save("asset", f"run-{time.time_ns()}", folder / "source")
    else:
        store.load(store.find("asset"), folder / "loaded")
    seconds = time.perf_counter() - began
    print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))


def measure(step: str, server: S3Server, bucket: str, folder: Path) -> tuple[float, float]:
    """Run one step of ours in a new process, and return its seconds and MiB."""
    command = [sys.executable, "-m", __spec__.name, "--step", step, bucket, str(folder)]
    environment = os.environ | server.environment(bucket)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    seconds, peak = json.loads(done.stdout)
    return seconds, peak


def rclone(server: S3Server, source: str, target: str) -> float:
    """Run `rclone copy`, and return its seconds."""
    settings = {"TYPE": "s3", "PROVIDER": "SeaweedFS", "ACCESS_KEY_ID": server.access_key,
                "SECRET_ACCESS_KEY": server.secret_key, "ENDPOINT": server.endpoint}  # fmt: skip
    environment = os.environ | {f"RCLONE_CONFIG_SEAWEED_{name}": value for name, value in settings.items()}
    program = str(Path(sys.executable).parent / "rclone")
    command = [program, "copy", "--config", os.devnull, "--transfers", "16", source, target]
    began = time.perf_counter()
    subprocess.run(command, env=environment, check=True)
    return time.perf_counter() - began


def run_turn(server: S3Server, bucket: str, files: int, ours_first: bool, folder: Path) -> dict[str, float]:
    """Run each step, ours and rclone's, on new files, and return the seconds of each."""
    (source := folder / "source").mkdir()
    for name in range(files):
        (source / f"{name:05d}.bin").write_bytes(os.urandom(SIZE))
    seaweed = f"seaweed:{bucket}/rclone"
    steps = {
        "rclone up": lambda: rclone(server, str(source), seaweed),
        "ours up": lambda: measure("up", server, bucket, folder)[0],
        "rclone down": lambda: rclone(server, seaweed, str(folder / "rclone")),
        "ours down": lambda: measure("down", server, bucket, folder)[0],
    }
    order = ["ours up", "rclone up", "ours down", "rclone down"] if ours_first else list(steps)
    seconds = {name: steps[name]() for name in order}
    for name in range(0, files, 100):
        (source / f"{name:05d}.bin").write_bytes(os.urandom(SIZE))
    shutil.rmtree(folder / "loaded")
    return seconds | {"1 % up": measure("up", server, bucket, folder)[0],
                    "1 % down": measure("down", server, bucket, folder)[0]}  # fmt: skip


def large_file(server: S3Server, folder: Path) -> dict[str, tuple[float, float]]:
    """Store and load a file of 1 GiB, and return the seconds and MiB of both."""
    server.client().create_bucket(Bucket="large")
    (folder / "source").mkdir()
    with (folder / "source" / "large.bin").open("wb") as file:
        for _ in range(GIB // 2**20):
            file.write(os.urandom(2**20))
    return {step: measure(step, server, "large", folder) for step in ("up", "down")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--step", nargs=3, metavar=("STEP", "BUCKET", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        step, bucket, folder = options.step
        ours(step, bucket, Path(folder))
        return
    with tempfile.TemporaryDirectory() as work, tempfile.TemporaryDirectory() as data, seaweedfs(Path(data)) as server:
        print("turn  up: ours rclone ratio   down: ours rclone ratio   both: ratio   1 % up, down: of the first")
        ratios = []
        for number in range(options.turns):
            with tempfile.TemporaryDirectory(dir=work) as folder, server.new_bucket(f"turn-{number}") as bucket:
                took = run_turn(server, bucket, options.files, number % 2 == 0, Path(folder))
            up, down = took["ours up"] / took["rclone up"], took["ours down"] / took["rclone down"]
            both = (took["ours up"] + took["ours down"]) / (took["rclone up"] + took["rclone down"])
            few = (took["1 % up"] / took["ours up"], took["1 % down"] / took["ours down"])
            ratios.append((up, down, both, *few))
            print(f"{number:4d}  {took['ours up']:8.2f} {took['rclone up']:6.2f} {up:5.2f}   "
                  f"{took['ours down']:10.2f} {took['rclone down']:6.2f} {down:5.2f}   {both:11.2f}   "
                  f"{few[0]:12.1%} {few[1]:6.1%}", flush=True)  # fmt: skip
        median = [statistics.median(column) for column in zip(*ratios, strict=True)]
        print(f"median ratios: up {median[0]:.2f}, down {median[1]:.2f}, both {median[2]:.2f}; "
              f"1 %: up {median[3]:.1%}, down {median[4]:.1%}")  # fmt: skip
        with tempfile.TemporaryDirectory(dir=work) as folder:
            for step, (seconds, peak) in large_file(server, Path(folder)).items():
                print(f"1 GiB {step}: {seconds:.1f} s, peak {peak:.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
