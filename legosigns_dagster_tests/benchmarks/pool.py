"""Many people press Run at once and share one GPU: `python -m legosigns_dagster_tests.benchmarks.pool --runs 40`.

The chart's processes, queue and daemon, PostgreSQL and a pod for each step, on the tests' stand-in for a cluster with
more GPUs than runs: what keeps two from training at once is the pool. The step itself only sleeps.
"""

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path

from legosigns_dagster_tests.support.cluster.deployed_release import NODES, deploy_release
from legosigns_dagster_tests.support.servers import seaweedfs

STEP = "training"


def most_at_once(spans: list[tuple[float, float]]) -> int:
    """How many of these were under way at the same time, at most."""
    return max(sum(began <= at < ended for began, ended in spans) for at, _ in spans)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--hours", type=float, default=2.0, help="after which it is given up")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        (data := Path(name) / "s3").mkdir()
        (folder := Path(name) / "pool").mkdir()
        with seaweedfs(data) as server, deploy_release(folder, server, NODES, {}, "light_code_location") as release:
            start = time.monotonic()
            runs = [release.console.launch(assets=[STEP]) for _ in range(wanted.runs)]
            ends = Counter(release.console.wait(*runs, timeout_s=wanted.hours * 3600))
            took = time.monotonic() - start
            at_once = most_at_once([release.console.span(run_id, STEP) for run_id in runs])
    print(f"{wanted.runs} runs in {took:.0f} s: {dict(ends)}, {at_once} trained at once at most")


if __name__ == "__main__":
    main()
