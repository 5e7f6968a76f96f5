"""The detector made by Ultralytics: the only file that imports it, and only inside functions.

Its defaults are made for training from scratch with internet. Each departure from them here has its reason beside it.
"""

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.dataset.yolo_format import write_data_yaml, write_split
from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.detector.training_job import Lesson
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.evaluation import DETECTION_COLUMNS, Evaluation
from legosigns_dagster.core.machine import give_back_memory, usable_cores
from legosigns_dagster.core.progress import Log
from legosigns_dagster.detectors.ultralytics.arguments import training_arguments
from legosigns_dagster.detectors.ultralytics.epoch_monitor import Judge
from legosigns_dagster.detectors.ultralytics.memory import fitting_batch, memory_plan
from legosigns_dagster.detectors.ultralytics.outputs import Noted, metrics_table, place_of
from legosigns_dagster.detectors.ultralytics.trainer import trainer_of
from legosigns_dagster.detectors.ultralytics.training_state import ended_run, found_state
from legosigns_dagster.detectors.ultralytics.weights_file import strip_onnx, write_mixture

EVALUATION_BATCH = 4  # with Ultralytics' 16 an evaluation on a CPU takes 180 MB more, in no less time
CONFIDENT = 0.25  # Ultralytics' own default for predictions; what the report draws
ONNX_OPSET = 17


@contextmanager
def library() -> Iterator[Any]:
    """The `ultralytics` module: offline, quiet, with all cores that this process may use."""
    # Set before the import, which looks for the internet and writes its settings into the home folder otherwise; a
    # pod's random user has none.
    os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false")
    os.environ.setdefault("YOLO_CONFIG_DIR", str(Path(tempfile.gettempdir()) / "legosigns" / "ultralytics"))
    Path(os.environ["YOLO_CONFIG_DIR"]).mkdir(parents=True, exist_ok=True)
    pillow_open = Image.open
    import torch
    import ultralytics
    from ultralytics.utils import torch_utils

    # The import replaces Pillow's function, for the whole process, by one that asks for a package for HEIC files where
    # Pillow says that a file is no image: a damaged image would end the step instead of standing in the quarantine.
    Image.open = pillow_open

    # Numbers too small to be normal take a CPU a hundred times as long, and the gradients of a detector that is nearly
    # right are full of them: a third of the speed otherwise. Before the first thread is made, which inherits it.
    torch.set_flush_denormal(True)
    # It takes one core fewer than the host has: one of two here, and the host's count in a container with a quota.
    torch_utils.NUM_THREADS = usable_cores()
    logger = logging.getLogger("ultralytics")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield ultralytics
    finally:
        logger.setLevel(level)
        give_back_memory()


