"""A release of the project on a stand-in cluster, with all that it needs."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from legosigns_dagster_tests.support.cluster.cluster import Cluster
from legosigns_dagster_tests.support.cluster.console import Console
from legosigns_dagster_tests.support.cluster.release import image, location_name, start_release
from legosigns_dagster_tests.support.cluster.scheduler import GPU, Node
from legosigns_dagster_tests.support.cluster.server import run_cluster
from legosigns_dagster_tests.support.postgresql import postgresql
from legosigns_dagster_tests.support.servers import S3Server

# More GPUs than runs, so that only the pool makes runs wait.
NODES = [Node("gpus", devices={GPU: 100}, taint=GPU), Node("cpu-1")]


@dataclass(frozen=True)
class DeployedRelease:
    """A release that runs on a cluster.

    Attributes:
        cluster: The stand-in cluster.
        console: What a person does in the release's UI.
        bucket: The bucket that it stores in.
        folder: The files of the cluster and the logs of the release.
    """

    cluster: Cluster
    console: Console
    bucket: str
    folder: Path


@contextlib.contextmanager
def deploy_release(
    folder: Path,
    server: S3Server,
    nodes: Sequence[Node],
    faster: Mapping[str, Any],
    code: str,
    logs_bucket: str = "",
) -> Iterator[DeployedRelease]:
    """Run a cluster of these nodes and a release on it until the end of the block.

    Args:
        folder: An empty folder for everything. Its name is part of the bucket's.
        server: Where the bucket is made.
        nodes: The machines of the cluster.
        faster: Settings of the run monitoring that replace those of helm-values.yaml.
        code: The module of this package that is the code location.
        logs_bucket: The bucket of the logs; without it, that of the store.
    """
    bucket = f"cluster-{folder.name}"
    for name in filter(None, (bucket, logs_bucket)):
        server.client().create_bucket(Bucket=name)
    variables = {"LEGOSIGNS_LOGS_BUCKET": logs_bucket} if logs_bucket else {}
    with (
        postgresql() as database,
        run_cluster(folder, nodes, {image()}) as cluster,
        start_release(folder / "release", cluster, server, bucket, database, faster, code, variables) as release,
    ):
        yield DeployedRelease(cluster, Console(release.url, location_name()), bucket, folder)
