"""One GPU shared by many: runs queue for its slot, and the slot of a run that crashed comes free."""

import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from legosigns_dagster_tests.support.cluster.console import PATIENCE_S
from legosigns_dagster_tests.support.cluster.pods import Pod
from legosigns_dagster_tests.support.cluster.site import NODES, Site, running_site
from legosigns_dagster_tests.support.servers import S3Server

# Two minutes and five in a real release.
FASTER = {"poll_interval_seconds": 3, "free_slots_after_run_end_seconds": 25}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Iterator[Site]:
    """A release of the light code location, whose step only sleeps."""
    with running_site(tmp_path_factory.mktemp("shared"), s3_server, NODES, FASTER, "light_code_location") as site:
        yield site


def of_run(site: Site, run_id: str, step: str) -> list[Pod]:
    """The pods of a run's step; of the run itself where the step is empty."""
    with site.cluster.lock:
        labels = [(pod, pod.manifest["metadata"]["labels"]) for pod in site.cluster.past]
        return [pod for pod, named in labels if named["dagster/run-id"] == run_id and pod.step == step]


def train(site: Site, seconds: float) -> str:
    config = {"ops": {"training": {"config": {"seconds": seconds}}}}
    # What is tried again by itself would take the slot that the next test waits for.
    return site.console.launch(assets=["training"], config=config, tags={"dagster/max_retries": "0"})


def training_pod(site: Site, run_id: str) -> Pod:
    """The pod of this run that trains now."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        busy = [pod for pod in of_run(site, run_id, "training") if pod.phase == "Running"]
        if busy:
            return busy[0]
        time.sleep(0.05)
    raise AssertionError(f"run {run_id} never came to train")


def test_runs_on_one_slot_queue_and_all_end(shared: Site) -> None:
    runs = [train(shared, 2) for _ in range(5)]
    assert shared.console.wait(*runs) == ["SUCCESS"] * 5
    assert [len(of_run(shared, run_id, "training")) for run_id in runs] == [1] * 5
    spans = sorted(shared.console.span(run_id, "training") for run_id in runs)
    assert all(ended <= began for (_, ended), (began, _) in pairwise(spans))


def test_the_slot_of_a_run_whose_pods_died_comes_free_for_the_next(shared: Site) -> None:
    first = train(shared, 600)
    trains, next_run = training_pod(shared, first), train(shared, 2)
    for pod in (*of_run(shared, first, ""), trains):
        shared.cluster.kill(pod)
    assert shared.console.wait(first, next_run) == ["FAILURE", "SUCCESS"]


def test_a_training_whose_run_died_is_ended_before_the_next_takes_its_slot(shared: Site) -> None:
    first = train(shared, 600)
    orphan, next_run = training_pod(shared, first), train(shared, 2)
    shared.cluster.kill(of_run(shared, first, "")[0])
    assert shared.console.wait(first, next_run) == ["FAILURE", "SUCCESS"]
    assert orphan.over
    assert any("which was still running for a finished run" in told for told in shared.console.warnings(next_run))
