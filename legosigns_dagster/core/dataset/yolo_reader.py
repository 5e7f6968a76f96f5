"""The images of a YOLO folder, stored with their boxes; what cannot be used becomes a row of the quarantine."""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import LabeledImage, Split
from legosigns_dagster.core.dataset.manifest import Manifest, restore_boxes
from legosigns_dagster.core.dataset.quarantine import QuarantineRow
from legosigns_dagster.core.dataset.yolo_labels import LabelFile, read_labels
from legosigns_dagster.core.dataset.yolo_layout import YoloImage
from legosigns_dagster.core.files import file_sha256
from legosigns_dagster.core.images.stored_image import slug, store_upright
from legosigns_dagster.core.sources.source_files import SourceFiles, error_text


@dataclass
class YoloReader:
    """Stores the images of a YOLO folder with their boxes, each content once in a split.

    Attributes:
        source: The files of the folder.
        classes: The classes that boxes may have.
        into: The folder of the dataset.
        origin: Where the images come from, as in `LabeledImage`.
        keypoint_columns: How many columns of a line are keypoints.
        manifest: What an export says about its images; empty for any other folder.
        rows: What could not be used.
        adjustments: What was used but changed.
    """

    source: SourceFiles
    classes: SignClasses
    into: Path
    origin: str
    keypoint_columns: int = 0
    manifest: Manifest = field(default_factory=dict)
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
        file, exported = self.source.files[image.path], self.manifest.get((image.split, digest))
        folder, stem = self.into / "images", f"{image.split}-{slug(file.name)}-{digest[:10]}"
        if exported:
            folder, stem = (self.into / exported.file).parent, Path(exported.file).stem
            folder.mkdir(parents=True, exist_ok=True)
        stored = store_upright(file, folder, stem)
        try:
            labels = self._read_labels(image, stored.size_wh)
        except Exception:
            stored.file.unlink()
            raise
        relative, sha256 = stored.file.relative_to(self.into).as_posix(), file_sha256(stored.file)
        self._note_adjustments(image, labels)
        if exported:
            boxes = restore_boxes(labels.boxes, exported.boxes)
            return replace(exported, file=relative, sha256=sha256, size_wh=stored.size_wh, boxes=boxes)
        group = f"{image.split}/{scene_name(file.stem)}"
        return LabeledImage(relative, sha256, stored.size_wh, labels.boxes, image.split, group, self.origin)

    def _add_copy(self, image: YoloImage, digest: str) -> None:
        """Note a second copy of an image. If its boxes are others, it cannot be told which are right: none is used."""
        name, first = self._stored[image.split, digest]
        labels = self._read_labels(image, first.size_wh).boxes if first else ()
        if first and set(restore_boxes(labels, first.boxes)) == set(first.boxes):
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
