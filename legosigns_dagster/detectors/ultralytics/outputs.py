"""What Ultralytics' objects hold, as this project's values: matches, and a table of metrics."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.evaluation.evaluation import ALL, IOU_COUNT, METRIC_COLUMNS, Matches
from legosigns_dagster.core.inference.prepare import Tensor


def image_key(file: Path) -> str:
    """An image's folder and name, as in `val-lego/a.jpg`: two datasets may have images of one name.

    Example:
        >>> image_key(Path("/work/images/val-lego/a.jpg"))
        'val-lego/a.jpg'
    """
    return "/".join(file.parts[-2:])


class PredictionRecorder:
    """Records what a validator finds in each image.

    Attributes:
        min_confidence: A box below this confidence is no row.
        rows: Image key, class id, confidence, and left, top, right, bottom in pixels of each box.
        stats: Ultralytics' statistics of each image, with its key under `name`.
    """

    def __init__(self, min_confidence: float) -> None:
        self.min_confidence = min_confidence
        self.rows: list[tuple[object, ...]] = []
        self.stats: list[dict[str, Any]] = []

    def clear(self) -> None:
        """Forget what was recorded."""
        self.rows, self.stats = [], []

    def record(self, key: str, stats: dict[str, Any], boxes: dict[str, Any]) -> None:
        """Record one image's statistics and its boxes in pixels."""
        self.stats.append({"name": key, **stats})
        found = zip(boxes["bboxes"].tolist(), boxes["conf"].tolist(), boxes["cls"].tolist(), strict=True)
        self.rows += [
            (key, int(c), confidence, *box) for box, confidence, c in found if confidence >= self.min_confidence
        ]

    def matches(self, files: Mapping[str, str], class_count: int) -> Matches:
        """Collect the matches of some images.

        Args:
            files: The file that an image has in its dataset, by its key; images of other keys are left out.
            class_count: Number of classes.
        """
        mine = [stats for stats in self.stats if stats["name"] in files]
        counts = [len(stats["conf"]) for stats in mine]
        box_counts = [np.bincount(np.asarray(s["target_cls"], int).ravel(), minlength=class_count) for s in mine]
        return Matches(
            files=tuple(files[stats["name"]] for stats in mine),
            image=np.repeat(np.arange(len(counts)), counts),
            class_id=concatenate([stats["pred_cls"] for stats in mine], (0,)).astype(int),
            confidence=concatenate([stats["conf"] for stats in mine], (0,)).astype(float),
            hit=concatenate([stats["tp"] for stats in mine], (0, IOU_COUNT)).astype(bool),
            box_counts=np.array(box_counts).reshape(-1, class_count),
        )


def concatenate(parts: Sequence[Any], empty_shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Concatenate arrays along their first axis. Without any, the result is empty and has this shape."""
    return np.concatenate([np.zeros(empty_shape), *parts])


def metrics_table(metrics: Any, dataset: Dataset) -> pd.DataFrame:
    """Convert Ultralytics' metrics to the table of an `Evaluation`. A class without a box has NaN."""
    box, names = metrics.box, dataset.classes.names
    by_class = dataset.boxes.groupby("class_name")["file"]
    images, boxes = by_class.nunique().to_dict(), by_class.size().to_dict()
    known = {int(c): metrics.class_result(i) for i, c in enumerate(box.ap_class_index)}
    missing = [float("nan")] * 4
    rows: list[list[object]] = [
        [ALL, len(dataset.images), len(dataset.boxes), *(metrics.mean_results() if known else missing)]
    ]
    for index, name in enumerate(names):
        rows.append([name, images.get(name, 0), boxes.get(name, 0), *known.get(index, missing)])
    return pd.DataFrame(rows, columns=METRIC_COLUMNS)


def make_recording_validator(recorder: PredictionRecorder) -> type:
    """Make a subclass of Ultralytics' `DetectionValidator` that also records what it finds in each image."""
    from ultralytics.models.yolo.detect import DetectionValidator

    class RecordingValidator(DetectionValidator):  # type: ignore[misc,unused-ignore]
        def update_metrics(self, preds: list[dict[str, Any]], batch: dict[str, Any]) -> None:
            super().update_metrics(preds, batch)
            for index, prediction in enumerate(preds):
                prepared = self._prepare_batch(index, batch)
                appended = index - len(preds)  # the statistics' last entries are those of this batch
                stats = {key: values[appended] for key, values in self.metrics.stats.items()}
                recorder.record(image_key(Path(prepared["im_file"])), stats, self.scale_preds(prediction, prepared))

    return RecordingValidator


def raw_output(network: Any, tensor: Tensor) -> Tensor:
    """Ask a network for its answer before any suppression, of shape (1, 4 + classes, anchors)."""
    import torch

    with torch.inference_mode():
        output = network(torch.from_numpy(tensor))
    return np.asarray(output[0] if isinstance(output, tuple) else output, np.float32)
