"""What a detector is given to learn from, and what every epoch of its training is judged by."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from legosigns_dagster.core.score import Score

CLASSICAL, LEGO = "classical", "real"


@dataclass(frozen=True)
class Lesson:
    """A YOLO `data.yaml`, the slice of each val image by its folder and name, and the base's own score.

    `keep` is called after every epoch with a folder that has `best.pt` and `results.csv` as they are by then, so that
    a training that is interrupted leaves what it had. `distill` asks for the base's own answers to be kept where there
    are no old images to rehearse. `ends_at` is when epochs must have ended, in seconds of `time.monotonic`.
    """

    data: Path
    classes: int
    slices: Mapping[str, str]
    base: Score
    keep: Callable[[Path], None]
    distill: bool = False
    ends_at: float = math.inf
