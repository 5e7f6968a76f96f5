"""A detector that needs no torch: a checkpoint says what it finds, whatever it is shown."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import numpy as np

from legosigns_dagster.core.detector.detector import Detector
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.inference.contract import FILE_NAME, ModelContract
from legosigns_dagster.core.inference.prepare import Engine, Tensor
from legosigns_dagster_tests.support.builders import CLASSES

SIZE = 64
CONTRACT = ModelContract(CLASSES, SIZE, (1, 6, 2), (0.25, 0.25))
# The two boxes of each image of `make_dataset`, as centre, width and height in a square of 64 px: 8 px of it are above.
BOXES = ((14.0, 22.0, 20.0, 20.0), (40.0, 33.0, 20.0, 30.0))


def engine(speed: float, danger: float, right_px: float = 0) -> Engine:
    """An engine that finds both boxes of each image of `make_dataset`, with these confidences, so far to the right."""

    def answer(tensor: Tensor) -> Tensor:
        scale = tensor.shape[3] / SIZE
        boxes = np.array(BOXES).T * scale + np.array([[right_px * scale], [0], [0], [0]])
        found: Tensor = np.concatenate([boxes, np.diag([speed, danger])])[None].astype(np.float32)
        return found

    return answer


class FixedDetector:
    """Opens engines, which is all that an evaluation asks of a detector."""

    @contextmanager
    def open_engine(self, weights: Path) -> Iterator[Engine]:
        """Read what a checkpoint finds, by the size at which it is asked."""
        by_size = {int(size): engine(*found) for size, found in json.loads(weights.read_text()).items()}
        yield lambda tensor: by_size[tensor.shape[3]](tensor)


DETECTOR = cast(Detector, FixedDetector())


def write_weights(folder: Path, found: Mapping[int, Sequence[float]], contract: ModelContract | None = None) -> Weights:
    """Write weights, by size what `engine` takes; with a contract, also an exported model."""
    folder.mkdir()
    (folder / "best.pt").write_text(json.dumps(found))
    if contract:
        (folder / FILE_NAME).write_text(contract.to_json())
        (folder / "model.onnx").write_bytes(b"an exported model")
    return Weights(folder, CLASSES, SIZE)
