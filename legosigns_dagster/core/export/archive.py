"""A dataset as one zip file of its YOLO folder, for people to download."""

import shutil
import tempfile
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.export.export import write_yolo
from legosigns_dagster.core.progress import Log

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time of an entry: with real times, equal datasets would differ
UNIX, READABLE = 3, 0o100644 << 16  # the system of the entries, and their permissions


def write_archive(dataset: Dataset, file: Path, log: Log) -> None:
    """Write a dataset into a new zip file, as `write_yolo` does. Equal datasets give equal bytes on every machine.

    Nothing is compressed: images are already, and a compressor's output depends on its version.

    Raises:
        ValueError: As `write_yolo`.
    """
    with tempfile.TemporaryDirectory(dir=file.parent) as name:
        folder = Path(name)
        write_yolo(dataset, folder, log)
        with ZipFile(file, "x", ZIP_STORED) as archive:
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                entry = ZipInfo(path.relative_to(folder).as_posix(), EPOCH)
                entry.create_system, entry.external_attr, entry.file_size = UNIX, READABLE, path.stat().st_size
                with path.open("rb") as source, archive.open(entry, "w") as target:
                    shutil.copyfileobj(source, target)
