import json
from pathlib import Path

import pytest
from PIL import Image

from legosigns_dagster.core.synthesis.cutouts import CutoutSet, read_cutouts
from legosigns_dagster_tests.support.builders import CLASSES
from legosigns_dagster_tests.support.logs import SILENT
from legosigns_dagster_tests.support.synthesis import draw_sign


def write_set(folder: Path, width: str = "100", height: str = "100") -> Path:
    (folder / "distractors").mkdir(parents=True)
    draw_sign("disc").save(folder / "30.png")
    draw_sign("triangle").save(folder / "works.png")
    draw_sign("square").save(folder / "unknown.png")
    draw_sign("square").save(folder / "distractors" / "parking.png")
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
    class_names = {c.file.name: c.class_name for c in CutoutSet.load(cutouts.save())}
    assert class_names == {"30.png": "SpeedLimit", "works.png": "DangerAhead", "parking.png": ""}


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
    draw_sign("disc").convert("RGB").save(folder / "30.png")
    Image.new("RGBA", (20, 20), (1, 2, 3, 255)).save(folder / "works.png")
    (folder / "distractors" / "broken.png").write_bytes(b"\x89PNG nothing")
    draw_sign("disc").save(folder / "50.png")
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
    draw_sign("disc").save(tmp_path / "30.png")
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
