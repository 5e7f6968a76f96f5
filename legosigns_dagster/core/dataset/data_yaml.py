"""`data.yaml`: the classes of a YOLO dataset, and where the images of each split are."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from yaml.composer import ComposerError

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import TEST, TRAIN, VAL, Split
from legosigns_dagster.core.sources.source_files import SourceFiles, list_source_files, read_text

SPLIT_KEYS: dict[str, Split] = {"train": TRAIN, "val": VAL, "valid": VAL, "validation": VAL, "test": TEST}
PACKED = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
MOST_BYTES = 1_000_000  # of a data.yaml: ten thousand classes have less
EXAMPLE = "names: [SpeedLimit, DangerAhead]"


@dataclass(frozen=True)
class DataYaml:
    """What a `data.yaml` says.

    Attributes:
        file: The file.
        classes: Its classes.
        path: The folder that its entries are relative to, as it is written; empty where it is not.
        entries: The folders and lists of images of each split that it names, as they are written.
        keypoint_columns: How many columns of a label file's line are keypoints, by its `kpt_shape`; 0 without one.
    """

    file: Path
    classes: SignClasses
    path: str
    entries: dict[Split, tuple[str, ...]]
    keypoint_columns: int = 0


class PlainLoader(yaml.SafeLoader):
    """Reads YAML without aliases: a few lines of them stand for more values than fit into the memory."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose a node. ComposerError where it is an alias."""
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise ComposerError(
                None, None, f"*{event.anchor} repeats a value: write the value itself", event.start_mark
            )
        return super().compose_node(parent, index)


def find_data_yaml(source: SourceFiles) -> Path:
    """Find the `data.yaml` of a dataset. Where there is none, the only other YAML file is taken for it.

    Raises:
        FileNotFoundError: There is no such file, or more than one.
    """
    yamls = {file.resolve(): name for name, file in source.files.items() if file.suffix.lower() in (".yaml", ".yml")}
    named = [name for name in yamls.values() if PurePosixPath(name).stem.lower() == "data"]
    found = named or (list(yamls.values()) if len(yamls) == 1 else [])
    if len(found) != 1:
        which = f" ({', '.join(found[:5])})" if found else ""
        packed = [name for name in source.files if name.lower().endswith(PACKED)][:3]
        hint = f", but {', '.join(packed)}: unpack it" if packed and not found else ""
        raise FileNotFoundError(
            f"{source.folder} has {len(found)} files data.yaml{which}, expected one that names the classes{hint}"
        )
    return source.files[found[0]]


def read_classes(root: Path) -> SignClasses:
    """Read the classes of the `data.yaml` below a folder."""
    return read_data_yaml(find_data_yaml(list_source_files(root))).classes


def read_data_yaml(file: Path) -> DataYaml:
    """Read a `data.yaml` as Ultralytics does.

    Raises:
        ValueError: It is not YAML, or does not name the classes. The message names the file and what to do.
    """
    text = read_text(file, file, MOST_BYTES)
    try:
        content = yaml.load(text, PlainLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        detail = " ".join(str(error).split())
        raise ValueError(f"{file} is not readable YAML ({detail}): indent with spaces, not with tabs") from error
    if not isinstance(content, dict):
        got = "empty" if content is None else f"a {type(content).__name__}"
        raise ValueError(f"{file} is {got}, expected keys such as '{EXAMPLE}'")
    try:
        classes = parse_names(content.get("names"), content.get("nc"))
        entries = parse_entries(content)
        keypoint_columns = parse_keypoint_shape(content.get("kpt_shape"))
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error
    return DataYaml(file, classes, str(content.get("path") or ""), entries, keypoint_columns)


def parse_names(names: object, count: object = None) -> SignClasses:
    """Read the classes from `names`: a list, or a mapping of id to name whose ids may be text.

    Args:
        names: The value of `names`.
        count: The value of `nc`, the number of classes; None where there is none.

    Raises:
        ValueError: It is something else, its ids have a gap, or there are not `count` names.
    """
    if not names:
        raise ValueError(f"it has no 'names': list the classes in the order of their ids, such as '{EXAMPLE}'")
    if not isinstance(names, (list, dict)):
        hint = "a list or a mapping such as '0: SpeedLimit', with a space after the colon"
        raise ValueError(f"'names' is the {type(names).__name__} {str(names)[:60]!r}, expected {hint}")
    by_id: dict[int, str] = {}
    for key, name in names.items() if isinstance(names, dict) else enumerate(names):
        if name is None or isinstance(name, (list, dict)):
            raise ValueError(f"'names' has the entry {key!r}: {name!r}, expected a name: write '0: SpeedLimit'")
        class_id = parse_id(key)
        if class_id in by_id:
            raise ValueError(f"'names' has the id {class_id} twice, with {by_id[class_id]!r} and {name!r}: correct one")
        by_id[class_id] = str(name)
    if count is not None and str(count) not in (str(len(by_id)), f"{len(by_id)}.0"):
        raise ValueError(f"'nc' is {count!r}, but 'names' has {len(by_id)} names: correct one of them")
    return SignClasses.from_ids(by_id)


def parse_keypoint_shape(shape: object) -> int:
    """Read how many columns keypoints take from `kpt_shape`, their number and their dimensions; 0 where it is None.

    Raises:
        ValueError: It is something else.
    """
    if shape is None:
        return 0
    if not (isinstance(shape, list) and len(shape) == 2 and all(type(size) is int and size > 0 for size in shape)):
        raise ValueError(f"'kpt_shape' is {shape!r}, expected the number of keypoints and 2 or 3, such as [17, 3]")
    return int(shape[0] * shape[1])


def parse_id(key: object) -> int:
    """Read a class id, which may be in quotes.

    Raises:
        ValueError: It is not a whole number.
    """
    try:
        return int(str(key))
    except ValueError as error:
        raise ValueError(f"'names' has the id {key!r}, expected a whole number such as 0") from error


def parse_entries(content: Mapping[str, Any]) -> dict[Split, tuple[str, ...]]:
    """Read where the images of each split are: a folder or a list of images, or several of them.

    Raises:
        ValueError: An entry is no text.
    """
    entries: dict[Split, tuple[str, ...]] = {}
    for key, split in SPLIT_KEYS.items():
        value = content.get(key)
        listed = value if isinstance(value, list) else [value] if value else []
        if not all(isinstance(entry, str) for entry in listed):
            raise ValueError(f"'{key}' is {value!r}, expected a folder, or a list of folders or of .txt files")
        entries[split] = entries.get(split, ()) + tuple(listed)
    return {split: listed for split, listed in entries.items() if listed}
