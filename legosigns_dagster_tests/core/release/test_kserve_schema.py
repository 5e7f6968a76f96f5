"""The manifests, held to KServe's own schema of an InferenceService and to Kubernetes' one of its metadata."""

from collections.abc import Callable
from functools import cache, reduce
from operator import getitem
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.core.release.layout import OVMS_MANIFEST, TRITON_MANIFEST
from legosigns_dagster.core.release.servers import ServingSettings, server_files

SCHEMA = Path(__file__).parent / "kserve" / "inferenceservice-v1beta1.yaml"
CONTRACT = ModelContract(SignClasses(("SpeedLimit", "DangerAhead")), 416, (1, 6, 3549), (0.25, 0.25))
Json = dict[str, Any]


@cache
def schema() -> Json:
    """KServe's schema, in which a field without a schema of its own is refused: a real server drops it silently."""
    found: Json = close(yaml.safe_load(SCHEMA.read_text(encoding="utf-8")))
    return found


def close(node: Any) -> Any:
    """Let no object of a schema have other fields than those that it names."""
    if isinstance(node, list):
        return [close(one) for one in node]
    if not isinstance(node, dict):
        return node
    closed = {name: close(value) for name, value in node.items()}
    is_object = isinstance(node.get("properties"), dict) and node.get("type") == "object"
    return {"additionalProperties": False} | closed if is_object else closed


def problems(manifest: Json) -> list[str]:
    """What an API server would refuse or drop of a manifest, each with its place."""
    errors = jsonschema.Draft202012Validator(schema()).iter_errors(manifest)
    found = [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in errors]
    try:  # KServe's schema leaves the metadata to Kubernetes, which holds that of every kind to the same one
        other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": manifest["metadata"]}
        kubernetes_validate.validate(other, "1.36", strict=True)
    except kubernetes_validate.ValidationError as error:
        found.append(f"{'.'.join(map(str, error.path))}: {error.message}")
    return found


def manifest(name: str = OVMS_MANIFEST, store: str = "s3://models/", **settings: object) -> Json:
    files = server_files(3, CONTRACT, store, ServingSettings.model_validate(settings))
    found: Json = yaml.safe_load(files[name])
    return found


@pytest.mark.parametrize("store", ["s3://models/", "/data/store/"])
@pytest.mark.parametrize("settings", [{}, {"service_account": "serving"}, {"f32": False, "service_account": "serving"}])
@pytest.mark.parametrize("name", [OVMS_MANIFEST, TRITON_MANIFEST])
def test_kserve_knows_every_field_of_a_manifest(name: str, settings: Json, store: str) -> None:
    found = manifest(name, store, **settings)
    assert (found["apiVersion"], found["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService")
    assert problems(found) == []


def rename(place: str, name: str, other: str) -> Callable[[Json], None]:
    return lambda found: at(found, place).update({other: at(found, place).pop(name)})


def put(place: str, name: str, value: object) -> Callable[[Json], None]:
    return lambda found: at(found, place).update({name: value})


def at(found: Json, place: str) -> Json:
    return reduce(getitem, place.split("."), found)


MODEL = "spec.predictor.model"
ROLLING = "spec.predictor.deploymentStrategy.rollingUpdate"
BROKEN: dict[str, tuple[Callable[[Json], None], set[str]]] = {
    "a misspelt field of the model": (
        rename(MODEL, "storageUri", "storageURI"),
        {f"{MODEL}: Additional properties are not allowed ('storageURI' was unexpected)"},
    ),
    "a misspelt field of the strategy": (
        rename(ROLLING, "maxSurge", "maxsurge"),
        {f"{ROLLING}: Additional properties are not allowed ('maxsurge' was unexpected)"},
    ),
    "a field in the wrong place": (
        put("spec", "serviceAccountName", "serving"),
        {"spec: Additional properties are not allowed ('serviceAccountName' was unexpected)"},
    ),
    "no predictor": (
        rename("spec", "predictor", "transformer"),
        {
            "spec: Additional properties are not allowed ('transformer' was unexpected)",
            "spec: 'predictor' is a required property",
        },
    ),
    "arguments as one text": (
        put(MODEL, "args", "--plugin_config"),
        {f"{MODEL}.args: '--plugin_config' is not of type 'array'"},
    ),
    "a version that is a number": (
        put(f"{MODEL}.modelFormat", "version", 1),
        {f"{MODEL}.modelFormat.version: 1 is not of type 'string'"},
    ),
    "an annotation that is a number": (
        put("metadata.annotations", "legosigns/release", 3),
        {"metadata.annotations.legosigns/release: 3 is not of type 'string', 'null'"},
    ),
    "a misspelt field of the metadata": (
        rename("metadata", "annotations", "annotation"),
        {"metadata: Additional properties are not allowed ('annotation' was unexpected)"},
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_misspelt_field_and_a_wrong_type_are_named(case: str) -> None:
    damage, told = BROKEN[case]
    found = manifest(service_account="serving")
    damage(found)
    assert set(problems(found)) == told
