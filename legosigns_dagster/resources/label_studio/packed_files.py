"""Exports that were packed: what is in a zip or in a gzip, in memory and within a limit."""

import gzip
import io
import re
import zipfile
from collections.abc import Iterator

MAX_BYTES = 2_000_000_000  # of unpacked JSON; without a limit a small file fills the pod's memory
MAX_RATIO, SMALL = 100, 50_000_000  # JSON shrinks by 10 to 40; what is small when it is unpacked may shrink by more
PACKINGS = 3  # a zip in a gzip in a zip is still read
GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
EXPECTED = "expected JSON of Label Studio: export the project as JSON, not as JSON_MIN, CSV or another format"


def unpack(name: str, content: bytes, packings: int = PACKINGS) -> Iterator[tuple[str, bytes]]:
    """Yield the files that are packed in a file, or the file itself, each with its name and its bytes.

    Args:
        name: The file's name.
        content: Its bytes.
        packings: How often it may be packed.

    Raises:
        ValueError: It cannot be unpacked, or there is no JSON file in it.
    """
    if content.startswith((GZIP, ZIP)):
        if not packings:
            raise ValueError(f"{name} is packed more than {PACKINGS} times: give the JSON file in it")
        try:
            unpacked = list(unzip(name, content) if content.startswith(ZIP) else gunzip(name, content))
        except Exception as error:  # of any kind: archives are damaged in many ways, and some are encrypted
            if isinstance(error, ValueError) and str(error).startswith(name):
                raise
            words = f"{type(error).__name__}: {error}"
            raise ValueError(f"{name} is packed and cannot be unpacked ({words}): download it again") from error
        for member, inner in unpacked:
            yield from unpack(member, inner, packings - 1)
        return
    yield name, content


def gunzip(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """Unpack a gzip, up to `MAX_BYTES`. ValueError where it is larger."""
    with gzip.open(io.BytesIO(content)) as stream:
        unpacked = stream.read(most_unpacked(content) + 1)
    require_size(name, len(unpacked), content)
    yield name, unpacked


def unzip(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """Unpack the JSON files of a zip, up to `MAX_BYTES`. ValueError where there is none, or they are larger."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [one for one in archive.infolist() if is_json_name(one.filename)]
        if not members:
            there = ", ".join(archive.namelist()[:5]) or "nothing"
            raise ValueError(f"{name} is a zip with no JSON file in it, but {there}: {EXPECTED}")
        require_size(name, sum(member.file_size for member in members), content)
        for member in members:
            yield f"{name}/{member.filename}", archive.read(member)


def is_json_name(name: str) -> bool:
    """Tell whether a zip's member is a JSON file, and no note that macOS adds to each file."""
    parts = name.replace("\\", "/").split("/")
    return bool(re.search(r"\.(nd)?jsonl?(\.gz)?$", name, re.IGNORECASE)) and not parts[-1].startswith("._")


def most_unpacked(content: bytes) -> int:
    """Tell how many bytes a packed file may have when it is unpacked."""
    return min(MAX_BYTES, max(SMALL, len(content) * MAX_RATIO))


def require_size(name: str, size: int, content: bytes) -> None:
    """Raise ValueError where a packed file is larger than it may be when it is unpacked."""
    if size > (most := most_unpacked(content)):
        raise ValueError(f"{name} has more than {most // 10**6} MB when it is unpacked: split it, or give it unpacked")
