"""Fine-tuning without forgetting, and the check that what comes back is this run's own."""

import math
import resource
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from legosigns_dagster.core.cautions import cautions_of
from legosigns_dagster.core.dataset import TRAIN, VAL
from legosigns_dagster.core.detector import Detector, Weights
from legosigns_dagster.core.interpolation import ALPHAS, Mixing, Mixture, Referee
from legosigns_dagster.core.lesson import CLASSICAL, LEGO, Lesson
from legosigns_dagster.core.progress import Log
from legosigns_dagster.core.score import Score
from legosigns_dagster.core.training_folder import TrainingData, write_training_folder
from legosigns_dagster.core.training_settings import TrainingSettings

EXPORT_S = 10.0


@dataclass(frozen=True)
class Bench:
    """Where a training works: its own empty folder, the folder of its result, its log, and who is handed every epoch's
    `best.pt` and `results.csv`. Both folders are this run's, so a neighbour's weights cannot be taken.
    """

    work: Path
    into: Path
    log: Log
    keep: Callable[[Path], None] = lambda _: None


@dataclass(frozen=True)
class Course:
    """What every training of a run shares: who trains, from which base, how it is judged, and the base's own score."""

    detector: Detector
    base: Weights
    settings: TrainingSettings
    referee: Referee
    score: Score
    ends_at: float = math.inf

    def taught(self, data: TrainingData, bench: Bench) -> tuple[dict[str, int], list[Mixture]]:
        """Train on this data and leave the best mixture as `best.pt`; how many images of which kind it was shown, and
        all mixtures that were tried, see `Mixing.choose`.
        """
        data_yaml, counts = write_training_folder(data, self.settings, bench.work)
        bench.log(f"training on {counts}, {self.settings.epochs} epochs at {self.settings.image_size} px")
        parts = {CLASSICAL: self.referee.classical, LEGO: self.referee.lego}
        slices = {
            f"val-{name}/{Path(str(file)).name}": name for name, part in parts.items() for file in part.images["file"]
        }
        classes = len(self.base.classes.names)
        distill = not len(data.classical.images)
        lesson = Lesson(data_yaml, classes, slices, self.score, bench.keep, distill, self.ends_at)
        self.detector.fine_tune(self.base, lesson, self.settings, bench.into, bench.log)
        missing = [name for name in ("best.pt", "results.csv") if not (bench.into / name).is_file()]
        if missing:
            raise FileNotFoundError(f"the training left no {', '.join(missing)} in {bench.into}: its log tells why")
        if not self.settings.interpolate:
            return counts, []
        shutil.copyfile(bench.into / "best.pt", bench.work / "trained.pt")
        mixing = Mixing(self.referee, self.base, bench.work / "trained.pt", bench.work)
        return counts, mixing.choose(self.score, self.settings.classical_loss, bench.into / "best.pt", bench.log)


def without_synthesis(course: Course, data: TrainingData, bench: Bench) -> Score:
    """The score of a training like this one without synthetic images, as many images shown in an epoch."""
    bench.log("once more without synthetic images, to see what they contribute")
    real, synthetic = (len(part.part(TRAIN).images) for part in (data.real, data.synthetic))
    repeats = course.settings.real_repeats + round(synthetic / real)
    settings = course.settings.model_copy(update={"real_repeats": repeats})
    own = Bench(bench.work / "without", bench.work / "without-into", bench.log)
    for folder in (own.work, own.into):
        folder.mkdir()
    referee = replace(course.referee, work=own.work / "scores")
    plain = replace(course, settings=settings, referee=referee, ends_at=math.inf)
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
        bench.log(f"WARNING: {caution}")
    referee = Referee(detector, data.classical.part(VAL), data.real.part(VAL), size, bench.work / "scores")
    scoring = time.monotonic()
    course = Course(detector, base, settings, referee, referee.score(base.file, base.classes, "base"))
    # What comes after the last epoch: a score for each mixture, and the export.
    after_s = (time.monotonic() - scoring) * len(ALPHAS) + EXPORT_S
    ends_at = start + 60 * settings.minutes - after_s if settings.minutes else math.inf
    counts, mixtures = replace(course, ends_at=ends_at).taught(data, bench)
    trained_on: dict[str, object] = {"settings": settings.model_dump(), "images": counts, "versions": versions}
    trained_on |= {"cautions": cautions, "mixtures": [mixture.facts() for mixture in mixtures]}
    if settings.measure_synthesis and len(data.synthetic.images):
        trained_on["without_synthesis"] = without_synthesis(course, data, bench).facts()
    bench.log("exporting ONNX")
    detector.export(bench.into / "best.pt", size, bench.into / "model.onnx")
    classes, _ = detector.read(bench.into / "best.pt")
    base.classes.require(classes, "the trained model")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    about: dict[str, object] = {"seconds": round(time.monotonic() - start, 1), "peak_memory_mb": peak_mb}
    return Weights(bench.into, classes, size, trained_on, about)
