"""What model servers want beside the model: Triton's configuration, and manifests for KServe."""

from typing import Any

import yaml
from pydantic import BaseModel, Field

from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.core.release.layout import (
    MODEL_NAME,
    OVMS_MANIFEST,
    REPOSITORY,
    TRITON_CONFIG,
    TRITON_MANIFEST,
    release_key,
)

NO_BUCKET = "s3://BUCKET/"  # where the store is a folder, which no cluster can read
F32 = ["--plugin_config", '{"INFERENCE_PRECISION_HINT":"f32"}']


class ServingSettings(BaseModel, frozen=True):
    """How a release is served in a cluster."""

    ovms_runtime: str = Field("kserve-ovms", description="Name of the ServingRuntime with OpenVINO Model Server.")
    triton_runtime: str = Field("kserve-tritonserver", description="Name of the ServingRuntime with Triton.")
    service_account: str = Field(
        "", description="The service account with the keys of the bucket; without one, the namespace's default one."
    )
    f32: bool = Field(
        True,
        description="Let OpenVINO Model Server compute in 32 bits. Without it, CPUs with bfloat16 are twice as fast, "
        "with boxes off by half a pixel and scores by 0.02.",
    )


def server_files(number: int, contract: ModelContract, store: str, settings: ServingSettings) -> dict[str, str]:
    """Write what the servers want, by the path below the release's folder.

    Args:
        number: The release's number.
        contract: The model's contract.
        store: The address of the store, which ends with a slash: `s3://bucket/`, or a folder.
        settings: How the release is served.
    """
    bucket = store if store.startswith("s3://") else NO_BUCKET
    repository = f"{bucket}{release_key(number, REPOSITORY)}"
    ovms = {
        "modelFormat": {"name": "onnx", "version": "1"},
        "runtime": settings.ovms_runtime,
        "storageUri": f"{repository}/{MODEL_NAME}",
    } | ({"args": F32} if settings.f32 else {})
    triton = {
        "modelFormat": {"name": "triton", "version": "2"},
        "protocolVersion": "v2",
        "runtime": settings.triton_runtime,
        "storageUri": repository,
    }
    return {
        TRITON_CONFIG: triton_config(contract),
        OVMS_MANIFEST: inference_service(number, ovms, settings),
        TRITON_MANIFEST: inference_service(number, triton, settings),
    }


def triton_config(contract: ModelContract) -> str:
    """Write Triton's `config.pbtxt` for a model with a fixed batch of one."""
    tensors = {
        "input": (contract.input_name, contract.input_shape),
        "output": (contract.output_name, contract.output_shape),
    }
    lines = [f'name: "{MODEL_NAME}"', 'backend: "onnxruntime"', "max_batch_size: 0"]
    for kind, (name, shape) in tensors.items():
        dimensions = ", ".join(map(str, shape))
        lines += [f"{kind} [", f'  {{ name: "{name}" data_type: TYPE_FP32 dims: [ {dimensions} ] }}', "]"]
    return "\n".join(lines) + "\n"


def inference_service(number: int, model: dict[str, Any], settings: ServingSettings) -> str:
    """Write KServe's manifest, for `kubectl apply`. Its path names the release: another one is another path."""
    account = {"serviceAccountName": settings.service_account} if settings.service_account else {}
    manifest = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "name": MODEL_NAME,
            "annotations": {"serving.kserve.io/deploymentMode": "RawDeployment", "legosigns/release": str(number)},
        },
        # The old pod answers until the new one is ready; one that never gets ready takes nobody's place.
        "spec": {
            "predictor": account
            | {"deploymentStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}}
            | {"model": model}
        },
    }
    head = f"# Release {number}. Roll out, and back, with `kubectl apply -f` of the release that is to answer.\n"
    if str(model["storageUri"]).startswith(NO_BUCKET):
        head += f"# The store is a folder: copy {release_key(number)} into a bucket, and write its name for BUCKET.\n"
    return head + yaml.safe_dump(manifest, sort_keys=False)
