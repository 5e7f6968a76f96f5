"""Checkpoint files without what differs from run to run: the same training twice gives the same bytes."""

from pathlib import Path
from typing import Any

KEPT_FACTS = ("version", "license", "docs")
RUN_PATHS = ("data", "project", "name", "save_dir", "model", "resume")  # paths of the run that trained the weights


def load_network(checkpoint: dict[str, Any]) -> Any:
    """Take the network out of a checkpoint, in single precision."""
    return (checkpoint.get("ema") or checkpoint["model"]).float()


def write_checkpoint(checkpoint: dict[str, Any], model: Any, into: Path) -> None:
    """Write a network in half precision with the arguments it was trained with: no date, no path, no optimizer."""
    import torch

    arguments = {name: value for name, value in checkpoint["train_args"].items() if name not in RUN_PATHS}
    model.args = arguments
    vars(model).pop("pt_path", None)  # the base's path: a folder of the run
    facts = {name: checkpoint.get(name) for name in KEPT_FACTS}
    torch.save(facts | {"model": model.half(), "ema": None, "train_args": arguments, "epoch": -1}, into)


def write_interpolated(base: Path, trained: Path, alpha: float, into: Path) -> None:
    """Write (1 - alpha) * base + alpha * trained as a checkpoint, with the trained one's other facts.

    Args:
        base: The base's checkpoint.
        trained: The trained checkpoint.
        alpha: 0 to 1.
        into: The file to write.
    """
    import torch

    first, last = (torch.load(file, map_location="cpu", weights_only=False) for file in (base, trained))
    start, model = load_network(first).state_dict(), load_network(last)
    end = model.state_dict()
    for name, value in end.items():
        if value.dtype.is_floating_point:  # the others count batches
            end[name] = torch.lerp(start[name], value, alpha)
    model.load_state_dict(end)
    write_checkpoint(last, model, into)


def strip_onnx(file: Path) -> None:
    """Remove the date and the training's folder from an ONNX file's metadata."""
    import onnx

    model = onnx.load(file)
    kept = [(entry.key, entry.value) for entry in model.metadata_props if entry.key not in ("date", "description")]
    onnx.helper.set_model_props(model, dict(kept))
    onnx.save(model, file)
