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


def test_a_file_of_the_same_bytes_is_named_and_leaves_no_file(tmp_path: Path) -> None:
    write_image(tmp_path / "given" / "a.jpg", seed=1)
    write_image(tmp_path / "given" / "b.jpg", seed=1)
    backgrounds = read(tmp_path / "given", tmp_path / "into")
    assert backgrounds.left_out.values.tolist() == [["b.jpg", "the same file as a.jpg"]]
    assert len(list((tmp_path / "into/images").iterdir())) == 1


def test_every_file_that_is_not_used_is_named_with_its_reason(tmp_path: Path) -> None:
    folder = tmp_path / "given"
    write_image(folder / "good.jpg")
    for name in ("notes.txt", "phone.heic", "cut.png", "v.webm", ".DS_Store"):
        (folder / name).write_bytes(b"\x89PNG")
    (folder / "far.jpg").symlink_to(write_image(tmp_path / "outside.jpg", seed=2))
    (folder / "near.jpg").symlink_to("good.jpg")
    backgrounds = read(folder, tmp_path / "into")
    assert len(backgrounds) == 1
    reasons = dict(backgrounds.left_out.values.tolist())
    assert set(reasons) == {"notes.txt", "phone.heic", "cut.png", "v.webm", "far.jpg", "near.jpg"}
    assert "outside of" in reasons["far.jpg"]
    assert reasons["near.jpg"] == "the same file as good.jpg"
    assert "no image and no video" in reasons["phone.heic"]


def test_an_image_at_which_the_detector_fails_is_left_out_alone(tmp_path: Path) -> None:
    for number in range(5):
        write_image(tmp_path / "given" / f"{number}.jpg", seed=number)

    def fails_at_2(files: Sequence[Path]) -> list[bool]:
        if any(file.name.startswith("2") for file in files):
            raise IndexError("list index out of range")
        return [file.name.startswith("3") for file in files]

    backgrounds = read_backgrounds(tmp_path / "given", fails_at_2, tmp_path / "into", SILENT)
    assert len(backgrounds) == 3
    assert backgrounds.left_out.values.tolist() == [
        ["2.jpg", "the detector cannot read it (IndexError: list index out of range)"],
        ["3.jpg", "the base weights see a sign in it"],
    ]


@pytest.mark.parametrize("count", [1, 3])
def test_a_detector_that_fails_at_every_image_stops_the_run(count: int, tmp_path: Path) -> None:
    for number in range(count):
        write_image(tmp_path / "given" / f"{number}.jpg", seed=number)

    def fails(files: Sequence[Path]) -> list[bool]:
        raise RuntimeError("no memory")

    with pytest.raises(RuntimeError, match="no memory"):
        read_backgrounds(tmp_path / "given", fails, tmp_path / "into", SILENT)
