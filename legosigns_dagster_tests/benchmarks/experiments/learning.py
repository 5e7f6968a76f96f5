"""What the default recipe gives, beside the public notebooks' one and beside Ultralytics alone, in one table.

`LEGOSIGNS_REAL_DATA=FOLDER python -m legosigns_dagster_tests.benchmarks.experiments.learning --seeds 0 1 2` trains the
default recipe for each view of the room held out and each seed, the notebooks' recipe for each view, and then times
training against `yolo train` with the same arguments, and a comparison against two `yolo val`, on one core each.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from legosigns_dagster.core.dataset.dataset import VAL
from legosigns_dagster.core.dataset.yolo_format import write_data_yaml, write_split
from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.detector.training_job import TrainingJob
from legosigns_dagster.core.evaluation.bootstrap import bootstrap_intervals
from legosigns_dagster.core.files import file_sha256
from legosigns_dagster.core.synthesis.generate import make_synthetic_set
from legosigns_dagster.core.synthesis.settings import SynthesisSettings
from legosigns_dagster.core.training.fine_tuning import train_and_select
from legosigns_dagster.core.training.training_data import TrainingData, write_training_folder
from legosigns_dagster.core.training.validation import ValidationScorer
from legosigns_dagster.detectors.ultralytics.detector import UltralyticsDetector
from legosigns_dagster.detectors.ultralytics.training.arguments import training_arguments
from legosigns_dagster_tests.benchmarks.experiments.recipes import (
    FOLDS,
    arguments,
    load,
    mean,
    prepared_in,
    results,
    train_all,
)
from legosigns_dagster_tests.support.evaluations import evaluate_dataset
from legosigns_dagster_tests.support.logs import SILENT

MODULE = "legosigns_dagster_tests.benchmarks.experiments.learning"
REFERENCE, OURS = "reference, 50 epochs", "default"
SHORT = TrainingSettings(image_size=416, epochs=3, replay=0.4, lego_repeats=1, interpolate=False)


def small_data(prepared: Path, work: Path) -> tuple[Any, TrainingData]:
    """The real data, and a training set of which three epochs take a minute or two."""
    given = load(prepared)
    (work / "synthetic").mkdir()
    made = make_synthetic_set(SynthesisSettings(images=16), given.cutouts, given.backgrounds, given.real,
                              work / "synthetic", SILENT)  # fmt: skip
    return given, TrainingData(given.real, made, given.classical)


def train_ours(prepared: Path, work: Path) -> None:
    """Time our training, and print the digest of what it leaves."""
    given, data = small_data(prepared, work)
    for name in ("work", "into"):
        (work / name).mkdir()
    detector = UltralyticsDetector()
    scorer = ValidationScorer(detector, data.val, 416)
    base_score = scorer.score(given.base.file)
    start = time.monotonic()
    folder = write_training_folder(data, SHORT, work / "work")
    job = TrainingJob(folder.data_yaml, folder.slices, len(given.base.classes.names), SHORT, base_score)
    train_and_select(given.base, job, scorer, work / "into", SILENT)
    seconds = time.monotonic() - start
    print(json.dumps({"seconds": seconds, "digest": file_sha256(work / "into" / "best.pt")}))


def train_theirs(prepared: Path, work: Path) -> None:
    """Time Ultralytics' own training with the same arguments and images, as `yolo train` runs it."""
    given, data = small_data(prepared, work)
    folder = write_training_folder(data, SHORT, work / "yolo")
    from ultralytics import YOLO

    model = YOLO(given.base.file)
    start = time.monotonic()
    model.train(**training_arguments(folder.data_yaml, SHORT, work, False, False))
    print(json.dumps({"seconds": time.monotonic() - start}))


def compare_both(prepared: Path, work: Path) -> None:
    """Time a comparison of two weights, and two `yolo val`, of which each runs twice: the first loads libraries."""
    given = load(prepared)
    part = given.classical.part(VAL)
    write_split(part, part.folder, "val", work / "yolo")
    data = write_data_yaml(work / "yolo", "images/val", "images/val", part.classes)
    from ultralytics import YOLO

    def theirs() -> None:
        for _ in range(2):
            YOLO(given.base.file).val(
                data=str(data), imgsz=416, batch=4, plots=False, verbose=False, workers=0,
                project=str(work), name="theirs", exist_ok=True,
            )  # fmt: skip

    def ours() -> None:
        found = [evaluate_dataset(UltralyticsDetector(), given.base, part, 416).matches for _ in range(2)]
        bootstrap_intervals(found[0], found[1], list(found[0].files))

    print(json.dumps({"theirs": timed(theirs), "ours": timed(ours)}))


