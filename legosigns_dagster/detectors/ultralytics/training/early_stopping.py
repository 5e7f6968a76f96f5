"""Stops a training that no longer gets better, or whose loss is no finite number."""

import math
from collections.abc import Mapping
from typing import Any

from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.core.progress import Log


class EarlyStopping:
    """Stops when neither slice has reached a new best mAP50-95 for `patience` epochs; 0: never."""

    def __init__(self, patience: int, log: Log) -> None:
        self._patience, self._log = patience, log
        self._best: dict[str, float] = {}
        self._epochs_since_best = 0

    def state_dict(self) -> dict[str, Any]:
        """The state after the last epoch: the best of each slice, and the epochs since then."""
        return {"best": dict(self._best), "epochs_since_best": self._epochs_since_best}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue as if the earlier epochs had been in this process."""
        self._best, self._epochs_since_best = dict(state["best"]), state["epochs_since_best"]

    def on_epoch_scored(self, trainer: Any, score: Score) -> None:
        """Stop after this epoch when it is the last of `patience` without a new best."""
        values = {"classical": score.classical_map50_95, "lego": score.lego_map50_95}
        better = {name: value for name, value in values.items() if value > self._best.get(name, -math.inf)}
        self._best |= better
        self._epochs_since_best = 0 if better else self._epochs_since_best + 1
        if self._patience and self._epochs_since_best >= self._patience and trainer.epoch + 1 < trainer.epochs:
            self._log.info(f"stopping early: neither slice has reached a new best for {self._patience} epochs")
            trainer.stop = True


class NanGuard:
    """Checks the loss of every batch. Ultralytics would continue without the batch."""

    def __init__(self, learning_rate: float) -> None:
        self._learning_rate = learning_rate

    def on_train_batch_end(self, trainer: Any) -> None:
        """Check the loss.

        Raises:
            FloatingPointError: When it is NaN or infinite.
        """
        loss = float(trainer.loss.detach())
        if not math.isfinite(loss):
            raise FloatingPointError(
                f"the loss became {loss} in epoch {trainer.epoch + 1}: lower learning_rate (now "
                f"{self._learning_rate}), or check that BASE_WEIGHTS are whole"
            )
