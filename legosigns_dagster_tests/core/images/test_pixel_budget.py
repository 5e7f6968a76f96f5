import threading
import time
from pathlib import Path

import pytest

from legosigns_dagster.core.images.pixel_budget import PixelBudget, count_pixels
from legosigns_dagster_tests.support.builders import write_image


@pytest.mark.parametrize(("pixels", "at_once"), [((40, 40, 40, 40), 80), ((100, 10, 10), 100), ((900, 900, 20), 100)])
def test_threads_never_hold_more_than_there_is(pixels: tuple[int, ...], at_once: int) -> None:
    budget, held, peaks = PixelBudget(100), [0], []

    def hold(count: int) -> None:
        with budget.reserve(count):
            held[0] += min(count, 100)
            peaks.append(held[0])
            time.sleep(0.02)
            held[0] -= min(count, 100)

    threads = [threading.Thread(target=hold, args=(count,)) for count in pixels]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert (len(peaks), max(peaks)) == (len(pixels), at_once)


def test_what_an_image_held_is_given_back_when_it_cannot_be_decoded() -> None:
    budget = PixelBudget(100)
    with pytest.raises(ValueError, match="damaged"), budget.reserve(100):
        raise ValueError("damaged")
    with budget.reserve(100):
        pass


def test_pixels_are_counted_by_the_header_alone(tmp_path: Path) -> None:
    file = write_image(tmp_path / "a.jpg")
    file.write_bytes(file.read_bytes()[:700])
    assert count_pixels(file) == 64 * 48
    file.write_bytes(b"nothing")
    assert count_pixels(file) == count_pixels(tmp_path) == 0
