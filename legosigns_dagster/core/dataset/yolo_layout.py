"""Which images of a YOLO folder are in which split, and which label file each has: as `data.yaml` says, or as usual."""

import posixpath
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from legosigns_dagster.core.dataset.data_yaml import SPLIT_KEYS, DataYaml
from legosigns_dagster.core.dataset.dataset import TEST, Split
from legosigns_dagster.core.dataset.quarantine import QuarantineRow
from legosigns_dagster.core.images.stored_image import IMAGE_SUFFIXES
from legosigns_dagster.core.sources.source_files import PathLookup, SourceFiles, read_text, tidy, without_case


@dataclass(frozen=True)
class YoloImage:
    """One image of a YOLO folder.

    Attributes:
        split: What it is used for.
        path: Its POSIX path below the source.
        name: Its split and its path below the split's folder: what people know it by.
        labels: The paths of the files that may be its label file.
        doubt: Why it cannot be told which of them it is; empty where it can.
    """

    split: Split
    path: str
    name: str
    labels: tuple[str, ...] = ()
    doubt: str = ""


@dataclass
class YoloLayout:
    """Finds the images of the splits and their label files.

    Attributes:
        source: The files of the source.
        data: What `data.yaml` says.
        rows: What was named and is not there.
        lists: The paths of the lists of images that were read.
    """

    source: SourceFiles
    data: DataYaml
    rows: list[QuarantineRow] = field(default_factory=list)
    lists: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._root = tidy(self.data.file.parent.relative_to(self.source.folder).as_posix())
        parents = {str(parent) for name in self.source.files for parent in Path(name).parents}
        self._places = PathLookup([*self.source.files, *sorted(parents)])

    def images(self) -> list[YoloImage]:
        """Find the images of all splits, each with its label file.

        Raises:
            ValueError: `data.yaml` names a folder or a list for train or val that is not there.
        """
        entries = self.data.entries or self._usual_entries()
        found = [image for split, names in entries.items() for image in self._split_images(split, names)]
        return add_labels(found, self.source)

    def _usual_entries(self) -> dict[Split, tuple[str, ...]]:
        """The folders `images/train` or `train/images` and so on, for a `data.yaml` that names none."""
        entries: dict[Split, tuple[str, ...]] = {}
        for key, split in SPLIT_KEYS.items():
            for entry in (f"images/{key}", f"{key}/images"):
                if self._places.find(posixpath.join(self._root, entry)):
                    entries[split] = (*entries.get(split, ()), entry)
        return entries

    def _split_images(self, split: Split, entries: Sequence[str]) -> Iterator[YoloImage]:
        for entry in entries:
            place = self._find_place(split, entry)
            if place is None:
                continue
            if place.lower().endswith(".txt") and place in self.source.files:
                yield from self._listed_images(split, place)
                continue
            prefix = "" if place == "." else f"{place}/"
            for path in self.source.images:
                if path.startswith(prefix):
                    name = path.removeprefix(prefix) if len(entries) == 1 else path
                    yield YoloImage(split, path, f"{split}/{name}")

    def _find_place(self, split: Split, entry: str) -> str | None:
        """Find the folder or list of an entry. A test set that is not there is a row: Roboflow always names one.

        Raises:
            ValueError: It is not there, several are, or it is something else.
        """
        place = Path(self.data.path, entry)
        if place.is_absolute() and place.exists() and not place.resolve().is_relative_to(self.source.folder.resolve()):
            raise ValueError(
                f"{self._naming(split, place)}, which is outside of {self.source.folder}: correct data.yaml"
            )
        found = self._search(entry)
        is_list = bool(found) and (found[0] not in self.source.files or found[0].lower().endswith(".txt"))
        if len(found) == 1 and is_list:
            return found[0]
        got = " or ".join(found) or f"not below {self.source.folder}"
        detail = f"{self._naming(split, entry)}, which is {got}, expected one folder, or one .txt list of images: "
        detail += "correct data.yaml, or add what is missing"
        if split == TEST and not found:
            self.rows.append(QuarantineRow("missing_test", detail, entry))
            return None
        raise ValueError(detail)

    def _naming(self, split: Split, entry: object) -> str:
        return f"{self.data.file} names {split}: {str(entry)!r}"

    def _search(self, reference: str, *bases: str, moved: bool = False) -> list[str]:
        """Find what a reference means below the bases, below `path`, or below the folder of `data.yaml`.

        A path of another machine, or one that leaves the dataset, is found by as much of its end as there is; with
        `moved` every path is.
        """
        path, wanted = tidy(self.data.path or "."), tidy(reference)
        below = wanted
        while below.startswith("../"):
            below = below[3:]
        for base in (*bases, posixpath.join(self._root, path), self._root):
            for one in (wanted, below):
                if found := self._places.find(posixpath.join(base, one)):
                    return found
        moved = moved or any(one.startswith(("..", "/")) or one[1:2] == ":" for one in (path, wanted))
        return self._places.find_by_tail(posixpath.join(path, below)) if moved else []

    def _listed_images(self, split: Split, path: str) -> Iterator[YoloImage]:
        """Find the images that a list names, one on each line. A line that names none is a row."""
        self.lists.append(path)
        lines = read_text(self.source.files[path], self.source.folder / path).splitlines()
        for number, line in enumerate(map(str.strip, lines), 1):
            if not line:
                continue
            found = self._search(line, posixpath.dirname(path), moved=True)
            if len(found) == 1 and Path(found[0]).suffix.lower() in IMAGE_SUFFIXES:
                yield YoloImage(split, found[0], f"{split}/{found[0]}")
                continue
            got = f"which may be {' or '.join(found)}" if len(found) > 1 else "which is no image of the dataset"
            self.rows.append(QuarantineRow("unusable_image", f"{path}, line {number} names {line!r}, {got}", line))


