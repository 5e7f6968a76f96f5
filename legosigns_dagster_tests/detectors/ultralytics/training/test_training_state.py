"""States of trainings: a damaged one is refused, and nothing in one is executed."""

import random
from pathlib import Path

import numpy as np
import pytest

from legosigns_dagster.core.files import explain_full_disk, is_disk_full
from legosigns_dagster.detectors.ultralytics.training.training_state import random_state, read_state, restore_random
from legosigns_dagster_tests.support.full_disk import largest_file

torch = pytest.importorskip("torch")
MB = 10**6


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


def test_a_state_that_does_not_fit_on_the_disk_is_known_by_torch_s_own_words(tmp_path: Path) -> None:
    with largest_file(100_000), pytest.raises((OSError, RuntimeError)) as failed:
        torch.save({"weights": torch.arange(1_000_000)}, tmp_path / "state.pt")
    assert is_disk_full(failed.value)
    with (
        pytest.raises(OSError, match="no space is left in .*about 9 MB are needed"),
        explain_full_disk(tmp_path, 9_000_000),
    ):
        raise failed.value


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
