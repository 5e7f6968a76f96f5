"""Fine-tuning without forgetting, and the check that what comes back is this run's own."""

import math
import resource
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from legosigns_dagster.core.dataset.dataset import TRAIN, VAL
from legosigns_dagster.core.detector.checkpoints import Checkpoints, training_key
from legosigns_dagster.core.detector.detector import Detector
from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.detector.training_job import CLASSICAL, LEGO, Lesson
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.core.progress import Log
from legosigns_dagster.core.training.caveats import cautions_of
from legosigns_dagster.core.training.interpolation import ALPHAS, Mixing, Mixture, Referee
from legosigns_dagster.core.training.training_data import TrainingData, write_training_folder

EXPORT_S = 10.0


@dataclass(frozen=True)
class Bench:
    """Where a training works: its own empty folder, the folder of its result, its log, who is handed every epoch's
    `best.pt` and `results.csv` (see `Lesson`), and where its state outlives it. Both folders are this run's, so a
    neighbour's weights cannot be taken.
    """

    work: Path
    into: Path
    log: Log
    keep: Callable[[Path], None] = lambda _: None
    checkpoints: Checkpoints | None = None


@dataclass(frozen=True)
class Course:
    """What every training of a run shares: who trains, from which base, how it is judged, the base's own score, until
    when, and the digests of what is learned from.
    """

    detector: Detector
    base: Weights
    settings: TrainingSettings
    referee: Referee
    score: Score
    ends_at: float = math.inf
    versions: Mapping[str, str] = field(default_factory=dict)

    def taught(self, data: TrainingData, bench: Bench) -> tuple[dict[str, int], list[Mixture], int]:
        """Train on this data and leave the best mixture as `best.pt`; how many images of which kind it was shown, all
        mixtures that were tried (see `Mixing.choose`), and how many epochs an interrupted training had done already.
        """
        data_yaml, counts = write_training_folder(data, self.settings, bench.work)
        bench.log.info(f"training on {counts}, {self.settings.epochs} epochs at {self.settings.image_size} px")
        parts = {CLASSICAL: self.referee.classical, LEGO: self.referee.lego}
        slices = {
            f"val-{name}/{Path(str(file)).name}": name for name, part in parts.items() for file in part.images["file"]
        }
        classes = len(self.base.classes.names)
        key = training_key(self.base.file, self.settings, self.versions)
        lesson = Lesson(data_yaml, classes, slices, self.score, bench.keep, self.ends_at, bench.checkpoints, key)
        done = self.detector.fine_tune(self.base, lesson, self.settings, bench.into, bench.log)
        missing = [name for name in ("best.pt", "results.csv") if not (bench.into / name).is_file()]
        if missing:
            raise FileNotFoundError(f"the training left no {', '.join(missing)} in {bench.into}: its log tells why")
        if not self.settings.interpolate:
            return counts, [], done
        shutil.copyfile(bench.into / "best.pt", bench.work / "trained.pt")
        mixing = Mixing(self.referee, self.base, bench.work / "trained.pt", bench.work)
        mixtures = mixing.choose(self.score, self.settings.classical_loss, bench.into / "best.pt", bench.log)
        return counts, mixtures, done


def without_synthesis(course: Course, data: TrainingData, bench: Bench) -> Score:
    """The score of a training like this one without synthetic images, as many images shown in an epoch."""
    bench.log.info("once more without synthetic images, to see what they contribute")
    real, synthetic = (len(part.part(TRAIN).images) for part in (data.real, data.synthetic))
    repeats = course.settings.real_repeats + round(synthetic / real)
    settings = course.settings.model_copy(update={"real_repeats": repeats})
    folders = (bench.work / "without", bench.work / "without-into")
    own = Bench(*folders, bench.log, checkpoints=bench.checkpoints)
    for folder in folders:
        folder.mkdir()
    referee = replace(course.referee, work=own.work / "scores")
    versions = {**course.versions, "synthetic_set": "left out"}
    plain = replace(course, settings=settings, referee=referee, ends_at=math.inf, versions=versions)
    plain.taught(replace(data, synthetic=data.synthetic.part("none")), own)
    return referee.score(own.into / "best.pt", course.base.classes, "chosen")


def sized(settings: TrainingSettings, base: Weights) -> TrainingSettings:
    """The settings with an image size, the base's where none is set; ValueError for one the network cannot take."""
    size = settings.image_size or base.image_size
    if size % 32:
        raise ValueError(f"image_size is {size}, expected a multiple of 32: use {max(size // 32, 1) * 32}")
    return settings.model_copy(update={"image_size": size})


def fine_tune(
    detector: Detector,
    base: Weights,
    data: TrainingData,
    settings: TrainingSettings,
    versions: dict[str, str],
    bench: Bench,
) -> Weights:
    """The base weights, trained further; ValueError unless what comes back keeps the base's classes.

    `versions` are the digests of what it learns from, kept with the weights.
    """
    start = time.monotonic()
    data.require_contract(base)
    data.require_parts()
    settings = sized(settings, base)
    size = settings.image_size
    cautions = cautions_of(base.image_size, size, data.classical, data.real)
    for caution in cautions:
        bench.log.warning(f"{caution}")
    referee = Referee(detector, data.classical.part(VAL), data.real.part(VAL), size, bench.work / "scores")
    scoring = time.monotonic()
    score = referee.score(base.file, base.classes, "base")
    course = Course(detector, base, settings, referee, score, versions=versions)
    # What comes after the last epoch: a score for each mixture, and the export.
    after_s = (time.monotonic() - scoring) * len(ALPHAS) + EXPORT_S
    ends_at = start + 60 * settings.minutes - after_s if settings.minutes else math.inf
    counts, mixtures, done = replace(course, ends_at=ends_at).taught(data, bench)
    trained_on: dict[str, object] = {"settings": settings.model_dump(), "images": counts, "versions": versions}
    trained_on |= {"cautions": cautions, "mixtures": [mixture.facts() for mixture in mixtures]}
    if settings.measure_synthesis and len(data.synthetic.images):
        trained_on["without_synthesis"] = without_synthesis(course, data, bench).facts()
    bench.log.info("exporting ONNX")
    detector.export(bench.into / "best.pt", size, bench.into / "model.onnx")
    classes, _ = detector.read(bench.into / "best.pt")
    base.classes.require(classes, "the trained model")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    about: dict[str, object] = {"seconds": round(time.monotonic() - start, 1), "peak_memory_mb": peak_mb}
    about |= {"resumed_from_epoch": done} if done else {}
    return Weights(bench.into, classes, size, trained_on, about)
