"""The files that Label Studio wrote, as tasks: in any encoding, packed or not. Other files are named in words."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from legosigns_dagster.core.dataset.quarantine import QuarantineRow
from legosigns_dagster.core.ingestion.label_studio import Task, read_documents
from legosigns_dagster.resources.label_studio.packed_files import EXPECTED, unpack

IMAGES = {
    b"\xff\xd8\xff": "a JPEG image", b"\x89PNG": "a PNG image", b"GIF8": "a GIF image", b"RIFF": "a WebP image",
    b"BM": "a BMP image", b"II*\0": "a TIFF image", b"MM\0*": "a TIFF image",
}  # fmt: skip
KINDS = IMAGES | {
    b"PK\x05\x06": "an empty zip", b"BZh": "a bzip2 archive", b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive", b"(\xb5/\xfd": "a zstd archive", b"%PDF": "a PDF", b"SQLite": "an SQLite database",
    b"PAR1": "a Parquet file", b"\xd0\xcf\x11\xe0": "a document of Office",
}  # fmt: skip
Item = TypeVar("Item")
PROJECT_OBJECT = re.compile(r'"project"\s*:\s*\{')


@dataclass
class Documents:
    """What is in the files of a source.

    Attributes:
        tasks: The tasks.
        rows: A row of the quarantine for each document that cannot be read.
        titles: The title of each project by its id, as far as documents tell it.
    """

    tasks: list[Task] = field(default_factory=list)
    rows: list[QuarantineRow] = field(default_factory=list)
    titles: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, content: bytes) -> None:
        """Read a file's bytes. `name` begins every message about it.

        Raises:
            ValueError: The file is no JSON. The message says what it is, as far as that is known.
        """
        files = list(unpack(name, content))
        if len(files) == 1:
            self._add_file(*files[0])
        else:
            for member, inner in files:
                self.guard(member, self._add_file, inner)

    def _add_file(self, name: str, content: bytes) -> None:
        self.add_text(name, decode(name, content))

    def add_text(self, name: str, text: str) -> None:
        """Read a JSON text: one document, a list of them, or one in each line. ValueError as `add`."""
        if PROJECT_OBJECT.search(text):
            text = replace_projects(text, self.titles)
        try:
            tasks, rows = read_documents(name, text)
        except ValueError as error:
            if not has_json_lines(text):
                raise ValueError(f"{error}: it {describe_text(text)}, {EXPECTED}") from error
            self._add_lines(name, text)
        else:
            self.tasks += tasks
            self.rows += rows

    def _add_lines(self, name: str, text: str) -> None:
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                self.guard(f"{name}, line {number}", self._add_line, line)

    def _add_line(self, place: str, line: str) -> None:
        tasks, rows = read_documents(place, line)
        self.tasks += tasks
        self.rows += rows

    def guard(self, name: str, read: Callable[[str, Item], None], item: Item) -> None:
        """Read one item. Any error of it becomes a row with its type, its words and the item's name."""
        try:
            read(name, item)
        except Exception as error:
            is_named = isinstance(error, ValueError) and str(error).startswith(name)
            words = str(error) if is_named else f"{name}: {type(error).__name__}: {error}"
            self.rows.append(QuarantineRow("unreadable_annotation", f"{words}: export it again", annotation=name))


def decode(name: str, content: bytes) -> str:
    """Decode JSON in UTF-8, UTF-16 or UTF-32, with or without a byte order mark. ValueError for anything else."""
    for start, kind in KINDS.items():
        if content.startswith(start):
            raise ValueError(f"{name} is {kind}, {EXPECTED}")
    try:
        return content.decode(json.detect_encoding(content))
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{name} is damaged or not in UTF-8 (byte 0x{content[error.start]:02x} at {error.start}), {EXPECTED}"
        ) from error


def describe_text(text: str) -> str:
    """Say in words what a text is that is not JSON."""
    start = text.lstrip("\ufeff \t\r\n\0")
    if not start:
        return "is empty"
    if start.startswith("<"):
        return "is a page in HTML or XML"
    if start[0] in "[{":
        return "is cut off or damaged"
    return "is a table like CSV" if re.match(r"[^\n]*[,;\t]", start) else "is another text"


def has_json_lines(text: str) -> bool:
    """Tell whether the first line is a JSON document, and others follow."""
    first, _, others = text.lstrip().partition("\n")
    try:
        return bool(others.strip()) and isinstance(json.loads(first), dict | list)
    except (ValueError, RecursionError):
        return False


def replace_projects(text: str, titles: dict[str, str]) -> str:
    """Replace each project that is an object, as webhooks send it, by its id. Titles are added to `titles`."""

    def plain(found: dict[str, Any]) -> dict[str, Any]:
        project = found.get("project")
        if isinstance(project, dict) and project.get("id") is not None:
            titles[str(project["id"])] = str(project.get("title") or "")
            return found | {"project": project["id"]}
        return found

    def rewrite(document: str) -> str:
        try:
            return json.dumps(json.loads(document, object_hook=plain))
        except (ValueError, RecursionError):
            return document

    return "\n".join(map(rewrite, text.split("\n"))) if has_json_lines(text) else rewrite(text)
