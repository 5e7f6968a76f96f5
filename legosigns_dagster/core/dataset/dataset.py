"""`Dataset`: images with boxes, split and group. Two tables are the manifest, the images are files."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.files import ABOUT, FolderIndex
from legosigns_dagster.core.geometry import PixelBox

TRAIN, VAL, TEST = "train", "val", "test"
IMAGE_COLUMNS = ["file", "sha256", "width", "height", "split", "group", "origin"]
BOX_COLUMNS = ["file", "class_id", "class_name", "left", "top", "right", "bottom"]
QUARANTINE_COLUMNS = ["reason", "detail", "image", "task", "annotation", "link"]
SOURCE_COLUMNS = ["file", "image", "task", "annotation", "link", "orientation", "url", "perceptual_hash", "captured_s"]


@dataclass(frozen=True)
class LabeledBox:
    """A box around a sign's face, with its class id."""

    class_id: int
    box: PixelBox


@dataclass(frozen=True)
class LabeledImage:
    """One image of a dataset; `file` is relative to the dataset's folder, size in pixels."""

    file: str
    sha256: str
    size_wh: tuple[int, int]
    boxes: tuple[LabeledBox, ...]
    split: str
    group: str
    origin: str


def empty_table(columns: list[str]) -> pd.DataFrame:
    """A table without rows, all columns text."""
    return pd.DataFrame({column: pd.Series(dtype=str) for column in columns})


def read_table(file: Path) -> pd.DataFrame:
    """A CSV as it was written: text stays text (a group called 007 too), floats to the last bit."""
    numeric = dict.fromkeys(["width", "height", "class_id", "orientation"], "int64")
    numeric |= dict.fromkeys(["left", "top", "right", "bottom"], "float64")
    columns = file.read_text(encoding="utf-8").split("\n", 1)[0].split(",")
    types = {column: numeric.get(column, "str") for column in columns}
    return pd.read_csv(file, dtype=types, keep_default_na=False)


@dataclass(frozen=True)
class Dataset:
    """Images below `folder`, orientation baked in, with their manifest.

    `images` has a row an image, `boxes` a row a box (pixels, float), joined by `file`. `quarantine` lists what was
    rejected and why, `adjustments` what was used but changed, `sources` which task each image came from.
    """

    folder: Path
    classes: SignClasses
    images: pd.DataFrame
    boxes: pd.DataFrame
    quarantine: pd.DataFrame = field(default_factory=lambda: empty_table(QUARANTINE_COLUMNS))
    adjustments: pd.DataFrame = field(default_factory=lambda: empty_table(QUARANTINE_COLUMNS))
    sources: pd.DataFrame = field(default_factory=lambda: empty_table(SOURCE_COLUMNS))
    index: FolderIndex | None = field(default=None, compare=False, repr=False)

    @classmethod
    def from_images(cls, folder: Path, classes: SignClasses, images: Iterable[LabeledImage]) -> "Dataset":
        """A dataset of these images, in the order of their files."""
        ordered = sorted(images, key=lambda image: image.file)
        rows = [(i.file, i.sha256, *i.size_wh, i.split, i.group, i.origin) for i in ordered]
        boxes = [
            (i.file, b.class_id, classes.names[b.class_id], b.box.left, b.box.top, b.box.right, b.box.bottom)
            for i in ordered
            for b in i.boxes
        ]
        return cls(folder, classes, pd.DataFrame(rows, columns=IMAGE_COLUMNS), pd.DataFrame(boxes, columns=BOX_COLUMNS))

    def __iter__(self) -> Iterator[LabeledImage]:
        """The images with their boxes, in the order of the manifest."""
        boxes = {str(file): rows for file, rows in self.boxes.groupby("file", sort=False)}
        for row in self.images.itertuples(index=False):
            labels = tuple(
                LabeledBox(int(b.class_id), PixelBox(float(b.left), float(b.top), float(b.right), float(b.bottom)))
                for b in (boxes[row.file].itertuples(index=False) if row.file in boxes else ())
            )
            size_wh = (int(row.width), int(row.height))
            yield LabeledImage(row.file, row.sha256, size_wh, labels, row.split, row.group, row.origin)

    def part(self, *splits: str) -> "Dataset":
        """Only the images of these splits; the same folder."""
        return self.select(self.images["split"].isin(splits))

    def evaluation_part(self) -> "Dataset":
        """The images by which weights are judged: the test part, or the val part where there is none."""
        test = self.part(TEST)
        return test if len(test.images) else self.part(VAL)

    def select(self, chosen: "pd.Series[bool]") -> "Dataset":
        """Only the images whose row is True; the same folder."""
        images = self.images[chosen].reset_index(drop=True)
        boxes, sources = (
            table[table["file"].isin(images["file"])].reset_index(drop=True) for table in (self.boxes, self.sources)
        )
        return Dataset(self.folder, self.classes, images, boxes, sources=sources)

    def sources_by_file(self) -> dict[str, dict[str, str]]:
        """The row of each file's source, by column; none of a file that came from nowhere."""
        rows = self.sources[["image", "task", "link"]].to_dict("records")
        return {str(file): row for file, row in zip(self.sources["file"], rows, strict=True)}

    def counts(self) -> pd.DataFrame:
        """Images and boxes by split and class, with a column for each class; one row a split that has images."""
        splits = self.images.set_index("file")["split"]
        boxes = self.boxes.assign(split=self.boxes["file"].map(splits))
        table = pd.crosstab(boxes["split"], boxes["class_name"]) if len(boxes) else pd.DataFrame()
        present = [split for split in (TRAIN, VAL, TEST) if (self.images["split"] == split).any()]
        table = table.reindex(index=present, columns=list(self.classes.names), fill_value=0)
        table.insert(0, "images", [int((self.images["split"] == split).sum()) for split in present])
        return table.rename_axis(index="split", columns=None).reset_index()

    def save(self) -> Path:
        """Write the manifest beside the images and return the folder."""
        about = self.folder / ABOUT
        about.mkdir(exist_ok=True)
        classes = json.dumps({"classes": self.classes.names}, indent=1)
        (self.folder / "dataset.json").write_text(classes, encoding="utf-8")
        self.images.to_csv(self.folder / "images.csv", index=False, lineterminator="\n")
        self.boxes.to_csv(self.folder / "boxes.csv", index=False, lineterminator="\n")
        for name in ("quarantine", "adjustments", "sources"):
            getattr(self, name).to_csv(about / f"{name}.csv", index=False, lineterminator="\n")
        return self.folder

    @classmethod
    def load(cls, folder: Path) -> "Dataset":
        """The dataset that `save` wrote into this folder."""
        names = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))["classes"]
        tables = {name: read_table(folder / f"{name}.csv") for name in ("images", "boxes")}
        about = {n: read_table(folder / ABOUT / f"{n}.csv") for n in ("quarantine", "adjustments", "sources")}
        return cls(folder, SignClasses(tuple(names)), **tables, **about)
