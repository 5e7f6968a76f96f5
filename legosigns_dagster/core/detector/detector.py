"""What the pipeline asks of a detector, whoever makes it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.evaluation.evaluation import Evaluation
from legosigns_dagster.core.files import ABOUT
from legosigns_dagster.core.detector.training_job import Lesson
from legosigns_dagster.core.progress import Log
from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.detector.settings import TrainingSettings


@dataclass(frozen=True)
class Weights:
    """Trained weights: `best.pt` in `folder`, its classes, the image size in pixels that it was trained at.

    Weights that a run trained come with `model.onnx`, `results.csv` (a row an epoch) and, in `trained_on`, what they
    learned from and how; `about` holds what differs from run to run, such as the wall time.
    """

    downloads_of_a_training: ClassVar[tuple[str, ...]] = ("best.pt", "model.onnx", "results.csv")
    folder: Path
    classes: SignClasses
    image_size: int
    trained_on: dict[str, object] | None = None
    about: dict[str, object] | None = None

    @property
    def file(self) -> Path:
        """The PyTorch checkpoint. It is code: only load what you trust."""
        return self.folder / "best.pt"

    @property
    def downloads(self) -> tuple[str, ...]:
        """Files that people download; none where these are weights that somebody gave us."""
        return self.downloads_of_a_training if self.trained_on else ()

    @property
    def latest(self) -> tuple[str, ...]:
        """Files that also stand at the store's root, for those who only want the newest."""
        return ("results.csv",) if self.trained_on else ()

    def save(self) -> Path:
        """Write the facts beside the checkpoint and return the folder."""
        facts = {"classes": self.classes.names, "image_size": self.image_size, "trained_on": self.trained_on}
        (self.folder / "weights.json").write_text(json.dumps(facts, indent=1, sort_keys=True), encoding="utf-8")
        (self.folder / ABOUT).mkdir(exist_ok=True)
        (self.folder / ABOUT / "training.json").write_text(json.dumps(self.about, indent=1), encoding="utf-8")
        return self.folder

    @classmethod
    def load(cls, folder: Path) -> "Weights":
        """The weights that `save` left in this folder."""
        facts = json.loads((folder / "weights.json").read_text(encoding="utf-8"))
        about = json.loads((folder / ABOUT / "training.json").read_text(encoding="utf-8"))
        classes = SignClasses(tuple(facts["classes"]))
        return cls(folder, classes, facts["image_size"], facts["trained_on"], about)


class Detector(Protocol):
    """Reads weights, trains them further, and says what they find."""

    def sees_gpu(self) -> bool:
        """Whether there is a GPU to train on."""

    def read(self, file: Path) -> tuple[SignClasses, int]:
        """The classes of a weights file and the image size in pixels it was trained at.

        ValueError that names the file when it is not a detector's.
        """

    def sees_sign(self, weights: Weights, images: Sequence[Path]) -> list[bool]:
        """For each image whether the weights find any sign in it with a confidence of at least 0.25."""

    def fine_tune(self, base: Weights, lesson: Lesson, settings: TrainingSettings, into: Path, log: Log) -> int:
        """Train `base` further on a lesson and put best.pt and results.csv (a row an epoch) into `into`.

        The number of epochs that an interrupted training had finished already, and from which this one went on.
        FloatingPointError where the loss becomes no number.
        """

    def mix(self, base: Weights, trained: Path, alpha: float, into: Path) -> None:
        """Write to file `into` the weights that lie `alpha` (0 to 1) of the way from the base to the trained ones."""

    def export(self, weights: Path, image_size: int, into: Path) -> None:
        """Write the weights to file `into` as ONNX, for images of this size."""

    def evaluate(self, weights: Weights, dataset: Dataset, image_size: int, work: Path) -> Evaluation:
        """The metrics and detections of the weights on all images of a dataset; `work` is an empty folder."""
