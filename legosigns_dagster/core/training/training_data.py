"""What a model is shown in training: a YOLO folder of LEGO, synthetic and replayed images, and the val images."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from legosigns_dagster.core.dataset.dataset import TRAIN, VAL, Dataset, LabeledImage
from legosigns_dagster.core.dataset.yolo_format import write_data_yaml, write_split
from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.slices import Slice
from legosigns_dagster.core.files import short_digest
from legosigns_dagster.core.lineage import require_lineage


@dataclass(frozen=True)
class TrainingData:
    """The three datasets of a training, in the order of the flow.

    Attributes:
        lego: Annotated images of LEGO signs (raw_annotations).
        synthetic: Synthetic images (synthetic_set), all of them train.
        classical: The images that the base learned from (classical_signs); may be empty.
    """

    lego: Dataset
    synthetic: Dataset
    classical: Dataset

    @property
    def val(self) -> Mapping[Slice, Dataset]:
        """The val images of each slice."""
        return {Slice.CLASSICAL: self.classical.part(VAL), Slice.LEGO: self.lego.part(VAL)}

    def versions(self) -> dict[str, str]:
        """First digits of each dataset's digest, by its asset."""
        datasets = {"raw_annotations": self.lego, "synthetic_set": self.synthetic, "classical_signs": self.classical}
        return {name: short_digest(dataset) for name, dataset in datasets.items()}

    def require_lineage(self) -> list[str]:
        """Require that the synthetic images were made from these annotated images.

        Made from others, they may show what is val or test here.

        Returns:
            A caveat where that is not known.

        Raises:
            ValueError: They were made from others.
        """
        if not len(self.synthetic.images):
            return []
        given = {"raw_annotations": short_digest(self.lego)}
        return require_lineage("synthetic_set", self.synthetic.made_from, given, "synthetic_set,model_weights")

    def require_contract(self, base: Weights) -> None:
        """Require that all three have exactly the base weights' classes and ids.

        Raises:
            ValueError: Names the dataset that has not.
        """
        base.classes.require(self.lego.classes, "raw_annotations")
        base.classes.require(self.synthetic.classes, "synthetic_set")
        base.classes.require(self.classical.classes, "classical_signs")

    def require_train_and_val(self) -> None:
        """Require annotated images to learn from and to measure on.

        Raises:
            ValueError: Says how many there are in each split.
        """
        found = {str(split): int(count) for split, count in self.lego.images["split"].value_counts().items()}
        if not {TRAIN, VAL} <= set(found):
            raise ValueError(
                f"raw_annotations has {found} images, expected some in train and in val: annotate more, or choose "
                "another split_seed"
            )


@dataclass(frozen=True)
class TrainingFolder:
    """The YOLO folder of a training.

    Attributes:
        data_yaml: Its `data.yaml`.
        slices: Slice of each val image, by its folder and name, as in `val-lego/a.jpg`.
        counts: Number of training images by kind, and how many an epoch shows.
    """

    data_yaml: Path
    slices: Mapping[str, Slice]
    counts: Mapping[str, int]


def choose_replay(classical: Dataset, settings: TrainingSettings) -> list[LabeledImage]:
    """Choose the classical train images that are replayed; another seed chooses others."""
    images = [image for image in classical if image.split == TRAIN]
    count = round(settings.replay * len(images))
    return sorted(random.Random(settings.seed).sample(images, count), key=lambda image: image.file)


def write_training_folder(data: TrainingData, settings: TrainingSettings, into: Path) -> TrainingFolder:
    """Write every training image and the val images of both slices as a YOLO folder."""
    train = {
        "lego": ([image for image in data.lego if image.split == TRAIN], data.lego.folder),
        "synthetic": ([image for image in data.synthetic if image.split == TRAIN], data.synthetic.folder),
        "replay": (choose_replay(data.classical, settings), data.classical.folder),
    }
    shown: list[Path] = []
    for kind, (images, folder) in train.items():
        files = write_split(images, folder, f"train-{kind}", into)
        shown += files * (settings.lego_repeats if kind == "lego" else 1)
    slices: dict[str, Slice] = {}
    for one, dataset in data.val.items():
        files = write_split(dataset, dataset.folder, one.val_folder, into)
        slices |= {f"{one.val_folder}/{file.name}": one for file in files}
    (into / "train.txt").write_text("".join(f"{file}\n" for file in shown), encoding="utf-8")
    val = [f"images/{one.val_folder}" for one, dataset in data.val.items() if len(dataset.images)]
    counts = {f"train {kind}": len(images) for kind, (images, _) in train.items()} | {"shown in an epoch": len(shown)}
    return TrainingFolder(write_data_yaml(into, "train.txt", val, data.lego.classes), slices, counts)
