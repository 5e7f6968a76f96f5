"""Weights on disk: what a run trained, or what people gave us."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.detector.training_record import TrainingRecord
from legosigns_dagster.core.files import DIGITS, FolderIndex, file_sha256
from legosigns_dagster.core.inference.contract import FILE_NAME, ModelContract


@dataclass(frozen=True)
class Weights:
    """The weights of a detector.

    Those that a run trained come with `model.onnx`, its contract, and `results.csv` (a row an epoch).

    Attributes:
        folder: The folder that holds `best.pt`.
        classes: The classes that they tell apart.
        image_size: Longer side in pixels of the images that they were trained at.
        record: What they were trained on and how; None for weights that people gave.
        index: What is in the folder, once it was saved or loaded.
    """

    downloads_of_a_training: ClassVar[tuple[str, ...]] = ("best.pt", "model.onnx", FILE_NAME, "results.csv")
    folder: Path
    classes: SignClasses
    image_size: int
    record: TrainingRecord | None = None
    index: FolderIndex | None = field(default=None, compare=False, repr=False)

    @property
    def file(self) -> Path:
        """The PyTorch checkpoint. It is code: only load what you trust."""
        return self.folder / "best.pt"

    def short_digest(self) -> str:
        """First digits of the checkpoint's SHA-256. Everything that stands beside it follows from it."""
        digest = self.index[self.file.name].sha256 if self.index else file_sha256(self.file)
        return digest[:DIGITS]

    @property
    def contract(self) -> ModelContract | None:
        """What `model.onnx` takes and gives; None for weights that people gave, or that an old version trained."""
        file = self.folder / FILE_NAME
        return ModelContract.load(file) if file.is_file() else None

    @property
    def downloads(self) -> tuple[str, ...]:
        """Files that people download; none for weights that people gave."""
        return self.downloads_of_a_training if self.record else ()

    @property
    def latest(self) -> tuple[str, ...]:
        """Places in the store, which do not change, at which the newest file of the same name stands too.

        From the first release on, `models/model.onnx` is the current release's instead.
        """
        return ("results.csv", "models/model.onnx") if self.record else ()

    def save(self) -> Path:
        """Write classes, image size and record beside the checkpoint and return the folder."""
        facts = {"classes": self.classes.names, "image_size": self.image_size}
        (self.folder / "weights.json").write_text(json.dumps(facts, indent=1, sort_keys=True), encoding="utf-8")
        if self.record:
            self.record.save(self.folder)
        return self.folder

    @classmethod
    def load(cls, folder: Path) -> "Weights":
        """Load the weights that `save` left in this folder."""
        facts = json.loads((folder / "weights.json").read_text(encoding="utf-8"))
        classes = SignClasses(tuple(facts["classes"]))
        return cls(folder, classes, facts["image_size"], TrainingRecord.load(folder))
