"""Networks of Ultralytics with the layers of well-known ones and hardly any channels, made from their descriptions."""

from pathlib import Path
from typing import Any

from legosigns_dagster.detectors.ultralytics.detector import library

NAMES = {0: "SpeedLimit", 1: "DangerAhead"}
IMAGE_SIZE = 64
# Depth, width and most channels, in the place of the "n" in each description.
TINY = [0.33, 0.0625, 256]
# YOLO12's attention needs channels in multiples of 32.
SCALES = {"yolo12n": [0.33, 0.25, 256]}


def tiny_network(name: str, kind: str = "DetectionModel", **changes: Any) -> Any:
    """Build a network of this class from the description of this name, with changes to the description."""
    with library():
        from ultralytics.nn import tasks

        description = tasks.yaml_model_load(f"{name}.yaml") | {"nc": len(NAMES)} | changes
        description["scales"] = {"n": SCALES.get(name, TINY)}
        network = getattr(tasks, kind)(description, ch=changes.get("channels", 3), verbose=False)
    network.names = dict(NAMES) if description["nc"] == len(NAMES) else network.names
    return network


def save_network(network: Any, file: Path) -> Path:
    """Save a network as a training of Ultralytics leaves it."""
    import torch

    torch.save({"model": network.half(), "ema": None, "train_args": {"imgsz": IMAGE_SIZE}}, file)
    return file
