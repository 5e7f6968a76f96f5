"""Weights on disk: what a run trained, or what people gave us."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.files import ABOUT, FolderIndex


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
    index: FolderIndex | None = field(default=None, compare=False, repr=False)

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
