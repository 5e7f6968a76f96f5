"""The table on an asset's page that says which pod its step gets."""

import json
from typing import Any

import dagster as dg
import pytest

from legosigns_dagster.kubernetes.pod_specs import GPU_POD, PodSpec, gpu_pod, stated_pod
from legosigns_dagster.kubernetes.pod_table import location, pod_table
from legosigns_dagster_tests.support.step_jobs import KUBERNETES, definitions

INLINE = 1000  # letters: the UI hides a longer text behind a button


def rows(text: str) -> dict[str, str]:
    """The lines of a table in Markdown, below its head."""
    _, line, *cells = [line.strip("| ").split(" | ") for line in text.splitlines()]
    assert line == ["---|---"]
    return dict(cells)


def shown(tags: dict[str, Any], environment: dict[str, str] | None = None) -> dict[str, str]:
    return rows(pod_table(stated_pod(tags), location(environment or {})))


@pytest.fixture(scope="module")
def tables() -> dict[str, str]:
    """The table of each asset."""
    specs = definitions(KUBERNETES).resolve_all_asset_specs()
    return {spec.key.to_user_string(): str(spec.metadata["pod"].value) for spec in specs}


def test_every_asset_tells_its_pod_in_a_table_that_is_seen_without_a_click(tables: dict[str, str]) -> None:
    assert len(tables) == 10
    assert max(map(len, tables.values())) < INLINE
    assert all("a laptop ignores this" in text for text in tables.values())
    assert {rows(text)["GPU"] for text in tables.values()} == {"none", "1 nvidia.com/gpu"}


def test_a_table_says_what_the_step_of_its_asset_really_asks_for(tables: dict[str, str]) -> None:
    graph = definitions(KUBERNETES).resolve_asset_graph()
    for name, text in tables.items():
        asset: Any = graph.get(dg.AssetKey(name.split("/"))).assets_def
        limits = stated_pod(asset.op.tags)["container_config"]["resources"]["limits"]
        assert {"cpu": rows(text)["CPU"], "memory": rows(text)["memory"]}.items() <= limits.items()


def test_a_training_s_table_has_its_gpu_its_toleration_and_how_long_it_may_take() -> None:
    assert shown(GPU_POD) == {
        "image": "the image of the code location",
        "CPU": "4",
        "memory": "16Gi",
        "GPU": "1 nvidia.com/gpu",
        "toleration": "nvidia.com/gpu",
        "deadline": "4 h from its start, for which it may wait 24 h",
        "secrets": "those of the code location",
    }


def test_other_settings_of_the_cluster_are_in_the_table() -> None:
    slice_of_a_card = {"LEGOSIGNS_GPU_RESOURCE": "nvidia.com/mig-1g.5gb", "LEGOSIGNS_GPU_POD_MEMORY": "8Gi"}
    table = shown(gpu_pod(slice_of_a_card).as_tags())
    assert (table["GPU"], table["memory"]) == ("1 nvidia.com/mig-1g.5gb", "8Gi")
    assert table["toleration"] == "nvidia.com/mig-1g.5gb, nvidia.com/gpu"
    none = shown(gpu_pod({"LEGOSIGNS_GPU_COUNT": "0"}).as_tags())
    assert (none["GPU"], none["toleration"]) == ("none", "none")


@pytest.mark.parametrize("variable", ["DAGSTER_CLI_API_GRPC_CONTAINER_CONTEXT", "DAGSTER_CONTAINER_CONTEXT"])
def test_image_and_secrets_are_those_that_the_chart_tells_the_code_location_without_any_value(variable: str) -> None:
    context = {"k8s": {"env_secrets": ["legosigns-s3", "labels"], "env": [{"name": "KEY", "value": "planted-secret"}]}}
    environment = {"DAGSTER_CURRENT_IMAGE": "registry/legosigns:1.4", variable: json.dumps(context)}
    table = shown(PodSpec("1", "2Gi").as_tags(), environment)
    assert (table["image"], table["secrets"]) == ("registry/legosigns:1.4", "legosigns-s3, labels")
    assert "planted-secret" not in str(table)
    assert (table["toleration"], table["deadline"]) == ("that of the code location", "none")
