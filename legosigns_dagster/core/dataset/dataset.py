"""`Dataset`: images with boxes, split and group. Its manifest is two tables, its images are files."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias

import pandas as pd

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.files import ABOUT, FolderIndex
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.lineage import read_made_from, write_made_from

Split: TypeAlias = Literal["train", "val", "test"]
TRAIN: Final[Split] = "train"
VAL: Final[Split] = "val"
TEST: Final[Split] = "test"

IMAGE_COLUMNS = ["file", "sha256", "width", "height", "split", "group", "origin"]
BOX_COLUMNS = ["file", "class_id", "class_name", "left", "top", "right", "bottom"]
QUARANTINE_COLUMNS = ["reason", "detail", "image", "task", "annotation", "link"]
SOURCE_COLUMNS = ["file", "image", "task", "annotation", "link", "orientation", "url", "perceptual_hash", "captured_s"]


@dataclass(frozen=True)
class LabeledBox:
    """A box around the face of a sign.

    Attributes:
        class_id: The class, 0 to the number of classes - 1.
        box: Where it is, in px of its image.
    """

    class_id: int
    box: PixelBox


@dataclass(frozen=True)
class LabeledImage:
    """One image of a dataset with its boxes.

    Attributes:
        file: POSIX path below the dataset's folder.
        sha256: SHA-256 of the file's bytes, 64 hex digits.
        size_wh: Width and height in px.
        boxes: The signs on it, none for an image without a sign.
        split: What it is used for.
        group: The name of its group of near-duplicates, which stay in one split.
        origin: Where it came from: `label-studio`, `classical` or `synthetic`.
    """

    file: str
    sha256: str
    size_wh: tuple[int, int]
    boxes: tuple[LabeledBox, ...]
    split: Split
    group: str
    origin: str


def empty_table(columns: list[str]) -> pd.DataFrame:
    """Make a table without rows whose columns are text."""
    return pd.DataFrame({column: pd.Series(dtype=str) for column in columns})


def read_table(file: Path) -> pd.DataFrame:
    """Read a CSV as `write_table` wrote it. Text stays text, also a group called 007; floats are exact to the last bit.

    Older versions may have stored an orientation that is no number: it is read as 1.
    """
    numeric = dict.fromkeys(["width", "height", "class_id"], "int64")
    numeric |= dict.fromkeys(["left", "top", "right", "bottom"], "float64")
    columns = file.read_text(encoding="utf-8").split("\n", 1)[0].split(",")
    types = {column: numeric.get(column, "str") for column in columns}
    table = pd.read_csv(file, dtype=types, keep_default_na=False, lineterminator="\n")  # names may have a \r
    if "orientation" in columns:
        numbers = pd.to_numeric(table["orientation"], errors="coerce")
        table["orientation"] = numbers.where(numbers.isin(range(1, 9)), 1).astype("int64")
    return table


def write_table(table: pd.DataFrame, file: Path) -> None:
    """Write a table as CSV. What UTF-8 cannot hold is escaped, such as half a character in a file's name."""
    table.to_csv(file, index=False, lineterminator="\n", encoding="utf-8", errors="backslashreplace")


