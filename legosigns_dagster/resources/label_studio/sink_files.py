"""Which files of a sink are annotations: systems and programs leave their own files beside them."""

import json
import re
from pathlib import Path

from legosigns_dagster.core.progress import Log
from legosigns_dagster.core.sources.source_files import SYSTEM_NAMES, is_device
from legosigns_dagster.resources.label_studio.documents import IMAGES, Documents
from legosigns_dagster.resources.storage.locations import list_files

# Written by operating systems, and in a bucket also by Hadoop and Spark, editors, and downloads that go on.
SYSTEM_FILES = re.compile(
    rf"(.*/)?(\.[^/]*|{'|'.join(map(re.escape, sorted(SYSTEM_NAMES)))}|ehthumbs\.db|System Volume Information|Icon\r|"
    r"_SUCCESS|_(committed|started)_[^/]*|_temporary|_delta_log|[^/]*_\$folder\$|"
    r"[^/]*(\.tmp|\.part|\.partial|\.crc|\.swp|\.lock|~))(/.*)?",
    re.IGNORECASE,
)
# Label Studio gives its files no ending, or that of JSON.
OTHER_ENDINGS = re.compile(r".*\.(txt|md|html?|csv|tsv|xml|ya?ml|log|ini|cfg|pdf|py|sh|parquet|mp4|webm|mov|avi)", re.I)
DOCUMENT_KEYS = frozenset({"id", "result", "task", "data", "annotations", "completions", "predictions"})
DOCUMENT_NAME = re.compile(r"(.*/)?(\d+|.*\.json)", re.IGNORECASE)
SHOWN = 10


def read_sink(folder: Path, variable: str, log: Log) -> Documents:
    """Read all annotations of a sink, or of the one file that it is.

    A file that cannot be read becomes a row of the quarantine. Files that are no annotations are listed in the log.
    """
    documents, left_out = Documents(), []

    def read(name: str, file: Path) -> None:
        if SYSTEM_FILES.fullmatch(name):
            left_out.append(name)
        elif is_device(file):
            raise ValueError(f"{name} is a pipe or a device, expected a file: remove it")
        elif is_something_else(name, content := file.read_bytes()) or (file != folder and is_other_json(name, content)):
            left_out.append(name)
        else:
            documents.add(name, content)

    for file in [folder] if folder.is_file() else list_files(folder):
        name = file.name if file == folder else file.relative_to(folder).as_posix()
        documents.guard(name.encode("utf-8", "replace").decode(), read, file)
    if left_out:
        more = f" and {len(left_out) - SHOWN} more" if len(left_out) > SHOWN else ""
        log.info(
            f"{variable}: {len(left_out)} files are no annotations and not used: {', '.join(left_out[:SHOWN])}{more}"
        )
    return documents


def is_something_else(name: str, content: bytes) -> bool:
    """Tell whether a file is no annotation for sure. A damaged annotation, or an empty one, is still one."""
    if not content:
        return not DOCUMENT_NAME.fullmatch(name)
    is_document = content.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n").startswith((b"{", b"["))
    return content.startswith(tuple(IMAGES)) or (not is_document and bool(OTHER_ENDINGS.fullmatch(name)))


def is_other_json(name: str, content: bytes) -> bool:
    """Tell whether a file holds JSON objects that have nothing of an annotation, such as `notes.json` of an export."""
    if DOCUMENT_NAME.fullmatch(name) is None or Path(name).stem.isdecimal():
        return False
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError):
        return False
    objects = parsed if isinstance(parsed, list) else [parsed]
    return bool(objects) and all(isinstance(one, dict) and not DOCUMENT_KEYS & one.keys() for one in objects)
