"""One release on one stand-in cluster for all tests in this folder."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import yaml

from legosigns_dagster_tests.support.cluster.deployed_release import DeployedRelease, deploy_release
from legosigns_dagster_tests.support.cluster.pods import Pod
from legosigns_dagster_tests.support.cluster.scheduler import GPU, Node
from legosigns_dagster_tests.support.environment import ROOT
from legosigns_dagster_tests.support.servers import S3Server

# In a real release the daemon checks runs every two minutes.
FASTER = {"poll_interval_seconds": 3, "free_slots_after_run_end_seconds": 5}
NODES = [Node("cpu-1"), Node("gpu-1", devices={GPU: 1}, taint=GPU)]


@dataclass(frozen=True)
class Run:
    """A finished run of the job on the cluster.

    Attributes:
        run_id: Its id.
        pods: Its own pod and those of its steps.
    """

    run_id: str
    pods: list[Pod]

    def steps(self) -> list[Pod]:
        """The pods of its steps."""
        return [pod for pod in self.pods if pod.step]


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Iterator[DeployedRelease]:
    """The project on a cluster with one node for CPUs and one with a GPU, as helm-values.yaml installs it."""
    with deploy_release(
        tmp_path_factory.mktemp("release"), s3_server, NODES, FASTER, "promised_gpu_code_location"
    ) as release:
        yield release


@pytest.fixture(scope="session")
def whole_run_id(release: DeployedRelease) -> str:
    """The id of a run of the whole job, which is started early: other tests wait for pods while it runs."""
    config = yaml.safe_load((ROOT / "configs/quick.yaml").read_text(encoding="utf-8"))
    return release.console.launch("traffic_signs", config=config)


@pytest.fixture(scope="session")
def whole_run(release: DeployedRelease, whole_run_id: str) -> Run:
    """The run of the whole job, when it has finished."""
    (status,) = release.console.wait(whole_run_id)
    failures = [event for event in release.console.log(whole_run_id) if "error" in event]
    assert status == "SUCCESS", failures
    pods = [
        pod for pod in release.cluster.all_pods if pod.manifest["metadata"]["labels"]["dagster/run-id"] == whole_run_id
    ]
    return Run(whole_run_id, pods)
