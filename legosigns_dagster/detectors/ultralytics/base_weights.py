"""Whether a file can be trained further, and why not. Asked before any work is done with it."""

import zipfile
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

EXPECTED = (
    "expected the .pt file of a detector that a training of Ultralytics left, such as runs/detect/train/weights/best.pt"
)
HEADS = ("Detect", "v10Detect")
IMAGE_CHANNELS = 3
ONNX_START = 8  # the number of its first field, as protobuf writes it
# What files are that people give in place of a checkpoint: where the bytes are, the bytes, and a name.
SIGNATURES = (
    (0, b"version https://git-lfs", "a pointer of Git LFS, not the file itself: run git lfs pull"),
    (0, b"\x89HDF", "an HDF5 file, as Keras writes it"),
    (0, b"\x1f\x8b", "a gzip archive: unpack it"),
    (4, b"TFL3", "a model for TensorFlow Lite"),
    (8, b'{"', "a file of safetensors: weights without a network"),
)


def refusal(file: Path, found: str) -> ValueError:
    """Make the error that says why a file is refused."""
    return ValueError(f"{file} is {found}; {EXPECTED}")


def load_base(file: Path) -> tuple[Any, dict[str, Any]]:
    """Load the network of a checkpoint and its training's arguments.

    Raises:
        ValueError: It cannot be trained further, and why not.
    """
    from ultralytics.nn import tasks

    require_checkpoint_file(file)
    try:
        checkpoint, _ = tasks.torch_safe_load(file)
    except Exception as error:
        # Unpickling raises whatever the file's own code raises, and the person who gave it must hear which file.
        text = " ".join(str(error).split())[:300]
        raise refusal(file, f"not an Ultralytics detector ({type(error).__name__}: {text})") from error
    network = find_network(file, checkpoint)
    if not isinstance(network, tasks.BaseModel):
        name = f"{type(network).__module__}.{type(network).__name__}"
        raise refusal(file, f"a checkpoint of another library: its network is a {name}")
    network = network.float()
    require_detector(file, network, tasks)
    require_own_layers(file, network, tasks)
    return network, checkpoint.get("train_args") or {}


def require_checkpoint_file(file: Path) -> None:
    """Check by its first bytes that a file is none of the other kinds that have weights in them."""
    with file.open("rb") as opened:
        start = opened.read(64)
    if not start:
        raise refusal(file, "empty")
    for offset, signature, name in SIGNATURES:
        if start[offset:].startswith(signature):
            raise refusal(file, name)
    if start.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise refusal(file, "a web page or an error of a server, saved in place of the file: fetch it again")
    if start[0] == ONNX_START and is_onnx(file):
        raise refusal(file, "an ONNX model, which is exported and can no longer be trained")
    if start.startswith(b"PK"):
        require_whole_archive(file)


def is_onnx(file: Path) -> bool:
    """Tell whether a file is an ONNX model."""
    import onnx

    try:
        return bool(onnx.load(file, load_external_data=False).graph.node)
    except Exception:  # protobuf's own, which has no types
        return False


def require_whole_archive(file: Path) -> None:
    """Check that PyTorch's archive is whole, and no TorchScript."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = {name.partition("/")[2] for name in archive.namelist()}
    except zipfile.BadZipFile as error:
        raise refusal(file, f"damaged, or was not copied to its end ({error})") from error
    if "constants.pkl" in names:
        raise refusal(file, "a TorchScript model, which is exported and can no longer be trained")


def find_network(file: Path, checkpoint: Mapping[str, Any]) -> Any:
    """Take the network out of what a file holds."""
    from torch import Tensor, nn

    network = checkpoint.get("ema") or checkpoint.get("model")
    if type(network) is nn.Sequential:  # Ultralytics takes the layers out of a file that is no dictionary
        raise refusal(file, "a bare network, as torch.save writes it, without names: save it with YOLO.save()")
    if isinstance(network, nn.Module):
        return network
    values = network if isinstance(network, dict) else checkpoint
    if values and all(isinstance(value, Tensor) for value in values.values()):
        raise refusal(file, "a state_dict: weights without a network")
    raise refusal(file, f"a checkpoint of another library, with the keys {', '.join(map(str, list(checkpoint)[:8]))}")


def require_detector(file: Path, network: Any, tasks: Any) -> None:
    """Check that a network is a detector of the kind that is trained here, for colour images."""
    task = getattr(network, "task", None) or tasks.guess_model_task(network)
    if task not in ("detect", None):  # None: Ultralytics does not know, as with RT-DETR
        raise refusal(file, f"a model for {task!r}, expected one for 'detect'")
    head = type(network.model[-1]).__name__
    if type(network) is not tasks.DetectionModel or head not in HEADS:
        raise refusal(file, f"a {type(network).__name__} with the head {head}, which is trained in another way")
    channels = int(network.yaml.get("channels", IMAGE_CHANNELS))
    if channels != IMAGE_CHANNELS:
        raise refusal(file, f"a detector for images of {channels} channels, not {IMAGE_CHANNELS}")
    if len(network.names) != network.model[-1].nc:
        raise refusal(file, f"a detector of {network.model[-1].nc} classes with {len(network.names)} names")


def require_own_layers(file: Path, network: Any, tasks: Any) -> None:
    """Check that a network has the layers of its own description, of which a training builds it anew."""
    from torch import random

    if network.is_fused():
        raise refusal(
            file, "fused: its BatchNorm layers are folded into the convolutions, as for an export, and not in the file"
        )
    with random.fork_rng():  # a new network draws numbers, and a training may be under way in this process
        anew = tasks.DetectionModel(network.yaml, ch=IMAGE_CHANNELS, nc=network.model[-1].nc, verbose=False)
        # As a training does it: the head of a detector that was itself trained further, from one of other classes, has
        # that one's width, and gets it here.
        anew.load(deepcopy(network), verbose=False)
    expected, found = ({n: tuple(t.shape) for n, t in m.state_dict().items()} for m in (anew, network))
    if differing := sorted(name for name in expected | found if expected.get(name) != found.get(name)):
        raise refusal(
            file,
            f"a network that was changed after it was built, by pruning or by hand: {len(differing)} of its tensors "
            f"are not those of its description, such as {differing[0]}",
        )
