"""How often the verdict is right, measured on real predictions with a true difference that is known.

`python -m legosigns_dagster_tests.benchmarks.calibration` evaluates the sample's base weights on its classical val
images (or `--weights` on the val split of `--data`, a YOLO folder) at two image sizes. These are two detectors that
differ as real ones do. Each trial draws images with replacement and decides for each image by a coin which detector is
called base and which new: the true difference is 0. For a true loss of mAP50-95, detections of `new` are then moved off
their boxes by two IoU thresholds, on as many images as give this loss over all images.
"""

import argparse
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from legosigns_dagster import sample
from legosigns_dagster.core.dataset.dataset import VAL
from legosigns_dagster.core.dataset.yolo_format import read_yolo
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.average_precision import average_precision, mean_precisions
from legosigns_dagster.core.evaluation.bootstrap import Verdict, bootstrap_intervals
from legosigns_dagster.core.evaluation.evaluation import Matches
from legosigns_dagster.core.machine import usable_cores
from legosigns_dagster.core.progress import track_progress
from legosigns_dagster.detectors.ultralytics.detector import UltralyticsDetector
from legosigns_dagster_tests.support.evaluations import evaluate_dataset
from legosigns_dagster_tests.support.logs import PrintedLog

Pair = tuple[Matches, Matches]
VERDICTS = (Verdict.WORSE, Verdict.BETTER, Verdict.INCONCLUSIVE)


def evaluate_at_two_sizes(weights_file: Path, data: Path, folder: Path) -> Pair:
    """Evaluate weights on the val images at their own image size and at one that is an eighth larger."""
    detector = UltralyticsDetector()
    classes, size = detector.read(weights_file)
    (folder / "weights").mkdir()
    (folder / "weights" / "best.pt").write_bytes(weights_file.read_bytes())
    weights = Weights(folder / "weights", classes, size)
    (folder / "data").mkdir()
    part = read_yolo(data, classes, folder / "data", "classical", PrintedLog()).part(VAL)
    larger = size + size // 8 // 32 * 32 + 32
    first, second = (evaluate_dataset(detector, weights, part, image_size).matches for image_size in (size, larger))
    return first, second


def combine_images(sources: Sequence[Matches], numbers: npt.NDArray[np.int64]) -> Matches:
    """Take image number `numbers[k]` from `sources[k]`, for each k. An image may come more than once."""
    parts = [np.flatnonzero(source.image == number) for source, number in zip(sources, numbers, strict=True)]
    counts = [len(part) for part in parts]
    return Matches(
        files=tuple(f"{k}.jpg" for k in range(len(numbers))),
        image=np.repeat(np.arange(len(numbers)), counts),
        class_id=np.concatenate([source.class_id[part] for source, part in zip(sources, parts, strict=True)]),
        confidence=np.concatenate([source.confidence[part] for source, part in zip(sources, parts, strict=True)]),
        hit=np.concatenate([source.hit[part] for source, part in zip(sources, parts, strict=True)]),
        box_counts=np.array([source.box_counts[number] for source, number in zip(sources, numbers, strict=True)]),
    )


def loosen(matches: Matches, images: npt.NDArray[np.bool_], steps: int) -> Matches:
    """Make every detection on these images, shape (images,), a hit at so many IoU thresholds less."""
    hit = matches.hit.copy()
    rows = images[matches.image]
    hit[rows] = np.concatenate([hit[rows][:, steps:], np.zeros((int(rows.sum()), steps), bool)], axis=1)
    return replace(matches, hit=hit)


def score(matches: Matches) -> float:
    """Compute mAP50-95 over all images."""
    return float(mean_precisions(average_precision(matches, np.ones((1, len(matches.files)), int)))[0, 0, 1])


def share_for(pair: Pair, loss: float, steps: int = 2) -> float:
    """Find the share of images, 0 to 1, on which boxes must be loosened for this loss of mAP50-95 over all images."""
    draw = np.random.default_rng(0)
    order = draw.random((200, len(pair[0].files)))
    low, high = 0.0, 1.0
    for _ in range(12):
        share = (low + high) / 2
        losses = [score(m) - score(loosen(m, row < share, steps)) for row in order[:40] for m in pair]
        low, high = (share, high) if np.mean(losses) < loss else (low, share)
    return share


def run_trial(trial: tuple[Pair, int, float, int]) -> str:
    """Return the verdict on so many images, with boxes loosened on a share of them, for a seed."""
    pair, images, share, seed = trial
    draw = np.random.default_rng(seed)
    numbers = draw.integers(len(pair[0].files), size=images)
    coins = draw.integers(2, size=images)
    base = combine_images([pair[coin] for coin in coins], numbers)
    new = loosen(combine_images([pair[1 - coin] for coin in coins], numbers), draw.random(images) < share, 2)
    return bootstrap_intervals(base, new, list(base.files), resamples=500, seed=seed)[0][1].verdict


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=sample.FOLDER / "base.pt")
    parser.add_argument("--data", type=Path, default=sample.FOLDER / "classical-signs")
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--images", type=int, nargs="+", default=[40, 73, 146, 292])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pair = evaluate_at_two_sizes(arguments.weights, arguments.data, Path(folder))
    print(f"two detectors on {len(pair[0].files)} images: mAP50-95 {score(pair[0]):.3f} and {score(pair[1]):.3f}")
    heads = " ".join(f"{verdict:>12}" for verdict in VERDICTS)
    print(f"{'images':>6} {'true loss':>9} {heads}   (of {arguments.trials} trials)")
    with ProcessPoolExecutor(usable_cores()) as pool:
        for loss in (0.0, 0.05):
            share = share_for(pair, loss) if loss else 0.0
            for images in arguments.images:
                trials = [(pair, images, share, seed) for seed in range(arguments.trials)]
                done = pool.map(run_trial, trials, chunksize=10)
                verdicts = list(track_progress(done, len(trials), "trials", PrintedLog(), 60))
                shares = " ".join(f"{verdicts.count(verdict) / len(verdicts):>12.1%}" for verdict in VERDICTS)
                print(f"{images:6} {loss:9.2f} {shares}", flush=True)


if __name__ == "__main__":
    main()
