"""Ultralytics' trainer, changed where it forgets and in how it scores epochs. Imported inside functions only."""

import math
from collections.abc import Mapping
from copy import copy
from typing import Any

from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.detector.training_job import TrainingJob
from legosigns_dagster.core.progress import Log
from legosigns_dagster.detectors.ultralytics.training.arguments import epochs_without_mosaic
from legosigns_dagster.detectors.ultralytics.training.checkpointing import Checkpointing
from legosigns_dagster.detectors.ultralytics.training.early_stopping import EarlyStopping, NanGuard
from legosigns_dagster.detectors.ultralytics.training.epoch_monitor import EpochMonitor
from legosigns_dagster.detectors.ultralytics.training.prediction_recorder import make_recording_validator
from legosigns_dagster.detectors.ultralytics.training.time_budget import TimeBudget
from legosigns_dagster.detectors.ultralytics.training.trackers import run_callback
from legosigns_dagster.detectors.ultralytics.training.training_state import restore_trainer

EMA_WARMUP_STEPS = 10.0  # after about as many, the average is as slow as the setting asks


class TrainingCallbacks:
    """The callbacks of a training, one for each concern.

    Attributes:
        monitor: Scores every epoch and logs it.
        early_stopping: Stops a training that no longer gets better.
        time_budget: Plans as many epochs as fit into the time.
        checkpointing: Hands over state, weights and curves after every epoch.
        nan_guard: Stops a training whose loss is no finite number.
    """

    def __init__(self, job: TrainingJob, log: Log) -> None:
        self.monitor = EpochMonitor(job, log)
        self.early_stopping = EarlyStopping(job.settings.patience, log)
        self.time_budget = TimeBudget(job, log)
        self.checkpointing = Checkpointing(job, {"monitor": self.monitor, "early_stopping": self.early_stopping}, log)
        self.nan_guard = NanGuard(job.settings.learning_rate)

    def attach(self, model: Any) -> None:
        """Register all of them with an Ultralytics model. What needs an epoch's score is called by the trainer."""
        model.add_callback("on_train_epoch_start", self.monitor.on_train_epoch_start)
        model.add_callback("on_train_epoch_start", self.time_budget.on_train_epoch_start)
        model.add_callback("on_train_batch_end", self.nan_guard.on_train_batch_end)
        model.add_callback("on_train_epoch_end", self.monitor.on_train_epoch_end)
        model.add_callback("on_model_save", self.checkpointing.on_model_save)


class FineTuningTrainer:
    """What is changed in Ultralytics' `DetectionTrainer`; `make_trainer` mixes it in."""

    training: TrainingCallbacks
    settings: TrainingSettings
    validator_type: type
    state: Mapping[str, Any] | None
    mosaic_closed = False

    def run_callbacks(self: Any, event: str) -> None:
        """Call the callbacks of an event; see `run_callback`."""
        for callback in self.callbacks[event]:
            run_callback(callback, self)

    def _setup_train(self: Any) -> None:
        import torch

        super()._setup_train()  # type: ignore[misc]
        for model in (self.model, self.ema.ema):
            model.to(memory_format=torch.channels_last)
        if self.state:
            restore_trainer(self.state, self)
        # By default the average forgets all but the last step during the first hundreds of them: a whole training.
        self.ema.decay = lambda steps: self.settings.ema_decay * (1 - math.exp(-steps / EMA_WARMUP_STEPS))

    def _model_train(self: Any) -> None:
        from torch.nn import BatchNorm2d

        # BatchNorm's statistics are running means over what a layer has seen: 23 batches of new images replace half of
        # them, whatever the learning rate, and the old images are then normalised by others' numbers.
        super()._model_train()  # type: ignore[misc]
        for module in self.model.modules() if self.settings.freeze_batchnorm_stats else ():
            if isinstance(module, BatchNorm2d):
                module.eval()

    def _close_dataloader_mosaic(self: Any) -> None:
        super()._close_dataloader_mosaic()  # type: ignore[misc]
        self.mosaic_closed = True

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Order the batch's images channels last. On a CPU this saves a quarter of the time."""
        import torch

        batch = super().preprocess_batch(batch)  # type: ignore[misc]
        return batch | {"img": batch["img"].contiguous(memory_format=torch.channels_last)}

    def get_validator(self: Any) -> Any:
        """Make a validator that records its predictions."""
        arguments = {"save_dir": self.save_dir, "args": copy(self.args), "_callbacks": self.callbacks}
        return self.validator_type(self.test_loader, **arguments)

    def validate(self: Any) -> tuple[dict[str, float], float]:
        """Validate an epoch.

        Returns:
            Ultralytics' metrics together with the score of both slices, and the fitness.
        """
        metrics = self.validator(self)
        metrics.pop("fitness")
        score = self.training.monitor.score_epoch()
        fitness = self.training.monitor.fitness(score)
        self.best_fitness = fitness if self.best_fitness is None else max(self.best_fitness, fitness)
        self.plan_epochs()
        self.training.monitor.on_epoch_scored(self, score)
        self.training.early_stopping.on_epoch_scored(self, score)
        return metrics | {f"slices/{name}": value for name, value in vars(score).items()}, fitness

    def plan_epochs(self: Any) -> None:
        """After the first epoch, plan as many as the time allows; the learning rate falls along the new schedule."""
        if self.epoch or (epochs := self.training.time_budget.epochs_in_time(self.epochs)) == self.epochs:
            return
        self.epochs = self.args.epochs = epochs
        self.args.close_mosaic = epochs_without_mosaic(self.settings, epochs)
        self._setup_scheduler()
        self.scheduler.last_epoch = self.epoch
        self.stop = self.stop or epochs == 1

    def final_eval(self: Any) -> None:
        """Strip the optimizer. Ultralytics would also validate once more, to print what is known already."""
        from ultralytics.utils.torch_utils import strip_optimizer

        for file in (self.last, self.best):
            strip_optimizer(file)


def make_trainer(callbacks: TrainingCallbacks, settings: TrainingSettings, state: Mapping[str, Any] | None) -> type:
    """Make a subclass of Ultralytics' `DetectionTrainer` that fine-tunes without forgetting.

    Args:
        callbacks: The callbacks of the training.
        settings: The settings, with the batch and the epochs that are used.
        state: State of an interrupted training to resume; None for a new one.
    """
    from ultralytics.models.yolo.detect import DetectionTrainer

    validator = make_recording_validator(callbacks.monitor.recorder)
    own = {"training": callbacks, "settings": settings, "validator_type": validator, "state": state}
    return type("FineTuningDetectionTrainer", (FineTuningTrainer, DetectionTrainer), own)
