"""What Ultralytics' objects hold, in this project's words: a line an epoch, and a table of metrics."""

import time
from collections.abc import Callable
from typing import Any

import pandas as pd

from legosigns_dagster.core.dataset import Dataset
from legosigns_dagster.core.evaluation import ALL, METRIC_COLUMNS
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
