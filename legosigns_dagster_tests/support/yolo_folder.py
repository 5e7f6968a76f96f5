"""YOLO folders as people give them, written in one line."""

from collections.abc import Mapping
from pathlib import Path

from legosigns_dagster_tests.support.builders import write_image

BOTH_CLASSES = "0 0.5 0.5 0.25 0.5\n1 0.2 0.2 0.2 0.2\n"
NAMES = "names: [SpeedLimit, DangerAhead]\n"


def write_files(folder: Path, files: Mapping[str, str | bytes | int]) -> Path:
    """Write files: an image where the content is a number, its seed; else this text or these bytes."""
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, int):
            write_image(file, seed=content)
        else:
            file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return folder


def yolo_files(
    train: str = "images/train", val: str = "images/val", data: str = NAMES, count: int = 2
) -> dict[str, str | bytes | int]:
    """Make a good YOLO set: `count` images in each of these folders, with labels, and this `data.yaml`."""
    files: dict[str, str | bytes | int] = {"data.yaml": data}
    for first, folder in ((0, train), (100, val)):
        for number in range(first, first + count):
            files[f"{folder}/i{number}.jpg"] = number
            files[f"{'labels'.join(folder.rsplit('images', 1))}/i{number}.txt"] = BOTH_CLASSES
    return files
