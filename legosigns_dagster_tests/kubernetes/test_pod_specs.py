"""The pod that each step gets, whatever the launcher and the code location bring with them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster_k8s import DagsterK8sJobConfig, construct_dagster_k8s_job
from dagster_k8s.container_context import K8sContainerContext
from dagster_k8s.job import get_user_defined_k8s_config
from kubernetes.utils.quantity import parse_quantity

from legosigns_dagster.kubernetes.pod_specs import GPU_POD, RENDER_POD, SMALL_POD, PodSpec, gpu_pod
from legosigns_dagster_tests.support.environment import ROOT
from legosigns_dagster_tests.support.step_jobs import job_in_pods, only_container, step_job

GUIDE = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
PODS = {
    "base_weights": SMALL_POD,
    "classical_signs": SMALL_POD,
    "sign_cutouts": SMALL_POD,
    "backgrounds": SMALL_POD,
    "raw_annotations": SMALL_POD,
    "synthetic_set": RENDER_POD,
    "model_weights": GPU_POD,
    "comparison_report": GPU_POD,
    "raw_annotations_checks": SMALL_POD,
    "classical_signs_checks": SMALL_POD,
    "synthetic_set_checks": SMALL_POD,
    "comparison_report_checks": SMALL_POD,
}
LAUNCHER = K8sContainerContext(
    resources={
        "requests": {"cpu": "64", "memory": "512Gi"},
        "limits": {"cpu": "100m", "memory": "256Mi", "ephemeral-storage": "1Gi", "nvidia.com/gpu": "8"},
    },
    env_secrets=["launcher-secret"],
)
LOCATION = K8sContainerContext(
    resources={"requests": {"amd.com/gpu": "1"}, "limits": {"memory": "1Mi", "amd.com/gpu": "1"}},
    env_secrets=["legosigns-s3"],
    env=[{"name": "BASE_WEIGHTS", "value": "s3://model-registry/default/best.pt"}],
    volumes=[{"name": "ca", "config_map": {"name": "ca"}}],
    volume_mounts=[{"name": "ca", "mount_path": "/etc/ca"}],
)


def own(tags: dict[str, Any]) -> dict[str, Any]:
    """The resources that a pod size states."""
    found: dict[str, Any] = tags["dagster-k8s/config"]["container_config"]["resources"]
    return found


def test_every_asset_and_every_check_states_the_pod_it_needs() -> None:
    tags = {node.name: json.loads(node.definition.tags["dagster-k8s/config"]) for node in job_in_pods().nodes}
    assert tags == {name: size["dagster-k8s/config"] for name, size in PODS.items()}


@pytest.mark.parametrize("step", PODS)
def test_no_resource_of_the_launcher_or_the_code_location_gets_into_a_step(step: str, tmp_path: Path) -> None:
    resources = only_container(step_job(step, tmp_path, (LAUNCHER, LOCATION)))["resources"]
    assert resources == own(PODS[step])
    assert set(resources["requests"]) == set(resources["limits"]) >= {"cpu", "memory"}
    for name, asked in resources["requests"].items():
        assert parse_quantity(asked) <= parse_quantity(resources["limits"][name])


def test_a_step_keeps_the_secrets_the_variables_and_the_volumes_of_the_code_location(tmp_path: Path) -> None:
    made = step_job("model_weights", tmp_path, (LAUNCHER, LOCATION))
    container = only_container(made)
    assert {"secretRef": {"name": "legosigns-s3"}} in container["envFrom"]
    assert {"secretRef": {"name": "launcher-secret"}} in container["envFrom"]
    assert {"name": "BASE_WEIGHTS", "value": "s3://model-registry/default/best.pt"} in container["env"]
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/etc/ca", "/dev/shm"}
    assert {volume["name"] for volume in made["spec"]["template"]["spec"]["volumes"]} == {"ca", "shm"}


def test_kubernetes_never_starts_a_step_again_and_keeps_its_pod_long_enough_to_look_at(tmp_path: Path) -> None:
    for step in PODS:
        spec = step_job(step, tmp_path)["spec"]
        assert spec["backoffLimit"] == 0
        assert spec["ttlSecondsAfterFinished"] >= 600
        assert spec["template"]["spec"]["restartPolicy"] == "Never"


def test_a_pod_with_a_model_gets_its_gpu_shared_memory_and_a_deadline(tmp_path: Path) -> None:
    made = step_job("model_weights", tmp_path)
    spec = made["spec"]["template"]["spec"]
    assert spec["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert spec["volumes"] == [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "2Gi"}}]
    assert only_container(made)["resources"]["limits"] == {"cpu": "4", "memory": "16Gi", "nvidia.com/gpu": "1"}


@pytest.mark.parametrize("step", ["model_weights", "comparison_report"])
def test_a_gpu_pod_has_four_hours_from_its_start_however_long_it_waited_of_a_day(step: str, tmp_path: Path) -> None:
    spec = step_job(step, tmp_path)["spec"]
    assert spec["template"]["spec"]["activeDeadlineSeconds"] == 4 * 3600
    assert spec["activeDeadlineSeconds"] - spec["template"]["spec"]["activeDeadlineSeconds"] == 24 * 3600


def test_a_queue_decides_when_gpu_pods_start_and_dagster_s_own_labels_stay() -> None:
    tags = gpu_pod({"LEGOSIGNS_GPU_QUEUE": "gpus"}).as_tags()
    config = get_user_defined_k8s_config({"dagster-k8s/config": json.dumps(tags["dagster-k8s/config"])})
    made = construct_dagster_k8s_job(DagsterK8sJobConfig(job_image="image:1"), ["x"], "t", config, labels={"run": "1"})
    assert made.metadata.labels["kueue.x-k8s.io/queue-name"] == "gpus"
    assert made.metadata.labels["run"] == "1"
    assert "job_metadata" not in GPU_POD["dagster-k8s/config"]


@pytest.mark.parametrize(
    ("resource", "tolerated"),
    [
        ("nvidia.com/gpu", ["nvidia.com/gpu"]),
        ("nvidia.com/mig-1g.5gb", ["nvidia.com/mig-1g.5gb", "nvidia.com/gpu"]),  # a slice of a card
        ("nvidia.com/gpu.shared", ["nvidia.com/gpu.shared", "nvidia.com/gpu"]),  # time slicing
        ("amd.com/gpu", ["amd.com/gpu"]),
        ("gpu.intel.com/i915", ["gpu.intel.com/i915"]),
    ],
)
def test_another_gpu_is_asked_for_and_the_taints_of_its_nodes_are_tolerated(
    resource: str, tolerated: list[str]
) -> None:
    made = gpu_pod({"LEGOSIGNS_GPU_RESOURCE": resource}).as_tags()
    assert own(made)["limits"] == own(made)["requests"] == {"cpu": "4", "memory": "16Gi", resource: "1"}
    tolerations = made["dagster-k8s/config"]["pod_spec_config"]["tolerations"]
    assert [toleration["key"] for toleration in tolerations] == tolerated


def test_a_deployment_changes_count_cpu_memory_and_nodes_by_variables() -> None:
    made = gpu_pod(
        {
            "LEGOSIGNS_GPU_COUNT": "2",
            "LEGOSIGNS_GPU_POD_CPU": "7500m",
            "LEGOSIGNS_GPU_POD_MEMORY": "1.5Ti",
            "LEGOSIGNS_GPU_NODE_SELECTOR": "nvidia.com/gpu.product=NVIDIA-L4,pool=",
        }
    ).as_tags()
    assert own(made)["limits"] == {"cpu": "7500m", "memory": "1.5Ti", "nvidia.com/gpu": "2"}
    selector = made["dagster-k8s/config"]["pod_spec_config"]["node_selector"]
    assert selector == {"nvidia.com/gpu.product": "NVIDIA-L4", "pool": ""}


def test_without_a_gpu_the_pod_asks_for_none_and_tolerates_nothing() -> None:
    made = gpu_pod({"LEGOSIGNS_GPU_COUNT": "0"}).as_tags()
    assert own(made)["limits"] == {"cpu": "4", "memory": "16Gi"}
    assert made["dagster-k8s/config"]["pod_spec_config"]["tolerations"] == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("LEGOSIGNS_GPU_COUNT", "one", "a whole number"),
        ("LEGOSIGNS_GPU_COUNT", "-1", "a whole number"),
        ("LEGOSIGNS_GPU_COUNT", "0.5", "a whole number"),  # Kubernetes has no parts of a GPU
        ("LEGOSIGNS_GPU_RESOURCE", "gpu", "a resource such as nvidia.com/mig-1g.5gb"),
        ("LEGOSIGNS_GPU_RESOURCE", "nvidia.com/", "a resource such as nvidia.com/mig-1g.5gb"),
        ("LEGOSIGNS_GPU_POD_MEMORY", "16GB", "an amount of memory such as 16Gi"),
        ("LEGOSIGNS_GPU_POD_MEMORY", "16", "an amount of memory such as 16Gi"),  # sixteen bytes
        ("LEGOSIGNS_GPU_POD_MEMORY", "16m", "an amount of memory such as 16Gi"),  # thousandths of a byte
        ("LEGOSIGNS_GPU_POD_CPU", "0", "a number of CPUs such as 4 or 500m"),
        ("LEGOSIGNS_GPU_POD_CPU", "four", "a number of CPUs such as 4 or 500m"),
        ("LEGOSIGNS_GPU_QUEUE", "-gpus", "the name of a queue such as gpus"),
        ("LEGOSIGNS_GPU_QUEUE", "gpus of team a", "the name of a queue such as gpus"),
        ("LEGOSIGNS_GPU_NODE_SELECTOR", "gpu", "labels such as pool=gpu,zone=a"),
        ("LEGOSIGNS_GPU_NODE_SELECTOR", "pool=gpu,", "labels such as pool=gpu,zone=a"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_by_name(name: str, value: str, expected: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is '{value}', expected {expected}"):
        gpu_pod({name: value})


@pytest.mark.parametrize("quantity", ["1", "0.5", "500m", "12"])
def test_every_number_of_cpus_that_is_accepted_is_one_for_kubernetes(quantity: str) -> None:
    made = gpu_pod({"LEGOSIGNS_GPU_POD_CPU": quantity}).as_tags()
    assert parse_quantity(own(made)["limits"]["cpu"]) > 0


def test_the_code_location_does_not_load_with_a_wrong_value_and_says_why() -> None:
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LEGOSIGNS_GPU_POD_MEMORY": "16GB"}
    command = [sys.executable, "-c", "import legosigns_dagster.definitions"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode != 0
    assert "LEGOSIGNS_GPU_POD_MEMORY is '16GB', expected an amount of memory such as 16Gi" in done.stderr


def test_the_documented_settings_of_a_run_give_it_the_documented_pod(tmp_path: Path) -> None:
    larger, other = (yaml.safe_load(block.split("```")[0]) for block in GUIDE.split("```yaml\nexecution:")[1:])
    made = step_job("model_weights", tmp_path, (LAUNCHER, LOCATION), larger["config"])
    assert only_container(made)["resources"]["limits"] == {"cpu": "4", "memory": "32Gi", "nvidia.com/gpu": "2"}
    assert made["spec"]["template"]["spec"]["nodeSelector"] == {"nvidia.com/gpu.product": "NVIDIA-L40S"}
    assert made["spec"]["template"]["spec"]["activeDeadlineSeconds"] == 43200
    made = step_job("model_weights", tmp_path, (LAUNCHER, LOCATION), other["config"])
    assert only_container(made)["resources"]["limits"] == {"cpu": "4", "memory": "16Gi", "amd.com/gpu": "1"}
    tolerations = made["spec"]["template"]["spec"]["tolerations"]
    assert tolerations == [{"key": "amd.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    # The next step of the same run is not touched by it.
    assert only_container(step_job("comparison_report", tmp_path, (), other["config"]))["resources"] == own(GPU_POD)


def test_a_size_states_the_same_for_request_and_limit() -> None:
    same = {"cpu": "2", "memory": "3Gi"}
    assert own(PodSpec("2", "3Gi").as_tags()) == {"requests": same, "limits": same}


def test_a_size_says_nothing_of_what_it_leaves_to_the_cluster() -> None:
    assert PodSpec("2", "3Gi").as_tags()["dagster-k8s/config"]["pod_spec_config"] == {}
    assert PodSpec("2", "3Gi", tolerated_taints=()).as_tags()["dagster-k8s/config"]["pod_spec_config"] == {
        "tolerations": []
    }
