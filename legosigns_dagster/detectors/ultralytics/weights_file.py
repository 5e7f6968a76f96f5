"""Checkpoint files without what differs from run to run: the same training twice gives the same bytes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.inference.contract import METADATA_KEY, ModelContract

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


def write_contract(file: Path, classes: SignClasses, thresholds: Sequence[float]) -> ModelContract:
    """Write an ONNX file's contract into its metadata, and remove the date and the training's folder from there.

    Images are prepared as Ultralytics does it for a prediction: see the defaults of `ModelContract`.
    """
    import onnx

    model = onnx.load(file)
    (taken,), (given,) = model.graph.input, model.graph.output
    size, shape = tensor_shape(taken)[-1], tensor_shape(given)
    contract = ModelContract(classes, size, (shape[0], shape[1], shape[2]), tuple(thresholds), taken.name, given.name)
    kept = {entry.key: entry.value for entry in model.metadata_props if entry.key not in ("date", "description")}
    onnx.helper.set_model_props(model, kept | {METADATA_KEY: contract.to_json()})
    onnx.save(model, file)
    return contract


def tensor_shape(value: Any) -> list[int]:
    """Read the shape of an ONNX graph's input or output."""
    return [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
