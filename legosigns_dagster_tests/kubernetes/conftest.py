"""One release on one stand-in cluster for all tests in this folder."""

from collections.abc import Iterator

import pytest

from legosigns_dagster_tests.kubernetes.scheduler import Node
from legosigns_dagster_tests.kubernetes.site import Site, running_site
from legosigns_dagster_tests.servers import S3Server

GPU = "nvidia.com/gpu"
# The daemon looks after runs every two minutes in a real release.
FASTER = {"poll_interval_seconds": 3, "free_slots_after_run_end_seconds": 5}
NODES = [Node("cpu-1"), Node("gpu-1", devices={GPU: 1}, taint=GPU)]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Iterator[Site]:
    """The project on a cluster with one node for CPUs and one with a GPU, as helm-values.yaml installs it."""
    with running_site(tmp_path_factory.mktemp("site"), s3_server, NODES, FASTER) as site:
        yield site
