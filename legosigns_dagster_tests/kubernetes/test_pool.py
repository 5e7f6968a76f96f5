"""One GPU shared by many: runs queue for its slot, and the slot of a run that crashed comes free."""

import time
from collections.abc import Iterator

import pytest

from legosigns_dagster_tests.kubernetes.conftest import FASTER, GPU, Site
from legosigns_dagster_tests.kubernetes.console import Console
from legosigns_dagster_tests.kubernetes.pods import Pod
from legosigns_dagster_tests.kubernetes.release import code_location, image, installed
from legosigns_dagster_tests.kubernetes.scheduler import Node
from legosigns_dagster_tests.kubernetes.server import running_cluster
from legosigns_dagster_tests.postgresql import postgresql
from legosigns_dagster_tests.servers import S3Server
from legosigns_dagster_tests.workplace import ROOT

# More GPUs than runs: what holds runs back is the pool, not the cluster.
NODES = [Node("gpus", devices={GPU: 100}, taint=GPU), Node("cpu-1")]
# The tests are not installed: the code server and its pods find them from here.
LIGHT = ["--module-name", "legosigns_dagster_tests.kubernetes.light", "--working-directory", str(ROOT)]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Iterator[Site]:
    """A release of the light code location, whose step only sleeps."""
    folder, bucket = tmp_path_factory.mktemp("shared"), "cluster-shared"
    s3_server.client().create_bucket(Bucket=bucket)
    with (
        postgresql() as database,
        running_cluster(folder, NODES, {image()}) as cluster,
        installed(folder / "release", cluster, s3_server, bucket, database, FASTER, LIGHT) as release,
    ):
        yield Site(cluster, Console(release.url, code_location()["name"]), bucket, folder)


def pods_of(site: Site, step: str) -> list[Pod]:
    with site.cluster.lock:
        return [pod for pod in site.cluster.past if pod.step == step]


def in_the_slot(site: Site) -> Pod:
    """The pod that trains now."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        busy = [pod for pod in pods_of(site, "training") if pod.phase == "Running"]
        if busy:
            return busy[0]
        time.sleep(0.05)
    raise AssertionError("no run came to train")


def test_runs_on_one_slot_queue_and_all_end(shared: Site) -> None:
    runs = [shared.console.launch(assets=["training"]) for _ in range(5)]
    assert shared.console.wait(*runs, timeout_s=1800) == ["SUCCESS"] * 5
    assert len(pods_of(shared, "training")) == 5
    assert shared.cluster.peak[GPU] == 1


def test_the_slot_of_a_run_that_crashed_comes_free_for_the_next(shared: Site) -> None:
    runs = [shared.console.launch(assets=["training"]) for _ in range(2)]
    trains = in_the_slot(shared)
    crashed = trains.manifest["metadata"]["labels"]["dagster/run-id"]
    for pod in list(shared.cluster.past):
        if pod.manifest["metadata"]["labels"]["dagster/run-id"] == crashed:
            shared.cluster.kill(pod)
    (other,) = set(runs) - {crashed}
    assert shared.console.wait(crashed, other, timeout_s=1800) == ["FAILURE", "SUCCESS"]
    assert shared.cluster.peak[GPU] == 1
