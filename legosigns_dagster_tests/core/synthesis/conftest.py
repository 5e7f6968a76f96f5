"""Sources of a small synthetic dataset."""

from pathlib import Path

import pytest

from legosigns_dagster.core.dataset.dataset import TRAIN, VAL, Dataset
from legosigns_dagster.core.synthesis.backgrounds import Backgrounds, read_backgrounds
from legosigns_dagster.core.synthesis.cutouts import CutoutSet
from legosigns_dagster_tests.support.builders import make_dataset, write_image
from legosigns_dagster_tests.support.logs import SILENT
from legosigns_dagster_tests.support.synthesis import make_cutouts


@pytest.fixture
def cutouts(tmp_path: Path) -> CutoutSet:
    return make_cutouts(tmp_path / "cutouts")


@pytest.fixture
def backgrounds(tmp_path: Path) -> Backgrounds:
    for number in range(4):
        write_image(tmp_path / "scenes" / f"{number}.jpg", seed=100 + number, size_wh=(200, 150))
    return read_backgrounds(tmp_path / "scenes", lambda files: [False] * len(files), tmp_path / "backgrounds", SILENT)


@pytest.fixture
def annotated(tmp_path: Path) -> Dataset:
    return make_dataset(tmp_path / "annotated", TRAIN, VAL)
