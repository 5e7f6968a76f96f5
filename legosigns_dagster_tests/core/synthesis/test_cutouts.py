import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from legosigns_dagster.core.synthesis.cutouts import CutoutSet, read_cutouts
from legosigns_dagster.core.synthesis.face import find_face
from legosigns_dagster_tests.support.builders import CLASSES
from legosigns_dagster_tests.support.logs import SILENT

SHAPES = {
    "disc": lambda pen: pen.ellipse((10, 5, 109, 104), fill="red"),
    "triangle": lambda pen: pen.polygon([(60, 5), (109, 104), (10, 104)], fill="red"),
    "diamond": lambda pen: pen.polygon([(60, 5), (109, 55), (60, 104), (10, 55)], fill="red"),
    "square": lambda pen: pen.rectangle((10, 5, 109, 104), fill="red"),
}
FACE = (10, 5, 110, 105)


def draw(shape: str, pole: bool = True, foot_px: int = 0, lean_px: int = 0) -> Image.Image:
    """A sign of 120x300 px whose face fills `FACE`."""
    image = Image.new("RGBA", (120, 300), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    if pole:
        pen.line([(60, 60), (60 + lean_px, 290)], fill="black", width=16)
    if foot_px:
        pen.rectangle((60 - foot_px // 2, 275, 60 + foot_px // 2, 299), fill="black")
    SHAPES[shape](pen)
    return image


def face_of(image: Image.Image) -> tuple[float, ...]:
    face = find_face(np.asarray(image.getchannel("A")))
    return face.left, face.top, face.right, face.bottom


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("foot_px", [0, 50, 100])
def test_the_face_ends_where_the_pole_begins_however_wide_the_foot(shape: str, foot_px: int) -> None:
    assert face_of(draw(shape, foot_px=foot_px)) == pytest.approx(FACE, abs=3)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_sign_without_a_pole_is_all_face(shape: str) -> None:
    assert face_of(draw(shape, pole=False)) == pytest.approx(FACE, abs=1)


def test_a_leaning_pole_does_not_widen_the_face() -> None:
    assert face_of(draw("disc", lean_px=25, foot_px=60)) == pytest.approx(FACE, abs=3)


def test_a_pale_halo_is_not_part_of_the_face() -> None:
    image = draw("disc")
    halo = np.asarray(image).copy()
    halo[..., 3] = np.maximum(halo[..., 3], 40)
    assert face_of(Image.fromarray(halo)) == pytest.approx(FACE, abs=3)


def write_set(folder: Path, width: str = "100", height: str = "100") -> Path:
    (folder / "distractors").mkdir(parents=True)
    draw("disc").save(folder / "30.png")
    draw("triangle").save(folder / "works.png")
    draw("square").save(folder / "unknown.png")
    draw("square").save(folder / "distractors" / "parking.png")
    labels = {
        "SpeedLimit": {"label_id": 0, "children": {"a": {"path": "x/30.png", "bbox_w": width, "bbox_h": height}}},
        "DangerAhead": {"label_id": 1, "children": {"b": {"path": "works.png", "bbox_w": "100", "bbox_h": "100"}}},
    }
    (folder / "labels.json").write_text(json.dumps(labels))
    return folder


def read(folder: Path, into: Path) -> CutoutSet:
    return read_cutouts(folder, CLASSES, into, SILENT)


def test_cutouts_come_with_their_class_and_distractors_without(tmp_path: Path) -> None:
    cutouts = read(write_set(tmp_path / "given"), tmp_path / "into")
    found = {c.file.name: c.class_name for c in CutoutSet.load(cutouts.save())}
    assert found == {"30.png": "SpeedLimit", "works.png": "DangerAhead", "parking.png": ""}


def test_a_sign_that_nobody_named_is_not_pasted_as_a_distractor(tmp_path: Path) -> None:
    warnings = read(write_set(tmp_path / "given"), tmp_path / "into").warnings
    assert warnings["file"].tolist() == ["unknown.png"]
    assert "not in labels.json" in warnings["detail"][0]


@pytest.mark.parametrize(("width", "height"), [("359", "330"), ("100", "280")])
def test_a_wrong_box_is_replaced_by_the_measured_face_and_named(tmp_path: Path, width: str, height: str) -> None:
    cutouts = read(write_set(tmp_path / "given", width, height), tmp_path / "into")
    (thirty,) = [c for c in cutouts if c.file.name == "30.png"]
    assert (thirty.face.width, thirty.face.height) == pytest.approx((100, 100), abs=3)
    (warning,) = cutouts.warnings[cutouts.warnings["file"] == "30.png"]["detail"]
    assert f"{width}x{height} px" in warning


def test_a_right_box_is_taken_without_a_warning(tmp_path: Path) -> None:
    warnings = read(write_set(tmp_path / "given"), tmp_path / "into").warnings
    assert "30.png" not in warnings["file"].tolist()


def test_cutouts_without_alpha_are_refused_by_name_and_the_others_are_unharmed(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "given")
    draw("disc").convert("RGB").save(folder / "30.png")
    Image.new("RGBA", (20, 20), (1, 2, 3, 255)).save(folder / "works.png")
    (folder / "distractors" / "broken.png").write_bytes(b"\x89PNG nothing")
    draw("disc").save(folder / "50.png")
    labels = json.loads((folder / "labels.json").read_text())
    labels["SpeedLimit"]["children"]["c"] = {"path": "50.png", "bbox_w": 100, "bbox_h": 100}
    (folder / "labels.json").write_text(json.dumps(labels))
    cutouts = read(folder, tmp_path / "into")
    details = dict(zip(cutouts.warnings["file"], cutouts.warnings["detail"], strict=True))
    assert "no alpha channel" in details["30.png"]
    assert "opaque everywhere" in details["works.png"]
    assert "not a readable image" in details["distractors/broken.png"]
    assert "50.png" in [c.file.name for c in cutouts]


def test_a_folder_without_a_usable_cutout_is_an_error_that_says_why(tmp_path: Path) -> None:
    draw("disc").save(tmp_path / "30.png")
    with pytest.raises(ValueError, match="no usable cut-out.*30.png: not used"):
        read(tmp_path, tmp_path / "into")


@pytest.mark.parametrize(
    ("name", "class_id", "message"), [("Stop", 0, "'Stop' is not one of"), ("DangerAhead", 0, "label_id 0")]
)
def test_labels_that_break_the_class_contract_are_refused(
    tmp_path: Path, name: str, class_id: int, message: str
) -> None:
    folder = write_set(tmp_path / "given")
    (folder / "labels.json").write_text(json.dumps({name: {"label_id": class_id, "children": {}}}))
    with pytest.raises(ValueError, match=message):
        read(folder, tmp_path / "into")
