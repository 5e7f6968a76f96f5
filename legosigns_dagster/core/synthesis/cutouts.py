"""Cut-out signs: images with an alpha channel, the class of each, and where its face is.

A cut-out without an entry in `labels.json` is not used: nobody said what it shows, and a sign of a known class pasted
without a box would teach the detector to overlook it. Signs that the detector is to ignore lie in a folder
`distractors`.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import empty_table, read_table, write_table
from legosigns_dagster.core.files import ABOUT, FolderIndex
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.images.stored_image import open_upright
from legosigns_dagster.core.progress import Log
from legosigns_dagster.core.sources.source_files import error_text, list_source_files
from legosigns_dagster.core.synthesis.cutout_labels import CutoutLabels
from legosigns_dagster.core.synthesis.face import OPAQUE, find_face

MIN_LABEL_IOU = 0.95  # a face in labels.json that overlaps the measured one by less than this is wrong
FACE_COLUMNS = ["file", "class_name", "left", "top", "right", "bottom"]
WARNING_COLUMNS = ["file", "detail"]


@dataclass(frozen=True)
class Cutout:
    """One cut-out.

    Attributes:
        file: Its image file.
        class_name: Its class; empty for a distractor.
        face: The box of its face, in pixels of the file.
    """

    file: Path
    class_name: str
    face: PixelBox


@dataclass(frozen=True)
class CutoutSet:
    """The cut-outs in a folder.

    Attributes:
        folder: The folder, with the image files below `images/`.
        classes: The classes that they may have.
        faces: One row for each cut-out, with `FACE_COLUMNS`; boxes in pixels.
        warnings: One row for each file that was corrected or not used, with `WARNING_COLUMNS`.
        index: The folder's files and their digests, once it was saved or loaded.
    """

    folder: Path
    classes: SignClasses
    faces: pd.DataFrame
    warnings: pd.DataFrame
    index: FolderIndex | None = field(default=None, compare=False, repr=False)

    def __iter__(self) -> Iterator[Cutout]:
        """The cut-outs, in the order of their files."""
        for row in self.faces.itertuples():
            face = PixelBox(float(row.left), float(row.top), float(row.right), float(row.bottom))
            yield Cutout(self.folder / row.file, row.class_name, face)

    def face_sizes(self) -> pd.DataFrame:
        """List the cut-outs: file, class, and width and height of the face in px."""
        width, height = self.faces["right"] - self.faces["left"], self.faces["bottom"] - self.faces["top"]
        return self.faces[["file", "class_name"]].assign(face_width_px=width, face_height_px=height)

    def save(self) -> Path:
        """Write the tables beside the images and return the folder."""
        (self.folder / ABOUT).mkdir(exist_ok=True)
        (self.folder / "classes.json").write_text(json.dumps(self.classes.names), encoding="utf-8")
        write_table(self.faces, self.folder / "faces.csv")
        write_table(self.warnings, self.folder / ABOUT / "warnings.csv")
        return self.folder

    @classmethod
    def load(cls, folder: Path) -> "CutoutSet":
        """Read the cut-outs that `save` wrote into this folder."""
        classes = SignClasses(tuple(json.loads((folder / "classes.json").read_text(encoding="utf-8"))))
        return cls(folder, classes, read_table(folder / "faces.csv"), read_table(folder / ABOUT / "warnings.csv"))


def read_alpha(file: Path) -> npt.NDArray[np.uint8]:
    """Read the alpha channel of an image, upright as it is pasted, of shape (height, width).

    Raises:
        ValueError: It is not a readable image, or its alpha channel is missing or opaque everywhere.
    """
    with open_upright(file) as image:
        if "A" not in image.getbands() and "transparency" not in image.info:
            raise ValueError("it has no alpha channel: cut the sign out")
        alpha = np.asarray(image.convert("RGBA").getchannel("A"))
    if alpha.min() > OPAQUE:
        raise ValueError("its alpha channel is opaque everywhere: cut the sign out")
    return alpha


def read_cutouts(source: Path, classes: SignClasses, into: Path, log: Log) -> CutoutSet:
    """Copy the usable cut-outs below a folder into folder `into`, and measure the face of each.

    A file that is corrected or not used is a row of `warnings` and a warning in the log.

    Raises:
        ValueError: No cut-out with a class remains, or a `labels.json` contradicts `classes`.
    """
    files = list_source_files(source)
    labels = CutoutLabels(files, classes)
    rows: list[tuple[object, ...]] = []
    warnings = [*files.left_out, *labels.warnings]
    for name, file in files.images.items():
        try:
            label = labels.find(name)
            face = find_face(read_alpha(file))
            target = into / "images" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        except Exception as error:
            warnings.append((name, f"not used: {error_text(error)}"))
            continue
        if label and label.face_wh:
            face, warning = choose_face(face, label.face_wh)
            warnings += [(name, warning)] if warning else []
        class_name = label.class_name if label else ""
        rows.append((f"images/{name}", class_name, face.left, face.top, face.right, face.bottom))
    for name, detail in warnings:
        log.warning(f"cut-out {name}: {detail}")
    if not any(row[1] for row in rows):
        reasons = "; ".join(f"{name}: {detail}" for name, detail in warnings[:3]) or "no image file"
        advice = "add PNGs with alpha and a labels.json"
        raise ValueError(f"{source} has no usable cut-out with a class ({reasons}): {advice}")
    listed = pd.DataFrame(warnings, columns=WARNING_COLUMNS) if warnings else empty_table(WARNING_COLUMNS)
    return CutoutSet(into, classes, pd.DataFrame(rows, columns=FACE_COLUMNS), listed)


def choose_face(measured: PixelBox, label_wh: tuple[float, float]) -> tuple[PixelBox, str]:
    """Choose the face of the size in `labels.json` where that is right, else the measured one.

    Returns:
        The box in pixels, and a warning with both sizes; empty where the label is right.
    """
    width, height = label_wh
    labelled = PixelBox(measured.left, measured.top, measured.left + width, measured.top + height)
    iou = labelled.iou(measured)
    if iou >= MIN_LABEL_IOU:
        return labelled, ""
    size = f"{measured.width:.0f}x{measured.height:.0f}"
    detail = f"labels.json says its face is {width:.0f}x{height:.0f} px, on the image it is {size} px (IoU {iou:.2f})"
    return measured, f"{detail}: measured face used"
