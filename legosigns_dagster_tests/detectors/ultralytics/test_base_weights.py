"""Every kind of detector either works up to its export, or is refused with the reason before any work is done."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest

from legosigns_dagster import sample
from legosigns_dagster.core.dataset.dataset import TRAIN, VAL
from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.training.fine_tuning import TrainingWorkspace, fine_tune
from legosigns_dagster.core.training.training_data import TrainingData
from legosigns_dagster.detectors.ultralytics.detector import UltralyticsDetector, library
from legosigns_dagster_tests.support.builders import make_dataset
from legosigns_dagster_tests.support.logs import SILENT
from legosigns_dagster_tests.support.tiny_networks import IMAGE_SIZE, NAMES, save_network, tiny_network

pytestmark = pytest.mark.filterwarnings("default")  # the libraries' own warnings are not ours to mend


def train(network: Any, folder: Path, **settings: Any) -> Weights:
    """Train a network for one epoch on a handful of images."""
    for name in ("base", "work", "into"):
        (folder / name).mkdir()
    file = save_network(network, folder / "base" / "best.pt")
    detector = UltralyticsDetector()
    base = Weights(file.parent, *detector.read(file))
    data = TrainingData(*(make_dataset(folder / name, TRAIN, VAL) for name in ("lego", "synthetic", "classical")))
    workspace = TrainingWorkspace(folder / "work", folder / "into", SILENT)
    return fine_tune(
        detector, base, data, TrainingSettings(epochs=1, batch=2, interpolate=False, **settings), workspace
    )


@pytest.mark.parametrize("name", ["yolov8n", "yolov10n", "yolo11n", "yolo12n", "yolo26n", "yolov8n-p2"])
def test_a_detector_of_this_kind_is_trained_and_exported_and_its_boxes_need_nms(name: str, tmp_path: Path) -> None:
    """Heads without NMS (10, 26) are exported with their other half, whose boxes overlap: (1, 4 + classes, anchors)."""
    weights = train(tiny_network(name), tmp_path)
    (output,) = onnx.load(weights.folder / "model.onnx").graph.output
    shape = [dimension.dim_value for dimension in output.type.tensor_type.shape.dim]
    strides = (4, 8, 16, 32) if name.endswith("p2") else (8, 16, 32)
    assert shape == [1, 4 + len(NAMES), sum((IMAGE_SIZE // stride) ** 2 for stride in strides)]


def test_a_detector_that_was_trained_further_from_one_of_80_classes_is_trained_further_again(tmp_path: Path) -> None:
    """Its head keeps the width of the first one's, which its own description does not have."""
    network = tiny_network("yolov8n")
    with library():
        network.load(tiny_network("yolov8n", nc=80), verbose=False)
    width = network.model[-1].cv3[0][-1].in_channels
    assert width == 80
    weights = train(network, tmp_path)
    with library() as ultralytics:
        assert ultralytics.YOLO(weights.file).model.model[-1].cv3[0][-1].in_channels == width


def test_an_image_size_between_the_steps_of_a_p6_network_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="image_size is 416, expected a multiple of 64: use 384"):
        train(tiny_network("yolov8n-p6"), tmp_path, image_size=416)
    assert list((tmp_path / "work").iterdir()) == []


def fused(network: Any) -> Any:
    return network.fuse(verbose=False)


def pruned(network: Any) -> Any:
    with library():
        import torch

    network.model[0].conv = torch.nn.Conv2d(3, 5, 3, 2, 1, bias=False)
    return network


def with_names(network: Any, names: dict[int, str]) -> Any:
    network.names = names
    return network


