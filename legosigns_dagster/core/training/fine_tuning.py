"""Fine-tuning without forgetting: train, select between the base and the trained weights, export."""

import math
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from legosigns_dagster.core.dataset.dataset import TRAIN
from legosigns_dagster.core.detector.checkpoints import Checkpoints, training_key
from legosigns_dagster.core.detector.detector import Detector
from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.detector.training_job import TrainingJob, ignore_epoch
from legosigns_dagster.core.detector.training_record import Selection, TrainingRecord, TrainingRun
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.core.evaluation.thresholds import advised_thresholds
from legosigns_dagster.core.inference.contract import FILE_NAME
from legosigns_dagster.core.progress import Log
from legosigns_dagster.core.training.caveats import find_caveats
from legosigns_dagster.core.training.interpolation import ALPHAS, select_interpolation
from legosigns_dagster.core.training.training_data import TrainingData, write_training_folder
from legosigns_dagster.core.training.validation import ValidationScorer

EXPORT_S = 10.0


@dataclass(frozen=True)
class TrainingWorkspace:
    """Where one run trains, whom it tells, and where its state outlives it.

    Both folders are this run's own and empty, so another run's weights cannot be taken for its result.

    Attributes:
        work: For the training folder and everything temporary.
        into: For the result.
        log: For progress and warnings.
        on_epoch_end: See `TrainingJob`.
        checkpoints: See `TrainingJob`.
    """

    work: Path
    into: Path
    log: Log
    on_epoch_end: Callable[[Path], None] = ignore_epoch
    checkpoints: Checkpoints | None = None


@dataclass(frozen=True)
class TrainingResult:
    """What `train_and_select` left besides the weights.

    Attributes:
        selection: The choice between base and trained weights; None where interpolation was off.
        resumed_from_epoch: Epochs that an interrupted training had finished already.
    """

    selection: Selection | None
    resumed_from_epoch: int


def train_and_select(base: Weights, job: TrainingJob, scorer: ValidationScorer, into: Path, log: Log) -> TrainingResult:
    """Train, select between the base and the trained weights, and write `best.pt` and `results.csv` into `into`.

    Raises:
        FileNotFoundError: When the training left no weights.
        FloatingPointError: When the loss is NaN or infinite.
    """
    settings = job.settings
    resumed_from_epoch = scorer.detector.fine_tune(base, job, into, log)
    missing = [name for name in ("best.pt", "results.csv") if not (into / name).is_file()]
    if missing:
        raise FileNotFoundError(f"the training left no {', '.join(missing)} in {into}: its log tells why")
    selection = None
    if settings.interpolate:
        best, max_map_drop = into / "best.pt", settings.max_map_drop
        selection = select_interpolation(scorer, base, job.base_score, best, job.folder, max_map_drop, log)
    return TrainingResult(selection, resumed_from_epoch)


def score_without_synthesis(
    base: Weights, data: TrainingData, job: TrainingJob, scorer: ValidationScorer, work: Path, log: Log
) -> Score:
    """Score a second training, without synthetic images, that shows as many images in an epoch."""
    log.info("once more without synthetic images, to see what they contribute")
    lego, synthetic = (len(dataset.part(TRAIN).images) for dataset in (data.lego, data.synthetic))
    repeats = job.settings.lego_repeats + round(synthetic / lego)
    settings = job.settings.model_copy(update={"lego_repeats": repeats})
    (into := work / "result").mkdir(parents=True)
    plain = write_training_folder(replace(data, synthetic=data.synthetic.part()), settings, work / "training")
    key = training_key(base.file, settings, data.versions() | {"synthetic_set": "left out"})
    second = replace(
        job, data_yaml=plain.data_yaml, slices=plain.slices, settings=settings, key=key,
        deadline=math.inf, on_epoch_end=ignore_epoch,
    )  # fmt: skip
    train_and_select(base, second, scorer, into, log)
    return scorer.score(into / "best.pt")


