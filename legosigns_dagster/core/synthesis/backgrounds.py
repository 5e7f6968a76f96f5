"""Scenes to paste signs into: images, and stills from videos, without a sign of their own."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import pandas as pd

from legosigns_dagster.core.dataset.dataset import empty, read_table
from legosigns_dagster.core.files import ABOUT, FolderIndex, file_sha256
from legosigns_dagster.core.images import find_images, slug, store_upright
from legosigns_dagster.core.progress import Log, track_progress

VIDEO_SUFFIXES = frozenset({".mp4", ".avi", ".mov", ".mkv", ".webm"})
STILLS_PER_VIDEO = 12
BATCH = 16  # images looked at between two lines of progress
COLUMNS = ["file", "sha256", "width", "height"]
LEFT_OUT_COLUMNS = ["file", "reason"]


@dataclass(frozen=True)
class Backgrounds:
    """Images below `folder` with a row each; `left_out` names the files that were not used, and why."""

    folder: Path
    images: pd.DataFrame
    left_out: pd.DataFrame
    index: FolderIndex | None = field(default=None, compare=False, repr=False)

    def __len__(self) -> int:
        """How many there are."""
        return len(self.images)

    def save(self) -> Path:
        """Write the tables beside the images and return the folder."""
        (self.folder / ABOUT).mkdir(exist_ok=True)
        self.images.to_csv(self.folder / "images.csv", index=False, lineterminator="\n")
        self.left_out.to_csv(self.folder / ABOUT / "left_out.csv", index=False, lineterminator="\n")
        return self.folder

    @classmethod
    def load(cls, folder: Path) -> "Backgrounds":
        """The backgrounds that `save` left in this folder."""
        return cls(folder, read_table(folder / "images.csv"), read_table(folder / ABOUT / "left_out.csv"))


def stills(video: Path, into: Path, count: int = STILLS_PER_VIDEO) -> Iterator[Path]:
    """Up to `count` evenly spaced images of a video, as PNG files in a folder; ValueError when it has none."""
    import cv2  # loads 100 MB that a folder without videos does not need

    capture = cv2.VideoCapture(str(video))
    try:
        total = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        found = 0
        for number in range(min(count, total)):
            capture.set(cv2.CAP_PROP_POS_FRAMES, number * total // min(count, total))
            ok, pixels = capture.read()
            if ok:
                found += 1
                target = into / f"{slug(video.name)}-{number:03d}.png"
                cv2.imwrite(str(target), pixels)
                yield target
        if not found:
            raise ValueError("no image could be read from this video")
    finally:
        capture.release()


def candidates(source: Path, into: Path, left_out: list[tuple[str, str]]) -> Iterator[tuple[str, Path]]:
    """Name and file of every image and still in a folder; videos that cannot be read are noted in `left_out`."""
    yield from ((file.relative_to(source).as_posix(), file) for file in find_images(source))
    for video in sorted(p for p in source.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES):
        name = video.relative_to(source).as_posix()
        try:
            yield from ((f"{name}#{still.stem[-3:]}", still) for still in stills(video, into))
        except ValueError as error:
            left_out.append((name, str(error)))


def read_backgrounds(
    source: Path, sees_sign: Callable[[Sequence[Path]], list[bool]], into: Path, log: Log
) -> Backgrounds:
    """The backgrounds of a folder, without those in which `sees_sign` finds a sign: it would stay without a label.

    ValueError that names the folder when none remains.
    """
    left_out: list[tuple[str, str]] = []
    stored: dict[str, tuple[str, Path, tuple[int, int]]] = {}
    (into / "images").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into) as videos:
        for name, file in candidates(source, Path(videos), left_out):
            digest = file_sha256(file)
            try:
                image = store_upright(file, into / "images", f"{slug(Path(name).name)}-{digest[:10]}")
            except ValueError as error:
                left_out.append((name, str(error)))
                continue
            stored.setdefault(digest, (name, image.file, image.size_wh))
    rows = []
    found = list(stored.values())
    looked_at = track_progress(found, len(found), "backgrounds looked at", log)
    while batch := list(islice(looked_at, BATCH)):
        for (name, file, size_wh), seen in zip(batch, sees_sign([file for _, file, _ in batch]), strict=True):
            if seen:
                left_out.append((name, "the base weights see a sign in it"))
                file.unlink()
                continue
            rows.append((file.relative_to(into).as_posix(), file_sha256(file), *size_wh))
    if left_out:
        log.info(f"{len(left_out)} backgrounds left out; the first is {left_out[0][0]}: {left_out[0][1]}")
    if not rows:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out[:3]) or "it has no image and no video"
        raise ValueError(f"{source} has no usable background ({reasons}): add scenes without a sign")
    listed = pd.DataFrame(left_out, columns=LEFT_OUT_COLUMNS) if left_out else empty(LEFT_OUT_COLUMNS)
    return Backgrounds(into, pd.DataFrame(sorted(rows), columns=COLUMNS), listed)
