"""What the client finds over a real server is what Ultralytics itself finds."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.images.decoded_image import decode
from legosigns_dagster.core.inference.detection import Detection
from legosigns_dagster.core.inference.prepare import prepare
from legosigns_dagster.resources.serving.addresses import ModelAddress
from legosigns_dagster.resources.serving.endpoint import Endpoint
from legosigns_dagster.resources.serving.grpc_endpoint import GrpcEndpoint
from legosigns_dagster.resources.serving.http_session import Access
from legosigns_dagster.resources.serving.onnx_file import OnnxEndpoint
from legosigns_dagster.resources.serving.rest import RestEndpoint
from legosigns_dagster.resources.serving.served_model import connect
from legosigns_dagster_tests.support.served_models import (
    CLASSES,
    LEGO_IMAGES,
    VAL_IMAGES,
    ExportedModel,
    small_server,
    without_bytes,
)
from legosigns_dagster_tests.support.triton import Triton

IMAGES = [*VAL_IMAGES, *LEGO_IMAGES[::7]]
WIRES = ("binary", "json", "grpc")


@dataclass(frozen=True)
class Wires:
    """Endpoints of one server, and where they are closed."""

    server: Triton
    opened: list[Endpoint]

    def open(self, model: str, wire: str, version: str = "") -> Endpoint:
        url = self.server.grpc_url if wire == "grpc" else self.server.url
        place, access = ModelAddress(url, model, version), Access()
        endpoint = GrpcEndpoint(place, access) if wire == "grpc" else RestEndpoint(place, access, wire == "binary")
        self.opened.append(endpoint)
        return endpoint


@pytest.fixture
def wires(model_server: Triton) -> Iterator[Wires]:
    wires = Wires(model_server, [])
    yield wires
    for endpoint in wires.opened:
        endpoint.close()


@pytest.fixture(scope="module")
def expected(exported: ExportedModel) -> dict[Path, list[Detection]]:
    """What Ultralytics' own prediction finds in each image."""
    from ultralytics import YOLO

    model, found = YOLO(exported.folder / "best.pt"), {}
    for file in IMAGES:
        boxes = model.predict(str(file), imgsz=256, rect=False, conf=0.25, verbose=False, save=False)[0].boxes
        rows = zip(boxes.cls.tolist(), boxes.conf.tolist(), boxes.xyxy.tolist(), strict=True)
        found[file] = [Detection(int(class_id), score, PixelBox(*corners)) for class_id, score, corners in rows]
    assert sum(map(len, found.values())) > 60
    return found


def assert_same(found: list[Detection], wanted: list[Detection]) -> None:
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        assert one.class_id == other.class_id
        assert abs(one.confidence - other.confidence) < 0.01
        assert one.box.iou(other.box) > 0.99


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("wire", WIRES)
def test_every_detection_over_the_server_is_one_of_ultralytics_and_the_other_way_round(
    wire: str, engine: str, wires: Wires, exported: ExportedModel, expected: dict[Path, list[Detection]]
) -> None:
    model = connect(engine, wires.open(engine, wire), exported.contract)
    for file in IMAGES if wire == "binary" else IMAGES[::8]:
        assert_same(model.detect(decode(file).upright).detections, expected[file])


def test_the_file_on_this_machine_finds_the_same(
    exported: ExportedModel, expected: dict[Path, list[Detection]]
) -> None:
    endpoint = OnnxEndpoint(exported.onnx)
    model = connect("file", endpoint, endpoint.stored_contract())
    for file in IMAGES:
        assert_same(model.detect(decode(file).upright).detections, expected[file])
    endpoint.close()


def test_bytes_json_and_grpc_answer_the_same_numbers(wires: Wires, exported: ExportedModel) -> None:
    tensor, _ = prepare(decode(VAL_IMAGES[0]).upright, exported.contract)
    first, *others = (wires.open("onnxruntime", wire).infer(tensor, exported.contract) for wire in WIRES)
    assert first.output.shape == exported.contract.output_shape
    assert all(np.array_equal(first.output, other.output) for other in others)
    assert {first.version, *(other.version for other in others)} == {"1"}


@pytest.mark.parametrize("wire", ["binary", "grpc"])
def test_without_a_contract_names_and_size_come_from_the_server(
    wire: str, wires: Wires, exported: ExportedModel
) -> None:
    assert connect("m", wires.open("onnxruntime", wire), classes=CLASSES.names).contract == exported.contract


def test_a_server_that_refuses_bytes_is_asked_with_json_from_then_on(
    model_server: Triton, exported: ExportedModel, expected: dict[Path, list[Detection]]
) -> None:
    with small_server(without_bytes(model_server.url)) as small:
        endpoint = RestEndpoint(ModelAddress(small.url, "onnxruntime"), Access())
        model = connect("m", endpoint, exported.contract)
        for file in IMAGES[:3]:
            assert_same(model.detect(decode(file).upright).detections, expected[file])
        endpoint.close()
    asked = [request for request in small.requests if request.endswith("/infer")]
    assert len(asked) == 4, "one refusal, then three answers"
