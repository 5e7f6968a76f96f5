"""The state of a training between two epochs, from which another process ends it as this one would have, to the byte.

Ultralytics' own `last.pt` is no such state: it has the averaged weights alone, rounded, and nothing of the randomness.
"""

import random
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from legosigns_dagster.core.detector.training_job import Lesson
from legosigns_dagster.core.progress import Log


def write_state(trainer: Any, judged: Mapping[str, Any], into: Path) -> None:
    """Write all that the next epoch depends on. `trainer` has just saved an epoch; `judged` is its judge's part."""
    import torch

    run, loader = Path(trainer.save_dir), trainer.train_loader
    state = {
        "epochs_done": trainer.epoch + 1,
        "epochs": trainer.epochs,
        "ended": bool(trainer.stop),
        "batch": trainer.batch_size,
        "judged": dict(judged),
        "trainer": {"optimizer": trainer.optimizer.state_dict(), "scaler": trainer.scaler.state_dict(),
                    "best_fitness": float(trainer.best_fitness), "stopper": stopper_of(trainer)},
        "model": trainer.model.state_dict(),
        "average": trainer.ema.ema.state_dict(),
        "averaged": trainer.ema.updates,
        "random": random_state(),
        "order": loader.generator.get_state(),
        "mosaic_closed": trainer.mosaic_closed,
        "in_memory": list(loader.dataset.buffer),
        "best": torch.frombuffer(bytearray((run / "weights" / "best.pt").read_bytes()), dtype=torch.uint8),
        "curves": (run / "results.csv").read_text(encoding="utf-8"),
    }  # fmt: skip
    torch.save(state, into)


def found_state(lesson: Lesson, log: Log) -> dict[str, Any] | None:
    """The state that an interrupted training of this lesson left; None, and a warning, for a damaged one."""
    file = lesson.data.parent / "found.pt"
    if not (lesson.checkpoints and lesson.checkpoints.fetch(lesson.key, file)):
        return None
    try:
        state = read_state(file)
    except ValueError as error:
        log.warning(f"what an interrupted training left is damaged, this one starts from the beginning: {error}")
        return None
    log.info(
        f"an interrupted training had finished epoch {state['epochs_done']} of {state['epochs']}: this one goes on"
    )
    return state


def read_state(file: Path) -> dict[str, Any]:
    """The state in a file; ValueError that says what is wrong with a damaged one. Nothing in it is executed."""
    import torch

    try:
        with zipfile.ZipFile(file) as archive:
            if damaged := archive.testzip():
                raise ValueError(f"{damaged} is damaged")
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever unpickling foreign bytes raises
        raise ValueError(f"{type(error).__name__}: {error}") from error
    return state


def ended_run(state: Mapping[str, Any], run: Path) -> Path:
    """The folder of a run that has nothing left to train, as Ultralytics leaves it."""
    from ultralytics.utils.torch_utils import strip_optimizer

    restore_run(state, run)
    strip_optimizer(run / "weights" / "best.pt")
    return run


def restore_run(state: Mapping[str, Any], run: Path) -> None:
    """Put the best weights and the curves so far where Ultralytics has them in a run's folder."""
    (run / "weights").mkdir(parents=True, exist_ok=True)
    (run / "weights" / "best.pt").write_bytes(state["best"].numpy().tobytes())
    (run / "results.csv").write_text(state["curves"], encoding="utf-8")


def restore_trainer(state: Mapping[str, Any], trainer: Any) -> None:
    """Make a trainer that has just been set up the one whose state this is."""
    trainer.resume = True  # Ultralytics does nothing otherwise
    trainer.resume_training({**state["trainer"], "epoch": state["epochs_done"] - 1})
    trainer.scheduler.last_epoch = trainer.start_epoch - 1
    restore_run(state, Path(trainer.save_dir))
    trainer.model.load_state_dict(state["model"])
    trainer.ema.ema.load_state_dict(state["average"])
    trainer.ema.updates = state["averaged"]
    loader = trainer.train_loader
    for image in state["in_memory"]:  # mosaics are made of these
        loader.dataset.load_image(image)
    closes_now = trainer.args.close_mosaic and state["epochs_done"] >= trainer.epochs - trainer.args.close_mosaic
    loader.generator.set_state(state["order"])
    if state["mosaic_closed"] or not closes_now:  # otherwise the loader begins anew in either case
        object.__setattr__(loader, "batch_sampler", DrawnOn(loader))
    restore_random(state["random"])


class DrawnOn:
    """A loader's batches as if its first pass had been drawn already.

    A loader that begins draws a seed for its workers first; one that goes on ends its last pass instead.
    """

    def __init__(self, loader: Any) -> None:
        self.batches, self.sampler = loader.batch_sampler, loader.batch_sampler.sampler
        self._generator, self._state = loader.generator, loader.generator.get_state()
        self._ends_pass = not len(loader.dataset) % loader.batch_size
        self._size = len(loader.dataset)

    def __iter__(self) -> Iterator[list[int]]:
        import torch

        if self._state is not None:
            self._generator.set_state(self._state)
            self._state = None
            if self._ends_pass:  # a pass whose last batch is full ends when the next one begins, with a draw in vain
                torch.randperm(self._size, generator=self._generator)
        yield from self.batches


def stopper_of(trainer: Any) -> dict[str, Any]:
    """Ultralytics' own patience, as plain numbers."""
    stopper = trainer.stopper
    return {"best_fitness": float(stopper.best_fitness), "best_epoch": stopper.best_epoch,
            "possible_stop": bool(stopper.possible_stop)}  # fmt: skip


def random_state() -> dict[str, Any]:
    """The state of every source of randomness of this process, as plain values."""
    import numpy as np
    import torch

    drawn: Any = np.random.get_state()
    kind, keys, *rest = drawn
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"python": random.getstate(), "numpy": (kind, keys.tolist(), *rest), "torch": torch.get_rng_state(),
            "gpus": gpus}  # fmt: skip


def restore_random(state: Mapping[str, Any]) -> None:
    """Go on drawing from there; GPUs that were not there draw as they would have."""
    import numpy as np
    import torch

    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if torch.cuda.is_available() and torch.cuda.device_count() == len(state["gpus"]):
        torch.cuda.set_rng_state_all(state["gpus"])
