"""The workshop's own client asks a model at 640 px: JSON, in its own words, and without any code of this project."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import requests

from legosigns_dagster_tests.support.served_models import VAL_IMAGES, ExportedModel
from legosigns_dagster_tests.support.triton import Triton

NAMES = {0: "SpeedLimit", 1: "DangerAhead"}


def read_pixels(file: str) -> Any:
    pixels = cv2.imread(file)
    assert pixels is not None
    return pixels


def ask_as_the_workshop_does(file: str, infer_url: str) -> list[tuple[str, float, list[float]]]:
    """Pad to a square at the right and below, resize to 640, send as JSON, and suppress over all classes together."""
    pixels = read_pixels(file)
    side = max(pixels.shape[:2])
    square = np.zeros((side, side, 3), np.uint8)
    square[: pixels.shape[0], : pixels.shape[1]] = pixels
    blob = cv2.dnn.blobFromImage(square, scalefactor=1 / 255, size=(640, 640), swapRB=True)
    given = {"name": "images", "shape": [1, 3, 640, 640], "datatype": "FP32", "data": blob.flatten().tolist()}
    answer = requests.post(infer_url, json={"inputs": [given]}, timeout=120).json()
    output = answer["outputs"][0]
    assert (output["shape"], output["datatype"]) == ([1, 6, 8400], "FP32")
    rows = np.array(output["data"]).reshape(output["shape"])[0].T
    boxes, scores, class_ids = [], [], []
    for row in rows:
        score = float(row[4:].max())
        if score >= 0.25:
            boxes.append([row[0] - row[2] / 2, row[1] - row[3] / 2, row[2], row[3]])
            scores.append(score)
            class_ids.append(int(row[4:].argmax()))
    kept = cv2.dnn.NMSBoxes(boxes, scores, 0.25, 0.45, 0.5)
    scale = side / 640
    return [(NAMES[class_ids[i]], scores[i], [edge * scale for edge in boxes[i]]) for i in kept]


def annotated(file: str) -> list[tuple[str, list[float]]]:
    """The signs of an image as its label file has them: class, and left, top, width and height in pixels."""
    height, width = read_pixels(file).shape[:2]
    lines = Path(file.replace("/images/", "/labels/")).with_suffix(".txt").read_text(encoding="utf-8").splitlines()
    rows = [[float(word) for word in line.split()] for line in lines]
    return [
        (NAMES[int(c)], [(x - w / 2) * width, (y - h / 2) * height, w * width, h * height]) for c, x, y, w, h in rows
    ]


def overlap(one: list[float], other: list[float]) -> float:
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    high = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    both = max(wide, 0) * max(high, 0)
    return both / (one[2] * one[3] + other[2] * other[3] - both)


@pytest.mark.parametrize("model", ["new"])
def test_the_workshop_s_client_finds_signs_where_they_are(
    model: str, model_server: Triton, workshop_model: ExportedModel
) -> None:
    assert workshop_model.contract.input_shape == (1, 3, 640, 640)
    found = signs = 0
    for file in map(str, VAL_IMAGES[:6]):
        answers = ask_as_the_workshop_does(file, f"{model_server.url}/v2/models/{model}/infer")
        for name, box in annotated(file):
            signs += 1
            found += any(name == one and overlap(box, where) > 0.5 for one, _, where in answers)
    assert signs >= 6
    assert found >= 0.6 * signs, "the sample's images are smaller than 640 px: some signs are missed at that size"
