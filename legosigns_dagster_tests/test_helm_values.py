"""helm-values.yaml agrees with the code that it deploys."""

import importlib.metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

from legosigns_dagster.deployments import deployment
from legosigns_dagster_tests.conftest import VARIABLES

FILE = Path(__file__).resolve().parent.parent / "helm-values.yaml"


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return loaded


def code_location(values: dict[str, Any]) -> dict[str, Any]:
    (only,) = values["dagster-user-deployments"]["deployments"]
    found: dict[str, Any] = only
    return found


def test_every_variable_in_it_is_one_that_the_code_reads(values: dict[str, Any]) -> None:
    assert {entry["name"] for entry in code_location(values)["env"]} <= set(VARIABLES)


def test_its_variables_and_a_data_connection_make_a_deployment_with_a_pod_for_each_step(values: dict[str, Any]) -> None:
    environment = {entry["name"]: entry["value"] for entry in code_location(values)["env"]}
    assert deployment(environment | {"AWS_S3_BUCKET": "bucket"}).executor.name == "k8s"


def test_it_starts_the_module_that_workspace_yaml_names(values: dict[str, Any]) -> None:
    workspace = yaml.safe_load((FILE.parent / "workspace.yaml").read_text(encoding="utf-8"))
    module = workspace["load_from"][0]["python_module"]["module_name"]
    assert code_location(values)["dagsterApiGrpcArgs"] == ["--module-name", module]


def test_everything_that_touches_s3_gets_the_same_secret(values: dict[str, Any]) -> None:
    places = [code_location(values), values["dagsterWebserver"], values["dagsterDaemon"]]
    assert [place["envSecrets"] for place in places] == [[{"name": "legosigns-s3"}]] * 3


def test_no_user_is_fixed_so_that_openshift_can_choose_one(values: dict[str, Any]) -> None:
    assert "runAsUser" not in str(values)
    assert "fsGroup" not in str(values)


def test_it_names_the_version_of_dagster_that_is_pinned() -> None:
    assert f"--version {importlib.metadata.version('dagster')} " in FILE.read_text(encoding="utf-8")
