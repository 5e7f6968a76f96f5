"""A stand-in cluster with a release on it, and somebody in front."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from legosigns_dagster_tests.support.cluster.cluster import Cluster
from legosigns_dagster_tests.support.cluster.console import Console
from legosigns_dagster_tests.support.cluster.release import code_location, image, installed
from legosigns_dagster_tests.support.cluster.scheduler import GPU, Node
from legosigns_dagster_tests.support.cluster.server import running_cluster
from legosigns_dagster_tests.support.postgresql import postgresql
from legosigns_dagster_tests.support.servers import S3Server


@dataclass(frozen=True)
class Site:
    """A cluster with a release, and somebody in front of it."""

    cluster: Cluster
    console: Console
    bucket: str
    folder: Path


@contextlib.contextmanager
def running_site(
    folder: Path,
    server: S3Server,
    nodes: Sequence[Node],
    faster: Mapping[str, Any],
    code: str,
) -> Iterator[Site]:
    """A release on a cluster of these nodes, which both end with the block, and a bucket for it; see `installed`."""
    bucket = f"cluster-{folder.name}"
    server.client().create_bucket(Bucket=bucket)
    with (
        postgresql() as database,
        running_cluster(folder, nodes, {image()}) as cluster,
        installed(folder / "release", cluster, server, bucket, database, faster, code) as release,
    ):
        yield Site(cluster, Console(release.url, code_location()["name"]), bucket, folder)


# More GPUs than runs: what holds runs back is the pool, not the cluster.
NODES = [Node("gpus", devices={GPU: 100}, taint=GPU), Node("cpu-1")]
