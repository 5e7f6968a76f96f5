"""Images to ask a model about: files, folders, the frames of a video or a camera, and standard input."""

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image

from legosigns_dagster.core.images.decoded_image import decode
from legosigns_dagster.core.images.stored_image import IMAGE_SUFFIXES
from legosigns_dagster.core.images.video_stills import VIDEO_SUFFIXES
from legosigns_dagster.core.redaction import without_credentials

STANDARD_INPUT = "-"


@dataclass(frozen=True)
class Frame:
    """An image that is read when it is needed.

    Attributes:
        name: The file's path; of a video or a camera with the number of the frame behind `#`.
        read: Gives the image as it is displayed, or raises ValueError or OSError with the reason why there is none.
    """

    name: str
    read: Callable[[], Image.Image]


def read_frames(sources: Iterable[str], stride: int, most: int | None, stdin: BinaryIO) -> Iterator[Frame]:
    """Find the images of some sources, one after the other. What cannot be read is a frame whose `read` raises.

    Args:
        sources: Files, folders, videos, cameras (a number, or a stream's address), or `-` for an image on `stdin`.
        stride: Of a video or a camera, every how manieth frame is taken, from 1.
        most: Of each video or camera, at most so many frames; None for all.
        stdin: Standard input.
    """
    for source in sources:
        if source == STANDARD_INPUT:
            yield Frame("standard input", image_reader(stdin.read()))
        elif "://" in source or source.isdigit():
            yield from read_video(source, stride, most)
        elif Path(source).is_dir():
            yield from folder_frames(Path(source), stride, most)
        else:
            yield from file_frames(Path(source), stride, most)


def folder_frames(folder: Path, stride: int, most: int | None) -> Iterator[Frame]:
    """Find the images and videos below a folder, by name."""
    files = [file for file in sorted(folder.rglob("*")) if file.suffix.lower() in IMAGE_SUFFIXES | VIDEO_SUFFIXES]
    if not files:
        yield Frame(
            str(folder), refuse(f"no image and no video is in this folder ({', '.join(sorted(IMAGE_SUFFIXES))})")
        )
    for file in files:
        yield from file_frames(file, stride, most)


def file_frames(file: Path, stride: int, most: int | None) -> Iterator[Frame]:
    """Give an image, or the frames of a video."""
    if not file.is_file():
        yield Frame(str(file), refuse("there is no such file or folder"))
    elif file.suffix.lower() in VIDEO_SUFFIXES:
        yield from read_video(str(file), stride, most)
    else:
        yield Frame(str(file), lambda: decode(file).upright)


def image_reader(content: bytes) -> Callable[[], Image.Image]:
    """Make a function that decodes an image's bytes."""
    return lambda: decode(io.BytesIO(content)).upright


def refuse(text: str) -> Callable[[], Image.Image]:
    """Make a function that raises, for an image that is none."""

    def read() -> Image.Image:
        raise ValueError(text)

    return read


def read_video(source: str, stride: int, most: int | None) -> Iterator[Frame]:
    """Read the frames of a video or of a camera, every `stride`th and at most `most`.

    Args:
        source: A file, a stream's address, or a camera's number.
        stride: From 1.
        most: From 1; None for all.
    """
    import cv2  # loads 100 MB that an image does not need

    shown = without_credentials(source.partition("?")[0])
    capture = cv2.VideoCapture(int(source) if source.isdigit() else source)
    try:
        number = taken = 0
        while (most is None or taken < most) and capture.grab():
            if number % stride == 0:
                ok, pixels = capture.retrieve()
                if ok:
                    yield Frame(f"{shown}#{number}", frame_reader(pixels))
                    taken += 1
            number += 1
    finally:
        capture.release()
    if not taken:
        yield Frame(shown, refuse("no frame could be read from this video or camera"))


def frame_reader(pixels: Any) -> Callable[[], Image.Image]:
    """Make a function that gives OpenCV's pixels, which are blue, green and red, as an image."""
    return lambda: Image.fromarray(pixels[:, :, ::-1])
