"""YOLO folders: reading the one that people give, writing the ones that a training or an evaluation reads."""

import shutil
import tarfile
from collections.abc import Iterable
from pathlib import Path

import yaml

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import TRAIN, VAL, Dataset, LabeledBox, LabeledImage
from legosigns_dagster.core.dataset.quarantine import QuarantineRow, quarantine_table
from legosigns_dagster.core.files import file_sha256
from legosigns_dagster.core.geometry import UnitBox
from legosigns_dagster.core.images import find_images, slug, store_upright
from legosigns_dagster.core.progress import Log, track_progress

SPLITS = {"train": TRAIN, "val": VAL, "valid": VAL, "test": "test"}


def unpack(source: Path, into: Path) -> Path:
    """A folder as it is; a `.tar.gz` unpacked into `into`, ValueError that names a member that would leave it."""
    if source.is_dir():
        return source
    try:
        with tarfile.open(source) as archive:
            archive.extractall(into, filter="data")
    except tarfile.FilterError as error:
        raise ValueError(f"{source}: {error}: refused, an archive may only write below its own folder") from error
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ValueError(f"{source} is not a readable .tar.gz ({error})") from error
    return into


def find_yolo_root(folder: Path) -> Path:
    """The folder that holds `data.yaml`; FileNotFoundError when there is none or more than one."""
    found = sorted([*folder.rglob("data.yaml"), *folder.rglob("data.yml")])
    if len(found) != 1:
        raise FileNotFoundError(f"{folder} has {len(found)} files data.yaml, expected one that names the classes")
    return found[0].parent


def read_classes(root: Path) -> SignClasses:
    """The classes of a `data.yaml`, whose names are a list or an id-to-name mapping."""
    file = next(iter(sorted(root.glob("data.y*ml"))))
    names = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("names")
    if not names:
        raise ValueError(f"{file} has no 'names': list the classes in the order of their ids")
    return SignClasses.from_ids(names if isinstance(names, dict) else dict(enumerate(names)))


def read_labels(file: Path, size_wh: tuple[int, int], classes: SignClasses) -> tuple[LabeledBox, ...]:
    """The boxes of a YOLO label file, clipped to the image; a missing file is an image without a sign.

    ValueError that names the line for anything that is not `class x_center y_center width height`.
    """
    boxes = []
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            class_id, *fractions = line.split()
            x, y, width, height = map(float, fractions)
            classes.names[int(class_id)]
        except (ValueError, IndexError) as error:
            expected = f"a class id below {len(classes.names)} and four fractions"
            raise ValueError(f"{file.name}, line {number} is {line!r}, expected {expected}") from error
        boxes.append(LabeledBox(int(class_id), UnitBox(x, y, width, height).to_pixels(size_wh).clip(size_wh)))
    if any(labeled.box.area <= 0 for labeled in boxes):
        raise ValueError(f"{file.name} has a box without an inside")
    return tuple(boxes)


def read_yolo(source: Path, classes: SignClasses, into: Path, origin: str, log: Log) -> Dataset:
    """The dataset in a YOLO folder with `images/<split>` and `labels/<split>`, its images stored in `into`.

    An image that cannot be used is a row of the quarantine. A group is an image's name up to the last underscore: crops
    of one scene are named so, and stay on one side because the folder's own split is kept.
    """
    root = find_yolo_root(source)
    classes.require(read_classes(root), f"{root}/data.yaml")
    images, rows = [], []
    files = [(split, file) for split in SPLITS for file in find_images(root / "images" / split)]
    (into / "images").mkdir(parents=True, exist_ok=True)
    for split, file in track_progress(files, len(files), f"images of {origin} read", log):
        try:
            stem = f"{split}-{slug(file.name)}-{file_sha256(file)[:10]}"
            stored = store_upright(file, into / "images", stem)
            label_file = (root / "labels" / split / file.relative_to(root / "images" / split)).with_suffix(".txt")
            boxes = read_labels(label_file, stored.size_wh, classes)
        except ValueError as error:
            rows.append(QuarantineRow("unusable_image", str(error), f"{split}/{file.name}"))
            continue
        relative = stored.file.relative_to(into).as_posix()
        group = f"{SPLITS[split]}/{file.stem.rsplit('_', 1)[0]}"
        digest = file_sha256(stored.file)
        images.append(LabeledImage(relative, digest, stored.size_wh, boxes, SPLITS[split], group, origin))
    if not images:
        raise ValueError(f"{root} has no usable image in images/train or images/val ({len(rows)} unusable)")
    dataset = Dataset.from_images(into, classes, images)
    return Dataset(into, classes, dataset.images, dataset.boxes, quarantine=quarantine_table(rows))


def write_split(images: Iterable[LabeledImage], folder: Path, split: str, into: Path) -> list[Path]:
    """Copy images and write their labels below `into`; answers the copies' paths, absolute.

    Copies, not links: Ultralytics rewrites a JPEG in place when it looks truncated, and would write into the store.
    """
    written = []
    for image in images:
        target = (into / "images" / split / Path(image.file).name).absolute()
        label = into / "labels" / split / f"{target.stem}.txt"
        target.parent.mkdir(parents=True, exist_ok=True)
        label.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / image.file, target)
        units = [(b.class_id, b.box.to_unit(image.size_wh)) for b in image.boxes]
        lines = [f"{c} {u.x_center:.9f} {u.y_center:.9f} {u.width:.9f} {u.height:.9f}\n" for c, u in units]
        label.write_text("".join(lines), encoding="utf-8")
        written.append(target)
    return written


def write_data_yaml(into: Path, train: str, val: str | list[str], classes: SignClasses) -> Path:
    """A `data.yaml` with absolute places, since Ultralytics looks for relative ones in a folder of its own."""
    file = into / "data.yaml"
    content = {"path": str(into.absolute()), "train": train, "val": val, "names": classes.by_id()}
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return file
