from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from legosigns_dagster.core.images.video_stills import extract_stills
from legosigns_dagster_tests.support.builders import pixels

VOID = 0xEC  # the id of an element of a WebM that readers skip


def write_video(file: Path, images: int, codec: str = "MJPG") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*codec), 10, (64, 48))
    for number in range(images):
        level = np.full((48, 64, 3), number * 4, np.uint8)
        writer.write(level if images > 30 else np.asarray(pixels(number))[..., ::-1].copy())
    writer.release()
    return file


def without_duration(file: Path) -> Path:
    """Take the duration and the index out of a WebM, as a browser's recorder writes it."""
    content = bytearray(file.read_bytes())
    for element in (b"\x44\x89\x88", b"\x1c\x53\xbb\x6b"):  # Duration of 8 bytes; Cues
        if (start := content.find(element)) >= 0:
            content[start] = VOID
            content[start + 1] = 0x80 + (9 if element[0] == 0x44 else 2)
    file.write_bytes(content)
    return file


def brightness(stills: list[Path]) -> list[int]:
    return [round(float(np.asarray(Image.open(still)).mean()) / 4) for still in stills]


@pytest.mark.parametrize("length", [40, 60])
def test_stills_are_evenly_spaced(length: int, tmp_path: Path) -> None:
    stills = extract_stills(write_video(tmp_path / "v.avi", length), tmp_path)
    assert brightness(stills) == pytest.approx([number * length // 12 for number in range(12)], abs=1)
    assert stills[0].name == "v-000.png"


def test_a_webm_without_a_duration_gives_as_many_stills(tmp_path: Path) -> None:
    """opencv issue 22571: the number of frames that OpenCV tells is negative."""
    file = without_duration(write_video(tmp_path / "v.webm", 40, "VP80"))
    assert cv2.VideoCapture(str(file)).get(cv2.CAP_PROP_FRAME_COUNT) <= 0
    stills = extract_stills(file, tmp_path)
    assert brightness(stills) == pytest.approx([number * 40 // 12 for number in range(12)], abs=1)


def test_a_video_that_is_cut_off_gives_stills_of_what_is_there(tmp_path: Path) -> None:
    """opencv-python issue 322: the header tells more frames than can be read."""
    file = write_video(tmp_path / "v.avi", 60)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    stills = extract_stills(file, tmp_path)
    assert len(stills) == 12
    assert brightness(stills) == sorted(set(brightness(stills)))


@pytest.mark.parametrize("length", [1, 5])
def test_a_short_video_gives_each_of_its_frames(length: int, tmp_path: Path) -> None:
    assert len(extract_stills(write_video(tmp_path / "v.avi", length), tmp_path)) == length


@pytest.mark.parametrize("content", [b"", b"no video", b"\x1aE\xdf\xa3" + b"\0" * 50])
def test_what_is_no_video_is_an_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "v.webm").write_bytes(content)
    with pytest.raises(ValueError, match="no image could be read from this video"):
        extract_stills(tmp_path / "v.webm", tmp_path)
