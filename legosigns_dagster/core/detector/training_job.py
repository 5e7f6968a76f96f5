"""What a detector is given to learn from, and what every epoch of its training is judged by."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from legosigns_dagster.core.detector.checkpoints import Checkpoints
from legosigns_dagster.core.evaluation.score import Score

CLASSICAL, LEGO = "classical", "real"


@dataclass(frozen=True)
class Lesson:
    """A YOLO `data.yaml`, the slice of each val image by its folder and name, and the base's own score.

    `keep` is called after every epoch with a folder that has `best.pt` and `results.csv` as they are by then, so that
    a training that is interrupted leaves what it had; what it wants to have for longer than the call it moves away.
    `ends_at` is when epochs must have ended, in seconds of `time.monotonic`. After every epoch the state is given to
    `checkpoints` under `key`, and a training starts from the state that it finds there.
    """

    data: Path
    classes: int
    slices: Mapping[str, str]
    base: Score
    keep: Callable[[Path], None]
    ends_at: float = math.inf
    checkpoints: Checkpoints | None = None
    key: str = ""
