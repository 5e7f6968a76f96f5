"""The detector made by Ultralytics.

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

import numpy as np
import pandas as pd
from PIL import Image

from legosigns_dagster.core.busy_waiting import no_busy_waiting_beside_load
from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.detector.training_job import TrainingJob
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.core.inference.prepare import Engine
from legosigns_dagster.core.machine import give_back_memory, usable_cores
from legosigns_dagster.core.progress import Log
from legosigns_dagster.detectors.ultralytics.base_weights import load_base
from legosigns_dagster.detectors.ultralytics.engine import make_engine
from legosigns_dagster.detectors.ultralytics.training.arguments import training_arguments
from legosigns_dagster.detectors.ultralytics.training.memory import fit_batch, measure_memory
from legosigns_dagster.detectors.ultralytics.training.trackers import choose_trackers
from legosigns_dagster.detectors.ultralytics.training.trainer import TrainingCallbacks, make_trainer
from legosigns_dagster.detectors.ultralytics.training.training_state import fetch_state, restore_finished_run
from legosigns_dagster.detectors.ultralytics.weights_file import write_contract, write_interpolated

DEFAULT_IMAGE_SIZE = 640  # Ultralytics' own, in pixels
MIN_CONFIDENCE = 0.25  # Ultralytics' own default for predictions
ONNX_OPSET = 17


def set_variables() -> None:
    """Set the variables that OpenMP and `ultralytics` read when they are imported.

    What somebody set stays, but for the two that would let `ultralytics` reach the internet.
    """
    # The import sets it to 1 where nobody has set it. `usable_cores` would believe that somebody wants one thread.
    os.environ.setdefault("OMP_NUM_THREADS", str(usable_cores(os.environ)))
    # Set before the import, which looks for the internet and writes its settings into the home folder otherwise; a
    # pod's random user has none.
    os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false")
    # MLflow's experiment would be named after a folder of the run otherwise.
    os.environ.setdefault("MLFLOW_EXPERIMENT_NAME", "traffic_signs")
    os.environ.setdefault("YOLO_CONFIG_DIR", str(Path(tempfile.gettempdir()) / "legosigns" / "ultralytics"))
    Path(os.environ["YOLO_CONFIG_DIR"]).mkdir(parents=True, exist_ok=True)


@contextmanager
def library() -> Iterator[Any]:
    """Import `ultralytics`: offline, quiet, with all cores that this process may use.

    It sets environment variables, torch's handling of denormal numbers and globals of Ultralytics for the whole
    process. Whatever imports torch here does it inside of this.
    """
    set_variables()
    pillow_open = Image.open
    import torch
    import ultralytics
    from ultralytics.utils import SETTINGS, torch_utils

    # The import replaces Pillow's function, for the whole process, by one that asks for a package for HEIC files where
    # Pillow says that a file is no image: a damaged image would end the step instead of standing in the quarantine.
    Image.open = pillow_open

    # Numbers too small to be normal take a CPU a hundred times as long, and the gradients of a detector that is nearly
    # right are full of them: a third of the speed otherwise. Before the first thread is made, which inherits it.
    torch.set_flush_denormal(True)
    # It takes one core fewer than the host has: one of two here, and the host's count in a container with a quota.
    torch_utils.NUM_THREADS = usable_cores(os.environ)
    dict.update(SETTINGS, choose_trackers(os.environ))  # not `SETTINGS.update`, which would write the user's own file
    logger = logging.getLogger("ultralytics")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with no_busy_waiting_beside_load(os.environ):
            yield ultralytics
    finally:
        logger.setLevel(level)
        give_back_memory()


class UltralyticsDetector:
    """See `Detector`."""

    def read(self, file: Path) -> tuple[SignClasses, int]:
        """See `Detector`."""
        with library():
            network, arguments = load_base(file)
        names = dict(enumerate(network.names)) if isinstance(network.names, list) else network.names
        size: Any = arguments.get("imgsz", DEFAULT_IMAGE_SIZE)
        return SignClasses.from_ids({int(i): str(name) for i, name in names.items()}), int(np.max(size))

    def image_size_step(self, weights: Weights) -> int:
        """See `Detector`; it is the network's largest stride."""
        with library() as ultralytics:
            return int(ultralytics.YOLO(weights.file).model.stride.max())

    def sees_gpu(self) -> bool:
        """See `Detector`."""
        with library():
            from torch import cuda

            return bool(cuda.is_available())

    def sees_sign(self, weights: Weights, images: Sequence[Path]) -> list[bool]:
        """See `Detector`."""
        with library() as ultralytics:
            model = ultralytics.YOLO(weights.file)
            size = weights.image_size
            return [
                len(model.predict(str(image), conf=MIN_CONFIDENCE, imgsz=size, verbose=False, save=False)[0].boxes) > 0
                for image in images
            ]

    def fine_tune(self, base: Weights, job: TrainingJob, into: Path, log: Log) -> int:
        """See `Detector`."""
        with library() as ultralytics, tempfile.TemporaryDirectory(dir=job.folder) as runs:
            from torch import cuda

            model = ultralytics.YOLO(base.file)
            batch = fit_batch(measure_memory(model.model, job.settings), job.settings.batch, log)
            state = fetch_state(job, log)
            planned = {"batch": min(batch, state["batch"]), "epochs": state["epochs"]} if state else {"batch": batch}
            settings = job.settings.model_copy(update=planned)
            callbacks = TrainingCallbacks(job, log)
            if state:
                callbacks.checkpointing.restore(state["callbacks"])
            callbacks.attach(model)
            gpu = cuda.is_available()
            arguments = training_arguments(job.data_yaml, settings, Path(runs), gpu, gpu and cuda.is_bf16_supported())
            trainer = make_trainer(callbacks, settings, state)
            if state and state["ended"]:
                run = restore_finished_run(state, Path(runs))
            else:
                model.train(trainer=trainer, **arguments)
                run = Path(model.trainer.save_dir)
            write_interpolated(base.file, run / "weights" / "best.pt", 1.0, into / "best.pt")
            # Without the wall time, the same training twice leaves the same file.
            curves = pd.read_csv(run / "results.csv", skipinitialspace=True).drop(columns="time")
            curves.to_csv(into / "results.csv", index=False, lineterminator="\n")
            return int(state["epochs_done"]) if state else 0

    def interpolate(self, base: Weights, trained: Path, alpha: float, into: Path) -> None:
        """See `Detector`; every other fact of the checkpoint is the trained one's."""
        with library():
            write_interpolated(base.file, trained, alpha, into)

    def export(self, weights: Path, size: int, thresholds: Sequence[float], into: Path) -> ModelContract:
        """See `Detector`."""
        with library() as ultralytics, tempfile.TemporaryDirectory(dir=into.parent) as folder:
            copy = shutil.copyfile(weights, Path(folder) / "best.pt")
            model = ultralytics.YOLO(copy)
            model.export(format="onnx", imgsz=size, opset=ONNX_OPSET, dynamic=False, simplify=True)
            contract = write_contract(copy.with_suffix(".onnx"), SignClasses.from_ids(model.names), thresholds)
            copy.with_suffix(".onnx").rename(into)
        return contract

    @contextmanager
    def open_engine(self, weights: Path) -> Iterator[Engine]:
        """See `Detector`."""
        with library() as ultralytics:
            yield make_engine(ultralytics.YOLO(weights).model)