class UltralyticsDetector:
    """See `Detector`."""

    def read(self, file: Path) -> tuple[SignClasses, int]:
        """See `Detector`."""
        with library() as ultralytics:
            try:
                model = ultralytics.YOLO(file, task="detect")
                task, names, size = model.task, model.names, model.overrides.get("imgsz", 640)
            except Exception as error:
                # Whatever unpickling or a foreign checkpoint raises, the person who set the path must hear which file.
                raise ValueError(f"{file} is not an Ultralytics detector ({type(error).__name__}: {error})") from error
        if task != "detect":
            raise ValueError(f"{file} is a model for {task!r}, expected one for 'detect'")
        return SignClasses.from_ids({int(index): str(name) for index, name in names.items()}), int(size)

    def sees_gpu(self) -> bool:
        """See `Detector`."""
        from torch import cuda

        return bool(cuda.is_available())

    def sees_sign(self, weights: Weights, images: Sequence[Path]) -> list[bool]:
        """See `Detector`."""
        with library() as ultralytics:
            model = ultralytics.YOLO(weights.file)
            size = weights.image_size
            return [
                len(model.predict(str(image), conf=CONFIDENT, imgsz=size, verbose=False, save=False)[0].boxes) > 0
                for image in images
            ]

    def fine_tune(self, base: Weights, lesson: Lesson, settings: TrainingSettings, into: Path, log: Log) -> int:
        """See `Detector`."""
        with library() as ultralytics, tempfile.TemporaryDirectory(dir=lesson.data.parent) as runs:
            from torch import cuda

            model = ultralytics.YOLO(base.file)
            batch = fitting_batch(memory_plan(model.model, settings), settings.batch, log)
            state = found_state(lesson, log)
            plan = {"batch": min(batch, state["batch"]), "epochs": state["epochs"]} if state else {"batch": batch}
            settings = settings.model_copy(update=plan)
            judge = Judge(lesson, settings, log)
            if state:
                judge.go_on_from(state["judged"])
            model.add_callback("on_train_epoch_start", judge.epoch_starts)
            model.add_callback("on_train_batch_end", judge.batch_ends)
            model.add_callback("on_train_epoch_end", judge.batches_end)
            model.add_callback("on_model_save", judge.kept)
            gpu = cuda.is_available()
            arguments = training_arguments(lesson.data, settings, Path(runs), gpu, gpu and cuda.is_bf16_supported())
            trainer = trainer_of(judge, settings, noting_validator(judge.noted), state)
            if state and state["ended"]:
                trained = ended_run(state, Path(runs))
            else:
                model.train(trainer=trainer, **arguments)
                trained = Path(model.trainer.save_dir)
            write_mixture(base.file, trained / "weights" / "best.pt", 1.0, into / "best.pt")
            # Without the wall time, the same training twice leaves the same file.
            curves = pd.read_csv(trained / "results.csv", skipinitialspace=True).drop(columns="time")
            curves.to_csv(into / "results.csv", index=False, lineterminator="\n")
            return int(state["epochs_done"]) if state else 0

    def mix(self, base: Weights, trained: Path, alpha: float, into: Path) -> None:
        """See `Detector`; every other fact of the checkpoint is the trained one's."""
        with library():
            write_mixture(base.file, trained, alpha, into)

    def export(self, weights: Path, image_size: int, into: Path) -> None:
        """See `Detector`."""
        with library() as ultralytics, tempfile.TemporaryDirectory(dir=into.parent) as folder:
            copy = shutil.copyfile(weights, Path(folder) / "best.pt")
            model = ultralytics.YOLO(copy)
            model.export(format="onnx", imgsz=image_size, opset=ONNX_OPSET, dynamic=False, simplify=True)
            strip_onnx(copy.with_suffix(".onnx"))
            copy.with_suffix(".onnx").rename(into)

    def evaluate(self, weights: Weights, dataset: Dataset, image_size: int, work: Path) -> Evaluation:
        """See `Detector`; the metrics are those of `yolo val batch=4`."""
        write_split(dataset, dataset.folder, "val", work)
        data = write_data_yaml(work, "images/val", "images/val", dataset.classes)
        by_name = {f"val/{Path(file).name}": str(file) for file in dataset.images["file"]}
        with library() as ultralytics:
            noted = Noted(CONFIDENT)
            model = ultralytics.YOLO(weights.file)
            arguments: dict[str, object] = {"plots": False, "verbose": False, "workers": 0, "batch": EVALUATION_BATCH}
            arguments |= {"data": str(data), "imgsz": image_size, "project": str(work), "name": "val"}
            metrics = model.val(validator=noting_validator(noted), **arguments)
        detections = pd.DataFrame(noted.rows, columns=DETECTION_COLUMNS)
        detections["file"] = detections["file"].map(by_name)
        matches = noted.matches(by_name, len(dataset.classes.names))
        return Evaluation(metrics_table(metrics, dataset), detections, matches)


def noting_validator(noted: Noted) -> type:
    """A validator that also notes what it finds on each image."""
    from ultralytics.models.yolo.detect import DetectionValidator

    class NotingValidator(DetectionValidator):  # type: ignore[misc,unused-ignore]
        def update_metrics(self, preds: list[dict[str, Any]], batch: dict[str, Any]) -> None:
            super().update_metrics(preds, batch)
            for index, prediction in enumerate(preds):
                prepared = self._prepare_batch(index, batch)
                of_image = index - len(preds)  # the last of the lists that it has just appended to
                stats = {key: values[of_image] for key, values in self.metrics.stats.items()}
                noted.note(place_of(Path(prepared["im_file"])), stats, self.scale_preds(prediction, prepared))

    return NotingValidator
