"""Checkpoint files without what differs from run to run: the same training twice gives the same bytes."""

from pathlib import Path
from typing import Any

LASTING = ("version", "license", "docs")
PLACES = ("data", "project", "name", "save_dir", "model", "resume")  # folders of the run that trained them


def model_of(checkpoint: dict[str, Any]) -> Any:
    """The network of a checkpoint, in single precision."""
    return (checkpoint.get("ema") or checkpoint["model"]).float()


def write_plain(checkpoint: dict[str, Any], model: Any, into: Path) -> None:
    """Write a network in half precision with the settings it was trained with: no date, no folder, no optimizer."""
    import torch

    settings = {name: value for name, value in checkpoint["train_args"].items() if name not in PLACES}
    model.args = settings
    vars(model).pop("pt_path", None)  # where the base lay: a folder of the run
    facts = {name: checkpoint.get(name) for name in LASTING}
    torch.save(facts | {"model": model.half(), "ema": None, "train_args": settings, "epoch": -1}, into)


def write_mixture(base: Path, trained: Path, alpha: float, into: Path) -> None:
    """Write weights that lie `alpha` of the way from one checkpoint's to another's, whose other facts they have."""
    import torch

    first, last = (torch.load(file, map_location="cpu", weights_only=False) for file in (base, trained))
    start, model = model_of(first).state_dict(), model_of(last)
    end = model.state_dict()
    for name, value in end.items():
        if value.dtype.is_floating_point:  # the others count batches
            end[name] = torch.lerp(start[name], value, alpha)
    model.load_state_dict(end)
    write_plain(last, model, into)


def strip_onnx(file: Path) -> None:
    """Remove the date and the training's folder from an ONNX file's metadata."""
    import onnx

    model = onnx.load(file)
    kept = [(entry.key, entry.value) for entry in model.metadata_props if entry.key not in ("date", "description")]
    onnx.helper.set_model_props(model, dict(kept))
    onnx.save(model, file)
