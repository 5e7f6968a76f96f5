"""`legosigns preview-synthesis`, on the sources of a small synthesis in a store on disk."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from legosigns_dagster.cli import main
from legosigns_dagster.core.dataset.dataset import TRAIN, VAL
from legosigns_dagster.core.pictures.random_images import draw_images, list_dataset
from legosigns_dagster.core.synthesis.backgrounds import COLUMNS, LEFT_OUT_COLUMNS, Backgrounds
from legosigns_dagster.core.synthesis.generate import make_synthetic_set
from legosigns_dagster.core.synthesis.settings import SynthesisSettings
from legosigns_dagster.resources.storage.object_store import LocalObjectStore
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore
from legosigns_dagster_tests.support.builders import make_dataset, write_image
from legosigns_dagster_tests.support.logs import SILENT
from legosigns_dagster_tests.support.synthesis import make_cutouts


def make_backgrounds(folder: Path) -> Backgrounds:
    for number in (70, 71):
        write_image(folder / "images" / f"{number}.jpg", number)
    rows = [(f"images/{number}.jpg", "", 64, 48) for number in (70, 71)]
    return Backgrounds(folder, pd.DataFrame(rows, columns=COLUMNS), pd.DataFrame(columns=LEFT_OUT_COLUMNS, dtype=str))


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store that the environment names, with what synthetic images are made of, seen from another folder."""
    monkeypatch.setenv("LEGOSIGNS_STORE", str(tmp_path / "store"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    store = SnapshotStore(LocalObjectStore(tmp_path / "store"), tmp_path / "cache", "legosigns/")
    cutouts, backgrounds = make_cutouts(tmp_path / "cutouts"), make_backgrounds(tmp_path / "backgrounds")
    annotated = make_dataset(tmp_path / "annotated", TRAIN, TRAIN, VAL)
    for asset, value in (("sign_cutouts", cutouts), ("backgrounds", backgrounds), ("raw_annotations", annotated)):
        store.save(asset, "first run", value.save())
    return tmp_path


def files(folder: Path) -> Mapping[Path, bytes]:
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def preview(*options: str) -> bytes:
    """The pixels that the command draws."""
    main(["preview-synthesis", "--out", "a.png", *options])
    with Image.open("a.png") as picture:
        return picture.tobytes()


def test_a_preview_is_the_beginning_of_the_set_that_these_settings_make_and_the_store_stays_as_it_is(
    stored: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(stored / "store")
    seen = preview("--count", "3", "--seed", "7", "--noise", "40", "--min-signs", "2")
    assert files(stored / "store") == before
    settings = SynthesisSettings(images=5, seed=7, noise=40, min_signs=2)
    whole = make_synthetic_set(settings, make_cutouts(stored / "c"), make_backgrounds(stored / "b"),
                               make_dataset(stored / "a", TRAIN, TRAIN, VAL), stored / "whole", SILENT)  # fmt: skip
    beginning = list_dataset(whole)[:3]
    assert seen == draw_images(beginning, whole.folder, whole.classes).tobytes()
    *lines, picture, following = capsys.readouterr().out.splitlines()
    assert lines == [image.text(whole.classes) for image in beginning]
    assert picture == "picture: a.png"
    assert following.endswith("ops: {synthetic_set: {config: {seed: 7, min_signs: 2, noise: 40.0}}}")


def test_another_seed_and_other_settings_give_other_images(stored: Path) -> None:
    options = [[], ["--seed", "1"], ["--darkest", "0.1"], ["--count", "2"]]
    assert len({preview("--count", "1", *one) for one in options}) == len(options)
    assert preview("--count", "1") == preview("--count", "1", "--seed", "0", "--blur", "0.5")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--blur", "2"], "--blur is 2: input should be less than or equal to 1"),
        (["--blur", "much"], "--blur is much: input should be a valid number"),
        (["--noise", "nan"], "--noise is nan: input should be "),
        (
            ["--tilt-degrees", "91", "--seed", "-1"],
            "--seed is -1: input should be greater than or equal to 0; --tilt-d",
        ),
        (["--min-signs", "5"], "min_signs 5 is more than max_signs 4: change one"),
        (["--count", "0"], "--count is 0, expected 1 to 100"),
        (["--out", "a.txt"], "--out is a.txt, expected a name that ends in .jpg or .png"),
        ([], "no version of sign_cutouts that is current in "),
    ],
)
def test_what_cannot_be_previewed_is_an_error_that_names_the_option(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEGOSIGNS_STORE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit_:
        main(["preview-synthesis", *arguments])
    assert message in str(exit_.value.code)
