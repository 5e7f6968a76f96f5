"""Ultralytics' trainer, changed in what makes it forget and in how it is judged; imported inside functions only."""

import math
from collections.abc import Mapping
from copy import copy
from typing import Any

from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.detectors.ultralytics.arguments import plain_epochs
from legosigns_dagster.detectors.ultralytics.epoch_monitor import Judge
from legosigns_dagster.detectors.ultralytics.training_state import restore_trainer

STEPS_TO_AVERAGE = 10.0  # after which averaging is as slow as it is asked to be


class Steady:
    """What is changed in Ultralytics' `DetectionTrainer`, to be mixed into it by `trainer_of`."""

    judge: Judge
    settings: TrainingSettings
    validator_type: type
    state: Mapping[str, Any] | None
    mosaic_closed = False

    def _setup_train(self: Any) -> None:
        import torch

        super()._setup_train()  # type: ignore[misc]
        for model in (self.model, self.ema.ema):
            model.to(memory_format=torch.channels_last)
        if self.state:
            restore_trainer(self.state, self)
        # By default the average forgets all but the last step during the first hundreds of them: a whole training.
        self.ema.decay = lambda steps: self.settings.averaging * (1 - math.exp(-steps / STEPS_TO_AVERAGE))

    def _model_train(self: Any) -> None:
        from torch.nn import BatchNorm2d

        # BatchNorm's statistics are running means over what a layer has seen: 23 batches of new images replace half of
        # them, whatever the learning rate, and the old images are then normalised by others' numbers.
        super()._model_train()  # type: ignore[misc]
        for module in self.model.modules() if self.settings.keep_statistics else ():
            if isinstance(module, BatchNorm2d):
                module.eval()

    def _close_dataloader_mosaic(self: Any) -> None:
        super()._close_dataloader_mosaic()  # type: ignore[misc]
        self.mosaic_closed = True

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The batch, its images with channels last: a quarter less time on a CPU. Ultralytics does it on GPUs alone."""
        import torch

        batch = super().preprocess_batch(batch)  # type: ignore[misc]
        return batch | {"img": batch["img"].contiguous(memory_format=torch.channels_last)}

    def get_validator(self: Any) -> Any:
        """A validator that notes what it finds."""
        arguments = {"save_dir": self.save_dir, "args": copy(self.args), "_callbacks": self.callbacks}
        return self.validator_type(self.test_loader, **arguments)

    def validate(self: Any) -> tuple[dict[str, float], float]:
        """Ultralytics' metrics with the score of both slices, and what that is worth."""
        metrics = self.validator(self)
        metrics.pop("fitness")
        score = self.judge.score()
        fitness = self.judge.fitness(score)
        self.best_fitness = fitness if self.best_fitness is None else max(self.best_fitness, fitness)
        self.plan()
        self.judge.epoch_ends(self, score)
        return metrics | {f"slices/{name}": value for name, value in vars(score).items()}, fitness

    def plan(self: Any) -> None:
        """After the first epoch, as many as the time allows; the learning rate falls along the new schedule."""
        if self.epoch or (epochs := self.judge.affordable(self.epochs)) == self.epochs:
            return
        self.epochs = self.args.epochs = epochs
        self.args.close_mosaic = plain_epochs(self.settings, epochs)
        self._setup_scheduler()
        self.scheduler.last_epoch = self.epoch
        self.stop = self.stop or epochs == 1

    def final_eval(self: Any) -> None:
        """Strip the optimizer; Ultralytics would validate the best once more, to print what is known already."""
        from ultralytics.utils.torch_utils import strip_optimizer

        for file in (self.last, self.best):
            strip_optimizer(file)


def trainer_of(judge: Judge, settings: TrainingSettings, validator: type, state: Mapping[str, Any] | None) -> type:
    """A `DetectionTrainer` that keeps BatchNorm statistics, is judged by both slices, and may go on from the state of
    another.
    """
    from ultralytics.models.yolo.detect import DetectionTrainer

    own = {"judge": judge, "settings": settings, "validator_type": validator, "state": state}
    return type("SteadyTrainer", (Steady, DetectionTrainer), own)