def timed(call: Callable[[], None]) -> float:
    """Seconds of the faster of two further calls."""
    call()
    seconds = []
    for _ in range(2):
        start = time.monotonic()
        call()
        seconds.append(time.monotonic() - start)
    return min(seconds)


PARTS = {"ours": train_ours, "theirs": train_theirs, "compare": compare_both}


def measured(part: str, prepared: Path) -> dict[str, Any]:
    """What a part prints, run in a process and on a core of its own."""
    core = str(min(os.sched_getaffinity(0)))
    command = ["taskset", "-c", core, sys.executable, "-m", MODULE, "--part", part, "--out", str(prepared.parent)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "YOLO_OFFLINE": "true"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def seconds_to(row: dict[str, Any], wanted: float) -> float:
    """When the best weights so far first reach this mAP50 on the view held out; infinite where they never do."""
    return min((seconds for seconds, map50, _ in row["epochs"] if map50 >= wanted), default=float("inf"))


def learned(out: Path) -> list[tuple[str, str, str, str]]:
    """What was learned and forgotten: what, against what, what was wanted, what was found."""
    found = results(out)
    ours, reference = found[OURS], found[REFERENCE]
    by_seed = {seed: [row for row in ours if row["seed"] == seed] for seed in sorted({row["seed"] for row in ours})}
    lost = {seed: mean(of, "classical", 1) - mean(of, "base classical", 1) for seed, of in by_seed.items()}
    reference_lost = mean(reference, "classical", 1) - mean(reference, "base classical", 1)
    gain = mean(ours, "lego", 0) - mean(reference, "lego", 0)
    by_fold = {row["fold"]: row for row in reference}
    shares = [seconds_to(row, by_fold[row["fold"]]["lego"][0]) / by_fold[row["fold"]]["seconds"] for row in ours]
    maps = " / ".join(f"{mean(ours, 'lego', index):.3f}" for index in (0, 1))
    theirs = " / ".join(f"{mean(reference, 'lego', index):.3f}" for index in (0, 1))
    return [
        ("classical val mAP50-95, new minus base", f"{reference_lost:+.3f}", "-0.010 at least",
         ", ".join(f"{value:+.3f} (seed {seed})" for seed, value in lost.items())),
        ("LEGO mAP50 / mAP50-95, views held out", theirs, "+0.050 mAP50", f"{maps} ({gain:+.3f} mAP50)"),
        ("time to the reference's LEGO mAP50", "1", "0.33 at most",
         f"{statistics.median(shares):.2f} (median of {len(shares)} runs, {min(shares):.2f} to {max(shares):.2f})"),
    ]  # fmt: skip


def alone(prepared: Path) -> list[tuple[str, str, str, str]]:
    """Beside Ultralytics alone."""
    first, second, theirs = (measured(part, prepared) for part in ("ours", "ours", "theirs"))
    both = measured("compare", prepared)
    return [
        ("training, beside yolo train", f"{theirs['seconds']:.0f} s", "1.03 at most",
         f"{first['seconds']:.0f} s: {first['seconds'] / theirs['seconds']:.2f}"),
        ("two weights compared, beside two yolo val", f"{both['theirs']:.1f} s", "1.10 at most",
         f"{both['ours']:.1f} s: {both['ours'] / both['theirs']:.2f}"),
        ("the same seed twice", "", "equal digests",
         f"{first['digest'][:12]} and {second['digest'][:12]}"),
    ]  # fmt: skip


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--part", choices=PARTS, help="one measurement, in this process")
    parser.add_argument("--only-times", action="store_true", help="train no recipe")
    given = parser.parse_args()
    prepared = prepared_in(given.out, given.base)
    if given.part:
        with tempfile.TemporaryDirectory() as folder:
            PARTS[given.part](prepared, Path(folder))
        return
    rows = [("what", "against", "wanted", "found")]
    if not given.only_times:
        train_all([REFERENCE], FOLDS, [0], given.out)
        train_all([OURS], FOLDS, given.seeds, given.out)
        rows += learned(given.out)
    rows += alone(prepared)
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    main()
