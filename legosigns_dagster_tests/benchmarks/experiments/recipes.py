"""What each remedy against forgetting gives, alone and together, on real images of scenes that were held out.

`LEGOSIGNS_REAL_DATA=FOLDER python -m legosigns_dagster_tests.benchmarks.experiments.recipes NAME …` trains each named
recipe once for each fold and seed, a process of one thread for each core, and prints a table of all results in `--out`;
what is there already is not trained again. A fold holds out one view of the room: nothing of it is seen in training,
nor by the selection of epoch and interpolation, which is made on val images of the other views.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from legosigns_dagster import sample
from legosigns_dagster.core.dataset.dataset import TEST, TRAIN, VAL, Dataset, LabeledImage
from legosigns_dagster.core.dataset.splits import SplitSettings, split_for
from legosigns_dagster.core.dataset.yolo_format import read_yolo, write_data_yaml, write_split
from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.evaluation import ALL
from legosigns_dagster.core.ingestion.incremental import extract_dataset
from legosigns_dagster.core.ingestion.settings import Recipe as DatasetRecipe
from legosigns_dagster.core.synthesis.backgrounds import Backgrounds, read_backgrounds
from legosigns_dagster.core.synthesis.cutouts import CutoutSet, read_cutouts
from legosigns_dagster.core.synthesis.generate import make_synthetic_set
from legosigns_dagster.core.synthesis.settings import SynthesisSettings
from legosigns_dagster.core.training.fine_tuning import TrainingWorkspace, fine_tune
from legosigns_dagster.core.training.training_data import TrainingData
from legosigns_dagster.detectors.ultralytics.detector import UltralyticsDetector, library
from legosigns_dagster.resources.label_studio.images import ImageFetcher
from legosigns_dagster.resources.label_studio.sources import ExportSource
from legosigns_dagster.resources.storage.locations import Location
from legosigns_dagster_tests.support.evaluations import evaluate_dataset
from legosigns_dagster_tests.support.logs import SILENT, PrintedLog

# Which way the camera looks, by the images' names: frames of one view share furniture and light. Bench shots show signs
# close up and are always trained on.
DOOR = ("1718290301", "1718290436", "1718290459", "1718290468", "1718290475", "1718290483", "1718290484", "1718290491",
        "small_IMG_1520", "small_IMG_1521", "small_IMG_1522")  # fmt: skip
MODULE = "legosigns_dagster_tests.benchmarks.experiments.recipes"
FOLDS = ("door", "phone", "train camera")


def view_of(name: str) -> str:
    """The view of an image; empty for a bench shot."""
    if name.startswith(DOOR):
        return "door"
    return "phone" if name.startswith("small_") else "train camera" if name.startswith("17") else ""


@dataclass(frozen=True)
class Given:
    """The real data, read once."""

    base: Weights
    classical: Dataset
    cutouts: CutoutSet
    backgrounds: Backgrounds
    real: Dataset


def nowhere() -> Any:
    raise AssertionError("nothing is in S3 here")


def prepare(data: Path, base: Path, into: Path) -> None:
    """Read everything with the project's own readers and save it below a folder."""
    detector, log = UltralyticsDetector(), PrintedLog()
    folders = {name: into / name for name in ("base", "classical", "cutouts", "backgrounds", "real")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    (folders["base"] / "best.pt").write_bytes(base.read_bytes())
    weights = Weights(folders["base"], *detector.read(folders["base"] / "best.pt"))
    weights.save()
    read_yolo(data / "classical-signs", weights.classes, folders["classical"], "classical", log).save()
    read_cutouts(data / "sign-cutouts", weights.classes, folders["cutouts"], log).save()
    read_backgrounds(
        data / "backgrounds", lambda images: detector.sees_sign(weights, images), folders["backgrounds"], log
    ).save()
    export = ExportSource(Location(str(data / "lego-signs/label-studio-export.json"), "LABEL_STUDIO_EXPORT", nowhere))
    images = Location(str(data / "lego-signs/images"), "LABEL_STUDIO_IMAGES", nowhere)
    (into / "incoming").mkdir()
    fetch = ImageFetcher(images, nowhere)
    recipe = DatasetRecipe(weights.classes)
    extract_dataset(export.extract(into / "incoming"), None, fetch, recipe, folders["real"], log).save()


def load(folder: Path) -> Given:
    """What `prepare` left."""
    return Given(
        Weights.load(folder / "base"),
        Dataset.load(folder / "classical"),
        CutoutSet.load(folder / "cutouts"),
        Backgrounds.load(folder / "backgrounds"),
        Dataset.load(folder / "real"),
    )


def folded(real: Dataset, fold: str) -> Dataset:
    """The annotated images with a view as test; of the others, a quarter of the groups as val."""
    names = dict(zip(real.sources["file"], real.sources["image"], strict=True))

    def split_of(file: str, group: str) -> str:
        view = view_of(names[file])
        return TEST if view == fold else TRAIN if not view else split_for(group, SplitSettings())

    pairs = zip(real.images["file"], real.images["group"], strict=True)
    return replace(real, images=real.images.assign(split=[split_of(file, group) for file, group in pairs]))


@dataclass(frozen=True)
class Recipe:
    """Settings that depart from the project's defaults; or the public notebooks' recipe for so many epochs."""

    synthesis: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    reference_epochs: int = 0
    old: str = "classical"


AT_416: dict[str, Any] = {"image_size": 416}
SHORT: dict[str, Any] = AT_416 | {"epochs": 3}
SLOW: dict[str, Any] = {"replay": 1.0, "ema_decay": 0.98, "mosaic": 0.5, "epochs": 6}
# None of the remedies: what a plain fine-tuning on new and synthetic images does.
PLAIN: dict[str, Any] = SHORT | {
    "replay": 0.0, "freeze_batchnorm_stats": False, "learning_rate": 1.67e-3, "ema_decay": 0.0,
}  # fmt: skip
RECIPES: Mapping[str, Recipe] = {
    "reference, 10 epochs": Recipe(reference_epochs=10),
    "reference, 50 epochs": Recipe(reference_epochs=50),
    "default": Recipe(training=AT_416),
    "replay 0.7": Recipe(training=AT_416 | {"replay": 0.7}),
    "learning rate 5e-4": Recipe(training=AT_416 | {"learning_rate": 5e-4, "ema_decay": 0.0}),
    "learning rate 2e-3": Recipe(training=AT_416 | {"learning_rate": 2e-3}),
    "less replay": Recipe(training=AT_416 | {"learning_rate": 5e-4, "ema_decay": 0.0, "replay": 0.35}),
    "all replayed, slow average": Recipe(training=AT_416 | SLOW | {"learning_rate": 5e-4}),
    "the same, 3e-4": Recipe(training=AT_416 | SLOW | {"learning_rate": 3e-4}),
    "more synthesis, mosaic to the end": Recipe(
        {"images": 240, "max_distractors": 6},
        AT_416 | {"learning_rate": 5e-4, "mosaic": 1.0, "lego_repeats": 2},
    ),
    "signs from the side, in all light": Recipe(
        {"yaw_degrees": 70, "defocus": 0.1, "darkest": 0.4, "cast": 0.25}, AT_416
    ),
    "default, 3 epochs": Recipe(training=SHORT),
    "no remedy": Recipe(training=PLAIN),
    "replay alone": Recipe(training=PLAIN | {"replay": TrainingSettings().replay}),
    "statistics alone": Recipe(training=PLAIN | {"freeze_batchnorm_stats": True}),
    "gentle optimiser alone": Recipe(training=PLAIN | {"learning_rate": 3e-4}),
    "without replay": Recipe(training=SHORT | {"replay": 0.0}),
    "without kept statistics": Recipe(training=SHORT | {"freeze_batchnorm_stats": False}),
    "backbone frozen": Recipe(training=SHORT | {"freeze": 10}),
    "no synthesis": Recipe({"images": 0}, SHORT | {"lego_repeats": 9}),
    "synthesis on road scenes alone": Recipe({"on_annotated": 0.0}, SHORT),
    "no classical set": Recipe(training=SHORT, old="none"),
    "no classical set, pseudo-labels": Recipe(training=SHORT, old="backgrounds"),
}


def make_naive_set(given: Given, real: Dataset, seed: int, into: Path) -> Dataset:
    """20 synthetic images as the public notebooks make them: pasted flat, and a box half as tall again as its sign."""
    flat = {"tilt_degrees": 0, "perspective": 0, "blur": 0, "noise": 0, "max_distractors": 0, "on_annotated": 0}
    settings = SynthesisSettings(images=20, seed=seed, max_signs=1, **flat)
    made = make_synthetic_set(settings, given.cutouts, given.backgrounds, real, into, SILENT)
    bottom = made.boxes["top"] + 1.5 * (made.boxes["bottom"] - made.boxes["top"])
    return replace(made, boxes=made.boxes.assign(bottom=bottom.clip(upper=480)))


@dataclass(frozen=True)
class Outcome:
    """Weights, how long they took, what every epoch had (seconds since the start, weights), and the selected alpha."""

    weights: Path
    seconds: float
    epochs: list[tuple[float, Path]] = field(default_factory=list)
    alpha: float | None = None


def train_reference(given: Given, real: Dataset, epochs: int, seed: int, work: Path) -> Outcome:
    """The public notebooks' recipe: Ultralytics' defaults on the new images and a few synthetic ones; no old images."""
    naive = make_naive_set(given, real, seed, work / "naive")
    for part, folder, split in ((naive, naive.folder, "train"), (real.part(TRAIN), real.folder, "train"),
                                (real.part(VAL), real.folder, "val")):  # fmt: skip
        write_split(part, folder, split, work / "yolo")
    data = write_data_yaml(work / "yolo", "images/train", "images/val", real.classes)
    with library() as ultralytics:
        model = ultralytics.YOLO(given.base.file)
        start = time.monotonic()
        model.train(data=str(data), epochs=epochs, imgsz=416, seed=seed, project=str(work), name="train", plots=False,
                    amp=False, workers=0, verbose=False)  # fmt: skip
        return Outcome(Path(model.trainer.save_dir) / "weights" / "best.pt", time.monotonic() - start)


def old_set(given: Given, kind: str) -> Dataset:
    """The classical set, none at all, or the backgrounds with the base's pseudo-labels: they have none, since one in
    which the base sees a sign is not used.
    """
    if kind == "classical":
        return given.classical
    rows = given.backgrounds.images.itertuples() if kind == "backgrounds" else ()
    images = [LabeledImage(r.file, r.sha256, (r.width, r.height), (), TRAIN, r.file, "backgrounds") for r in rows]
    return Dataset.from_images(given.backgrounds.folder, given.classical.classes, images)


def train_ours(given: Given, real: Dataset, recipe: Recipe, seed: int, work: Path) -> Outcome:
    """This project's recipe."""
    for name in ("synthetic", "work", "into"):
        (work / name).mkdir()
    settings = SynthesisSettings(**{"seed": seed, **recipe.synthesis})
    synthetic = make_synthetic_set(settings, given.cutouts, given.backgrounds, real, work / "synthetic", PrintedLog())
    classical = old_set(given, recipe.old)
    epochs: list[tuple[float, Path]] = []
    start = time.monotonic()

    def copy_weights(folder: Path) -> None:
        file = work / f"epoch-{len(epochs)}.pt"
        shutil.copyfile(folder / "best.pt", file)
        epochs.append((time.monotonic() - start, file))

    training = TrainingSettings(**{"seed": seed, **recipe.training})
    workspace = TrainingWorkspace(work / "work", work / "into", PrintedLog(), copy_weights)
    data = TrainingData(real, synthetic, classical)
    weights = fine_tune(UltralyticsDetector(), given.base, data, training, workspace)
    selection = weights.record.selection if weights.record else None
    alpha = selection.selected.alpha if selection else None
    return Outcome(weights.file, time.monotonic() - start, epochs, alpha)


def figures_of(weights: Path, given: Given, part: Dataset) -> tuple[float, float]:
    """mAP50 and mAP50-95 of weights on a set of images, at 416 px."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copyfile(weights, Path(folder) / "best.pt")
        subject = Weights(Path(folder), given.base.classes, 416)
        metrics = evaluate_dataset(UltralyticsDetector(), subject, part, 416).metrics.set_index("class_name")
    return float(metrics.loc[ALL, "map50"]), float(metrics.loc[ALL, "map50_95"])


def run(name: str, fold: str, seed: int, prepared: Path, out: Path) -> None:
    """Train one recipe on one fold with one seed and write what it gave."""
    given, recipe = load(prepared), RECIPES[name]
    real = folded(given.real, fold)
    with tempfile.TemporaryDirectory(dir=out) as folder:
        work = Path(folder)
        outcome = (
            train_reference(given, real, recipe.reference_epochs, seed, work)
            if recipe.reference_epochs
            else train_ours(given, real, recipe, seed, work)
        )
        held_out, classical = real.part(TEST), given.classical.part(VAL)
        found: dict[str, Any] = {"seconds": outcome.seconds, "alpha": outcome.alpha}
        found["lego"], found["classical"] = (figures_of(outcome.weights, given, p) for p in (held_out, classical))
        found["base lego"], found["base classical"] = (
            figures_of(given.base.file, given, p) for p in (held_out, classical)
        )
        kept = result_file(out, name, fold, seed).with_suffix(".pt")
        shutil.copyfile(outcome.weights, kept)
        if (trained := work / "work" / "trained.pt").exists():
            found["trained lego"], found["trained classical"] = (
                figures_of(trained, given, p) for p in (held_out, classical)
            )
            shutil.copyfile(trained, kept.with_stem(f"{kept.stem} trained"))
        found["epochs"] = [(seconds, *figures_of(file, given, held_out)) for seconds, file in outcome.epochs]
        result_file(out, name, fold, seed).write_text(json.dumps(found), encoding="utf-8")


def result_file(out: Path, name: str, fold: str, seed: int) -> Path:
    """Where the result of a run is."""
    return out / f"{name} @ {fold} @ {seed}.json"


def results(out: Path) -> dict[str, list[dict[str, Any]]]:
    """What there is, by recipe: a row a run with its fold and seed."""
    found: dict[str, list[dict[str, Any]]] = {}
    for file in sorted(out.glob("* @ * @ *.json")):
        name, fold, seed = file.stem.split(" @ ")
        row = json.loads(file.read_text(encoding="utf-8")) | {"fold": fold, "seed": int(seed)}
        found.setdefault(name, []).append(row)
    return found


def mean(rows: Sequence[Mapping[str, Any]], key: str, index: int) -> float:
    """The mean of a figure over runs."""
    return statistics.mean(float(row[key][index]) for row in rows)


def table(out: Path) -> str:
    """A line for each recipe, means over its runs: before and after interpolation, and each view that was held out."""
    titles = ("trained: LEGO mAP50/-95", "classical -95", "interpolated: LEGO", "classical -95", "alpha", "minutes")
    lines = [f"{'recipe':30} runs  " + "  ".join(titles) + "  LEGO mAP50 by view held out"]
    for name, rows in sorted(results(out).items(), key=lambda item: list(RECIPES).index(item[0])):
        own = "trained " if all("trained lego" in row for row in rows) else ""
        cells = [f"{mean(rows, f'{own}lego', 0):.3f}/{mean(rows, f'{own}lego', 1):.3f}", lost(rows, f"{own}classical")]
        cells += [f"{mean(rows, 'lego', 0):.3f}/{mean(rows, 'lego', 1):.3f}" if own else "-"]
        cells += [lost(rows, "classical") if own else "-"]
        cells += [", ".join(str(row["alpha"]) for row in rows) if own else "-"]
        cells += [f"{statistics.mean(row['seconds'] for row in rows) / 60:.1f}"]
        views = [(fold, [row for row in rows if row["fold"] == fold]) for fold in FOLDS]
        by_view = ", ".join(f"{fold} {mean(of, 'lego', 0):.3f}" for fold, of in views if of)
        shown = "  ".join(cell.rjust(len(title)) for cell, title in zip(cells, titles, strict=True))
        lines.append(f"{name:30} {len(rows):4}  {shown}  {by_view}")
    return "\n".join(lines)


def lost(rows: Sequence[Mapping[str, Any]], key: str) -> str:
    """New minus base in mAP50-95, the mean over runs."""
    return f"{mean(rows, key, 1) - mean(rows, 'base classical', 1):+.3f}"


def train_all(names: Sequence[str], folds: Sequence[str], seeds: Sequence[int], out: Path) -> None:
    """Train what is not there yet, a process of one thread for each core."""
    jobs = [(n, f, s) for n in names for s in seeds for f in folds if not result_file(out, n, f, s).exists()]
    free = sorted(os.sched_getaffinity(0))

    def train(job: tuple[str, str, int]) -> None:
        name, fold, seed = job
        core = free.pop()
        command = ["taskset", "-c", str(core), sys.executable, "-m", MODULE, name, "--here", "--out", str(out),
                   "--folds", fold, "--seeds", str(seed)]  # fmt: skip
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        with result_file(out, name, fold, seed).with_suffix(".log").open("w") as log:
            code = subprocess.call(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
        free.append(core)
        print(f"{name}, {fold} held out, seed {seed}: {f'failed, see {log.name}' if code else 'done'}", flush=True)

    with ThreadPoolExecutor(len(free)) as pool:
        list(pool.map(train, jobs))


def prepared_in(out: Path, base: Path) -> Path:
    """The folder with the real data that `LEGOSIGNS_REAL_DATA` names, read once; SystemExit where it names none."""
    if not (out / "prepared").is_dir():
        if not os.environ.get("LEGOSIGNS_REAL_DATA"):
            sys.exit("LEGOSIGNS_REAL_DATA is not set, expected a folder with lego-signs, classical-signs, sign-cutouts "
                     "and backgrounds")  # fmt: skip
        prepare(Path(os.environ["LEGOSIGNS_REAL_DATA"]), base, out / "prepared")
    return out / "prepared"


def arguments(about: str | None) -> argparse.ArgumentParser:
    """The options of a benchmark on real data."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    base = Path(os.environ.get("BASE_WEIGHTS", sample.FOLDER / "base.pt"))
    parser.add_argument("--base", type=Path, default=base, help="weights to start from (default: BASE_WEIGHTS)")
    parser.add_argument("--out", type=Path, default=Path(".legosigns/recipes"))
    parser.add_argument("--folds", nargs="+", default=FOLDS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    return parser


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RECIPES)}")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    prepared = prepared_in(given.out, given.base)
    if given.here:
        run(given.names[0], given.folds[0], given.seeds[0], prepared, given.out)
    else:
        train_all(given.names, given.folds, given.seeds, given.out)
        print(table(given.out))


if __name__ == "__main__":
    main()
