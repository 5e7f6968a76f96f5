"""Stops a training whose loss is no finite number, with what to do."""

import math
from typing import Any


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
