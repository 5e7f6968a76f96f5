"""The files for model servers."""

import json

import pytest
import yaml

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.core.release.layout import OVMS_MANIFEST, TRITON_CONFIG, TRITON_MANIFEST
from legosigns_dagster.core.release.servers import ServingSettings, server_files

CONTRACT = ModelContract(SignClasses(("SpeedLimit", "DangerAhead")), 416, (1, 6, 3549), (0.25, 0.25))


def write(**settings: object) -> dict[str, str]:
    return server_files(3, CONTRACT, "s3://models/", ServingSettings.model_validate(settings))


def predictor(text: str) -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load(text)["spec"]["predictor"]
    return found


def test_triton_reads_the_tensors_of_the_contract() -> None:
    assert write()[TRITON_CONFIG] == (
        'name: "traffic-signs"\nbackend: "onnxruntime"\nmax_batch_size: 0\n'
        'input [\n  { name: "images" data_type: TYPE_FP32 dims: [ 1, 3, 416, 416 ] }\n]\n'
        'output [\n  { name: "output0" data_type: TYPE_FP32 dims: [ 1, 6, 3549 ] }\n]\n'
    )


def test_each_server_gets_the_folder_that_it_mounts() -> None:
    files = write(service_account="serving")
    for name, uri, runtime in (
        (OVMS_MANIFEST, "s3://models/releases/3/repository/traffic-signs", "kserve-ovms"),
        (TRITON_MANIFEST, "s3://models/releases/3/repository", "kserve-tritonserver"),
    ):
        manifest = yaml.safe_load(files[name])
        assert (manifest["kind"], manifest["metadata"]["name"]) == ("InferenceService", "traffic-signs")
        annotations = {"serving.kserve.io/deploymentMode": "RawDeployment", "legosigns/release": "3"}
        assert manifest["metadata"]["annotations"] == annotations
        model = manifest["spec"]["predictor"]["model"]
        assert (model["storageUri"], model["runtime"]) == (uri, runtime)
        assert manifest["spec"]["predictor"]["serviceAccountName"] == "serving"
        assert manifest["spec"]["predictor"]["deploymentStrategy"]["rollingUpdate"]["maxUnavailable"] == 0


@pytest.mark.parametrize("f32", [True, False])
def test_openvino_computes_in_32_bits_unless_somebody_wants_it_otherwise(f32: bool) -> None:
    model = predictor(write(f32=f32)[OVMS_MANIFEST])["model"]
    assert isinstance(model, dict)
    if f32:
        option, value = model["args"]
        assert (option, json.loads(value)) == ("--plugin_config", {"INFERENCE_PRECISION_HINT": "f32"})
    else:
        assert "args" not in model
    assert "serviceAccountName" not in predictor(write(f32=f32)[OVMS_MANIFEST])


def test_a_manifest_of_a_store_that_is_a_folder_says_what_to_do() -> None:
    text = server_files(3, CONTRACT, "/data/store/", ServingSettings())[OVMS_MANIFEST]
    assert "# The store is a folder: copy releases/3/ into a bucket, and write its name for BUCKET." in text
    assert "storageUri: s3://BUCKET/releases/3/repository/traffic-signs" in text
    assert "BUCKET" not in write()[OVMS_MANIFEST]
