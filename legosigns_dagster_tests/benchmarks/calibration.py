"""How often the verdict is right: real predictions, resampled, with a true difference that is known.

`python -m legosigns_dagster_tests.benchmarks.calibration` evaluates the sample's base weights on its classical val
images (or `--weights` on the val part of `--data`, a YOLO folder) at two image sizes, which makes two detectors that
differ as real ones do. Each trial draws images with replacement and decides by a coin, image by image, which detector
is called base and which new: a true difference of 0. For a true loss of mAP50-95, detections of `new` are then moved
off their boxes, by two steps of IoU, on as many images as it takes over the whole population.
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
from legosigns_dagster.core.evaluation.bootstrap import BETTER, UNKNOWN, WORSE, bootstrap_intervals
from legosigns_dagster.core.evaluation.evaluation import Matches
from legosigns_dagster.core.machine import usable_cores
from legosigns_dagster.core.progress import track_progress
from legosigns_dagster.detectors.ultralytics.detector import UltralyticsDetector
from legosigns_dagster_tests.support.logs import PrintedLog

Pair = tuple[Matches, Matches]


def evaluated(weights_file: Path, data: Path, folder: Path) -> Pair:
    """What the weights find on the val images at their own size and at one that is an eighth larger."""
    detector = UltralyticsDetector()
    classes, size = detector.read(weights_file)
    (folder / "weights").mkdir()
    (folder / "weights" / "best.pt").write_bytes(weights_file.read_bytes())
    weights = Weights(folder / "weights", classes, size)
    (folder / "data").mkdir()
    part = read_yolo(data, classes, folder / "data", "classical", PrintedLog()).part(VAL)
    found = []
    for one in (size, size + size // 8 // 32 * 32 + 32):
        (work := folder / f"val-{one}").mkdir()
        found.append(detector.evaluate(weights, part, one, work).matches)
    return found[0], found[1]


def chosen(sources: Sequence[Matches], numbers: npt.NDArray[np.int64]) -> Matches:
    """The matches of these images, image k from source number k; an image may come more than once."""
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


def loosened(matches: Matches, images: npt.NDArray[np.bool_], steps: int) -> Matches:
    """The same where every box on these images fits so many steps of IoU less well."""
    hit = matches.hit.copy()
    rows = images[matches.image]
    hit[rows] = np.concatenate([hit[rows][:, steps:], np.zeros((int(rows.sum()), steps), bool)], axis=1)
    return replace(matches, hit=hit)


def score(matches: Matches) -> float:
    """mAP50-95 on all images."""
    return float(mean_precisions(average_precision(matches, np.ones((1, len(matches.files)), int)))[0, 0, 1])


def share_for(pair: Pair, loss: float, steps: int = 2) -> float:
    """On which share of the images boxes must be loosened for this loss of mAP50-95 over the population."""
    draw = np.random.default_rng(0)
    order = draw.random((200, len(pair[0].files)))
    low, high = 0.0, 1.0
    for _ in range(12):
        share = (low + high) / 2
        losses = [score(m) - score(loosened(m, row < share, steps)) for row in order[:40] for m in pair]
        low, high = (share, high) if np.mean(losses) < loss else (low, share)
    return share


def verdict_of(given: tuple[Pair, int, float, int]) -> str:
    """One trial: the verdict on so many images, with boxes loosened on a share of them."""
    pair, images, share, seed = given
    draw = np.random.default_rng(seed)
    numbers = draw.integers(len(pair[0].files), size=images)
    coins = draw.integers(2, size=images)
    base = chosen([pair[coin] for coin in coins], numbers)
    new = loosened(chosen([pair[1 - coin] for coin in coins], numbers), draw.random(images) < share, 2)
    return bootstrap_intervals(base, new, list(base.files), resamples=500, seed=seed)[0][1].verdict


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=sample.FOLDER / "base.pt")
    parser.add_argument("--data", type=Path, default=sample.FOLDER / "classical-signs")
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--images", type=int, nargs="+", default=[40, 73, 146, 292])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pair = evaluated(given.weights, given.data, Path(folder))
    print(f"two detectors on {len(pair[0].files)} images: mAP50-95 {score(pair[0]):.3f} and {score(pair[1]):.3f}")
    print(f"{'images':>6} {'true loss':>9} {WORSE:>8} {BETTER:>8} {UNKNOWN:>20}   (of {given.trials} trials)")
    with ProcessPoolExecutor(usable_cores()) as pool:
        for loss in (0.0, 0.05):
            share = share_for(pair, loss) if loss else 0.0
            for images in given.images:
                trials = [(pair, images, share, seed) for seed in range(given.trials)]
                said = list(
                    track_progress(pool.map(verdict_of, trials, chunksize=10), len(trials), "trials", PrintedLog(), 60)
                )
                shares = [f"{said.count(verdict) / len(said):.1%}" for verdict in (WORSE, BETTER, UNKNOWN)]
                print(f"{images:6} {loss:9.2f} {shares[0]:>8} {shares[1]:>8} {shares[2]:>20}", flush=True)


if __name__ == "__main__":
    main()
