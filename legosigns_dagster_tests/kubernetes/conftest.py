"""One release on one stand-in cluster for all tests in this folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from legosigns_dagster_tests.kubernetes.cluster import Cluster
from legosigns_dagster_tests.kubernetes.console import Console
from legosigns_dagster_tests.kubernetes.release import code_location, image, installed
from legosigns_dagster_tests.kubernetes.scheduler import Node
from legosigns_dagster_tests.kubernetes.server import running_cluster
from legosigns_dagster_tests.postgresql import postgresql
from legosigns_dagster_tests.servers import S3Server

GPU = "nvidia.com/gpu"
# The daemon looks after runs every two minutes in a real release.
FASTER = {"poll_interval_seconds": 3, "free_slots_after_run_end_seconds": 5}
NODES = [Node("cpu-1"), Node("gpu-1", devices={GPU: 1}, taint=GPU)]


@dataclass(frozen=True)
class Site:
    """A cluster with a release, and somebody in front of it."""

    cluster: Cluster
    console: Console
    bucket: str
    folder: Path


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server) -> Iterator[Site]:
    """The project on a cluster with one node for CPUs and one with a GPU, as helm-values.yaml installs it."""
    folder, bucket = tmp_path_factory.mktemp("site"), "cluster-site"
    s3_server.client().create_bucket(Bucket=bucket)
    with (
        postgresql() as database,
        running_cluster(folder, NODES, {image()}) as cluster,
        installed(folder / "release", cluster, s3_server, bucket, database, FASTER) as release,
    ):
        yield Site(cluster, Console(release.url, code_location()["name"]), bucket, folder)