def label_places(path: str) -> list[str]:
    """Give the places of an image's label file: below `labels` instead of `images`, else beside the image.

    Some tools keep the image's ending in the label file's name.

    Example:
        >>> label_places("images/train/a.jpg")
        ['labels/train/a.txt', 'labels/train/a.jpg.txt', 'images/train/a.txt', 'images/train/a.jpg.txt']
    """
    beside = [posixpath.splitext(path)[0] + ".txt", f"{path}.txt"]
    *parents, _ = path.split("/")
    folders = [without_case(parent) for parent in parents]
    if "images" not in folders:
        return beside
    parents[len(folders) - 1 - folders[::-1].index("images")] = "labels"
    return [*("/".join([*parents, posixpath.basename(name)]) for name in beside), *beside]


def add_labels(images: Sequence[YoloImage], source: SourceFiles) -> list[YoloImage]:
    """Find the label file of each image.

    A file of exactly the right name belongs to its image. What is left is compared without case. A file that several
    images may have, such as `a.jpg` and `a.png`, makes each of them doubtful.
    """
    texts = {name for name in source.files if name.lower().endswith(".txt")}
    exact = {image.path: next((p for p in label_places(image.path) if p in texts), "") for image in images}
    lookup = PathLookup(sorted(texts - set(exact.values())))
    labels_by_path = {
        path: [label] if label else next(filter(None, map(lookup.find, label_places(path))), [])
        for path, label in exact.items()
    }
    claims: dict[str, list[str]] = defaultdict(list)
    for path, labels in labels_by_path.items():
        for label in labels:
            claims[label].append(path)
    found = []
    for image in images:
        labels = labels_by_path[image.path]
        doubt = f"its label file may be {' or '.join(labels)}: rename one" if len(labels) > 1 else ""
        if labels and len(claims[labels[0]]) > 1:
            doubt = f"the label file {labels[0]} may belong to {' or '.join(claims[labels[0]])}: rename one"
        found.append(replace(image, labels=tuple(labels), doubt=doubt))
    return found
