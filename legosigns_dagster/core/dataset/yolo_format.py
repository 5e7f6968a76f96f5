"""YOLO folders: reading what people give, writing what a training or an evaluation reads."""

import shutil
import tarfile
from collections.abc import Iterable
from pathlib import Path

import yaml

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import TEST, TRAIN, VAL, Dataset, LabeledBox, LabeledImage, Split
from legosigns_dagster.core.dataset.quarantine import QuarantineRow, quarantine_table
from legosigns_dagster.core.files import file_sha256
from legosigns_dagster.core.geometry import UnitBox
from legosigns_dagster.core.images import find_images, slug, store_upright
from legosigns_dagster.core.progress import Log, track_progress

SPLITS: dict[str, Split] = {"train": TRAIN, "val": VAL, "valid": VAL, "test": TEST}  # by the name of a folder


def unpack(source: Path, into: Path) -> Path:
    """Unpack a `.tar.gz` into a folder. A source that is a folder is returned as it is.

    Raises:
        ValueError: The file cannot be read, or one of its members would be written outside of the folder.
    """
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
    """Find the folder with `data.yaml`.

    Raises:
        FileNotFoundError: There is no such file, or more than one.
    """
    files = sorted([*folder.rglob("data.yaml"), *folder.rglob("data.yml")])
    if len(files) != 1:
        raise FileNotFoundError(f"{folder} has {len(files)} files data.yaml, expected one that names the classes")
    return files[0].parent


def read_classes(root: Path) -> SignClasses:
    """Read the classes of a `data.yaml`, whose `names` are a list or a mapping of id to name."""
    file = next(iter(sorted(root.glob("data.y*ml"))))
    names = (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("names")
    if not names:
        raise ValueError(f"{file} has no 'names': list the classes in the order of their ids")
    return SignClasses.from_ids(names if isinstance(names, dict) else dict(enumerate(names)))


def read_labels(file: Path, size_wh: tuple[int, int], classes: SignClasses) -> tuple[LabeledBox, ...]:
    """Read a YOLO label file: a line `class x_center y_center width height` for each box, in shares of the image.

    Returns:
        The boxes in px, clipped to the image. A missing file is an image without a sign.

    Raises:
        ValueError: A line is something else (the message names it), or a box has no area.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     written = (file := Path(folder) / "a.txt").write_text("1 0.5 0.5 0.25 1.0")
        ...     read_labels(file, (64, 48), SignClasses(("SpeedLimit", "DangerAhead")))
        (LabeledBox(class_id=1, box=PixelBox(left=24.0, top=0.0, right=40.0, bottom=48.0)),)
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
    """Read a YOLO folder with `images/<split>` and `labels/<split>` and store its images in folder `into`.

    An image that cannot be used becomes a row of the quarantine. The folder's own split is kept. An image's group is
    its name up to the last underscore, since crops of one scene are named so.

    Raises:
        FileNotFoundError: There is not exactly one `data.yaml`.
        ValueError: Its classes are not `classes`, or no image can be used.
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
    """Copy images and write their labels into `images/<split>` and `labels/<split>` below `into`.

    They are copies, not links: Ultralytics rewrites a JPEG in place when it looks truncated, and would change the
    store's file.

    Returns:
        The absolute paths of the copies.
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
    """Write a `data.yaml` with absolute paths: Ultralytics looks for relative ones in a folder of its own."""
    file = into / "data.yaml"
    content = {"path": str(into.absolute()), "train": train, "val": val, "names": classes.by_id()}
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return file
