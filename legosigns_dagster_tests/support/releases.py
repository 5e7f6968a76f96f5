"""Something to release, made in a moment: a real ONNX file that finds one sign, whatever it is shown."""

import logging
import multiprocessing
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.core.release.release import Origin
from legosigns_dagster.resources.releases.publish import ReleaseDraft, publish_release
from legosigns_dagster.resources.storage.object_store import LocalObjectStore, ObjectStore
from legosigns_dagster.resources.storage.s3_client import S3

CONTRACT = ModelContract(SignClasses(("SpeedLimit", "DangerAhead")), 32, (1, 6, 2), (0.25, 0.25))


def write_model(into: Path, score: float) -> Path:
    """Write an ONNX file that answers every image with a SpeedLimit of this score in its middle."""
    answer = np.array([[[16, 8], [16, 8], [8, 4], [8, 4], [score, 0.01], [0.02, 0.01]]], np.float32)
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["answer", "nothing"], ["output0"]),
    ]
    constants = [
        numpy_helper.from_array(answer, "answer"),
        numpy_helper.from_array(np.zeros(1, np.float32), "zero"),
    ]
    tensors = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("images", CONTRACT.input_shape), ("output0", CONTRACT.output_shape))
    ]
    graph = helper.make_graph(nodes, "one_sign", tensors[:1], tensors[1:], constants)
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(into))
    return into


def make_draft(folder: Path, run_id: str, score: float = 0.9) -> ReleaseDraft:
    """Make all that is released, in a folder."""
    (folder / "golden" / "street").mkdir(parents=True, exist_ok=True)
    (folder / "golden" / "street" / "request.bin").write_bytes(bytes(range(256)) * 40)
    (folder / "golden" / "street" / "detections.json").write_text("[]")
    (folder / "best.pt").write_bytes(f"a checkpoint of {run_id}".encode())
    origin = Origin(run_id, {"model_weights": "0123456789ab"}, {"onnx_parity": "equal"}, "base weights")
    model = write_model(folder / "model.onnx", score)
    return ReleaseDraft(model, folder / "best.pt", CONTRACT, folder / "golden", origin)


@dataclass(frozen=True)
class StoreAddress:
    """Where a store is, for another process.

    Attributes:
        folder: The folder of a local store, where there is no bucket.
        bucket: The bucket.
        s3: The server's address and keys, as `S3` takes them.
    """

    folder: Path
    bucket: str = ""
    s3: Mapping[str, Any] = field(default_factory=dict)

    def open(self) -> ObjectStore:
        """Open it."""
        return S3(**self.s3).objects(self.bucket) if self.bucket else LocalObjectStore(self.folder)


def store_address(kind: str, request: pytest.FixtureRequest, folder: Path) -> StoreAddress:
    """The address of an empty store for a test: `local`, or a bucket of the tests' S3 server."""
    if kind == "local":
        return StoreAddress(folder)
    server, bucket = request.getfixturevalue("s3_server"), request.getfixturevalue("bucket")
    keys = {"endpoint_url": server.endpoint, "region_name": "us-east-1", "aws_access_key_id": server.access_key,
            "aws_secret_access_key": server.secret_key}  # fmt: skip
    return StoreAddress(folder, bucket, keys)


def publish_in_process(address: StoreAddress, draft: ReleaseDraft, started: Barrier) -> None:
    """Publish: what a process does that is killed, or that publishes at the same time as others."""
    objects = address.open()
    started.wait(60)
    publish_release(objects, draft, logging.getLogger("process"))


def fresh_processes() -> ForkServerContext:
    """Make processes from one that has loaded everything and has used nothing: each starts in milliseconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context
