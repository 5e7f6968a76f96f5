"""Which trainings may go on from which states: never from another training's, never from a damaged one."""

import random
from pathlib import Path

import numpy as np
import pytest

from legosigns_dagster import sample
from legosigns_dagster.core.detector.checkpoints import training_key
from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster.detectors.ultralytics.training_state import random_state, read_state, restore_random

torch = pytest.importorskip("torch")

VERSIONS = {"raw_annotations": "1", "synthetic_set": "2", "classical_signs": "3"}


def test_the_same_inputs_have_the_same_key_wherever_the_base_lies(tmp_path: Path) -> None:
    (tmp_path / "other.pt").write_bytes((sample.FOLDER / "base.pt").read_bytes())
    here, there = (
        training_key(file, TrainingSettings(), VERSIONS) for file in (sample.FOLDER / "base.pt", tmp_path / "other.pt")
    )
    assert here == there


@pytest.mark.parametrize("name", TrainingSettings.model_fields)
def test_another_setting_is_another_training(name: str) -> None:
    settings = TrainingSettings()
    value = getattr(settings, name)
    other = settings.model_copy(update={name: not value if isinstance(value, bool) else value + 1})
    keys = {training_key(sample.FOLDER / "base.pt", each, VERSIONS) for each in (settings, other)}
    assert len(keys) == 2


@pytest.mark.parametrize("name", VERSIONS)
def test_another_version_of_what_is_learned_from_is_another_training(name: str) -> None:
    keys = {
        training_key(sample.FOLDER / "base.pt", TrainingSettings(), versions)
        for versions in (VERSIONS, VERSIONS | {name: "other"})
    }
    assert len(keys) == 2


def test_another_base_is_another_training(tmp_path: Path) -> None:
    (tmp_path / "base.pt").write_bytes((sample.FOLDER / "base.pt").read_bytes() + b"\0")
    keys = {
        training_key(file, TrainingSettings(), VERSIONS) for file in (sample.FOLDER / "base.pt", tmp_path / "base.pt")
    }
    assert len(keys) == 2


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    torch.save({"weights": torch.arange(10_000)}, tmp_path / "state.pt")
    return tmp_path / "state.pt"


def test_a_whole_state_is_read(saved: Path) -> None:
    assert read_state(saved)["weights"].sum() == 10_000 * 9_999 / 2


@pytest.mark.parametrize("kept", [0, 1, 1000, 79_000])
def test_a_truncated_state_is_refused(saved: Path, kept: int) -> None:
    saved.write_bytes(saved.read_bytes()[:kept])
    with pytest.raises(ValueError, match="BadZipFile"):
        read_state(saved)


def test_a_state_with_one_wrong_byte_among_the_weights_is_refused(saved: Path) -> None:
    content = bytearray(saved.read_bytes())
    content[len(content) // 2] ^= 1
    saved.write_bytes(content)
    with pytest.raises(ValueError, match="damaged|Bad"):
        read_state(saved)


def test_nothing_in_a_state_is_executed(tmp_path: Path) -> None:
    torch.save({"weights": Path(tmp_path)}, tmp_path / "state.pt")
    with pytest.raises(ValueError, match="UnpicklingError"):
        read_state(tmp_path / "state.pt")


def test_every_source_of_randomness_goes_on_where_it_was(tmp_path: Path) -> None:
    def draw() -> tuple[float, float, float]:
        return random.random(), float(np.random.rand()), float(torch.rand(()))

    draw()
    torch.save(random_state(), tmp_path / "state.pt")
    drawn = [draw(), draw()]
    restore_random(read_state(tmp_path / "state.pt"))
    assert [draw(), draw()] == drawn
