"""What Ultralytics' objects hold, in this project's words: matches, and a table of metrics."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.evaluation.evaluation import ALL, IOUS, METRIC_COLUMNS, Matches


def place_of(file: Path) -> str:
    """An image's folder and name: two sets may have images of one name."""
    return "/".join(file.parts[-2:])


class Noted:
    """Notes what a validator finds on each image: its statistics, and each confident detection as a row."""

    def __init__(self, confident: float) -> None:
        self.confident = confident
        self.rows: list[tuple[object, ...]] = []
        self.stats: list[dict[str, Any]] = []

    def clear(self) -> None:
        """Forget what was noted."""
        self.rows, self.stats = [], []

    def note(self, name: str, stats: dict[str, Any], boxes: dict[str, Any]) -> None:
        """One image's statistics and its boxes in pixels."""
        self.stats.append({"name": name, **stats})
        found = zip(boxes["bboxes"].tolist(), boxes["conf"].tolist(), boxes["cls"].tolist(), strict=True)
        self.rows += [(name, int(c), confidence, *box) for box, confidence, c in found if confidence >= self.confident]

    def matches(self, by_name: Mapping[str, str], classes: int) -> Matches:
        """The statistics of the images in `by_name`, which gives the dataset's file of a name."""
        mine = [stats for stats in self.stats if stats["name"] in by_name]
        counts = [len(stats["conf"]) for stats in mine]
        truths = [np.bincount(np.asarray(s["target_cls"], int).ravel(), minlength=classes) for s in mine]
        return Matches(
            files=tuple(by_name[stats["name"]] for stats in mine),
            image=np.repeat(np.arange(len(counts)), counts),
            class_id=joined([stats["pred_cls"] for stats in mine], (0,)).astype(int),
            confidence=joined([stats["conf"] for stats in mine], (0,)).astype(float),
            hit=joined([stats["tp"] for stats in mine], (0, IOUS)).astype(bool),
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
