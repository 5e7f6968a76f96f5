"""Signs cut out with an alpha channel, and where on them the face is.

A cut-out without an entry in `labels.json` is not used: nobody said what it shows, and a sign of a known class pasted
without a label would teach the detector to overlook it. Signs that are to be overlooked lie in a folder `distractors`.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image, UnidentifiedImageError

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import empty, read_table
from legosigns_dagster.core.files import ABOUT, FolderIndex
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.progress import Log
from legosigns_dagster.core.synthesis.face import OPAQUE, find_face

DISTRACTORS = "distractors"
AGREES_IOU = 0.95  # a box in labels.json further off than this from the measured face is wrong
FACE_COLUMNS = ["file", "class_name", "left", "top", "right", "bottom"]
WARNING_COLUMNS = ["file", "detail"]


@dataclass(frozen=True)
class Cutout:
    """One cut-out: its file, its class (empty for a distractor), and its face in pixels of the file."""

    file: Path
    class_name: str
    face: PixelBox


@dataclass(frozen=True)
class CutoutSet:
    """Cut-outs below `folder`; `faces` has a row each, `warnings` what was corrected or not used."""

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

    def save(self) -> Path:
        """Write the tables beside the images and return the folder."""
        (self.folder / ABOUT).mkdir(exist_ok=True)
        (self.folder / "classes.json").write_text(json.dumps(self.classes.names), encoding="utf-8")
        self.faces.to_csv(self.folder / "faces.csv", index=False, lineterminator="\n")
        self.warnings.to_csv(self.folder / ABOUT / "warnings.csv", index=False, lineterminator="\n")
        return self.folder

    @classmethod
    def load(cls, folder: Path) -> "CutoutSet":
        """The cut-outs that `save` left in this folder."""
        classes = SignClasses(tuple(json.loads((folder / "classes.json").read_text(encoding="utf-8"))))
        return cls(folder, classes, read_table(folder / "faces.csv"), read_table(folder / ABOUT / "warnings.csv"))


def read_labels(source: Path, classes: SignClasses) -> dict[str, tuple[str, float, float]]:
    """File name to class, width and height of the face from every `labels.json` in a folder; empty without one.

    ValueError that names the file and the class when the two sides do not agree on classes and ids.
    """
    labels: dict[str, tuple[str, float, float]] = {}
    for file in sorted(source.rglob("labels.json")):
        try:
            for class_name, entry in json.loads(file.read_text(encoding="utf-8")).items():
                if classes.class_id(class_name) != int(entry["label_id"]):
                    known = classes.by_id()
                    raise ValueError(f"{class_name} has label_id {entry['label_id']}, the base weights have {known}")
                for child in entry["children"].values():
                    size = (float(child["bbox_w"]), float(child["bbox_h"]))
                    labels[Path(child["path"]).name] = (class_name, *size)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{file}: {error}") from error
    return labels


def read_alpha(file: Path) -> npt.NDArray[np.uint8]:
    """The alpha channel of a PNG, shape (height, width); ValueError when there is none that cuts anything out."""
    try:
        with Image.open(file) as image:
            if "A" not in image.getbands() and "transparency" not in image.info:
                raise ValueError("it has no alpha channel: cut the sign out")
            alpha = np.asarray(image.convert("RGBA").getchannel("A"))
    except (OSError, SyntaxError, UnidentifiedImageError) as error:
        raise ValueError(f"it is not a readable image ({error})") from error
    if alpha.min() > OPAQUE:
        raise ValueError("its alpha channel is opaque everywhere: cut the sign out")
    return alpha


def read_cutouts(source: Path, classes: SignClasses, into: Path, log: Log) -> CutoutSet:
    """The cut-outs of a folder, each with its measured face; `log` gets a line for each that is corrected or not used.

    ValueError when no cut-out with a class remains.
    """
    labels = read_labels(source, classes)
    rows: list[tuple[object, ...]] = []
    warnings: list[tuple[str, str]] = []
    files = sorted(source.rglob("*.png"))
    for file in files:
        name = file.relative_to(source).as_posix()
        class_name = labels[file.name][0] if file.name in labels else ""
        try:
            if file.name not in labels and DISTRACTORS not in file.relative_to(source).parts:
                raise ValueError(f"it is not in labels.json: add it there, or move it to a folder {DISTRACTORS}")
            face = find_face(read_alpha(file))
        except ValueError as error:
            warnings.append((name, f"not used: {error}"))
            continue
        if file.name in labels:
            face, wrong = checked_face(face, labels[file.name][1:])
            warnings += [(name, wrong)] if wrong else []
        target = into / "images" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
        rows.append((f"images/{name}", class_name, face.left, face.top, face.right, face.bottom))
    missing = sorted(set(labels) - {file.name for file in files})
    warnings += [(name, "in labels.json, but there is no such file") for name in missing]
    for name, detail in warnings:
        log.warning(f"cut-out {name}: {detail}")
    if not any(row[1] for row in rows):
        reasons = "; ".join(f"{name}: {detail}" for name, detail in warnings[:3]) or "no PNG file"
        raise ValueError(
            f"{source} has no usable cut-out with a class ({reasons}): add PNGs with alpha and a labels.json"
        )
    found = pd.DataFrame(warnings, columns=WARNING_COLUMNS) if warnings else empty(WARNING_COLUMNS)
    return CutoutSet(into, classes, pd.DataFrame(rows, columns=FACE_COLUMNS), found)


def checked_face(measured: PixelBox, labelled_wh: tuple[float, ...]) -> tuple[PixelBox, str]:
    """The labelled face where it is right, else the measured one with a sentence that tells both."""
    width, height = labelled_wh
    labelled = PixelBox(measured.left, measured.top, measured.left + width, measured.top + height)
    iou = labelled.iou(measured)
    if iou >= AGREES_IOU:
        return labelled, ""
    size = f"{measured.width:.0f}x{measured.height:.0f}"
    detail = f"labels.json says its face is {width:.0f}x{height:.0f} px, on the image it is {size} px (IoU {iou:.2f})"
    return measured, f"{detail}: measured face used"
