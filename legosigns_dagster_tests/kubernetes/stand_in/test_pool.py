"""One GPU for many runs: they queue for its slot, and a run that crashed gives its slot back."""

import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from legosigns_dagster_tests.support.cluster.console import TIMEOUT_S
from legosigns_dagster_tests.support.cluster.deployed_release import NODES, DeployedRelease, deploy_release
from legosigns_dagster_tests.support.cluster.pods import Pod
from legosigns_dagster_tests.support.servers import S3Server

# In a real release: two minutes and five minutes.
FASTER = {"poll_interval_seconds": 3, "free_slots_after_run_end_seconds": 25}
LOGS = "dagster-logs"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Iterator[DeployedRelease]:
    """A release of the light code location, whose only step sleeps."""
    folder = tmp_path_factory.mktemp("pool")
    with deploy_release(folder, s3_server, NODES, FASTER, "light_code_location", LOGS) as release:
        yield release


def find_pods(release: DeployedRelease, run_id: str, step: str) -> list[Pod]:
    """List the pods of a run's step. Empty step: the pods of the run itself."""
    with release.cluster.lock:
        labelled = [(pod, pod.manifest["metadata"]["labels"]) for pod in release.cluster.all_pods]
        return [pod for pod, labels in labelled if labels["dagster/run-id"] == run_id and pod.step == step]


def train(release: DeployedRelease, seconds: float) -> str:
    """Start a run that holds the GPU this long. Returns its id."""
    config = {"ops": {"training": {"config": {"seconds": seconds}}}}
    # A run that is started again by itself would take the slot that the next test waits for.
    return release.console.launch(assets=["training"], config=config, tags={"dagster/max_retries": "0"})


def wait_for_training(release: DeployedRelease, run_id: str) -> Pod:
    """Wait until the run trains, and return its training pod.

    A pod that runs has not begun its step yet. One whose run has finished by then ends by itself.
    """
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        if any(event.get("eventType") == "STEP_START" for event in release.console.log(run_id)):
            return find_pods(release, run_id, "training")[-1]
        time.sleep(0.2)
    raise AssertionError(f"run {run_id} never came to train")


def test_runs_on_one_slot_queue_and_all_end(release: DeployedRelease) -> None:
    runs = [train(release, 2) for _ in range(5)]
    assert release.console.wait(*runs) == ["SUCCESS"] * 5
    assert [len(find_pods(release, run_id, "training")) for run_id in runs] == [1] * 5
    spans = sorted(release.console.span(run_id, "training") for run_id in runs)
    assert all(ended <= began for (_, ended), (began, _) in pairwise(spans))


def test_what_a_step_printed_is_shown_from_a_bucket_that_is_not_the_store_s(
    release: DeployedRelease, s3_server: S3Server
) -> None:
    run_id = train(release, 0)
    assert release.console.wait(run_id) == ["SUCCESS"]
    assert "STEP_START" in release.console.printed(run_id, "training")
    keys = {
        bucket: [item["Key"] for item in s3_server.client().list_objects_v2(Bucket=bucket).get("Contents", [])]
        for bucket in (LOGS, release.bucket)
    }
    assert any(run_id in key for key in keys[LOGS])
    assert not any("compute-logs" in key for key in keys[release.bucket])


def test_the_slot_of_a_run_whose_pods_were_lost_comes_free_for_the_next(release: DeployedRelease) -> None:
    first = train(release, 600)
    trains, next_run = wait_for_training(release, first), train(release, 2)
    for pod in (*find_pods(release, first, ""), trains):
        release.cluster.kill(pod)
    assert release.console.wait(first, next_run) == ["FAILURE", "SUCCESS"]


def test_a_training_whose_run_was_lost_is_ended_before_the_next_takes_its_slot(release: DeployedRelease) -> None:
    first = train(release, 600)
    orphan, next_run = wait_for_training(release, first), train(release, 2)
    release.cluster.kill(find_pods(release, first, "")[0])
    assert release.console.wait(first, next_run) == ["FAILURE", "SUCCESS"]
    assert orphan.has_ended
    assert any("which was still running for a finished run" in text for text in release.console.warnings(next_run))