def resolve_image_size(settings: TrainingSettings, base: Weights, step: int) -> TrainingSettings:
    """Replace sizes of 0: the image size by the base's, the serving size by the image size.

    Raises:
        ValueError: For a size that the network cannot take, which is no multiple of `step`, with the nearest that it
            can.
    """
    size = settings.image_size or base.image_size
    sizes = {"image_size": size, "serving_size": settings.serving_size or size}
    for name, value in sizes.items():
        if value % step:
            raise ValueError(f"{name} is {value}, expected a multiple of {step}: use {max(value // step, 1) * step}")
    return settings.model_copy(update=sizes)


def fine_tune(
    detector: Detector, base: Weights, data: TrainingData, settings: TrainingSettings, workspace: TrainingWorkspace
) -> Weights:
    """Train the base weights further on the new signs while replaying the old ones.

    Raises:
        ValueError: For data that do not belong together, or that or whose image size cannot be trained on, and when
            the trained weights do not have the base's classes.
        FloatingPointError: When the loss is NaN or infinite.
    """
    start, log = time.monotonic(), workspace.log
    data.require_contract(base)
    lineage = data.require_lineage()
    data.require_train_and_val()
    settings = resolve_image_size(settings, base, detector.image_size_step(base))
    caveats = [*lineage, *find_caveats(base.image_size, settings.image_size, data.classical, data.lego)]
    for caveat in caveats:
        log.warning(caveat)
    scorer = ValidationScorer(detector, data.val, settings.image_size)
    base_score, deadline = score_base(scorer, base, settings, start)
    versions = data.versions()
    folder = write_training_folder(data, settings, workspace.work)
    log.info(f"training on {folder.counts}, {settings.epochs} epochs at {settings.image_size} px")
    job = TrainingJob(
        folder.data_yaml, folder.slices, len(base.classes.names), settings, base_score, deadline,
        workspace.on_epoch_end, workspace.checkpoints, training_key(base.file, settings, versions),
    )  # fmt: skip
    trained = train_and_select(base, job, scorer, workspace.into, log)
    without = None
    if settings.measure_synthesis and len(data.synthetic.images):
        without = score_without_synthesis(base, data, job, scorer, workspace.work / "without", log)
    export_onnx(scorer, base, settings.serving_size, workspace)
    run = TrainingRun(round(time.monotonic() - start, 1), peak_memory_mb(), trained.resumed_from_epoch)
    made_from = versions | {"base_weights": base.short_digest()}
    record = TrainingRecord(settings, folder.counts, made_from, caveats, trained.selection, without, run)
    return Weights(workspace.into, base.classes, settings.image_size, record)


def score_base(
    scorer: ValidationScorer, base: Weights, settings: TrainingSettings, start: float
) -> tuple[Score, float]:
    """Score the base weights, and tell when epochs must end so that all is done in `settings.minutes`.

    Returns:
        The score, and the deadline in seconds of `time.monotonic`, infinite without a limit.
    """
    before = time.monotonic()
    score = scorer.score(base.file)
    if not settings.minutes:
        return score, math.inf
    # What comes after the last epoch: a score for each candidate, the thresholds, and the export.
    after_s = (time.monotonic() - before) * (len(ALPHAS) + 1) + EXPORT_S
    return score, start + 60 * settings.minutes - after_s


def export_onnx(scorer: ValidationScorer, base: Weights, serving_size: int, workspace: TrainingWorkspace) -> None:
    """Write `model.onnx` and its contract beside the new weights, whose classes must be the base's.

    Args:
        scorer: Finds the advised thresholds on the val images.
        base: The base weights.
        serving_size: Width and height in pixels of the model's input.
        workspace: Its folder `into` has the new weights.
    """
    best = workspace.into / "best.pt"
    workspace.log.info(f"exporting ONNX for {serving_size} px")
    base.classes.require(scorer.detector.read(best)[0], "the trained model")
    matches = list(scorer.matches(best).values())
    thresholds = advised_thresholds(matches, len(base.classes.names))
    contract = scorer.detector.export(best, serving_size, thresholds, workspace.into / "model.onnx")
    (workspace.into / FILE_NAME).write_text(contract.to_json(), encoding="utf-8")


def peak_memory_mb() -> int:
    """The largest resident set of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
