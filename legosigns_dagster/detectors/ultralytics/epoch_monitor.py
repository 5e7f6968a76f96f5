"""How every epoch of a training is judged: by both slices, not by the mixture of their images."""

import math
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.core.detector.training_job import CLASSICAL, LEGO, Lesson
from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.core.progress import Log, clock
from legosigns_dagster.detectors.ultralytics.outputs import Noted
from legosigns_dagster.detectors.ultralytics.training_state import write_state

NOTHING_DRAWN = 1.1  # a confidence that no detection has: the report's boxes are not wanted here


class Judge:
    """Scores every epoch on both slices, says how it went, and tells when to stop.

    `trainer` is Ultralytics'; its fitness, by which it keeps `best.pt`, is `Score.worth`.
    """

    def __init__(self, lesson: Lesson, settings: TrainingSettings, log: Log) -> None:
        self.noted = Noted(NOTHING_DRAWN)
        self._lesson, self._settings, self._log = lesson, settings, log
        self._plateau = Plateau(settings.patience)
        self._best = -math.inf
        self._start = self._epoch_start = time.monotonic()
        self._rate = 0.0

    def so_far(self) -> dict[str, Any]:
        """What the epochs until now were, for `go_on_from`: the best, how long nothing has moved, and the seconds."""
        seconds = time.monotonic() - self._start
        return {"best": self._best, "bests": self._plateau.best, "since": self._plateau.since, "seconds": seconds}

    def go_on_from(self, so_far: Mapping[str, Any]) -> None:
        """Judge as if these epochs had been in this process."""
        self._best, self._plateau.best, self._plateau.since = so_far["best"], so_far["bests"], so_far["since"]
        self._start = time.monotonic() - so_far["seconds"]

    def score(self) -> Score:
        """The score of what was noted since the last one."""
        found = []
        for wanted in (CLASSICAL, LEGO):
            names = {name: name for name, slice_name in self._lesson.slices.items() if slice_name == wanted}
            found.append(self.noted.matches(names, self._lesson.classes))
        self.noted.clear()
        return Score.of(*found)

    def fitness(self, score: Score) -> float:
        """What the epoch is worth."""
        return score.worth(self._lesson.base, self._settings.classical_loss)

    def affordable(self, epochs: int) -> int:
        """How many of these epochs end in time, if all take as long as the first; at least that one."""
        left = self._lesson.ends_at - time.monotonic()
        if math.isinf(left):
            return epochs
        fit = 1 + max(int(left / (time.monotonic() - self._epoch_start)), 0)
        if fit < epochs:
            self._log.info(
                f"{fit} epochs fit into the {self._settings.minutes:g} minutes, not {epochs}: {fit} are planned"
            )
        return min(fit, epochs)

    def epoch_starts(self, trainer: Any) -> None:
        """Take the time."""
        self._epoch_start = time.monotonic()

    def batch_ends(self, trainer: Any) -> None:
        """FloatingPointError that says what to do where the loss is no number: Ultralytics would go on without it."""
        loss = float(trainer.loss.detach())
        if not math.isfinite(loss):
            raise FloatingPointError(
                f"the loss became {loss} in epoch {trainer.epoch + 1}: lower learning_rate (now "
                f"{self._settings.learning_rate}), or check that BASE_WEIGHTS are whole"
            )

    def batches_end(self, trainer: Any) -> None:
        """Note how fast the images were learned from."""
        self._rate = len(trainer.train_loader.dataset) / (time.monotonic() - self._epoch_start)

    def epoch_ends(self, trainer: Any, score: Score) -> None:
        """Say how it went, and stop where neither slice has moved for long."""
        losses = trainer.label_loss_items(trainer.tloss)
        shown = " ".join(f"{key.removeprefix('train/')} {float(value):.3f}" for key, value in losses.items())
        done = trainer.epoch + 1
        left = (time.monotonic() - self._start) / done * (trainer.epochs - done)
        best = ", best so far" if self.fitness(score) > self._best else ""
        self._best = max(self._best, self.fitness(score))
        self._log.info(
            f"epoch {done}/{trainer.epochs}: {shown}; val {score}{best}; {self._rate:.1f} images/s, {clock(left)} left"
        )
        if self._plateau.reached(score) and done < trainer.epochs:
            self._log.info(f"neither slice has reached a new best for {self._settings.patience} epochs: that is enough")
            trainer.stop = True

    def kept(self, trainer: Any) -> None:
        """Hand over the state, the best weights and the results so far, as files that the next epoch leaves alone."""
        run = Path(trainer.save_dir)
        with tempfile.TemporaryDirectory(dir=run) as name:
            folder = Path(name)
            if self._lesson.checkpoints:
                write_state(trainer, self.so_far(), folder / "state.pt")
                self._lesson.checkpoints.keep(self._lesson.key, folder / "state.pt")
            shutil.copyfile(run / "weights" / "best.pt", folder / "best.pt")
            shutil.copyfile(run / "results.csv", folder / "results.csv")
            self._lesson.keep(folder)


class Plateau:
    """Tells when neither slice has reached a new best for so many epochs; 0 epochs of patience: never."""

    def __init__(self, patience: int) -> None:
        self._patience = patience
        self.best: dict[str, float] = {}
        self.since = 0

    def reached(self, score: Score) -> bool:
        """Whether this epoch's score is the last of so many without a new best."""
        moved = list(self._new_bests(score))
        self.since = 0 if moved else self.since + 1
        return bool(self._patience) and self.since >= self._patience

    def _new_bests(self, score: Score) -> Iterable[str]:
        for name in ("classical_map50_95", "lego_map50_95"):
            value = getattr(score, name)
            if value > self.best.get(name, -math.inf):
                self.best[name] = value
                yield name
