"""The sample is what its script draws, and shows what it is there to show."""

import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from legosigns_dagster.core.files import index_folder
from legosigns_dagster.sample import FOLDER
from legosigns_dagster.sample.draw import draw_all
from legosigns_dagster.sample.export import UPSIDE_DOWN

PARTS = ("classical-signs", "lego-signs", "sign-cutouts", "backgrounds")


@pytest.fixture(scope="module")
def drawn_twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two drawings, made by two processes at once: each takes a core for a quarter of a minute."""
    folders = tmp_path_factory.mktemp("drawn"), tmp_path_factory.mktemp("drawn-again")
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(draw_all, folders))
    return folders


@pytest.fixture(scope="module")
def drawn(drawn_twice: tuple[Path, Path]) -> Path:
    return drawn_twice[0]


def image_size(file: Path) -> tuple[int, int]:
    with Image.open(file) as image:
        return image.size


def test_drawing_it_twice_gives_the_same_bytes(drawn_twice: tuple[Path, Path]) -> None:
    first, second = map(index_folder, drawn_twice)
    assert first == second


@pytest.mark.parametrize("part", PARTS)
def test_what_is_committed_is_what_the_script_draws(drawn: Path, part: str) -> None:
    """Names and sizes, not bytes: another CPU may round a pixel otherwise."""
    ours, theirs = (sorted(path.relative_to(f) for path in f.rglob("*")) for f in (FOLDER / part, drawn / part))
    assert ours == theirs
    images = [path for path in ours if path.suffix in (".jpg", ".png")]
    assert images
    assert [image_size(FOLDER / part / i) for i in images] == [image_size(drawn / part / i) for i in images]


def test_some_images_are_stored_upside_down(drawn: Path) -> None:
    for name in UPSIDE_DOWN:
        with Image.open(drawn / "lego-signs" / "images" / name) as image:
            assert image.getexif()[0x0112] == 3


def test_every_annotated_image_but_the_lost_one_is_there(drawn: Path) -> None:
    export = json.loads((drawn / "lego-signs" / "label-studio-export.json").read_text())
    named = {task["data"]["image"].rsplit("/", 1)[1] for task in export}
    there = {file.name for file in (drawn / "lego-signs" / "images").iterdir()}
    assert named - there == {"lost.jpg"}


def test_the_base_weights_fit_into_a_clone() -> None:
    assert (FOLDER / "base.pt").stat().st_size < 6_000_000
