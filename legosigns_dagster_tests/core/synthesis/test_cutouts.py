import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from legosigns_dagster.core.synthesis.cutouts import CutoutSet, read_alpha, read_cutouts
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
    ("name", "class_id", "message"),
    [
        ("Stop", 0, "'Stop' is not one of"),
        ("DangerAhead", 0, "label_id 0"),
        ("DangerAhead", float("inf"), "cannot convert float infinity"),
    ],
)
def test_labels_that_break_the_class_contract_are_refused(
    tmp_path: Path, name: str, class_id: int, message: str
) -> None:
    folder = write_set(tmp_path / "given")
    (folder / "labels.json").write_text(json.dumps({name: {"label_id": class_id, "children": {}}}))
    with pytest.raises(ValueError, match=message):
        read(folder, tmp_path / "into")


def write_labelled(folder: Path, files: dict[str, str], *labels: tuple[str, str], under: str = "") -> Path:
    """Write cut-outs of these shapes, and a `labels.json` with these classes and paths."""
    for name, shape in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        draw_sign(shape).save(folder / name)
    entries = {
        name: {"label_id": class_id, "children": {
            str(number): {"path": path, "bbox_w": 100, "bbox_h": 100}
            for number, (class_name, path) in enumerate(labels) if class_name == name
        }}
        for class_id, name in enumerate(CLASSES.names)
    }  # fmt: skip
    (folder / under / "labels.json").write_text(json.dumps(entries), encoding="utf-8")
    return folder


def class_names(cutouts: CutoutSet) -> dict[str, str]:
    return {str(row.file).removeprefix("images/"): row.class_name for row in cutouts.faces.itertuples()}


SPEED, DANGER = CLASSES.names
MAC = unicodedata.normalize("NFD", "fußgänger.png")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        pytest.param("speed/1.png", "speed/1.png", id="as it is"),
        pytest.param("speed/1.png", "./speed//1.png", id="with dots"),
        pytest.param("speed/1.png", "speed\\1.png", id="of Windows"),
        pytest.param("speed/1.png", "cutouts/speed/1.png", id="below a folder that is not here"),
        pytest.param("speed/1.png", "C:\\signs\\speed\\1.png", id="a whole path of another machine"),
        pytest.param("speed/1.png", "1.png", id="by its bare name, which is one alone"),
        pytest.param("50.PNG", "50.png", id="a file in upper case"),
        pytest.param("50.png", "50.PNG", id="a path in upper case"),  # ultralytics issue 4403
        pytest.param("50.webp", "50.webp", id="WebP"),
        pytest.param(MAC, "fußgänger.png", id="a file from a Mac"),
        pytest.param("fußgänger.png", MAC, id="a path from a Mac"),
        pytest.param("Distractors/50.png", "Distractors/50.png", id="a labelled file among the distractors"),
    ],
)
def test_a_cutout_is_found_by_as_much_of_its_path_as_there_is(name: str, path: str, tmp_path: Path) -> None:
    folder = write_labelled(tmp_path / "given", {name: "disc"}, (SPEED, path))
    cutouts = read(folder, tmp_path / "into")
    assert class_names(cutouts) == {name: SPEED}
    assert len(cutouts.warnings) == 0
    assert all(cutout.file.is_file() for cutout in cutouts)


def test_one_name_in_several_folders_is_one_class_in_each(tmp_path: Path) -> None:
    """DeepSpectrum pull 9, clip-retrieval issue 321: numbered in a folder for each class."""
    files = {"speed/1.png": "disc", "danger/1.png": "triangle", "30.png": "disc", "distractors/30.png": "square"}
    labels = [(SPEED, "speed/1.png"), (DANGER, "danger/1.png"), (SPEED, "30.png")]
    cutouts = read(write_labelled(tmp_path / "given", files, *labels), tmp_path / "into")
    assert class_names(cutouts) == {
        "speed/1.png": SPEED, "danger/1.png": DANGER, "30.png": SPEED, "distractors/30.png": "",
    }  # fmt: skip
    assert len(cutouts.warnings) == 0


def test_a_bare_name_never_means_a_distractor(tmp_path: Path) -> None:
    files = {"speed/1.png": "disc", "distractors/1.png": "square"}
    cutouts = read(write_labelled(tmp_path / "given", files, (SPEED, "1.png")), tmp_path / "into")
    assert class_names(cutouts) == {"speed/1.png": SPEED, "distractors/1.png": ""}


def test_a_labels_json_in_each_folder_is_about_the_files_beside_it(tmp_path: Path) -> None:
    write_labelled(tmp_path / "given", {"speed/1.png": "disc"}, (SPEED, "1.png"), under="speed")
    folder = write_labelled(tmp_path / "given", {"danger/1.png": "triangle"}, (DANGER, "1.png"), under="danger")
    cutouts = read(folder, tmp_path / "into")
    assert class_names(cutouts) == {"speed/1.png": SPEED, "danger/1.png": DANGER}
    assert len(cutouts.warnings) == 0


