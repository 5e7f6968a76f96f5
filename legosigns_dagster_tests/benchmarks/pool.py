"""Many runs share one GPU: `python -m legosigns_dagster_tests.benchmarks.pool --runs 40`.

It starts the processes of the chart with PostgreSQL on the tests' stand-in cluster, and a pod for each step. The
cluster has more GPUs than runs, so only the pool keeps two runs from training at the same time. The step only sleeps.
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
    """Count how many of these spans (start, end) overlap at most."""
    return max(sum(start <= at < end for start, end in spans) for at, _ in spans)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--hours", type=float, default=2.0, help="time limit")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        (data := Path(name) / "s3").mkdir()
        (folder := Path(name) / "pool").mkdir()
        with seaweedfs(data) as server, deploy_release(folder, server, NODES, {}, "light_code_location") as release:
            start = time.monotonic()
            runs = [release.console.launch(assets=[STEP]) for _ in range(options.runs)]
            states = Counter(release.console.wait(*runs, timeout_s=options.hours * 3600))
            seconds = time.monotonic() - start
            at_once = most_at_once([release.console.span(run_id, STEP) for run_id in runs])
    print(f"{options.runs} runs in {seconds:.0f} s: {dict(states)}, at most {at_once} trained at the same time")


if __name__ == "__main__":
    main()
