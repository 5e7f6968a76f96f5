"""Fine-tuning without forgetting: what the model is shown, and the check that what comes back is this run's own."""

import random
import resource
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from legosigns_dagster.core.dataset import TRAIN, VAL, Dataset, LabeledImage
from legosigns_dagster.core.detector import Detector, Weights
from legosigns_dagster.core.interpolation import Mixing, Mixture
from legosigns_dagster.core.progress import Log
from legosigns_dagster.core.training_settings import TrainingSettings
from legosigns_dagster.core.yolo_format import write_data_yaml, write_split


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
    if not train["real"] or not len(held_out["real"].images):
        found = {str(split): int(count) for split, count in data.real.images["split"].value_counts().items()}
        raise ValueError(f"raw_annotations has {found} images, expected some in train and in val: annotate more, "
                         "or choose another split_seed")  # fmt: skip
    (into / "train.txt").write_text("".join(f"{file}\n" for file in shown), encoding="utf-8")
    val = [f"images/val-{kind}" for kind, dataset in held_out.items() if len(dataset.images)]
    counts = {f"train {kind}": len(images) for kind, images in train.items()}
    return write_data_yaml(into, "train.txt", val, data.real.classes), counts | {"shown in an epoch": len(shown)}


def mixed(
    detector: Detector, base: Weights, data: TrainingData, settings: TrainingSettings, work: Path, file: Path, log: Log
) -> list[Mixture]:
    """Replace the trained weights in this file by the best mixture with the base; all that were tried, see `choose`."""
    trained = work / "trained.pt"
    shutil.copyfile(file, trained)
    (folder := work / "mixtures").mkdir()
    parts = (data.classical.part(VAL), data.real.part(VAL))
    mixing = Mixing(detector, base, trained, *parts, settings.image_size, folder)
    return mixing.choose(settings.classical_loss, file, log)


def fine_tune(
    detector: Detector,
    base: Weights,
    data: TrainingData,
    settings: TrainingSettings,
    versions: dict[str, str],
    *,
    work: Path,
    into: Path,
    log: Log,
) -> Weights:
    """The base weights, trained further; ValueError unless what comes back keeps the base's classes.

    `versions` are the digests of what it learns from, kept with the weights. `work` is an empty folder for the
    training's own files, `into` one for the result: both are this run's, so a neighbour's weights cannot be taken.
    """
    data.require_contract(base)
    size = settings.image_size or base.image_size
    if size % 32:
        raise ValueError(f"image_size is {size}, expected a multiple of 32: use {max(size // 32, 1) * 32}")
    settings = settings.model_copy(update={"image_size": size})
    data_yaml, counts = write_training_folder(data, settings, work)
    log(f"training on {counts}, {settings.epochs} epochs at {size} px, batch {settings.batch}")
    start = time.monotonic()
    detector.fine_tune(base, data_yaml, settings, into, log)
    missing = [name for name in ("best.pt", "results.csv") if not (into / name).is_file()]
    if missing:
        raise FileNotFoundError(f"the training left no {', '.join(missing)} in {into}: see the log above for its end")
    mixtures = mixed(detector, base, data, settings, work, into / "best.pt", log) if settings.interpolate else []
    log("exporting ONNX")
    detector.export(into / "best.pt", size, into / "model.onnx")
    classes, _ = detector.read(into / "best.pt")
    base.classes.require(classes, "the trained model")
    trained_on: dict[str, object] = {"settings": settings.model_dump(), "images": counts, "versions": versions}
    trained_on["mixtures"] = [mixture.facts() for mixture in mixtures]
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    about: dict[str, object] = {"seconds": round(time.monotonic() - start, 1), "peak_memory_mb": peak_mb}
    return Weights(into, classes, size, trained_on, about)