@pytest.mark.parametrize(
    ("labels", "details"),
    [
        pytest.param(
            [(DANGER, "1.png")], {"danger/1.png": "danger/1.png or speed/1.png", "speed/1.png": "write more"},
            id="a path that two files have",
        ),
        pytest.param([(SPEED, "speed/1.png"), (DANGER, "speed/1.png")], {"speed/1.png": "DangerAhead and SpeedLimit"},
                     id="a file with two classes"),
        pytest.param([(SPEED, "old/1.png")], {"old/1.png": "of this name there is danger/1.png and speed/1.png"},
                     id="a file of another folder"),
        pytest.param([(SPEED, "gone.png")], {"gone.png": "no such file"}, id="a file that is not there"),
        pytest.param([(SPEED, "distractors/1.png")], {"distractors/1.png": "no such file"}, id="no distractor"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_a_warning_and_not_a_class(
    labels: list[tuple[str, str]], details: dict[str, str], tmp_path: Path
) -> None:
    files = {"speed/1.png": "disc", "danger/1.png": "triangle", "good.png": "disc"}
    cutouts = read(write_labelled(tmp_path / "given", files, (SPEED, "good.png"), *labels), tmp_path / "into")
    assert class_names(cutouts) == {"good.png": SPEED}
    warnings = dict(zip(cutouts.warnings["file"], cutouts.warnings["detail"], strict=True))
    assert [name for name, words in details.items() if words not in warnings[name]] == []


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_cutout_is_measured_upright_as_it_is_pasted(orientation: int, tmp_path: Path) -> None:
    """A photo of a phone through a background remover: rembg issue 304, RMBG-2.0 issue 4."""
    folder = write_labelled(tmp_path / "given", {"30.png": "disc", "works.png": "triangle"}, (SPEED, "30.png"))
    upright = read(folder, tmp_path / "upright").faces.iloc[0]
    turn = TURNS_BACK.get(orientation)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.open(folder / "30.png")
    (image.transpose(turn) if turn is not None else image).save(folder / "30.png", exif=exif)
    cutouts = read(folder, tmp_path / "turned")
    (cutout,) = cutouts
    assert cutouts.faces.iloc[0].tolist() == upright.tolist()
    assert cutouts.warnings["file"].tolist() == ["works.png"]
    pasted = np.asarray(read_alpha(cutout.file))
    assert pasted[int(cutout.face.top) : int(cutout.face.bottom), int(cutout.face.left) : int(cutout.face.right)].any()


TURNS_BACK = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}  # fmt: skip

DAMAGED = {
    "bad.png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "empty.png": b"", "text.webp": b"nothing",
    "sign.svg": b"<svg/>", "sign.psd": b"8BPS", "notes.md": b"",
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_every_file_that_is_not_used_is_named_and_the_others_are_unharmed(name: str, tmp_path: Path) -> None:
    folder = write_labelled(tmp_path / "given", {"30.png": "disc"}, (SPEED, "30.png"), (SPEED, name))
    (folder / name).write_bytes(DAMAGED[name])
    (folder / ".DS_Store").write_bytes(b"\0")
    cutouts = read(folder, tmp_path / "into")
    assert class_names(cutouts) == {"30.png": SPEED}
    assert cutouts.warnings["file"].tolist() == [name]
    assert cutouts.warnings["detail"][0].startswith("not used: ")


@pytest.mark.parametrize(
    ("child", "words"),
    [
        ({"path": "works.png", "bbox_w": "100 px", "bbox_h": "100"}, "measured face used"),
        ({"path": "works.png"}, "measured face used"),
        ({"path": "works.png", "bbox_w": "-5", "bbox_h": "nan"}, "measured face used"),
        ({"bbox_w": "100", "bbox_h": "100"}, "expected a key 'path'"),
        ({"path": None}, "expected a key 'path'"),
        ("works.png", "expected a key 'path'"),
    ],
)
def test_one_entry_that_is_wrong_costs_no_other_cutout(child: object, words: str, tmp_path: Path) -> None:
    folder = write_labelled(tmp_path / "given", {"30.png": "disc", "works.png": "triangle"}, (SPEED, "30.png"))
    labels = json.loads((folder / "labels.json").read_text())
    labels[DANGER]["children"]["7"] = child
    (folder / "labels.json").write_text(json.dumps(labels), encoding="utf-8-sig")
    cutouts = read(folder, tmp_path / "into")
    assert class_names(cutouts)["30.png"] == SPEED
    assert ("works.png" in class_names(cutouts)) is ("measured" in words)
    assert any(words in detail for detail in cutouts.warnings["detail"])


@pytest.mark.parametrize(
    "content",
    [b"{", b"[]", b'{"SpeedLimit": {}}', b'{"SpeedLimit": []}', "{}".encode("utf-16"), b"[" * 100_000],
    ids=["cut off", "a list", "no label_id", "a list of entries", "UTF-16", "deep"],
)
def test_a_malformed_labels_json_is_named(content: bytes, tmp_path: Path) -> None:
    folder = write_labelled(tmp_path / "given", {"30.png": "disc"}, (SPEED, "30.png"))
    (folder / "labels.json").write_bytes(content)
    with pytest.raises(ValueError, match="given/labels.json: "):
        read(folder, tmp_path / "into")
