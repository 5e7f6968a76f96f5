"""The exported model, asked by its contract, finds what Ultralytics itself finds. Slow: it runs a network."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image

from legosigns_dagster import sample
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.inference.contract import METADATA_KEY, ModelContract
from legosigns_dagster.core.inference.decode import decode
from legosigns_dagster.core.inference.detection import Detection
from legosigns_dagster.core.inference.prepare import prepare
from legosigns_dagster.detectors.ultralytics.detector import UltralyticsDetector, library
from legosigns_dagster_tests.support.builders import pixels

pytestmark = pytest.mark.filterwarnings("default")  # the libraries' own warnings are not ours to mend

BASE = sample.FOLDER / "base.pt"
IMAGES = sorted((sample.FOLDER / "classical-signs" / "images").rglob("*.jpg"))[:20]
THRESHOLDS = (0.25, 0.25)


def export(size: int, folder: Path) -> tuple[Path, ModelContract]:
    return folder / "model.onnx", UltralyticsDetector().export(BASE, size, THRESHOLDS, folder / "model.onnx")


def ask(file: Path, contract: ModelContract, images: Sequence[Path]) -> list[list[Detection]]:
    session = onnxruntime.InferenceSession(file)
    answers = []
    for image in images:
        tensor, placement = prepare(Image.open(image), contract)
        (output,) = session.run([contract.output_name], {contract.input_name: tensor})
        answers.append(decode(output, contract, placement, contract.thresholds))
    return answers


def predict(images: Sequence[Path], size: int) -> list[list[Detection]]:
    with library() as ultralytics:
        model = ultralytics.YOLO(BASE)
        found = [model.predict(image, imgsz=size, rect=False, conf=0.25, verbose=False)[0].boxes for image in images]
    return [
        [
            Detection(int(class_id), float(confidence), PixelBox(*map(float, box)))
            for class_id, confidence, box in zip(boxes.cls, boxes.conf, boxes.xyxy, strict=True)
        ]
        for boxes in found
    ]


@pytest.mark.parametrize("size", [256, 320])
def test_every_detection_of_the_exported_model_is_one_of_ultralytics_prediction(size: int, tmp_path: Path) -> None:
    file, contract = export(size, tmp_path)
    ours, theirs = ask(file, contract, IMAGES), predict(IMAGES, size)
    assert sum(map(len, theirs)) > 20
    for mine, other in zip(ours, theirs, strict=True):
        assert [one.class_id for one in mine] == [one.class_id for one in other]
        for one, two in zip(mine, other, strict=True):
            assert one.box.iou(two.box) > 0.99
            assert one.confidence == pytest.approx(two.confidence, abs=0.01)


@pytest.mark.parametrize("size_wh", [(640, 480), (333, 517), (1280, 100), (30, 40)])
def test_an_image_is_scaled_as_ultralytics_scales_it(size_wh: tuple[int, int]) -> None:
    """To one grey value of 256: both round."""
    image = pixels(3, size_wh)
    with library():
        from ultralytics.data.augment import LetterBox

        theirs = LetterBox((256, 256), auto=False)(image=np.asarray(image)).transpose(2, 0, 1)
    contract = ModelContract(UltralyticsDetector().read(BASE)[0], 256, (1, 6, 1344), THRESHOLDS)
    ours = prepare(image, contract)[0][0] * 255
    assert np.abs(ours - theirs).max() <= 1.01


def test_the_contract_in_the_file_is_the_one_that_is_given_back(tmp_path: Path) -> None:
    file, contract = export(640, tmp_path)
    metadata = {entry.key: entry.value for entry in onnx.load(file).metadata_props}
    assert ModelContract.from_json(metadata[METADATA_KEY], "model.onnx") == contract
    assert (contract.image_size, contract.output_shape) == (640, (1, 6, 8400))
    assert (contract.input_name, contract.output_name) == ("images", "output0")
    assert contract.classes.names == ("SpeedLimit", "DangerAhead")
