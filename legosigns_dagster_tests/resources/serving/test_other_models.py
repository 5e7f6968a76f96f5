"""A real server with a model that is not the expected one: each a clear error, before a tensor is sent."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.images.decoded_image import decode
from legosigns_dagster.resources.serving.addresses import ModelAddress
from legosigns_dagster.resources.serving.endpoint import Endpoint, ServingError
from legosigns_dagster.resources.serving.grpc_endpoint import GrpcEndpoint
from legosigns_dagster.resources.serving.http_session import Access
from legosigns_dagster.resources.serving.onnx_file import OnnxEndpoint
from legosigns_dagster.resources.serving.rest import RestEndpoint
from legosigns_dagster.resources.serving.served_model import connect
from legosigns_dagster_tests.support.served_models import CLASSES, VAL_IMAGES, ExportedModel
from legosigns_dagster_tests.support.triton import Triton, add_version, triton

NO_RETRIES = Access(retries=0)


def endpoint(server: Triton, model: str, wire: str = "rest") -> Endpoint:
    if wire == "grpc":
        return GrpcEndpoint(ModelAddress(server.grpc_url, model), NO_RETRIES)
    return RestEndpoint(ModelAddress(server.url, model), NO_RETRIES)


def refusal(endpoint: Endpoint, *arguments: object) -> str:
    with pytest.raises(ServingError) as error:
        connect("m", endpoint, *arguments)  # type: ignore[arg-type]
    endpoint.close()
    return str(error.value)


@pytest.mark.parametrize("wire", ["rest", "grpc"])
def test_a_model_of_another_name_is_an_error_that_lists_those_that_there_are(wire: str, model_server: Triton) -> None:
    told = refusal(endpoint(model_server, "signs", wire), None, CLASSES.names)
    assert "has no model 'signs' that is ready" in told
    assert "give one by --model of " in told
    assert "onnxruntime (version 1, READY)" in told


@pytest.mark.parametrize("wire", ["rest", "grpc"])
def test_a_model_of_another_size_is_asked_nothing(
    wire: str, model_server: Triton, exported: ExportedModel, workshop_model: ExportedModel
) -> None:
    told = refusal(endpoint(model_server, "onnxruntime", wire), workshop_model.contract)
    assert "has the input images FP32 [1, 3, 256, 256]" in told
    assert "says images FP32 [1, 3, 640, 640]: it is another model; give its own contract by --contract" in told


def test_a_contract_of_more_classes_is_an_error_with_their_names(model_server: Triton, exported: ExportedModel) -> None:
    other = replace(
        exported.contract, classes=SignClasses(("A", "B", "Stop")), output_shape=(1, 7, 1344), thresholds=(0.25,) * 3
    )
    told = refusal(endpoint(model_server, "onnxruntime"), other)
    assert "its contract for the classes A, B, Stop says output0 FP32 [1, 7, 1344]" in told


@pytest.mark.parametrize(
    ("classes", "told"),
    [
        ((), "tells 2 classes apart, and no names are known: give 2 by --classes, or a --contract"),
        (("A", "B", "C"), "tells 2 classes apart, and the 3 names A, B, C were given: give 2 by --classes"),
    ],
)
def test_without_a_contract_there_must_be_a_name_for_each_class(
    classes: tuple[str, ...], told: str, model_server: Triton
) -> None:
    assert told in refusal(endpoint(model_server, "onnxruntime"), None, classes)


def test_names_that_contradict_the_contract_are_an_error(model_server: Triton, exported: ExportedModel) -> None:
    told = refusal(endpoint(model_server, "onnxruntime"), exported.contract, ("DangerAhead", "SpeedLimit"))
    assert "has the classes SpeedLimit, DangerAhead, and --classes are DangerAhead, SpeedLimit" in told


@pytest.mark.parametrize("wire", ["rest", "grpc"])
def test_another_datatype_is_an_error(wire: str, model_server: Triton, exported: ExportedModel) -> None:
    told = refusal(endpoint(model_server, "float64", wire), exported.contract)
    assert "has the output output0 FP64 [1, 6, 1344]" in told
    assert "says output0 FP32 [1, 6, 1344]" in told


@pytest.mark.parametrize("wire", ["rest", "grpc"])
def test_a_ready_server_that_answers_empty_tensors_is_an_error(
    wire: str, model_server: Triton, exported: ExportedModel
) -> None:
    model = connect("m", endpoint(model_server, "empty", wire), exported.contract)
    with pytest.raises(
        ServingError, match=r"answered an empty tensor output0 of shape \[0\]: the server is ready, but"
    ):
        model.detect(decode(VAL_IMAGES[0]).upright)
    model.endpoint.close()


@pytest.mark.parametrize("wire", ["rest", "grpc"])
def test_what_the_server_says_of_a_wrong_shape_is_in_the_error(
    wire: str, model_server: Triton, exported: ExportedModel
) -> None:
    asked = endpoint(model_server, "onnxruntime", wire)
    with pytest.raises(ServingError, match="could not answer .*shape"):
        asked.infer(np.zeros((1, 3, 320, 320), np.float32), exported.contract)
    asked.close()


def test_each_of_the_two_ports_says_that_it_is_the_other_one(model_server: Triton) -> None:
    rest = RestEndpoint(ModelAddress(model_server.grpc_url, "new"), NO_RETRIES)
    assert "does not speak HTTP" in refusal(rest)
    grpc = GrpcEndpoint(ModelAddress(model_server.url, "new"), NO_RETRIES)
    assert "is this its port for gRPC" in refusal(grpc)


def test_a_file_that_is_no_model_and_one_that_is_not_there_are_errors(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ServingError, match=r"model\.onnx is no model that onnxruntime can run"):
        OnnxEndpoint(tmp_path / "model.onnx")
    with pytest.raises(ServingError, match=r"other\.onnx is no file, expected a model as an ONNX file"):
        OnnxEndpoint(tmp_path / "other.onnx")


@pytest.fixture
def own_server(exported: ExportedModel, tmp_path: Path) -> Iterator[Triton]:
    """A server of the test's own, whose one model changes."""
    add_version(tmp_path / "models", "signs", exported.onnx, exported.shapes)
    with triton(tmp_path / "models", ["signs"], tmp_path) as server:
        yield server


