"""Many people press Run at once and share one GPU: `python -m legosigns_dagster_tests.benchmarks.pool --runs 40`.

The chart's processes, queue and daemon, PostgreSQL and a pod for each step, on the tests' stand-in for a cluster with
more GPUs than runs: what keeps two from training at once is the pool. The step itself only sleeps.
"""

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path

from legosigns_dagster_tests.kubernetes.console import Console
from legosigns_dagster_tests.kubernetes.release import code_location, image, installed
from legosigns_dagster_tests.kubernetes.server import running_cluster
from legosigns_dagster_tests.kubernetes.test_pool import LIGHT, NODES
from legosigns_dagster_tests.postgresql import postgresql
from legosigns_dagster_tests.servers import seaweedfs

GPU = "nvidia.com/gpu"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--hours", type=float, default=2.0, help="after which it is given up")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "s3").mkdir()
        with (
            seaweedfs(folder / "s3") as server,
            postgresql() as database,
            running_cluster(folder, NODES, {image()}) as cluster,
        ):
            server.client().create_bucket(Bucket="pool")
            with installed(folder / "release", cluster, server, "pool", database, {}, LIGHT) as release:
                console = Console(release.url, code_location()["name"])
                start = time.monotonic()
                runs = [console.launch(assets=["training"]) for _ in range(wanted.runs)]
                ends = Counter(console.wait(*runs, timeout_s=wanted.hours * 3600))
                took = time.monotonic() - start
            trained = sum(pod.step == "training" for pod in cluster.past)
            print(f"{wanted.runs} runs in {took:.0f} s: {dict(ends)}, {trained} pods trained, "
                  f"{cluster.peak[GPU]} at once at most")  # fmt: skip


if __name__ == "__main__":
    main()
