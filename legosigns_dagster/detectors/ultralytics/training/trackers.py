"""Other people's trackers of experiments, which Ultralytics switches on wherever they are installed."""

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

# Ultralytics' settings for them.
TRACKERS = ("clearml", "comet", "dvc", "mlflow", "raytune", "tensorboard", "wandb")
INTEGRATIONS = "ultralytics.utils.callbacks."
PLATFORM = f"{INTEGRATIONS}platform"
ASKS_FOR_MLFLOW = "MLFLOW_TRACKING_URI"


def choose_trackers(environment: Mapping[str, str]) -> dict[str, bool]:
    """Decide for each tracker whether a training reports to it: to MLflow where a variable names its server.

    Example:
        >>> [name for name, on in choose_trackers({"MLFLOW_TRACKING_URI": "http://mlflow:5000"}).items() if on]
        ['mlflow']
    """
    return {name: name == "mlflow" and bool(environment.get(ASKS_FOR_MLFLOW)) for name in TRACKERS}


def run_callback(callback: Callable[[Any], None], trainer: Any) -> None:
    """Call a callback of a training, unless it sends the training to Ultralytics' own platform.

    That one is switched on wherever an API key is set.
    """
    module = getattr(callback, "__module__", "")
    if module == PLATFORM:
        return
    with own_random_numbers() if module.startswith(INTEGRATIONS) else nullcontext():
        callback(trainer)


@contextmanager
def own_random_numbers() -> Iterator[None]:
    """Keep the random numbers of the training as they are.

    A tracker waits for a random time before it asks its server again. Without this, a server that failed for a moment
    changed all images that the training made from then on, and so the weights.
    """
    state, numpy_state = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(state)
        np.random.set_state(numpy_state)
