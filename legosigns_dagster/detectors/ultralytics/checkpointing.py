"""Hands over what a training has after each epoch: its state, the best weights and the curves."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from legosigns_dagster.core.detector.training_job import TrainingJob
from legosigns_dagster.detectors.ultralytics.training_state import write_state


class Stateful(Protocol):
    """A callback whose state is part of a training's state."""

    def state_dict(self) -> dict[str, Any]:
        """The state after the last epoch, as plain values."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a state."""


class Checkpointing:
    """Gives the state to the job's checkpoints, and weights and curves to its `on_epoch_end`."""

    def __init__(self, job: TrainingJob, callbacks: Mapping[str, Stateful]) -> None:
        self._job, self._callbacks = job, callbacks

    def restore(self, states: Mapping[str, Any]) -> None:
        """Give each callback its state of an interrupted training."""
        for name, callback in self._callbacks.items():
            callback.load_state_dict(states[name])

    def on_model_save(self, trainer: Any) -> None:
        """Hand over copies, since the next epoch overwrites the files."""
        run = Path(trainer.save_dir)
        with tempfile.TemporaryDirectory(dir=run) as name:
            folder = Path(name)
            if self._job.checkpoints:
                states = {name: callback.state_dict() for name, callback in self._callbacks.items()}
                write_state(trainer, states, folder / "state.pt")
                self._job.checkpoints.keep(self._job.key, folder / "state.pt")
            shutil.copyfile(run / "weights" / "best.pt", folder / "best.pt")
            shutil.copyfile(run / "results.csv", folder / "results.csv")
            self._job.on_epoch_end(folder)
