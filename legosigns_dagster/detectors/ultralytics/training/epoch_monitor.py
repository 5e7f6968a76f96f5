"""Scores every epoch of a training on both slices, and logs how it went."""

import math
import time
from collections.abc import Mapping
from typing import Any

from legosigns_dagster.core.detector.training_job import TrainingJob
from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.core.evaluation.slices import Slice
from legosigns_dagster.core.progress import Log, format_duration
from legosigns_dagster.detectors.ultralytics.training.prediction_recorder import PredictionRecorder


class EpochMonitor:
    """Scores each epoch by both slices apart, not by the mixture of their images.

    Ultralytics keeps the epoch with the highest fitness as `best.pt`; here that is `Score.selection_score`.

    Attributes:
        recorder: Gets every prediction of the trainer's validator.
    """

    def __init__(self, job: TrainingJob, log: Log) -> None:
        self.recorder = PredictionRecorder()
        self._job, self._log = job, log
        self._best = -math.inf
        self._start = self._epoch_start = time.monotonic()
        self._images_per_s = 0.0

    def state_dict(self) -> dict[str, Any]:
        """The state after the last epoch: the best fitness, and the seconds so far."""
        return {"best": self._best, "seconds": time.monotonic() - self._start}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue as if the earlier epochs had been in this process."""
        self._best, self._start = state["best"], time.monotonic() - state["seconds"]

    def score_epoch(self) -> Score:
        """Score what was recorded since the last epoch."""
        slices = self._job.slices
        matches = {
            one: self.recorder.matches({key: key for key, of in slices.items() if of is one}, self._job.class_count)
            for one in Slice
        }
        self.recorder.clear()
        return Score.from_matches(matches)

    def fitness(self, score: Score) -> float:
        """The value by which epochs are compared, see `Score.selection_score`."""
        return score.selection_score(self._job.base_score, self._job.settings.max_map_drop)

    def on_train_epoch_start(self, trainer: Any) -> None:
        """Start the clock."""
        self._epoch_start = time.monotonic()

    def on_train_epoch_end(self, trainer: Any) -> None:
        """Measure how many images a second were trained on."""
        self._images_per_s = len(trainer.train_loader.dataset) / (time.monotonic() - self._epoch_start)

    def on_epoch_scored(self, trainer: Any, score: Score) -> None:
        """Log losses, metrics, speed and time left."""
        losses = trainer.label_loss_items(trainer.tloss)
        shown = " ".join(f"{key.removeprefix('train/')} {float(value):.3f}" for key, value in losses.items())
        done = trainer.epoch + 1
        left = (time.monotonic() - self._start) / done * (trainer.epochs - done)
        fitness = self.fitness(score)
        best = ", best so far" if fitness > self._best else ""
        self._best = max(self._best, fitness)
        speed = f"{self._images_per_s:.1f} images/s, {format_duration(left)} left"
        self._log.info(f"epoch {done}/{trainer.epochs}: {shown}; val {score}{best}; {speed}")
