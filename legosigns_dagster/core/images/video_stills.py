"""Stills from videos, also from those that do not say how long they are."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from legosigns_dagster.core.images.stored_image import slug

VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".avi", ".mov", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".3gp"})
STILLS_PER_VIDEO = 12
LONGEST_VIDEO = 10**8  # frames: a month of them. A larger number is no number of frames


def extract_stills(video: Path, into: Path, count: int = STILLS_PER_VIDEO) -> list[Path]:
    """Extract up to `count` evenly spaced images of a video, as PNG files in folder `into`.

    Raises:
        ValueError: No image can be read from it, or none can be written.
    """
    import cv2  # loads 100 MB that a folder without videos does not need

    capture = cv2.VideoCapture(str(video))
    try:
        told = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        total = int(told) if 0 < told < LONGEST_VIDEO else 0
        stills = write_stills(seek_frames(capture, total, count), into, slug(video.name))
    finally:
        capture.release()
    if not total or len(stills) < min(count, total):
        stills = write_stills(read_through(video, count), into, slug(video.name)) or stills
    if not stills:
        raise ValueError("no image could be read from this video")
    return stills


def write_stills(frames: Iterable[Any], into: Path, stem: str) -> list[Path]:
    """Write frames as numbered PNG files.

    Raises:
        ValueError: One cannot be written.
    """
    import cv2

    files = []
    for number, pixels in enumerate(frames):
        files.append(into / f"{stem}-{number:03d}.png")
        if not cv2.imwrite(str(files[-1]), pixels):
            raise ValueError(f"a still of this video cannot be written to {files[-1]}")
    return files


def seek_frames(capture: Any, total: int, count: int) -> Iterator[Any]:
    """Read up to `count` evenly spaced frames of an open video of `total` frames, without those between them."""
    import cv2

    wanted = min(count, total)
    for number in range(wanted):
        capture.set(cv2.CAP_PROP_POS_FRAMES, number * total // wanted)
        ok, pixels = capture.read()
        if ok:
            yield pixels


def read_through(video: Path, count: int) -> Iterator[Any]:
    """Read up to `count` evenly spaced frames of a video from its first to its last, once only to count them.

    For a video that does not say how many frames it has, as a browser records it, or that says a wrong number.
    """
    import cv2

    capture = cv2.VideoCapture(str(video))
    total = sum(1 for _ in iter(capture.grab, False))
    capture.release()
    wanted = min(count, total)
    chosen = {number * total // wanted for number in range(wanted)}
    capture = cv2.VideoCapture(str(video))
    try:
        for number in range(total):
            if capture.grab() and number in chosen:
                ok, pixels = capture.retrieve()
                if ok:
                    yield pixels
    finally:
        capture.release()
