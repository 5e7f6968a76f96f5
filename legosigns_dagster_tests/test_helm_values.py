"""helm-values.yaml agrees with the chart, with the code that it deploys, and with docs/kubernetes.md."""

import importlib.metadata
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.utils.quantity import parse_quantity

from legosigns_dagster.deployments import deployment
from legosigns_dagster_tests.support.cluster.containers import Sources, container_environment
from legosigns_dagster_tests.support.environment import ROOT, VARIABLES
from legosigns_dagster_tests.support.helm_chart import (
    CHART,
    TEXT,
    code_location,
    container_contexts,
    launcher,
    unknown_keys,
)
from legosigns_dagster_tests.support.step_jobs import only_container, step_job

GUIDE = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
# Not read by our own code: a writable home folder, and matplotlib's folder in it.
FOR_LIBRARIES = {"HOME", "MPLCONFIGDIR"}
UNPRIVILEGED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(TEXT)
    return loaded


def test_the_chart_knows_every_key(values: dict[str, Any]) -> None:
    assert list(unknown_keys(values, CHART)) == []


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"dagit": {}}, "dagit"),  # the web server's old name
        ({"userDeployments": {}}, "userDeployments"),
        ({"concurrency": {"maxConcurrentRuns": 4}}, "concurrency.maxConcurrentRuns"),
        ({"runLauncher": {"config": {"k8sRunLauncher": {"stepK8sConfig": {}}}}}, "k8sRunLauncher.stepK8sConfig"),
        ({"ingress": {"dagit": {}}}, "ingress.dagit"),
        ({"dagsterDaemon": {"volumes": [{"nam": "ca"}]}}, r"dagsterDaemon.volumes\[0\]: .*nam"),
        ({"dagsterDaemon": {"securityContext": {"capabilties": {}}}}, "dagsterDaemon.securityContext: .*capabilties"),
    ],
)
def test_a_key_that_the_chart_does_not_know_is_found(wrong: dict[str, Any], path: str) -> None:
    (found,) = unknown_keys(wrong, CHART)
    assert re.search(f"{path}", found)


def test_every_variable_in_it_is_read_by_the_code(values: dict[str, Any]) -> None:
    named = {entry["name"] for entry in code_location(values)["env"]}
    in_comments = set(re.findall(r"# - name: ([A-Z_]+)", TEXT))
    assert in_comments
    assert (named | in_comments) - FOR_LIBRARIES <= set(VARIABLES)


def test_its_variables_and_a_data_connection_make_a_deployment_with_a_pod_for_each_step(values: dict[str, Any]) -> None:
    environment = {entry["name"]: entry["value"] for entry in code_location(values)["env"]}
    assert deployment(environment | {"AWS_S3_BUCKET": "bucket"}).executor.name == "k8s"


def test_its_secrets_have_the_variables_that_the_code_reads() -> None:
    (s3,) = re.findall(r"data connection as it is: (.*?)\.\n", TEXT.replace("\n        # ", " "))
    (labels,) = re.findall(r"# (LABEL_STUDIO_URL.*):\n", TEXT)
    for names in (s3, labels):
        assert set(names.split(", ")) <= set(VARIABLES)
    assert "AWS_SECRET_ACCESS_KEY" in s3
    assert "LABEL_STUDIO_API_KEY" in labels


def test_there_is_no_secret_in_it(values: dict[str, Any]) -> None:
    assert {entry["name"] for entry in code_location(values)["env"]} & {n for n in VARIABLES if "KEY" in n} == set()
    assert "postgresqlPassword" not in values["postgresql"]
    assert values["generatePostgresqlPasswordSecret"] is False


def test_it_starts_the_module_that_workspace_yaml_names(values: dict[str, Any]) -> None:
    workspace = yaml.safe_load((ROOT / "workspace.yaml").read_text(encoding="utf-8"))
    module = workspace["load_from"][0]["python_module"]["module_name"]
    assert code_location(values)["dagsterApiGrpcArgs"] == ["--module-name", module]


def test_the_secret_of_s3_and_those_of_registries_are_named_once() -> None:
    renamed = TEXT.replace("&s3-secret legosigns-s3", "&s3-secret aws-connection-pipelines")
    renamed = renamed.replace("&pull-secrets []", "&pull-secrets [name: my-registry]")
    values = yaml.safe_load(renamed)
    places = [code_location(values), values["dagsterWebserver"], values["dagsterDaemon"]]
    assert [place["envSecrets"] for place in places] == [[{"name": "aws-connection-pipelines"}]] * 3
    registries = [values["imagePullSecrets"], values["dagster-user-deployments"]["imagePullSecrets"]]
    assert registries == [[{"name": "my-registry"}]] * 2


def test_everything_that_touches_s3_gets_the_same_secret(values: dict[str, Any]) -> None:
    places = [code_location(values), values["dagsterWebserver"], values["dagsterDaemon"]]
    assert [place["envSecrets"] for place in places] == [[{"name": "legosigns-s3"}]] * 3
    named = values["computeLogManager"]["config"]["s3ComputeLogManager"]
    assert {named["bucket"]["env"], named["endpointUrl"]["env"]} == {"LEGOSIGNS_LOGS_BUCKET", "AWS_S3_ENDPOINT"}


def test_logs_are_written_to_the_bucket_of_the_data_and_read_from_it(values: dict[str, Any]) -> None:
    secrets = Sources(secrets={"legosigns-s3": {"AWS_S3_BUCKET": "signs"}})
    for place in (code_location(values), values["dagsterWebserver"], values["dagsterDaemon"]):
        container = {"env": place["env"], "envFrom": [{"secretRef": secret} for secret in place["envSecrets"]]}
        assert container_environment(container, secrets)["LEGOSIGNS_LOGS_BUCKET"] == "signs"


