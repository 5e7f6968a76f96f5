"""Plans as many epochs as fit into the time that a training has."""

import math
import time
from typing import Any

from legosigns_dagster.core.detector.training_job import TrainingJob
from legosigns_dagster.core.progress import Log


class TimeBudget:
    """Shortens a training after its first epoch, so that it ends before the job's deadline."""

    def __init__(self, job: TrainingJob, log: Log) -> None:
        self._deadline, self._minutes, self._log = job.deadline, job.settings.minutes, log
        self._epoch_start = time.monotonic()

    def on_train_epoch_start(self, trainer: Any) -> None:
        """Start the clock."""
        self._epoch_start = time.monotonic()

    def epochs_in_time(self, epochs: int) -> int:
        """Count how many of these epochs end in time if all take as long as the first; at least that one."""
        left = self._deadline - time.monotonic()
        if math.isinf(left):
            return epochs
        fit = 1 + max(int(left / (time.monotonic() - self._epoch_start)), 0)
        if fit < epochs:
            self._log.info(f"{fit} epochs fit into the {self._minutes:g} minutes, not {epochs}: {fit} are planned")
        return min(fit, epochs)
