"""YOLO folders: reading what people give, writing what a training or an evaluation reads."""

import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.data_yaml import find_data_yaml, read_data_yaml
from legosigns_dagster.core.dataset.dataset import Dataset, LabeledImage, Split
from legosigns_dagster.core.dataset.quarantine import QuarantineRow, quarantine_table
from legosigns_dagster.core.dataset.unused_files import name_unused_files
from legosigns_dagster.core.dataset.yolo_labels import LabelFile, read_labels
from legosigns_dagster.core.dataset.yolo_layout import YoloImage, YoloLayout
from legosigns_dagster.core.files import file_sha256
from legosigns_dagster.core.images.stored_image import slug, store_upright
from legosigns_dagster.core.progress import Log, track_progress
from legosigns_dagster.core.sources.source_files import SourceFiles, error_text, list_source_files


@dataclass
class YoloReader:
    """Stores the images of a YOLO folder with their boxes, each content once in a split.

    Attributes:
        source: The files of the folder.
        classes: The classes that boxes may have.
        into: The folder of the dataset.
        origin: Where the images come from, as in `LabeledImage`.
        keypoint_columns: How many columns of a line are keypoints.
        rows: What could not be used.
        adjustments: What was used but changed.
    """

    source: SourceFiles
    classes: SignClasses
    into: Path
    origin: str
    keypoint_columns: int = 0
    rows: list[QuarantineRow] = field(default_factory=list)
    adjustments: list[QuarantineRow] = field(default_factory=list)

    def __post_init__(self) -> None:
        # By split and content: the image's name, and itself; None where its copies have different boxes.
        self._stored: dict[tuple[Split, str], tuple[str, LabeledImage | None]] = {}

    @property
    def images(self) -> list[LabeledImage]:
        """The images that can be used."""
        return [image for _, image in self._stored.values() if image]

    def add(self, image: YoloImage) -> None:
        """Store an image with its boxes. One that cannot be used is a row."""
        try:
            if image.doubt:
                raise ValueError(image.doubt)
            digest = file_sha256(self.source.files[image.path])
            if (image.split, digest) in self._stored:
                self._add_copy(image, digest)
            else:
                self._stored[image.split, digest] = image.name, self._store(image, digest)
        except Exception as error:
            self.rows.append(QuarantineRow("unusable_image", error_text(error), image.name))

    def _store(self, image: YoloImage, digest: str) -> LabeledImage:
        file = self.source.files[image.path]
        stored = store_upright(file, self.into / "images", f"{image.split}-{slug(file.name)}-{digest[:10]}")
        try:
            labels = self._read_labels(image, stored.size_wh)
        except Exception:
            stored.file.unlink()
            raise
        relative, group = stored.file.relative_to(self.into).as_posix(), f"{image.split}/{scene_name(file.stem)}"
        sha256 = file_sha256(stored.file)
        self._note_adjustments(image, labels)
        return LabeledImage(relative, sha256, stored.size_wh, labels.boxes, image.split, group, self.origin)

    def _add_copy(self, image: YoloImage, digest: str) -> None:
        """Note a second copy of an image. If its boxes are others, it cannot be told which are right: none is used."""
        name, first = self._stored[image.split, digest]
        if first and set(self._read_labels(image, first.size_wh).boxes) == set(first.boxes):
            self.rows.append(QuarantineRow("same_image", f"a copy of {name} with the same boxes", image.name))
            return
        if first:
            (self.into / first.file).unlink()
            self._stored[image.split, digest] = name, None
            detail = f"its copy {image.name} has other boxes: correct one of them, or remove it"
            self.rows.append(QuarantineRow("unusable_image", detail, name))
        raise ValueError(f"its copy {name} has other boxes: correct one of them, or remove it")

    def _read_labels(self, image: YoloImage, size_wh: tuple[int, int]) -> LabelFile:
        if not image.labels:
            return LabelFile()
        return read_labels(self.source.files[image.labels[0]], size_wh, self.classes, self.keypoint_columns)

    def _note_adjustments(self, image: YoloImage, labels: LabelFile) -> None:
        if not image.labels:
            detail = "taken as an image without a sign: add an empty file where that is right"
            self.adjustments.append(QuarantineRow("no_label_file", detail, image.name))
        if labels.polygons:
            detail = f"{labels.polygons} polygons of {image.labels[0]}: their upright envelopes are used"
            self.adjustments.append(QuarantineRow("polygon", detail, image.name))
        if labels.doubled:
            detail = f"{labels.doubled} lines of {image.labels[0]} repeat an earlier line: not used"
            self.adjustments.append(QuarantineRow("doubled_box", detail, image.name))


def scene_name(stem: str) -> str:
    """Name the scene of an image: its name up to the last underscore, since crops of one scene are named so.

    What has no digit before the underscore is how a camera begins all its names, and four digits or more after it are
    how a camera counts, or its clock: such names are no scenes.

    Example:
        >>> scene_name("00003_1"), scene_name("IMG_0001"), scene_name("100_0001"), scene_name("IMG_20260101_120001")
        ('00003', 'IMG_0001', '100_0001', 'IMG_20260101_120001')
    """
    before, _, last = stem.rpartition("_")
    return before if re.search(r"\d", before) and not re.fullmatch(r"\d{4,}", last) else stem


def read_yolo(source: Path, classes: SignClasses, into: Path, origin: str, log: Log) -> Dataset:
    """Read a YOLO folder as its `data.yaml` says and store its images in folder `into`.

    An image that cannot be used becomes a row of the quarantine, and so does every file that is not read. The folder's
    own split is kept.

    Raises:
        FileNotFoundError: There is not exactly one `data.yaml`.
        ValueError: Its classes are not `classes`, it names what is not there, or no image can be used.
    """
    files = list_source_files(source)
    data = read_data_yaml(find_data_yaml(files))
    classes.require(data.classes, str(data.file))
    layout = YoloLayout(files, data)
    images = layout.images()
    reader = YoloReader(files, classes, into, origin, data.keypoint_columns)
    (into / "images").mkdir(parents=True, exist_ok=True)
    for image in track_progress(images, len(images), f"images of {origin} read", log):
        reader.add(image)
    rows = [*reader.rows, *layout.rows, *name_unused_files(layout, images)]
    quarantine, adjustments = quarantine_table(rows), quarantine_table(reader.adjustments)
    for table in (quarantine, adjustments):
        for reason, named in table.groupby("reason"):
            log.warning(
                f"{origin}: {len(named)} {reason}; the first is {named['image'].iat[0]}: {named['detail'].iat[0]}"
            )
    if not reader.images:
        reasons = "; ".join(f"{row.image}: {row.detail}" for row in quarantine.head(3).itertuples())
        where = f"{data.file.parent} has no usable image in the splits that {data.file.name} names"
        raise ValueError(f"{where} ({reasons or 'there is no image'}): add images/train and images/val")
    dataset = Dataset.from_images(into, classes, reader.images)
    return Dataset(into, classes, dataset.images, dataset.boxes, quarantine=quarantine, adjustments=adjustments)


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
