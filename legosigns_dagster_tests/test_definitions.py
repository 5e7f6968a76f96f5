"""What Dagster loads, without any variable and for each deployment."""

import dagster as dg
import pytest

from legosigns_dagster import checks, release_checks
from legosigns_dagster.assets import dataset, release, weights
from legosigns_dagster.deployments import deployment, s3_resource
from legosigns_dagster.resources.storage.store import LocalStore, S3Store
from legosigns_dagster_tests.support.builders import CLASSES
from legosigns_dagster_tests.support.logs import SILENT
from legosigns_dagster_tests.support.step_jobs import KUBERNETES, S3, definitions

REAL = dict.fromkeys(("BASE_WEIGHTS", "CLASSICAL_SIGNS", "SIGN_CUTOUTS", "BACKGROUNDS"), "/somewhere")
FLOW = {
    "base_weights": set(),
    "classical_signs": {"base_weights"},
    "sign_cutouts": {"base_weights"},
    "backgrounds": {"base_weights"},
    "raw_annotations": {"base_weights"},
    "synthetic_set": {"sign_cutouts", "backgrounds", "raw_annotations"},
    "model_weights": {"base_weights", "raw_annotations", "synthetic_set", "classical_signs"},
    "comparison_report": {"base_weights", "model_weights", "raw_annotations", "classical_signs"},
    "release_candidate": {
        "base_weights",
        "model_weights",
        "raw_annotations",
        "classical_signs",
        "comparison_report",
    },
    "released_model": {"release_candidate"},
}


@pytest.mark.parametrize("environment", [{}, S3, KUBERNETES, REAL], ids=["nothing", "s3", "kubernetes", "real"])
def test_the_definitions_load_for_every_deployment(environment: dict[str, str]) -> None:
    dg.Definitions.validate_loadable(definitions(environment))


def test_the_assets_depend_on_each_other_as_the_flow_says() -> None:
    graph = definitions({}).resolve_asset_graph()
    dependencies = {
        k.to_user_string(): {p.to_user_string() for p in graph.get(k).parent_keys} for k in graph.get_all_asset_keys()
    }
    assert dependencies == FLOW


def test_every_asset_has_a_group_a_kind_and_a_description() -> None:
    for spec in definitions({}).resolve_all_asset_specs():
        assert spec.group_name in {"sources", "dataset", "weights", "report", "release"}
        assert spec.kinds
        assert spec.description


def test_every_setting_says_what_one_unit_of_it_means() -> None:
    assets = (dataset.DatasetConfig, dataset.SynthesisConfig, weights.TrainingConfig)
    of_release = (release.CandidateConfig, release.ServingConfig, release_checks.GateConfig)
    for config in (*assets, *of_release, checks.QuarantineConfig, checks.AcceptanceConfig):
        undescribed = [name for name, field in config.model_fields.items() if not field.description]
        assert undescribed == []


def test_the_store_is_s3_where_a_bucket_is_named_and_a_folder_otherwise() -> None:
    assert isinstance(deployment({}).resources["store"], LocalStore)
    assert isinstance(deployment(S3).resources["store"], S3Store)


def test_kubernetes_gets_a_pod_for_each_step_and_a_laptop_one_process() -> None:
    assert deployment(KUBERNETES).executor.name == "k8s"
    assert deployment({}).executor.name == "in_process"


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"LEGOSIGNS_DEPLOYMENT": "kubernets"}, "'kubernets', expected 'local' or 'kubernetes'"),
        ({"LEGOSIGNS_DEPLOYMENT": "kubernetes"}, "set AWS_S3_BUCKET"),
        ({"LABEL_STUDIO_PROJECT": "1"}, "LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY not"),
    ],
)
def test_an_impossible_deployment_is_refused(environment: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        deployment(environment)


def test_two_places_for_annotations_are_refused_by_name() -> None:
    from legosigns_dagster.resources.inputs import Inputs

    empty = dict.fromkeys(["base_weights", "classical_signs", "sign_cutouts", "backgrounds"], "")
    inputs = Inputs(s3=s3_resource({}), **empty, sink="a", export="b")
    with pytest.raises(ValueError, match="LABEL_STUDIO_SINK is 'a' and LABEL_STUDIO_EXPORT is 'b': set one"):
        inputs.annotations(CLASSES, SILENT)


def test_no_secret_is_in_a_definition() -> None:
    assert "planted-secret" not in repr(deployment(S3).resources)
