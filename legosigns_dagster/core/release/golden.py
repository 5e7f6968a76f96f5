"""Golden answers: what a release answered to a few images when it was made, to be asked again where it is served."""

import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.core.inference.decode import decode
from legosigns_dagster.core.inference.prepare import Engine, Tensor, prepare
from legosigns_dagster.core.inference.requests import JSON_LENGTH, encode_binary


def golden_files(images: Mapping[str, Image.Image], contract: ModelContract, answer: Engine) -> dict[str, bytes]:
    """Ask the model about images, and write requests and answers.

    Args:
        images: Each as it is displayed, by a name without slashes.
        contract: The model's contract.
        answer: Gives the model's output for its input.

    Returns:
        Each file's content by its path, in a folder for each image: the `request.bin` of KServe's protocol v2, whose
        end is the input tensor, the model's `output.npy`, and `detections.json`.
    """
    files: dict[str, bytes] = {}
    for name, image in images.items():
        tensor, placement = prepare(image, contract)
        output = answer(tensor)
        body, headers = encode_binary(tensor, contract)
        detections = [asdict(one) for one in decode(output, contract, placement, contract.thresholds)]
        facts = {"image_size_wh": image.size, "json_header_bytes": int(headers[JSON_LENGTH]), "detections": detections}
        files[f"{name}/request.bin"] = body
        files[f"{name}/output.npy"] = npy(output)
        files[f"{name}/detections.json"] = json.dumps(facts, indent=1, sort_keys=True).encode()
    return files


def draw_fixed_image() -> Image.Image:
    """Draw an image that is the same in every release: a red disc with a white bar, on a grey gradient."""
    grey = np.tile(np.linspace(60, 200, 640, dtype=np.uint8), (480, 1))
    image = Image.fromarray(np.stack([grey] * 3, axis=2))
    pen = ImageDraw.Draw(image)
    pen.ellipse((240, 120, 420, 300), fill=(190, 20, 30))
    pen.rectangle((265, 195, 395, 225), fill=(250, 250, 250))
    return image


def npy(array: Tensor) -> bytes:
    """Write an array as a `.npy` file."""
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def write_files(files: Mapping[str, bytes], into: Path) -> None:
    """Write files below a folder."""
    for path, content in files.items():
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        (into / path).write_bytes(content)
