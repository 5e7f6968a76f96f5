from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from legosigns_dagster.core.synthesis.backgrounds import Backgrounds, read_backgrounds
from legosigns_dagster_tests.support.builders import pixels, write_image
from legosigns_dagster_tests.support.logs import SILENT, RecordedLog


def sees_no_sign(images: Sequence[Path]) -> list[bool]:
    return [False] * len(images)


def read(folder: Path, into: Path) -> Backgrounds:
    return read_backgrounds(folder, sees_no_sign, into, SILENT)


def write_video(file: Path, images: int) -> None:
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for number in range(images):
        writer.write(np.asarray(pixels(number))[..., ::-1].copy())
    writer.release()


def test_images_of_a_folder_and_below_are_taken_once(tmp_path: Path) -> None:
    write_image(tmp_path / "given" / "a.jpg", seed=1)
    write_image(tmp_path / "given" / "deep" / "copy.jpg", seed=1)
    write_image(tmp_path / "given" / "deep" / "b.jpg", seed=2)
    backgrounds = read(tmp_path / "given", tmp_path / "into")
    assert len(Backgrounds.load(backgrounds.save())) == 2


def test_a_background_in_which_a_sign_is_seen_is_left_out_and_counted(tmp_path: Path) -> None:
    for number in range(3):
        write_image(tmp_path / "given" / f"{number}.jpg", seed=number)
    log = RecordedLog()
    backgrounds = read_backgrounds(
        tmp_path / "given", lambda files: [f.name.startswith("1") for f in files], tmp_path / "into", log
    )
    assert len(backgrounds) == 2
    assert backgrounds.left_out.values.tolist() == [["1.jpg", "the base weights see a sign in it"]]
    assert any("1 backgrounds left out" in line for line in log.lines)


def test_a_video_gives_evenly_spaced_stills(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    write_video(tmp_path / "given" / "drive.avi", 60)
    backgrounds = read(tmp_path / "given", tmp_path / "into")
    assert len(backgrounds) == 12
    assert set(backgrounds.images["width"]) == {64}


def test_unreadable_files_are_named_and_the_others_are_unharmed(tmp_path: Path) -> None:
    write_image(tmp_path / "given" / "good.jpg")
    (tmp_path / "given" / "bad.jpg").write_bytes(b"no image")
    (tmp_path / "given" / "bad.mp4").write_bytes(b"no video")
    backgrounds = read(tmp_path / "given", tmp_path / "into")
    assert len(backgrounds) == 1
    assert sorted(backgrounds.left_out["file"]) == ["bad.jpg", "bad.mp4"]


def test_a_folder_with_no_image_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "notes.txt").write_text("nothing")
    with pytest.raises(ValueError, match="given has no usable background.*no image and no video"):
        read(tmp_path / "given", tmp_path / "into")
