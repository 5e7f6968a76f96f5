"""The state of a training between two epochs, from which another process ends with the same bytes.

Ultralytics' own `last.pt` is not enough: it has only the averaged weights, rounded, and no state of the random numbers.
"""

import random
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from legosigns_dagster.core.detector.training_job import TrainingJob
from legosigns_dagster.core.progress import Log
from legosigns_dagster.detectors.ultralytics.training.resumed_batch_sampler import ResumedBatchSampler


def write_state(trainer: Any, callbacks: Mapping[str, Any], into: Path) -> None:
    """Write all that the next epoch depends on.

    Args:
        trainer: Ultralytics' trainer, which has just saved an epoch.
        callbacks: State of each callback by its name.
        into: The file to write.
    """
    import torch

    run, loader = Path(trainer.save_dir), trainer.train_loader
    state = {
        "epochs_done": trainer.epoch + 1,
        "epochs": trainer.epochs,
        "ended": bool(trainer.stop),
        "batch": trainer.batch_size,
        "callbacks": dict(callbacks),
        "trainer": {"optimizer": trainer.optimizer.state_dict(), "scaler": trainer.scaler.state_dict(),
                    "best_fitness": float(trainer.best_fitness), "stopper": stopper_state(trainer)},
        "model": trainer.model.state_dict(),
        "ema": trainer.ema.ema.state_dict(),
        "ema_updates": trainer.ema.updates,
        "random": random_state(),
        "order": loader.generator.get_state(),
        "mosaic_closed": trainer.mosaic_closed,
        "in_memory": list(loader.dataset.buffer),
        "best": torch.frombuffer(bytearray((run / "weights" / "best.pt").read_bytes()), dtype=torch.uint8),
        "curves": (run / "results.csv").read_text(encoding="utf-8"),
    }  # fmt: skip
    torch.save(state, into)


def fetch_state(job: TrainingJob, log: Log) -> dict[str, Any] | None:
    """Fetch the state that an interrupted training of this job left.

    Returns:
        The state, or None where there is none. A damaged one is None as well, with a warning.
    """
    file = job.folder / "state.pt"
    if not (job.checkpoints and job.checkpoints.fetch(job.key, file)):
        return None
    try:
        state = read_state(file)
    except ValueError as error:
        log.warning(
            f"the state of an interrupted training is damaged, this training starts from the beginning: {error}"
        )
        return None
    log.info(f"resuming an interrupted training after epoch {state['epochs_done']} of {state['epochs']}")
    return state


def read_state(file: Path) -> dict[str, Any]:
    """Read a state from a file. Nothing in it is executed.

    Raises:
        ValueError: Says what is wrong with a damaged file.
    """
    import torch

    try:
        with zipfile.ZipFile(file) as archive:
            if damaged := archive.testzip():
                raise ValueError(f"{damaged} is damaged")
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever unpickling foreign bytes raises
        raise ValueError(f"{type(error).__name__}: {error}") from error
    return state


def restore_finished_run(state: Mapping[str, Any], run: Path) -> Path:
    """Make the folder of a run that has nothing left to train what Ultralytics would have left, and return it."""
    from ultralytics.utils.torch_utils import strip_optimizer

    restore_run(state, run)
    strip_optimizer(run / "weights" / "best.pt")
    return run


def restore_run(state: Mapping[str, Any], run: Path) -> None:
    """Write the best weights and the curves so far where Ultralytics has them in a run's folder."""
    (run / "weights").mkdir(parents=True, exist_ok=True)
    (run / "weights" / "best.pt").write_bytes(state["best"].numpy().tobytes())
    (run / "results.csv").write_text(state["curves"], encoding="utf-8")


def restore_trainer(state: Mapping[str, Any], trainer: Any) -> None:
    """Give a trainer that was just set up the state of the interrupted one."""
    trainer.resume = True  # Ultralytics does nothing otherwise
    trainer.resume_training({**state["trainer"], "epoch": state["epochs_done"] - 1})
    trainer.scheduler.last_epoch = trainer.start_epoch - 1
    restore_run(state, Path(trainer.save_dir))
    trainer.model.load_state_dict(state["model"])
    trainer.ema.ema.load_state_dict(state["ema"])
    trainer.ema.updates = state["ema_updates"]
    loader = trainer.train_loader
    for image in state["in_memory"]:  # mosaics are made of these
        loader.dataset.load_image(image)
    closes_now = trainer.args.close_mosaic and state["epochs_done"] >= trainer.epochs - trainer.args.close_mosaic
    loader.generator.set_state(state["order"])
    if state["mosaic_closed"] or not closes_now:  # otherwise a new loader begins in either case
        object.__setattr__(loader, "batch_sampler", ResumedBatchSampler(loader))
    restore_random(state["random"])


def stopper_state(trainer: Any) -> dict[str, Any]:
    """The state of Ultralytics' own early stopping, as plain values."""
    stopper = trainer.stopper
    return {"best_fitness": float(stopper.best_fitness), "best_epoch": stopper.best_epoch,
            "possible_stop": bool(stopper.possible_stop)}  # fmt: skip


def random_state() -> dict[str, Any]:
    """The state of every random number generator of this process, as plain values."""
    import numpy as np
    import torch

    drawn: Any = np.random.get_state()
    kind, keys, *rest = drawn
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"python": random.getstate(), "numpy": (kind, keys.tolist(), *rest), "torch": torch.get_rng_state(),
            "gpus": gpus}  # fmt: skip


def restore_random(state: Mapping[str, Any]) -> None:
    """Set every random number generator to a state. GPUs that were not there keep their own."""
    import numpy as np
    import torch

    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if torch.cuda.is_available() and torch.cuda.device_count() == len(state["gpus"]):
        torch.cuda.set_rng_state_all(state["gpus"])
