"""Which training a state belongs to: never another one's."""

from pathlib import Path

import pytest

from legosigns_dagster import sample
from legosigns_dagster.core.detector.checkpoints import rule_files, training_key
from legosigns_dagster.core.detector.settings import TrainingSettings
from legosigns_dagster_tests.support.environment import PACKAGE

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


def test_another_byte_in_a_rule_file_is_another_training() -> None:
    rules = rule_files()
    keys = {
        training_key(sample.FOLDER / "base.pt", TrainingSettings(), VERSIONS, given)
        for given in (rules, rules | {"core/dataset/splits.py": "0" * 64})
    }
    assert len(keys) == 2


def test_the_rules_are_all_files_of_the_core_and_of_the_detectors() -> None:
    """With fewer, a training could be resumed under other rules than it began with, and nobody would notice."""
    wanted = [file for room in ("core", "detectors") for file in (PACKAGE / room).rglob("*.py")]
    assert set(rule_files()) == {file.relative_to(PACKAGE).as_posix() for file in wanted}
    assert {"core/geometry.py", "core/synthesis/settings.py", "detectors/ultralytics/training/trainer.py"} <= set(
        rule_files()
    )
