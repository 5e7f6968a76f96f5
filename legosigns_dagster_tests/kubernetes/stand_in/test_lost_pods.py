"""A training whose pod is taken from it goes on in another pod, with what the first one left in the bucket."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from legosigns_dagster.detectors.ultralytics.training_state import read_state
from legosigns_dagster_tests.kubernetes.stand_in.conftest import Run
from legosigns_dagster_tests.support.cluster.cluster import Cluster
from legosigns_dagster_tests.support.cluster.console import PATIENCE_S
from legosigns_dagster_tests.support.cluster.pods import Pod
from legosigns_dagster_tests.support.cluster.site import Site
from legosigns_dagster_tests.support.servers import S3Server

EPOCHS = 4
SETTINGS = {"epochs": EPOCHS, "image_size": 64, "replay": 0.1, "interpolate": False}
CHECKPOINTS = "legosigns/checkpoints/"
BLOWS: dict[str, Callable[[Cluster, Pod], None]] = {
    "preempted": lambda cluster, pod: cluster.delete_pod(pod.name),  # as on a drained node: SIGTERM first
    "its node gone": Cluster.lose_node,
}


@pytest.mark.parametrize("blow", BLOWS)
def test_a_training_whose_pod_is_lost_goes_on_after_its_last_epoch(
    site: Site, whole: Run, s3_server: S3Server, blow: str, tmp_path: Path
) -> None:
    client = s3_server.client()

    def states() -> list[str]:
        page = client.list_objects_v2(Bucket=site.bucket, Prefix=CHECKPOINTS)
        return [found["Key"] for found in page.get("Contents", [])]

    # The seed makes it a training of its own.
    settings = SETTINGS | {"seed": list(BLOWS).index(blow)}
    run_id = site.console.launch(assets=["model_weights"], config={"ops": {"model_weights": {"config": settings}}})
    deadline = time.monotonic() + PATIENCE_S
    while not states():
        assert time.monotonic() < deadline, site.console.log(run_id)[-3:]
        time.sleep(0.05)
    (lost,) = pods_of(site, run_id)
    with site.cluster.lock:
        BLOWS[blow](site.cluster, lost)
    while not lost.over and lost.name in site.cluster.pods:
        time.sleep(0.05)
    (state,) = states()
    client.download_file(site.bucket, state, str(tmp_path / "state.pt"))
    done = read_state(tmp_path / "state.pt")["epochs_done"]

    assert site.console.wait(run_id) == ["SUCCESS"]
    assert len(pods_of(site, run_id)) == 2
    told = [str(event.get("message")) for event in site.console.log(run_id)]
    (resumed,) = [index for index, line in enumerate(told) if f"had finished epoch {done} of {EPOCHS}" in line]
    trained = re.findall(r"^epoch (\d)/4: box_loss", "\n".join(told[resumed:]), re.MULTILINE)
    assert [int(epoch) for epoch in trained] == list(range(done + 1, EPOCHS + 1)) != []
    curves = client.get_object(Bucket=site.bucket, Key=f"traffic-signs/{run_id}/results.csv")["Body"]
    assert pd.read_csv(curves)["epoch"].tolist() == [1, 2, 3, 4]
    assert states() == []


def pods_of(site: Site, run_id: str) -> list[Pod]:
    """The pods of the run's training, the oldest first."""
    with site.cluster.lock:
        named = [(pod, pod.manifest["metadata"]["labels"]["dagster/run-id"]) for pod in site.cluster.past]
        return [pod for pod, its_run in named if its_run == run_id and pod.step == "model_weights"]