@dataclass(frozen=True)
class Dataset:
    """Images in a folder, all upright, with their manifest.

    Attributes:
        folder: Where the image files and the tables are.
        classes: The classes of all boxes.
        images: A row for each image, columns `IMAGE_COLUMNS`; width and height in px.
        boxes: A row for each box, columns `BOX_COLUMNS`; edges in px, joined with `images` by `file`.
        quarantine: What could not be used, with its reason, columns `QUARANTINE_COLUMNS`.
        adjustments: What was used but changed, such as a clipped box, columns as `quarantine`.
        sources: The task of each image, columns `SOURCE_COLUMNS`; `captured_s` in seconds since 1970, empty if unknown.
        made_from: First digits of the digest of each asset that it was made from; empty where that is not known.
        index: The folder's files after saving or loading, None for a dataset that was just made.
    """

    folder: Path
    classes: SignClasses
    images: pd.DataFrame
    boxes: pd.DataFrame
    quarantine: pd.DataFrame = field(default_factory=lambda: empty_table(QUARANTINE_COLUMNS))
    adjustments: pd.DataFrame = field(default_factory=lambda: empty_table(QUARANTINE_COLUMNS))
    sources: pd.DataFrame = field(default_factory=lambda: empty_table(SOURCE_COLUMNS))
    made_from: Mapping[str, str] = field(default_factory=dict)
    index: FolderIndex | None = field(default=None, compare=False, repr=False)

    @classmethod
    def from_images(cls, folder: Path, classes: SignClasses, images: Iterable[LabeledImage]) -> "Dataset":
        """Make the manifest of these images, ordered by file."""
        ordered = sorted(images, key=lambda image: image.file)
        rows = [(i.file, i.sha256, *i.size_wh, i.split, i.group, i.origin) for i in ordered]
        boxes = [
            (i.file, b.class_id, classes.names[b.class_id], b.box.left, b.box.top, b.box.right, b.box.bottom)
            for i in ordered
            for b in i.boxes
        ]
        return cls(folder, classes, pd.DataFrame(rows, columns=IMAGE_COLUMNS), pd.DataFrame(boxes, columns=BOX_COLUMNS))

    def __iter__(self) -> Iterator[LabeledImage]:
        """Yield the images with their boxes, in the order of the manifest."""
        boxes = {str(file): rows for file, rows in self.boxes.groupby("file", sort=False)}
        for row in self.images.itertuples(index=False):
            labels = tuple(
                LabeledBox(int(b.class_id), PixelBox(float(b.left), float(b.top), float(b.right), float(b.bottom)))
                for b in (boxes[row.file].itertuples(index=False) if row.file in boxes else ())
            )
            size_wh = (int(row.width), int(row.height))
            yield LabeledImage(row.file, row.sha256, size_wh, labels, row.split, row.group, row.origin)

    def part(self, *splits: Split) -> "Dataset":
        """Select the images of these splits; without a split, none. The folder is the same."""
        return self.select(self.images["split"].isin(splits))

    def evaluation_part(self) -> "Dataset":
        """Select the images that weights are evaluated on: test, or val where there is no test image."""
        test = self.part(TEST)
        return test if len(test.images) else self.part(VAL)

    def select(self, chosen: "pd.Series[bool]") -> "Dataset":
        """Select the images whose row is True. The folder is the same; quarantine and adjustments are left out."""
        images = self.images[chosen].reset_index(drop=True)
        boxes, sources = (
            table[table["file"].isin(images["file"])].reset_index(drop=True) for table in (self.boxes, self.sources)
        )
        return Dataset(self.folder, self.classes, images, boxes, sources=sources, made_from=self.made_from)

    def sources_by_file(self) -> dict[str, dict[str, str]]:
        """Map each file to its source: the columns `image`, `task` and `link`. Files without a source are left out."""
        rows = self.sources[["image", "task", "link"]].to_dict("records")
        return {str(file): row for file, row in zip(self.sources["file"], rows, strict=True)}

    def counts(self) -> pd.DataFrame:
        """Count images and boxes: a row for each split that has images, a column for each class's boxes."""
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
        write_table(self.images, self.folder / "images.csv")
        write_table(self.boxes, self.folder / "boxes.csv")
        for name in ("quarantine", "adjustments", "sources"):
            write_table(getattr(self, name), about / f"{name}.csv")
        write_made_from(self.made_from, self.folder)
        return self.folder

    @classmethod
    def load(cls, folder: Path) -> "Dataset":
        """Read the dataset that `save` wrote into this folder."""
        names = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))["classes"]
        tables = {name: read_table(folder / f"{name}.csv") for name in ("images", "boxes")}
        about = {n: read_table(folder / ABOUT / f"{n}.csv") for n in ("quarantine", "adjustments", "sources")}
        return cls(folder, SignClasses(tuple(names)), **tables, **about, made_from=read_made_from(folder))
