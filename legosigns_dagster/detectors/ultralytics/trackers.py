"""Other people's trackers of experiments, which Ultralytics switches on wherever they are installed."""

from collections.abc import Mapping, Sequence
from typing import Any

# Ultralytics' settings for them.
TRACKERS = ("clearml", "comet", "dvc", "mlflow", "raytune", "tensorboard", "wandb")
PLATFORM = "ultralytics.utils.callbacks.platform"
ASKS_FOR_MLFLOW = "MLFLOW_TRACKING_URI"


def choose_trackers(environment: Mapping[str, str]) -> dict[str, bool]:
    """Decide for each tracker whether a training reports to it: to MLflow where a variable names its server.

    Example:
        >>> [name for name, on in choose_trackers({"MLFLOW_TRACKING_URI": "http://mlflow:5000"}).items() if on]
        ['mlflow']
    """
    return {name: name == "mlflow" and bool(environment.get(ASKS_FOR_MLFLOW)) for name in TRACKERS}


def without_platform(callbacks: Sequence[Any]) -> list[Any]:
    """Leave out the callbacks that send a training to Ultralytics' own platform, wherever an API key is set."""
    return [callback for callback in callbacks if getattr(callback, "__module__", "") != PLATFORM]
