"""Hands over what a training has after each epoch: its state, the best weights and the curves."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from legosigns_dagster.core.detector.training_job import TrainingJob
from legosigns_dagster.core.files import is_disk_full, no_space_message
from legosigns_dagster.core.progress import Log
from legosigns_dagster.detectors.ultralytics.training.training_state import write_state

# For each parameter: weights and average in 32 bits, two moments of AdamW, the best weights; once more in the store.
STATE_BYTES = 40


class Stateful(Protocol):
    """A callback whose state is part of a training's state."""

    def state_dict(self) -> dict[str, Any]:
        """The state after the last epoch, as plain values."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a state."""


class Checkpointing:
    """Gives the state to the job's checkpoints, and weights and curves to its `on_epoch_end`.

    On a full disk an epoch does without: a warning says so, and the training goes on.
    """

    def __init__(self, job: TrainingJob, callbacks: Mapping[str, Stateful], log: Log) -> None:
        self._job, self._callbacks, self._log = job, callbacks, log

    def restore(self, states: Mapping[str, Any]) -> None:
        """Give each callback its state of an interrupted training."""
        for name, callback in self._callbacks.items():
            callback.load_state_dict(states[name])

    def on_model_save(self, trainer: Any) -> None:
        """Hand over copies, since the next epoch overwrites the files."""
        run = Path(trainer.save_dir)
        try:
            self._hand_over(trainer, run)
        except (OSError, RuntimeError) as error:
            if not is_disk_full(error):
                raise
            needed = STATE_BYTES * sum(one.numel() for one in trainer.model.parameters())
            reason = no_space_message(run, needed)
            self._log.warning(f"the training goes on, but cannot be resumed after epoch {trainer.epoch + 1}: {reason}")

    def _hand_over(self, trainer: Any, run: Path) -> None:
        with tempfile.TemporaryDirectory(dir=run) as name:
            folder = Path(name)
            if self._job.checkpoints:
                states = {name: callback.state_dict() for name, callback in self._callbacks.items()}
                write_state(trainer, states, folder / "state.pt")
                self._job.checkpoints.keep(self._job.key, folder / "state.pt")
            shutil.copyfile(run / "weights" / "best.pt", folder / "best.pt")
            shutil.copyfile(run / "results.csv", folder / "results.csv")
            self._job.on_epoch_end(folder)