def answering_version(server: Triton, model: ExportedModel, version: str = "") -> str:
    asked = RestEndpoint(ModelAddress(server.url, "signs", version), NO_RETRIES)
    found = connect("m", asked, model.contract).detect(decode(VAL_IMAGES[0]).upright)
    asked.close()
    assert found.detections
    return found.version


def test_versions_come_and_go_and_a_broken_one_leaves_the_good_ones_answering(
    own_server: Triton, exported: ExportedModel, tmp_path: Path
) -> None:
    assert answering_version(own_server, exported) == "1"
    add_version(tmp_path / "models", "signs", exported.onnx, exported.shapes, version=2)
    assert own_server.load("signs").ok
    assert answering_version(own_server, exported) == "2"
    assert answering_version(own_server, exported, "1") == "1"

    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    add_version(tmp_path / "models", "signs", broken, exported.shapes, version=3)
    assert own_server.load("signs").status_code == 400
    assert answering_version(own_server, exported) == "2"
    assert "version 3" in refusal(RestEndpoint(ModelAddress(own_server.url, "signs", "3"), NO_RETRIES))

    own_server.unload("signs")
    told = refusal(RestEndpoint(ModelAddress(own_server.url, "signs"), NO_RETRIES))
    assert re.search(r"signs \(version 2, (UNLOADING|UNAVAILABLE: unloaded)\)", told)


def test_a_detector_with_suppression_in_its_graph_is_one_of_another_layout(
    exported: ExportedModel, tmp_path: Path
) -> None:
    add_version(tmp_path / "models", "end2end", exported.onnx, (256, "1, 300, 6"), "empty")
    with triton(tmp_path / "models", ["end2end"], tmp_path) as server:
        told = refusal(endpoint(server, "end2end"), None, CLASSES.names)
    assert "gives output0 FP32 [1, 300, 6], expected FP32 [1, 4 + classes, anchors]" in told
    assert "export it again with end2end=False and nms=False" in told
