"""`labels.json`: which class each cut-out has, and how large its face is."""

import json
import posixpath
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.sources.source_files import PathLookup, SourceFiles, read_text, tidy, without_case

DISTRACTORS = "distractors"
LABELS_FILE = "labels.json"


@dataclass(frozen=True)
class CutoutLabel:
    """What a `labels.json` says about one cut-out.

    Attributes:
        path: Where the cut-out is, as it is written.
        class_name: Its class.
        face_wh: Width and height of its face, in pixels; None where they are no numbers.
    """

    path: str
    class_name: str
    face_wh: tuple[float, float] | None


class CutoutLabels:
    """The labels in every `labels.json` of a folder, each with the cut-out that it means.

    A path is taken below the folder of its `labels.json`, else by as much of it as there is. It means a distractor only
    where it names the folder of the distractors.

    Args:
        source: The files of the folder.
        classes: The classes that cut-outs may have.

    Attributes:
        warnings: Name and detail of each file and each label that cannot be used.

    Raises:
        ValueError: A `labels.json` is malformed, or its classes and ids are not those of `classes`.
    """

    def __init__(self, source: SourceFiles, classes: SignClasses) -> None:
        self.warnings: list[tuple[str, str]] = []
        self._labels: dict[str, list[CutoutLabel]] = defaultdict(list)
        self._doubts: dict[str, str] = {}
        self._all = PathLookup(source.files)
        self._signs = PathLookup(name for name in source.files if not is_distractor(name))
        for name, file in source.files.items():
            if PurePosixPath(name).name.lower() == LABELS_FILE:
                for label in read_cutout_labels(file, classes, self.warnings):
                    self._add(label, posixpath.dirname(name))
            elif name not in source.images:
                self.warnings.append((name, "not used: it is no image that can be read here, such as a PNG"))

    def find(self, name: str) -> CutoutLabel | None:
        """Find the label of a cut-out by its path below the folder. A distractor has none.

        Raises:
            ValueError: It has no label and is no distractor, or it cannot be told which label it has.
        """
        if name in self._doubts:
            raise ValueError(self._doubts[name])
        labels = self._labels.get(name, [])
        class_names = sorted({label.class_name for label in labels})
        if len(class_names) > 1:
            raise ValueError(f"{LABELS_FILE} says that it is {' and '.join(class_names)}: remove one entry")
        if not labels and not is_distractor(name):
            raise ValueError(f"it is not in {LABELS_FILE}: add it there, or move it to a folder {DISTRACTORS}")
        return labels[-1] if labels else None

    def _add(self, label: CutoutLabel, folder: str) -> None:
        """Add a label to the cut-out that it means. If that is none, or one of several, it is a warning."""
        lookup = self._all if is_distractor(label.path) else self._signs
        meant = lookup.find(posixpath.join(folder, tidy(label.path))) or lookup.find_by_tail(label.path)
        if len(meant) == 1:
            self._labels[meant[0]].append(label)
        elif meant:
            detail = f"the path {label.path} in {LABELS_FILE} may be {' or '.join(meant)}: write more of it there"
            self._doubts |= dict.fromkeys(meant, detail)
        else:
            same_name = self._all.find_by_tail(PurePosixPath(tidy(label.path)).name)
            hint = f" (of this name there is {' and '.join(same_name)})" if same_name else ""
            self.warnings.append((label.path, f"in {LABELS_FILE}, but there is no such file{hint}"))


def is_distractor(path: str) -> bool:
    """Tell whether a path is in a folder of distractors."""
    return DISTRACTORS in without_case(tidy(path)).split("/")[:-1]


def read_cutout_labels(file: Path, classes: SignClasses, warnings: list[tuple[str, str]]) -> Iterator[CutoutLabel]:
    """Read a `labels.json`. An entry that cannot be used is added to `warnings`.

    Raises:
        ValueError: It is malformed, or its classes and ids are not those of `classes`.
    """
    try:
        for class_name, entry in json.loads(read_text(file, file.name)).items():
            if classes.class_id(class_name) != int(entry["label_id"]):
                known = classes.by_id()
                raise ValueError(f"{class_name} has label_id {entry['label_id']}, the base weights have {known}")
            for key, child in entry["children"].items():
                path = child.get("path") if isinstance(child, dict) else None
                if isinstance(path, str) and path.strip():
                    yield CutoutLabel(path, class_name, read_face_size(path, child, warnings))
                else:
                    detail = f"not used: {child!r} of {class_name} in {file} names no file, expected a key 'path'"
                    warnings.append((str(key), detail))
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        words = f"the key {error} is missing" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"{file}: {words}") from error


def read_face_size(path: str, child: dict[str, Any], warnings: list[tuple[str, str]]) -> tuple[float, float] | None:
    """Read the size of a face in pixels. Where it is no two numbers, that is added to `warnings`."""
    size = child.get("bbox_w"), child.get("bbox_h")
    try:
        return float(size[0]), float(size[1])  # type: ignore[arg-type]  # what is no number is the error below
    except (ValueError, TypeError):
        warnings.append((path, f"bbox_w and bbox_h are {size}, expected numbers of pixels: measured face used"))
        return None
