"""Colours: each means one thing, on pages, in charts and on pictures."""

import itertools
import re
from pathlib import Path

import pytest

from legosigns_dagster.core.palette import CLASSES, PAGE, PICTURE, class_color
from legosigns_dagster.core.report.page import render_page
from legosigns_dagster_tests.support.environment import PACKAGE

DRAWING = sorted(file for room in ("report", "pictures", "analysis") for file in (PACKAGE / "core" / room).glob("*.py"))
NAMED = re.compile(r"#[0-9a-fA-F]{3,8}\b(?!;)")  # not `&#8230;`


def rgb(color: str) -> tuple[int, ...]:
    return tuple(int(color[start : start + 2], 16) for start in (1, 3, 5))


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1 to 21, as the Web Content Accessibility Guidelines compute it."""

    def luminance(color: str) -> float:
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb(color))]
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("file", DRAWING, ids=lambda file: file.name)
def test_no_other_file_that_draws_has_a_colour_of_its_own(file: Path) -> None:
    assert NAMED.findall(file.read_text(encoding="utf-8")) == []


def test_no_class_is_drawn_in_a_colour_that_means_base_or_new_weights_or_the_annotation() -> None:
    for one, other in itertools.combinations([*PICTURE.values(), *CLASSES], 2):
        assert max(abs(a - b) for a, b in zip(rgb(one), rgb(other), strict=True)) > 50, f"{one} and {other}"
    assert [class_color(number) for number in (0, len(CLASSES))] == [CLASSES[0], CLASSES[0]]


@pytest.mark.parametrize("paper", [0, 1], ids=["light", "dark"])
def test_text_and_lines_can_be_read_on_white_and_on_black(paper: int) -> None:
    colors = {name: both[paper] for name, both in PAGE.items() if name not in ("page", "card", "line", "behind")}
    weak = [name for name, color in colors.items() if contrast(color, PAGE["page"][paper]) < 4.5]
    assert weak == []


def test_a_page_defines_every_colour_that_it_uses() -> None:
    page = render_page("title", [])
    assert set(re.findall(r"var\(--(\w+)\)", page)) <= {*PAGE, "share"}
