"""A training whose pod is lost is resumed in another pod, from the state that the first one left in the bucket."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from legosigns_dagster.detectors.ultralytics.training.training_state import read_state
from legosigns_dagster_tests.kubernetes.stand_in.conftest import Run
from legosigns_dagster_tests.support.cluster.cluster import Cluster
from legosigns_dagster_tests.support.cluster.console import TIMEOUT_S
from legosigns_dagster_tests.support.cluster.deployed_release import DeployedRelease
from legosigns_dagster_tests.support.cluster.pods import Pod
from legosigns_dagster_tests.support.servers import S3Server

EPOCHS = 4
SETTINGS = {"epochs": EPOCHS, "image_size": 64, "replay": 0.1, "interpolate": False}
CHECKPOINTS = "legosigns/checkpoints/"
LOSSES: dict[str, Callable[[Cluster, Pod], None]] = {
    "preempted": lambda cluster, pod: cluster.delete_pod(pod.name),  # as on a drained node: SIGTERM first
    "its node gone": Cluster.lose_node,
}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_training_whose_pod_is_lost_is_resumed_after_its_last_epoch(
    release: DeployedRelease, whole_run: Run, s3_server: S3Server, loss: str, tmp_path: Path
) -> None:
    client = s3_server.client()

    def states() -> list[str]:
        page = client.list_objects_v2(Bucket=release.bucket, Prefix=CHECKPOINTS)
        return [entry["Key"] for entry in page.get("Contents", [])]

    # With its own seed, it does not resume another training.
    settings = SETTINGS | {"seed": list(LOSSES).index(loss)}
    run_id = release.console.launch(assets=["model_weights"], config={"ops": {"model_weights": {"config": settings}}})
    deadline = time.monotonic() + TIMEOUT_S
    while not states():
        assert time.monotonic() < deadline, release.console.log(run_id)[-3:]
        time.sleep(0.05)
    (lost,) = training_pods(release, run_id)
    with release.cluster.lock:
        LOSSES[loss](release.cluster, lost)
    while not lost.has_ended and lost.name in release.cluster.pods:
        time.sleep(0.05)
    (state,) = states()
    client.download_file(release.bucket, state, str(tmp_path / "state.pt"))
    done = read_state(tmp_path / "state.pt")["epochs_done"]

    assert release.console.wait(run_id) == ["SUCCESS"]
    assert len(training_pods(release, run_id)) == 2
    messages = [str(event.get("message")) for event in release.console.log(run_id)]
    note = f"resuming an interrupted training after epoch {done} of {EPOCHS}"
    (resumed,) = [index for index, line in enumerate(messages) if note in line]
    trained = re.findall(r"^epoch (\d)/4: box_loss", "\n".join(messages[resumed:]), re.MULTILINE)
    assert [int(epoch) for epoch in trained] == list(range(done + 1, EPOCHS + 1)) != []
    curves = client.get_object(Bucket=release.bucket, Key=f"traffic-signs/{run_id}/results.csv")["Body"]
    assert pd.read_csv(curves)["epoch"].tolist() == [1, 2, 3, 4]
    assert states() == []


def training_pods(release: DeployedRelease, run_id: str) -> list[Pod]:
    """List the pods of the run's training, the oldest first."""
    with release.cluster.lock:
        named = [(pod, pod.manifest["metadata"]["labels"]["dagster/run-id"]) for pod in release.cluster.all_pods]
        return [pod for pod, its_run in named if its_run == run_id and pod.step == "model_weights"]
