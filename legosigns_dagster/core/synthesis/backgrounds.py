"""Backgrounds to paste signs onto: images, and stills from videos, without a sign of their own."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import pandas as pd

from legosigns_dagster.core.dataset.dataset import empty_table, read_table, write_table
from legosigns_dagster.core.files import ABOUT, FolderIndex, file_sha256
from legosigns_dagster.core.images.stored_image import slug, store_upright
from legosigns_dagster.core.images.video_stills import VIDEO_SUFFIXES, extract_stills
from legosigns_dagster.core.progress import Log, track_progress
from legosigns_dagster.core.sources.source_files import error_text, list_source_files

SIGN_SEEN = "the base weights see a sign in it"
BATCH_SIZE = 16  # images given to the detector at once, between two lines of progress
COLUMNS = ["file", "sha256", "width", "height"]
LEFT_OUT_COLUMNS = ["file", "reason"]


@dataclass(frozen=True)
class Backgrounds:
    """The backgrounds in a folder.

    Attributes:
        folder: The folder, with the images below `images/`.
        images: One row for each image, with `COLUMNS`; width and height in pixels.
        left_out: One row for each file that is not used, with `LEFT_OUT_COLUMNS`.
        index: The folder's files and their digests, once it was saved or loaded.
    """

    folder: Path
    images: pd.DataFrame
    left_out: pd.DataFrame
    index: FolderIndex | None = field(default=None, compare=False, repr=False)

    def __len__(self) -> int:
        """The number of backgrounds."""
        return len(self.images)

    def save(self) -> Path:
        """Write the tables beside the images and return the folder."""
        (self.folder / ABOUT).mkdir(exist_ok=True)
        write_table(self.images, self.folder / "images.csv")
        write_table(self.left_out, self.folder / ABOUT / "left_out.csv")
        return self.folder

    @classmethod
    def load(cls, folder: Path) -> "Backgrounds":
        """Read the backgrounds that `save` wrote into this folder."""
        return cls(folder, read_table(folder / "images.csv"), read_table(folder / ABOUT / "left_out.csv"))


@dataclass(frozen=True)
class Candidate:
    """An image that may become a background.

    Attributes:
        name: Its path below the source's folder; for a still, the video's path and the still's number.
        file: Its stored file, in displayed orientation.
        size_wh: Its width and height in pixels.
    """

    name: str
    file: Path
    size_wh: tuple[int, int]


def find_candidates(source: Path, into: Path, left_out: list[tuple[str, str]]) -> Iterator[tuple[str, Path]]:
    """Find the name and the file of every image below a folder, then of every still of its videos.

    Stills are written to folder `into`. What cannot be used is added to `left_out`, with the reason.
    """
    given = list_source_files(source)
    left_out += given.left_out
    yield from given.images.items()
    for name, file in given.files.items():
        if file.suffix.lower() in VIDEO_SUFFIXES:
            try:
                stills = extract_stills(file, into)
            except Exception as error:
                left_out.append((name, error_text(error)))
                continue
            yield from ((f"{name}#{still.stem[-3:]}", still) for still in stills)
        elif name not in given.images:
            left_out.append((name, "no image and no video of a kind that is read here"))


def store_candidates(source: Path, into: Path, left_out: list[tuple[str, str]]) -> list[Candidate]:
    """Store every image and still below a folder in `into/images`; of files with equal bytes the first.

    What cannot be used is added to `left_out`, with the reason.
    """
    stored: dict[str, Candidate] = {}
    (into / "images").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into) as stills:
        for name, file in find_candidates(source, Path(stills), left_out):
            try:
                digest = file_sha256(file)
                if digest in stored:
                    left_out.append((name, f"the same file as {stored[digest].name}"))
                    continue
                image = store_upright(file, into / "images", f"{slug(Path(name).name)}-{digest[:10]}")
            except Exception as error:
                left_out.append((name, error_text(error)))
                continue
            stored[digest] = Candidate(name, image.file, image.size_wh)
    return list(stored.values())


def look_for_signs(
    batch: Sequence[Candidate], sees_sign: Callable[[Sequence[Path]], list[bool]]
) -> Iterator[tuple[Candidate, str]]:
    """Give the reason why each background cannot be used, empty where it can.

    If the detector fails, it gets the images one by one: those at which it fails again are left out. If it fails at
    all of them, the fault is its own.
    """
    try:
        seen = sees_sign([candidate.file for candidate in batch])
        yield from ((one, SIGN_SEEN if sign else "") for one, sign in zip(batch, seen, strict=True))
        return
    except Exception as error:
        if len(batch) == 1:
            raise
        first = error
    reasons: dict[Candidate, str] = {}
    failed = 0
    for candidate in batch:
        try:
            reasons[candidate] = SIGN_SEEN if sees_sign([candidate.file])[0] else ""
        except Exception as error:
            reasons[candidate] = f"the detector cannot read it ({error_text(error)})"
            failed += 1
    if failed == len(batch):
        raise first
    yield from reasons.items()


def read_backgrounds(
    source: Path, sees_sign: Callable[[Sequence[Path]], list[bool]], into: Path, log: Log
) -> Backgrounds:
    """Store the images and stills below a folder that show no sign: a sign would stay without a box.

    Args:
        source: A folder of images and videos.
        sees_sign: Tells for each image file whether the base weights detect a sign in it.
        into: The folder of the result.
        log: Gets the progress.

    Raises:
        ValueError: No image remains.
    """
    left_out: list[tuple[str, str]] = []
    candidates = store_candidates(source, into, left_out)
    rows = []
    progress = track_progress(candidates, len(candidates), "backgrounds looked at", log)
    while batch := list(islice(progress, BATCH_SIZE)):
        for candidate, reason in look_for_signs(batch, sees_sign):
            if reason:
                left_out.append((candidate.name, reason))
                candidate.file.unlink()
                continue
            file = candidate.file
            rows.append((file.relative_to(into).as_posix(), file_sha256(file), *candidate.size_wh))
    if left_out:
        log.info(f"{len(left_out)} backgrounds left out; the first is {left_out[0][0]}: {left_out[0][1]}")
    if not rows:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out[:3]) or "it has no image and no video"
        raise ValueError(f"{source} has no usable background ({reasons}): add scenes without a sign")
    listed = pd.DataFrame(left_out, columns=LEFT_OUT_COLUMNS) if left_out else empty_table(LEFT_OUT_COLUMNS)
    return Backgrounds(into, pd.DataFrame(sorted(rows), columns=COLUMNS), listed)
