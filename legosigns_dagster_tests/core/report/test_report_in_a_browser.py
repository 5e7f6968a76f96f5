"""The report in a real browser: nothing is cut at any width, and an audit for accessibility has no finding."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import VAL, Dataset
from legosigns_dagster.core.evaluation.comparison import SliceResults, compare
from legosigns_dagster.core.evaluation.evaluation import Evaluation
from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.core.report.notes import ReportNotes
from legosigns_dagster.core.report.report import write_report
from legosigns_dagster.core.report.tables import synthesis_table
from legosigns_dagster_tests.support.browser import CUT
from legosigns_dagster_tests.support.builders import CLASSES, evaluation, make_dataset

pytestmark = pytest.mark.server

IMAGES = 75  # of each slice
MANY_CLASSES = SignClasses((*CLASSES.names, *(f"PedestrianCrossing{number}" for number in range(4))))
NOTES = ReportNotes(
    {"settings": "epochs 8, image_size 640, " * 8, "run": "9f260ea1-eddd-4c81-a599-a404240a5ff5"},
    ["hardly any image"],
    synthesis_table(*(Score(0.8, x, x) for x in (0.1, 0.2, 0.3))),
)
CURVES = pd.DataFrame({"epoch": [1, 2, 3], "train/box_loss": [3.0, 2.0, 1.0], "val/box_loss": [3.5, 2.0, 1.5]})


def found_by(dataset: Dataset, numbers: range, map50: float) -> Evaluation:
    return evaluation(dataset, *((n, box, 0.9 - n / 1000) for n in numbers for box in (0, 1)), map50=map50)


def make_slice(folder: Path, name: str, base: range, new: range) -> SliceResults:
    dataset = replace(make_dataset(folder, *[VAL] * IMAGES), classes=MANY_CLASSES)
    return SliceResults(name, dataset, found_by(dataset, base, 0.4), found_by(dataset, new, 0.8))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with a better slice, an inconclusive one, and suspected label errors."""
    folder = tmp_path_factory.mktemp("report")
    lego = make_slice(folder / "lego", "LEGO signs", range(20), range(5, 70))
    name = "a-very-long-name-of-a-file-that-somebody-gave-to-an-image-" * 3
    sources = pd.DataFrame([["images/5.jpg", name, "7", "8", "https://labels.example.invalid/7", 1, "", "", ""]],
                           columns=lego.dataset.sources.columns)  # fmt: skip
    forgotten = lego.dataset.boxes[lego.dataset.boxes["file"] != "images/5.jpg"]
    dataset = Dataset(lego.dataset.folder, lego.dataset.classes, lego.dataset.images, forgotten, sources=sources)
    slices = [
        make_slice(folder / "classical", "classical signs", range(60), range(12, 72)),
        SliceResults("LEGO signs", dataset.part("val"), lego.base, lego.new, "map50"),
    ]
    return write_report(compare(slices), slices, CURVES, NOTES, folder).folder / "comparison.html"


@pytest.fixture(scope="module")
def page(browser: Browser, report: Path) -> Page:
    tab = browser.new_page()
    tab.goto(report.as_uri())
    return tab


@pytest.mark.parametrize("width", [390, 768, 1280, 1920, 2560])
def test_nothing_is_cut_on_a_screen_of_any_width(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(CUT) == []


def test_nothing_is_cut_on_paper(page: Page) -> None:
    """A landscape A4 page, less its margins, is 1032 pixels wide."""
    page.set_viewport_size({"width": 1032, "height": 700})
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    cut = CUT.replace(".scroll, ", "")
    assert page.evaluate(cut) == []
    page.emulate_media(media="screen", color_scheme="light")


@pytest.mark.parametrize(("width", "colors"), [(390, "light"), (1280, "dark")])
def test_an_audit_for_accessibility_finds_nothing(page: Page, width: int, colors: Literal["light", "dark"]) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=colors)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_a_report_on_150_images_is_small_enough_to_send(report: Path) -> None:
    assert report.read_bytes().count(b"data:image/jpeg") > 40
    assert report.stat().st_size < 3_000_000
