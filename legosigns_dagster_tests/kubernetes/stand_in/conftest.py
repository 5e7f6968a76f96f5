"""One release on one stand-in cluster for all tests in this folder."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import yaml

from legosigns_dagster_tests.support.cluster.pods import Pod
from legosigns_dagster_tests.support.cluster.scheduler import GPU, Node
from legosigns_dagster_tests.support.cluster.site import Site, running_site
from legosigns_dagster_tests.support.environment import ROOT
from legosigns_dagster_tests.support.servers import S3Server

# The daemon looks after runs every two minutes in a real release.
FASTER = {"poll_interval_seconds": 3, "free_slots_after_run_end_seconds": 5}
NODES = [Node("cpu-1"), Node("gpu-1", devices={GPU: 1}, taint=GPU)]


@dataclass(frozen=True)
class Run:
    """A run of the job on the cluster, and its pods."""

    run_id: str
    pods: list[Pod]

    def steps(self) -> list[Pod]:
        return [pod for pod in self.pods if pod.step]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Iterator[Site]:
    """The project on a cluster with one node for CPUs and one with a GPU, as helm-values.yaml installs it."""
    with running_site(tmp_path_factory.mktemp("site"), s3_server, NODES, FASTER, "promised_gpu_code_location") as site:
        yield site


@pytest.fixture(scope="session")
def begun(site: Site) -> str:
    """The id of a run of the whole job, under way: what else a cluster does meanwhile takes its time, too."""
    config = yaml.safe_load((ROOT / "configs/quick.yaml").read_text(encoding="utf-8"))
    return site.console.launch("traffic_signs", config=config)


@pytest.fixture(scope="session")
def whole(site: Site, begun: str) -> Run:
    """The run of the whole job, at its end."""
    (status,) = site.console.wait(begun)
    failures = [event for event in site.console.log(begun) if "error" in event]
    assert status == "SUCCESS", failures
    pods = [pod for pod in site.cluster.past if pod.manifest["metadata"]["labels"]["dagster/run-id"] == begun]
    return Run(begun, pods)
