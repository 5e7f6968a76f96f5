"""Golden files have what a server is asked, byte by byte, and what it must answer."""

import io
import json

import numpy as np
from PIL import Image

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.core.inference.prepare import Tensor, prepare
from legosigns_dagster.core.release.golden import golden_files

CONTRACT = ModelContract(SignClasses(("Stop",)), 32, (1, 5, 2), (0.25,))


def answer(tensor: Tensor) -> Tensor:
    assert tensor.shape == (1, 3, 32, 32)
    return np.array([[[16, 8], [16, 8], [8, 4], [8, 4], [0.9, 0.1]]], np.float32)


def test_a_request_a_server_understands_is_stored_with_its_answer() -> None:
    image = Image.new("RGB", (64, 64), (255, 0, 0))
    files = golden_files({"red": image}, CONTRACT, answer)
    assert set(files) == {"red/request.bin", "red/output.npy", "red/detections.json"}
    facts = json.loads(files["red/detections.json"])
    head, data = np.split(np.frombuffer(files["red/request.bin"], np.uint8), [facts["json_header_bytes"]])
    (given,) = json.loads(head.tobytes())["inputs"]
    assert given == {"name": "images", "shape": [1, 3, 32, 32], "datatype": "FP32",
                     "parameters": {"binary_data_size": len(data)}}  # fmt: skip
    tensor = np.frombuffer(data.tobytes(), "<f4").reshape(given["shape"])
    assert np.array_equal(tensor, prepare(image, CONTRACT)[0])
    assert np.array_equal(np.load(io.BytesIO(files["red/output.npy"])), answer(tensor))
    (found,) = facts["detections"]
    assert found["box"] == {"left": 24, "top": 24, "right": 40, "bottom": 40}
