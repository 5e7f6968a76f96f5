"""What Ultralytics' objects hold, in this project's words: a line an epoch, and a table of metrics."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from legosigns_dagster.core.dataset import Dataset
from legosigns_dagster.core.evaluation import ALL, IOUS, METRIC_COLUMNS, Matches
from legosigns_dagster.core.progress import Log, clock


def epoch_logger(epochs: int, log: Log) -> Callable[[Any], None]:
    """A callback that logs a line an epoch: losses, metrics and time left."""
    start = time.monotonic()

    def report(trainer: Any) -> None:
        done = trainer.epoch + 1
        if done > epochs or trainer.tloss is None:
            return  # called once more after the last epoch, for the final validation
        losses = {key.removeprefix("train/"): float(v) for key, v in trainer.label_loss_items(trainer.tloss).items()}
        found = {key.removeprefix("metrics/").removesuffix("(B)"): value for key, value in trainer.metrics.items()}
        shown = " ".join(f"{key} {value:.3f}" for key, value in losses.items())
        metrics = " ".join(f"{key} {found[key]:.3f}" for key in ("precision", "recall", "mAP50", "mAP50-95"))
        left = (time.monotonic() - start) / done * (epochs - done)
        log(f"epoch {done}/{epochs}: {shown}; val {metrics}; {clock(left)} left")

    return report


class Noted:
    """Notes what a validator finds on each image: its statistics, and each confident detection as a row."""

    def __init__(self, confident: float) -> None:
        self.confident = confident
        self.rows: list[tuple[object, ...]] = []
        self.stats: list[dict[str, Any]] = []

    def note(self, name: str, stats: dict[str, Any], boxes: dict[str, Any]) -> None:
        """One image's statistics and its boxes in pixels."""
        self.stats.append({"name": name, **stats})
        found = zip(boxes["bboxes"].tolist(), boxes["conf"].tolist(), boxes["cls"].tolist(), strict=True)
        self.rows += [(name, int(c), confidence, *box) for box, confidence, c in found if confidence >= self.confident]

    def matches(self, by_name: Mapping[str, str], classes: int) -> Matches:
        """The statistics of all images; `by_name` gives the dataset's file of a name."""
        counts = [len(stats["conf"]) for stats in self.stats]
        truths = [np.bincount(np.asarray(s["target_cls"], int).ravel(), minlength=classes) for s in self.stats]
        return Matches(
            files=tuple(by_name[stats["name"]] for stats in self.stats),
            image=np.repeat(np.arange(len(counts)), counts),
            class_id=joined([stats["pred_cls"] for stats in self.stats], (0,)).astype(int),
            confidence=joined([stats["conf"] for stats in self.stats], (0,)).astype(float),
            hit=joined([stats["tp"] for stats in self.stats], (0, IOUS)).astype(bool),
            truths=np.array(truths).reshape(-1, classes),
        )


def joined(parts: Sequence[Any], nothing: tuple[int, ...]) -> npt.NDArray[Any]:
    """The arrays one after another, an empty one of this shape where there is none."""
    return np.concatenate([np.zeros(nothing), *parts])


def metrics_table(metrics: Any, dataset: Dataset) -> pd.DataFrame:
    """Ultralytics' metrics as an `Evaluation`'s table; classes without a box have no number."""
    box, names = metrics.box, dataset.classes.names
    class_of = dataset.boxes.groupby("class_name")["file"]
    images, boxes = class_of.nunique().to_dict(), class_of.size().to_dict()
    with_number = {int(c): metrics.class_result(i) for i, c in enumerate(box.ap_class_index)}
    missing = [float("nan")] * 4
    rows: list[list[object]] = [
        [ALL, len(dataset.images), len(dataset.boxes), *(metrics.mean_results() if with_number else missing)]
    ]
    for index, name in enumerate(names):
        rows.append([name, images.get(name, 0), boxes.get(name, 0), *with_number.get(index, missing)])
    return pd.DataFrame(rows, columns=METRIC_COLUMNS)
