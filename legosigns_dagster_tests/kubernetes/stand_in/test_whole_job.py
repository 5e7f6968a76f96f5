"""The whole job on a cluster, with a pod for each step, S3 and a database, gives the same result as on a laptop."""

import json
import re

import dagster as dg
import pytest

from legosigns_dagster_tests.kubernetes.stand_in.conftest import Run
from legosigns_dagster_tests.support.cluster.deployed_release import DeployedRelease
from legosigns_dagster_tests.support.cluster.release import image
from legosigns_dagster_tests.support.cluster.scheduler import GPU
from legosigns_dagster_tests.support.servers import S3Server
from legosigns_dagster_tests.support.workplace import Workplace

GPU_STEPS = {"model_weights", "comparison_report"}


def local_run(laptop: Workplace) -> str:
    """Read the id of the run on the laptop."""
    with laptop.instance() as instance:
        return instance.get_runs()[-1].run_id


def local_version(laptop: Workplace, asset: str) -> str:
    """Read the data version that the same job gave this asset on a laptop."""
    with laptop.instance() as instance:
        logs = instance.all_logs(local_run(laptop), of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        events = [entry.asset_materialization for entry in logs if entry.asset_materialization]
    (tags,) = [event.tags for event in events if event.asset_key == dg.AssetKey(asset)]
    return str((tags or {})["dagster/data_version"])


def read_published(release: DeployedRelease, server: S3Server, run: Run, name: str) -> bytes:
    """Read what the run published in the bucket."""
    key = f"traffic-signs/{run.run_id}/{name}"
    return server.client().get_object(Bucket=release.bucket, Key=key)["Body"].read()


def test_the_datasets_are_those_of_a_laptop_to_the_digest(
    release: DeployedRelease, whole_run: Run, laptop: Workplace, printed: str
) -> None:
    found = release.console.data_versions("raw_annotations", "synthetic_set")
    assert found == {asset: local_version(laptop, asset) for asset in found}


@pytest.mark.parametrize("name", ["metrics.json", "metrics.csv", "best.pt"])
def test_the_figures_and_the_weights_are_those_of_a_laptop_to_the_byte(
    release: DeployedRelease, whole_run: Run, laptop: Workplace, printed: str, s3_server: S3Server, name: str
) -> None:
    local = laptop.folder / "store" / "traffic-signs" / local_run(laptop) / name
    assert read_published(release, s3_server, whole_run, name) == local.read_bytes()


def test_the_report_is_that_of_a_laptop_except_for_the_run_s_id_and_times(
    release: DeployedRelease, whole_run: Run, laptop: Workplace, printed: str, s3_server: S3Server
) -> None:
    own = local_run(laptop)
    local = (laptop.folder / "store" / "traffic-signs" / own / "comparison.html").read_text(encoding="utf-8")
    there = read_published(release, s3_server, whole_run, "comparison.html").decode()
    assert remove_times(there.replace(whole_run.run_id, "RUN")) == remove_times(local.replace(own, "RUN"))


def remove_times(page: str) -> str:
    """Remove the seconds and megabytes of the training from a report, which names them once."""
    pattern = r"<dt>(seconds|peak memory mb)</dt><dd>[\d.]+</dd>"
    assert len(re.findall(pattern, page)) == 2
    return re.sub(pattern, "", page)


def test_every_step_has_a_pod_of_its_own_and_only_those_with_a_model_get_a_gpu(
    release: DeployedRelease, whole_run: Run
) -> None:
    names = [pod.step for pod in whole_run.steps()]
    assert len(names) == len(set(names)) > 8
    assert {pod.step for pod in whole_run.steps() if pod.devices} == GPU_STEPS
    assert {pod.step for pod in whole_run.steps() if pod.manifest["spec"]["nodeName"] == "gpu-1"} == GPU_STEPS
    assert release.cluster.peak_use[GPU] == 1


def test_every_pod_has_the_image_and_the_data_connection_and_no_secret_of_its_own(
    release: DeployedRelease, whole_run: Run, s3_server: S3Server
) -> None:
    containers = [pod.manifest["spec"]["containers"][0] for pod in whole_run.pods]
    assert {container["image"] for container in containers} == {image()}
    assert all({"secretRef": {"name": "legosigns-s3"}} in container["envFrom"] for container in containers)
    written = json.dumps(release.cluster.created_jobs)
    assert s3_server.secret_key not in written
    assert release.cluster.sources.secrets["dagster-postgresql"]["postgresql-password"] not in written


def test_no_pod_leaves_anything_in_the_folder_it_was_started_in(release: DeployedRelease, whole_run: Run) -> None:
    left = [file for pod in whole_run.pods for file in (release.folder / "pods" / pod.name / "work").iterdir()]
    assert left == []


def test_what_a_step_printed_is_in_the_bucket_after_its_pod_is_gone(
    release: DeployedRelease, whole_run: Run, s3_server: S3Server
) -> None:
    prefix = f"compute-logs/storage/{whole_run.run_id}/"
    found = s3_server.client().list_objects_v2(Bucket=release.bucket, Prefix=prefix).get("Contents", [])
    assert found
