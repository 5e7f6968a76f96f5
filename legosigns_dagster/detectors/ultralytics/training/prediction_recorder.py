"""What Ultralytics' validator finds after each epoch, as this project's matches."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from legosigns_dagster.core.evaluation.evaluation import IOU_COUNT, Matches


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
        stats: Ultralytics' statistics of each image, with its key under `name`.
    """

    def __init__(self) -> None:
        self.stats: list[dict[str, Any]] = []

    def clear(self) -> None:
        """Forget what was recorded."""
        self.stats = []

    def record(self, key: str, stats: dict[str, Any]) -> None:
        """Record one image's statistics."""
        self.stats.append({"name": key, **stats})

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


def make_recording_validator(recorder: PredictionRecorder) -> type:
    """Make a subclass of Ultralytics' `DetectionValidator` that also records what it finds in each image."""
    from ultralytics.models.yolo.detect import DetectionValidator

    class RecordingValidator(DetectionValidator):  # type: ignore[misc,unused-ignore]
        def update_metrics(self, preds: list[dict[str, Any]], batch: dict[str, Any]) -> None:
            super().update_metrics(preds, batch)
            for index in range(len(preds)):
                appended = index - len(preds)  # the statistics' last entries are those of this batch
                stats = {key: values[appended] for key, values in self.metrics.stats.items()}
                recorder.record(image_key(Path(batch["im_file"][index])), stats)

    return RecordingValidator
