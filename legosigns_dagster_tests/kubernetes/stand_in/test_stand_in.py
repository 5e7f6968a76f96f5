"""The stand-in cluster answers the real Kubernetes client as a cluster does, and is as strict."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config
from kubernetes.client.rest import ApiException

from legosigns_dagster_tests.support.cluster.cluster import Cluster
from legosigns_dagster_tests.support.cluster.manifests import InvalidManifestError, check_manifest
from legosigns_dagster_tests.support.cluster.scheduler import Node
from legosigns_dagster_tests.support.cluster.server import NAMESPACE, run_cluster

IMAGE = "registry/tool:1"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with run_cluster(tmp_path, [Node("cpu-1")], {IMAGE}) as running:
        running.sources.secrets["keys"] = {"KEY": "from-the-secret"}
        yield running


@pytest.fixture
def api(cluster: Cluster, tmp_path: Path) -> client.ApiClient:
    return config.new_client_from_config(str(tmp_path / "kubeconfig"))


def job(*command: str, name: str = "one", **container: Any) -> dict[str, Any]:
    """Make the manifest of a job whose pod runs this command."""
    tool = {"name": "tool", "image": IMAGE, "args": list(command), **container}
    template = {"metadata": {"labels": {"app": "test"}}, "spec": {"restartPolicy": "Never", "containers": [tool]}}
    spec = {"backoffLimit": 0, "template": template}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}


def wait_until(check: Callable[[], Any]) -> Any:
    """Call a function until it returns something true, and return that."""
    deadline = time.monotonic() + 60
    while not (result := check()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return result


def find_pod(api: client.ApiClient) -> Any:
    pods = client.CoreV1Api(api).list_namespaced_pod(NAMESPACE, label_selector="job-name=one").items
    return pods[0] if pods else None


def wait_for_end(api: client.ApiClient) -> Any:
    """Wait until the job's pod has ended, and return it."""
    return wait_until(lambda: (pod := find_pod(api)) and pod.status.phase in ("Succeeded", "Failed") and pod)


def test_a_command_runs_in_an_empty_folder_with_the_environment_of_its_spec(api: client.ApiClient) -> None:
    given = [{"name": "PLACE", "value": "/tmp/here"}, {"name": "NAME", "value": "as it is"}]
    manifest = job("sh", "-c", "ls -A; env", env=given, envFrom=[{"secretRef": {"name": "keys"}}])
    client.BatchV1Api(api).create_namespaced_job(NAMESPACE, manifest)
    pod = wait_for_end(api)
    # As dagster-k8s does: the client itself would return the repr of a bytes object.
    log = client.CoreV1Api(api).read_namespaced_pod_log(pod.metadata.name, NAMESPACE, _preload_content=False)
    lines = log.data.decode().splitlines()
    found = dict(line.split("=", 1) for line in lines if "=" in line)
    assert len(found) == len(lines)
    assert {found.pop(name) for name in ("NAME", "KEY")} == {"as it is", "from-the-secret"}
    assert found.pop("PLACE").endswith(f"/{pod.metadata.name}/tmp/here")
    # The shell adds PWD, and some shells add _ and SHLVL.
    assert set(found) - {"PWD", "OLDPWD", "SHLVL", "_"} == {"PATH", "TMPDIR", "KUBECONFIG"}


def test_a_job_ends_as_its_pod_does(api: client.ApiClient) -> None:
    client.BatchV1Api(api).create_namespaced_job(NAMESPACE, job("sh", "-c", "exit 3"))
    assert wait_for_end(api).status.container_statuses[0].state.terminated.exit_code == 3
    status = wait_until(
        lambda: (s := client.BatchV1Api(api).read_namespaced_job_status("one", NAMESPACE).status).failed and s
    )
    assert status.conditions[0].reason == "BackoffLimitExceeded"


def test_a_container_that_outgrows_its_limit_is_killed_for_it(api: client.ApiClient) -> None:
    memory = {"limits": {"memory": "60Mi"}}
    hungry = job("python", "-c", "import time; kept = b'x' * 200_000_000; time.sleep(60)", resources=memory)
    client.BatchV1Api(api).create_namespaced_job(NAMESPACE, hungry)
    assert wait_for_end(api).status.container_statuses[0].state.terminated.reason == "OOMKilled"


def test_a_job_that_is_deleted_leaves_its_pod_unless_told_otherwise(cluster: Cluster, api: client.ApiClient) -> None:
    batch = client.BatchV1Api(api)
    batch.create_namespaced_job(NAMESPACE, job("sleep", "60"))
    wait_until(lambda: (pod := find_pod(api)) and pod.status.phase == "Running")
    batch.delete_namespaced_job("one", NAMESPACE)
    assert find_pod(api).status.phase == "Running"
    cluster.kill(cluster.all_pods[0])
    client.CoreV1Api(api).delete_namespaced_pod(cluster.all_pods[0].name, NAMESPACE)
    batch.create_namespaced_job(NAMESPACE, job("sleep", "60", name="two"))
    wait_until(lambda: "two" in {pod.job_name for pod in cluster.all_pods if pod.phase == "Running"})
    batch.delete_namespaced_job("two", NAMESPACE, propagation_policy="Background")
    wait_until(lambda: not cluster.pods)
    assert cluster.all_pods[-1].has_ended


def test_a_job_is_gone_with_its_pod_after_its_time(api: client.ApiClient) -> None:
    manifest = job("true")
    manifest["spec"]["ttlSecondsAfterFinished"] = 1
    client.BatchV1Api(api).create_namespaced_job(NAMESPACE, manifest)
    wait_for_end(api)
    wait_until(lambda: find_pod(api) is None)
    with pytest.raises(ApiException, match="404"):
        client.BatchV1Api(api).read_namespaced_job("one", NAMESPACE)


def test_the_same_name_twice_is_a_conflict(api: client.ApiClient) -> None:
    batch = client.BatchV1Api(api)
    batch.create_namespaced_job(NAMESPACE, job("true"))
    with pytest.raises(ApiException, match="409"):
        batch.create_namespaced_job(NAMESPACE, job("true"))


@pytest.mark.parametrize(
    ("container", "words"),
    [
        ({"resource": {}}, "resource"),
        ({"resources": {"limits": {"memory": "16GB"}}}, "'16GB' is no quantity"),
        ({"resources": {"limits": {"memory": "1Gi"}, "requests": {"memory": "8Gi"}}}, "8Gi but is limited to 1Gi"),
        ({"resources": {"limits": {"a.b/gpu": "1"}, "requests": {"a.b/gpu": "0"}}}, "limit equal to its request"),
        ({"volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}]}, "'shm' is no volume of the pod"),
        ({"env": [{"name": "N", "value": 1}]}, "1 is not"),
    ],
    ids=["unknown key", "quantity", "request over limit", "gpu by halves", "mount", "number"],
)  # fmt: skip
def test_a_manifest_that_a_cluster_would_refuse_or_not_heed_is_refused(container: dict[str, Any], words: str) -> None:
    check_manifest(job("true"))
    with pytest.raises(InvalidManifestError, match=words):
        check_manifest(job("true", **container))
