"""The whole job on a cluster: a pod for each step, S3 and the database between them, and the same result."""

import json
import re

import dagster as dg
import pytest

from legosigns_dagster_tests.kubernetes.stand_in.conftest import Run
from legosigns_dagster_tests.support.cluster.release import image
from legosigns_dagster_tests.support.cluster.scheduler import GPU
from legosigns_dagster_tests.support.cluster.site import Site
from legosigns_dagster_tests.support.servers import S3Server
from legosigns_dagster_tests.support.workplace import Workplace

GPU_STEPS = {"model_weights", "comparison_report"}


def local_run(laptop: Workplace) -> str:
    with laptop.instance() as instance:
        return instance.get_runs()[-1].run_id


def local_version(laptop: Workplace, asset: str) -> str:
    """The data version that the same job gave this asset on a laptop."""
    with laptop.instance() as instance:
        logs = instance.all_logs(local_run(laptop), of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        events = [entry.asset_materialization for entry in logs if entry.asset_materialization]
    (tags,) = [event.tags for event in events if event.asset_key == dg.AssetKey(asset)]
    return str((tags or {})["dagster/data_version"])


def published(site: Site, server: S3Server, run: Run, name: str) -> bytes:
    key = f"traffic-signs/{run.run_id}/{name}"
    return server.client().get_object(Bucket=site.bucket, Key=key)["Body"].read()


def test_the_datasets_are_those_of_a_laptop_to_the_digest(
    site: Site, whole: Run, laptop: Workplace, printed: str
) -> None:
    found = site.console.data_versions("raw_annotations", "synthetic_set")
    assert found == {asset: local_version(laptop, asset) for asset in found}


@pytest.mark.parametrize("name", ["metrics.json", "metrics.csv", "best.pt"])
def test_the_figures_and_the_weights_are_those_of_a_laptop_to_the_byte(
    site: Site, whole: Run, laptop: Workplace, printed: str, s3_server: S3Server, name: str
) -> None:
    local = laptop.folder / "store" / "traffic-signs" / local_run(laptop) / name
    assert published(site, s3_server, whole, name) == local.read_bytes()


def test_the_report_is_that_of_a_laptop_but_for_the_run_and_its_times(
    site: Site, whole: Run, laptop: Workplace, printed: str, s3_server: S3Server
) -> None:
    own = local_run(laptop)
    local = (laptop.folder / "store" / "traffic-signs" / own / "comparison.html").read_text(encoding="utf-8")
    there = published(site, s3_server, whole, "comparison.html").decode()
    assert timeless(there.replace(whole.run_id, "RUN")) == timeless(local.replace(own, "RUN"))


def timeless(page: str) -> str:
    """A report without the seconds and the megabytes that the training took, which it tells once."""
    told = r"<dt>(seconds|peak memory mb)</dt><dd>[\d.]+</dd>"
    assert len(re.findall(told, page)) == 2
    return re.sub(told, "", page)


def test_every_step_has_a_pod_of_its_own_and_only_those_with_a_model_get_a_gpu(site: Site, whole: Run) -> None:
    names = [pod.step for pod in whole.steps()]
    assert len(names) == len(set(names)) > 8
    assert {pod.step for pod in whole.steps() if pod.devices} == GPU_STEPS
    assert {pod.step for pod in whole.steps() if pod.manifest["spec"]["nodeName"] == "gpu-1"} == GPU_STEPS
    assert site.cluster.peak[GPU] == 1


def test_every_pod_has_the_image_and_the_data_connection_and_no_secret_of_its_own(
    site: Site, whole: Run, s3_server: S3Server
) -> None:
    containers = [pod.manifest["spec"]["containers"][0] for pod in whole.pods]
    assert {container["image"] for container in containers} == {image()}
    assert all({"secretRef": {"name": "legosigns-s3"}} in container["envFrom"] for container in containers)
    written = json.dumps(site.cluster.accepted)
    assert s3_server.secret_key not in written
    assert site.cluster.sources.secrets["dagster-postgresql"]["postgresql-password"] not in written


def test_no_pod_leaves_anything_in_the_folder_it_was_started_in(site: Site, whole: Run) -> None:
    left = [file for pod in whole.pods for file in (site.folder / "pods" / pod.name / "work").iterdir()]
    assert left == []


def test_what_a_step_printed_is_in_the_bucket_after_its_pod_is_gone(
    site: Site, whole: Run, s3_server: S3Server
) -> None:
    prefix = f"compute-logs/storage/{whole.run_id}/"
    found = s3_server.client().list_objects_v2(Bucket=site.bucket, Prefix=prefix).get("Contents", [])
    assert found