def test_no_user_is_set_so_that_openshift_can_choose_one(values: dict[str, Any]) -> None:
    assert re.search(r"runAsUser|runAsGroup|fsGroup|privileged|hostPath", str(values)) is None


def test_no_container_has_privileges_and_the_web_server_s_port_needs_none(values: dict[str, Any]) -> None:
    web, daemon = values["dagsterWebserver"], values["dagsterDaemon"]
    assert web["securityContext"] == daemon["securityContext"] == UNPRIVILEGED
    own = [
        code_location(values)["securityContext"],
        launcher(values)["runK8sConfig"]["containerConfig"]["securityContext"],
    ]
    assert own == [UNPRIVILEGED | {"runAsNonRoot": True}] * 2
    assert web["service"]["port"] == web["readinessProbe"]["httpGet"]["port"] > 1024


@pytest.mark.parametrize("step", ["base_weights", "model_weights", "raw_annotations_checks"])
def test_a_step_s_pod_has_its_own_size_the_variables_the_secret_and_no_privilege(
    values: dict[str, Any], step: str, tmp_path: Path
) -> None:
    made = step_job(step, tmp_path, container_contexts(values))
    container = only_container(made)
    assert container["resources"] == only_container(step_job(step, tmp_path))["resources"]
    assert container["securityContext"] == UNPRIVILEGED | {"runAsNonRoot": True}
    assert container["envFrom"] == [{"secretRef": {"name": "legosigns-s3"}}]
    assert {"name": "LEGOSIGNS_DEPLOYMENT", "value": "kubernetes"} in container["env"]
    assert {"name": "HOME", "value": "/tmp"} in container["env"]
    assert made["spec"]["backoffLimit"] == 0


def test_the_code_location_s_resources_which_a_run_s_pod_takes_over_are_the_run_pod_s(values: dict[str, Any]) -> None:
    assert code_location(values)["resources"] == launcher(values)["resources"]
    assert code_location(values)["includeConfigInLaunchedRuns"] == {"enabled": True}


def test_every_container_has_requests_within_its_limits_so_that_a_quota_lets_it_in(values: dict[str, Any]) -> None:
    servers = [values["dagsterWebserver"], values["dagsterDaemon"]]
    sizes = [server[name] for server in servers for name in ("resources", "initContainerResources")]
    for size in (*sizes, launcher(values)["resources"], code_location(values)["resources"]):
        asked, allowed = size["requests"], size["limits"]
        assert set(asked) == set(allowed) == {"cpu", "memory"}
        assert all(parse_quantity(asked[name]) <= parse_quantity(allowed[name]) for name in asked)


def test_a_server_may_use_more_memory_than_it_uses_when_idle(values: dict[str, Any]) -> None:
    idle_mb = {"dagsterWebserver": 192, "dagsterDaemon": 198}  # measured, resident
    for name, used in idle_mb.items():
        resources = values[name]["resources"]
        assert used * 1e6 < parse_quantity(resources["requests"]["memory"])
        assert used * 2e6 < parse_quantity(resources["limits"]["memory"])
    assert parse_quantity(code_location(values)["resources"]["requests"]["memory"]) > 251e6


def test_pods_are_kept_long_enough_to_be_counted_and_looked_at(values: dict[str, Any]) -> None:
    assert launcher(values)["runK8sConfig"]["jobSpecConfig"] == {"ttlSecondsAfterFinished": 3600}


def test_one_step_at_a_time_holds_the_gpu_and_a_killed_one_gives_it_back(values: dict[str, Any]) -> None:
    # A default limit that is changed later makes every step of the pool fail on PostgreSQL.
    assert values["concurrency"]["pools"] == {"granularity": "op"}
    assert {"name": "LEGOSIGNS_GPU_POOL_LIMIT", "value": "1"} in code_location(values)["env"]
    assert values["dagsterDaemon"]["runMonitoring"]["freeSlotsAfterRunEndSeconds"] > 0
    # The limit may be set only once: Dagster refuses a second one for the queue when the instance loads.
    assert "runCoordinator" not in values["dagsterDaemon"]


def test_a_run_whose_pod_is_lost_is_started_again_and_one_that_fails_is_not(values: dict[str, Any]) -> None:
    assert values["dagsterDaemon"]["runMonitoring"]["enabled"] is True
    assert values["dagsterDaemon"]["runRetries"] == {
        "enabled": True,
        "maxRetries": 1,
        "retryOnAssetOrOpFailure": False,
    }


def test_logs_are_uploaded_while_a_step_runs(values: dict[str, Any]) -> None:
    assert 0 < values["computeLogManager"]["config"]["s3ComputeLogManager"]["uploadInterval"] <= 60


def test_it_names_the_version_of_dagster_that_is_pinned() -> None:
    version = importlib.metadata.version("dagster")
    assert f"version {version} " in TEXT
    assert f"--version {version} " in TEXT
    assert importlib.metadata.version("dagster-postgres") == importlib.metadata.version("dagster-k8s")


def test_the_guide_lists_what_to_change_before_the_first_install() -> None:
    marked = re.findall(r"^ *(?:# )?(?:- )?(?:name: )?(?:&[\w-]+ )?([\w-]+)\b.*# first install", TEXT, re.MULTILINE)
    table = GUIDE.split("Before the first install:")[1].split("\n\n")[1]
    listed = [name for row in table.splitlines()[2:] for name in re.findall(r"`([^`]+)`", row.split("|")[1])]
    assert len(marked) > 10
    assert sorted(listed) == sorted(marked)
