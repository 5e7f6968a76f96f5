"""What a model is shown in training: a YOLO folder of new, synthetic and rehearsed images, and both val parts."""

import random
from dataclasses import dataclass
from pathlib import Path

from legosigns_dagster.core.dataset.dataset import TRAIN, VAL, Dataset, LabeledImage
from legosigns_dagster.core.dataset.yolo_format import write_data_yaml, write_split
from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.detector.weights import Weights


@dataclass(frozen=True)
class TrainingData:
    """The three sources of a training, in the order of the flow."""

    real: Dataset
    synthetic: Dataset
    classical: Dataset

    def require_contract(self, base: Weights) -> None:
        """ValueError unless all three have exactly the base weights' classes and ids."""
        base.classes.require(self.real.classes, "raw_annotations")
        base.classes.require(self.synthetic.classes, "synthetic_set")
        base.classes.require(self.classical.classes, "classical_signs")

    def require_parts(self) -> None:
        """ValueError unless there is something to learn from and something to measure on."""
        found = {str(split): int(count) for split, count in self.real.images["split"].value_counts().items()}
        if not {TRAIN, VAL} <= set(found):
            raise ValueError(
                f"raw_annotations has {found} images, expected some in train and in val: annotate more, or choose "
                "another split_seed"
            )


def choose_replay(classical: Dataset, settings: TrainingSettings) -> list[LabeledImage]:
    """The share of the classical train images that is repeated; another seed chooses others."""
    images = [image for image in classical if image.split == TRAIN]
    count = round(settings.replay * len(images))
    return sorted(random.Random(settings.seed).sample(images, count), key=lambda image: image.file)


def write_training_folder(data: TrainingData, settings: TrainingSettings, into: Path) -> tuple[Path, dict[str, int]]:
    """A YOLO folder with every training image and both val parts; its data.yaml, and how many images of which kind."""
    train = {
        "real": [image for image in data.real if image.split == TRAIN],
        "synthetic": [image for image in data.synthetic if image.split == TRAIN],
        "replay": choose_replay(data.classical, settings),
    }
    folders = {"real": data.real.folder, "synthetic": data.synthetic.folder, "replay": data.classical.folder}
    shown: list[Path] = []
    for kind, images in train.items():
        files = write_split(images, folders[kind], f"train-{kind}", into)
        shown += files * (settings.real_repeats if kind == "real" else 1)
    held_out = {"real": data.real.part(VAL), "classical": data.classical.part(VAL)}
    for kind, dataset in held_out.items():
        write_split(dataset, dataset.folder, f"val-{kind}", into)
    (into / "train.txt").write_text("".join(f"{file}\n" for file in shown), encoding="utf-8")
    val = [f"images/val-{kind}" for kind, dataset in held_out.items() if len(dataset.images)]
    counts = {f"train {kind}": len(images) for kind, images in train.items()}
    return write_data_yaml(into, "train.txt", val, data.real.classes), counts | {"shown in an epoch": len(shown)}