NETWORKS: dict[str, tuple[Callable[[], Any], str]] = {
    "fused": (lambda: fused(tiny_network("yolov8n")), "fused: its BatchNorm layers are folded"),
    # https://github.com/VainF/Torch-Pruning writes such files.
    "pruned": (lambda: pruned(tiny_network("yolov8n")), "changed after it was built.*such as model.0.conv.weight"),
    "segmentation": (lambda: tiny_network("yolov8n-seg", "SegmentationModel"), "a model for 'segment'"),
    "pose": (lambda: tiny_network("yolov8n-pose", "PoseModel"), "a model for 'pose'"),
    "rotated boxes": (lambda: tiny_network("yolov8n-obb", "OBBModel"), "a model for 'obb'"),
    "classifier": (lambda: tiny_network("yolov8n-cls", "ClassificationModel"), "a model for 'classify'"),
    "RT-DETR": (lambda: tiny_network("yolov8n-rtdetr", "RTDETRDetectionModel"), "a RTDETRDetectionModel with the head"),
    "YOLO-World": (lambda: tiny_network("yolov8n-worldv2", "WorldModel", nc=80), "a WorldModel with the head"),
    "four channels": (lambda: tiny_network("yolov8n", channels=4), "for images of 4 channels, not 3"),
    "a name too few": (lambda: with_names(tiny_network("yolov8n"), {0: "sign"}), "of 2 classes with 1 names"),
}


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_network_that_cannot_be_trained_further_is_refused_with_the_reason(kind: str, tmp_path: Path) -> None:
    make, reason = NETWORKS[kind]
    file = save_network(make(), tmp_path / "best.pt")
    with pytest.raises(ValueError, match=rf"best\.pt is .*{reason}.*expected the \.pt file of a detector"):
        UltralyticsDetector().read(file)


def torch_file(make: Callable[[Any], Any]) -> Callable[[Path], None]:
    """A file that torch.save writes."""

    def write(file: Path) -> None:
        with library():
            import torch
        torch.save(make(torch), file)

    return write


def write_torchscript(file: Path) -> None:
    with library():
        import torch
    torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)).save(str(file))


def write_onnx(file: Path) -> None:
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    tensors = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1]) for name in ("x", "y")]
    onnx.save(onnx.helper.make_model(onnx.helper.make_graph([node], "net", tensors[:1], tensors[1:])), file)


def write_zip(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("weights/best.pt", b"zipped")


FILES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "bare network": (torch_file(lambda _: tiny_network("yolov8n")), "a bare network, as torch.save writes it"),
    "state_dict": (torch_file(lambda torch: torch.nn.Linear(2, 2).state_dict()), "a state_dict: weights without"),
    "state_dict in a checkpoint": (
        torch_file(lambda torch: {"epoch": 3, "model": torch.nn.Linear(2, 2).state_dict()}),
        "a state_dict: weights without a network",
    ),
    "another library's network": (torch_file(lambda torch: {"model": torch.nn.Linear(2, 2)}), "network is a torch.nn"),
    "another library's keys": (torch_file(lambda _: {"meta": {}, "hyper": 1}), "with the keys meta, hyper"),
    "a pickle": (torch_file(lambda _: [1, 2]), "not an Ultralytics detector .*'list'"),
    "TorchScript": (write_torchscript, "a TorchScript model, which is exported"),
    "ONNX": (write_onnx, "an ONNX model, which is exported"),
    "an archive": (write_zip, "not an Ultralytics detector"),
    "empty": (lambda file: file.write_bytes(b""), "empty"),
    "cut off": (
        lambda file: file.write_bytes((sample.FOLDER / "base.pt").read_bytes()[:100_000]),
        "damaged, or was not copied to its end",
    ),
    "a pointer of Git LFS": (
        lambda file: file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
        "a pointer of Git LFS",
    ),
    "a web page": (lambda file: file.write_text("\n<!DOCTYPE html><html>Sign in</html>"), "a web page or an error"),
    "safetensors": (lambda file: file.write_bytes(bytes([2, 0, 0, 0, 0, 0, 0, 0]) + b'{"a": 1}'), "of safetensors"),
    "Keras": (lambda file: file.write_bytes(b"\x89HDF\r\n\x1a\n"), "an HDF5 file"),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_of_another_kind_is_refused_as_what_it_is(kind: str, tmp_path: Path) -> None:
    write, reason = FILES[kind]
    write(tmp_path / "best.pt")
    with pytest.raises(ValueError, match=rf"best\.pt is .*{reason}.*expected the \.pt file of a detector"):
        UltralyticsDetector().read(tmp_path / "best.pt")
