"""Golden files have what a server is asked, byte by byte, and what it must answer."""

import io
import json

import numpy as np
from PIL import Image

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.core.inference.prepare import Tensor, prepare
from legosigns_dagster.core.release.golden import draw_fixed_image, golden_files

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


def test_the_drawn_image_is_a_red_disc_with_a_white_bar_on_a_grey_gradient() -> None:
    """Releases are compared by their answers to it: in another image, an answer would differ for no reason."""
    image = draw_fixed_image()
    assert (image.size, image.mode) == ((640, 480), "RGB")
    places = {"left edge": (0, 0), "right edge": (639, 479), "bar": (330, 210), "disc above": (330, 150),
              "disc below": (330, 270), "beside the disc": (430, 210)}  # fmt: skip
    seen = {name: image.getpixel(place) for name, place in places.items()}
    red, white = (190, 20, 30), (250, 250, 250)
    assert seen == {"left edge": (60,) * 3, "right edge": (200,) * 3, "bar": white, "disc above": red,
                    "disc below": red, "beside the disc": (154,) * 3}  # fmt: skip
