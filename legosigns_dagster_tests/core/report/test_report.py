"""The report as a person opens it."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.evaluation.comparison import SliceResults, compare
from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.core.report.notes import Told
from legosigns_dagster.core.report.report import ComparisonReport, write_report
from legosigns_dagster.core.report.tables import synthesis_table
from legosigns_dagster_tests.support.builders import evaluation, make_dataset

TOLD = Told({"run": "a & b"}, ["hardly any <image>"], synthesis_table(*(Score(0.8, x, x) for x in (0.1, 0.2, 0.3))))
CURVES = pd.DataFrame({"epoch": [1, 2], "train/box_loss": [2.0, 1.0]})


class Page(HTMLParser):
    """Every address a page would load, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "data", "srcset")]

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture
def report(tmp_path: Path) -> ComparisonReport:
    dataset = make_dataset(tmp_path / "data", "val", "val")
    part = SliceResults(
        "<LEGO> signs", dataset, evaluation(dataset, map50=0.25), evaluation(dataset, (0, 0, 0.9), map50=0.75)
    )
    (tmp_path / "report").mkdir()
    return write_report(compare([part]), [part], CURVES, TOLD, tmp_path / "report")


def test_the_page_needs_no_network_and_runs_no_script(report: ComparisonReport) -> None:
    page = Page((report.folder / "comparison.html").read_text(encoding="utf-8"))
    assert "script" not in page.tags
    assert page.tags.count("img") == 1
    assert all(address.startswith("data:image/jpeg;base64,") for address in page.addresses)
    assert "url(" not in (report.folder / "comparison.html").read_text(encoding="utf-8")


def test_the_page_starts_with_what_changed(report: ComparisonReport) -> None:
    words = Page((report.folder / "comparison.html").read_text(encoding="utf-8")).words
    assert "<LEGO> signs: not distinguishable, mAP50-95 0.125 → 0.375 (+0.250, no 95 % interval: that" in words
    assert "a & b" in words


def test_the_page_shows_curves_table_and_images(report: ComparisonReport) -> None:
    page = Page((report.folder / "comparison.html").read_text(encoding="utf-8"))
    assert page.tags.count("svg") == 2, "precision over recall, and the box loss"
    assert page.tags.count("tr") == 2 + 3 + 4
    assert "base wrong, new right: 1" in page.words
    assert "0.jpg: SpeedLimit is found now (90 %)" in page.words


def test_the_page_says_what_to_be_careful_about_and_what_synthesis_contributed(report: ComparisonReport) -> None:
    words = Page((report.folder / "comparison.html").read_text(encoding="utf-8")).words
    assert "hardly any <image>" in words
    assert "new, without synthetic images0.8000.2000.200new, with synthetic images0.8000.3000.300" in words


def test_an_annotation_that_may_be_wrong_links_to_its_task(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "data", "val", "val")
    both = evaluation(dataset, (0, 0, 0.9))
    link = "https://labels.example.invalid/projects/1/data?task=7"
    sources = pd.DataFrame([["images/0.jpg", "<street>.jpg", "7", "8", link, 1, "", "", ""]],
                           columns=dataset.sources.columns)  # fmt: skip
    forgotten = Dataset(dataset.folder, dataset.classes, dataset.images, dataset.boxes.iloc[1:], sources=sources)
    (tmp_path / "report").mkdir()
    part = SliceResults("LEGO signs", forgotten.part("val"), both, both)
    text = (
        write_report(compare([part]), [part], None, Told({}), tmp_path / "report").folder / "comparison.html"
    ).read_text()
    assert f'<a href="{link}">&lt;street&gt;.jpg</a>' in text


def test_every_style_that_the_page_uses_is_defined(report: ComparisonReport) -> None:
    text = (report.folder / "comparison.html").read_text(encoding="utf-8")
    assert set(re.findall(r"var\((--\w+)\)", text)) <= set(re.findall(r"(--\w+):", text))


def test_a_report_is_what_it_was_after_saving_and_loading(report: ComparisonReport) -> None:
    loaded = ComparisonReport.load(report.save())
    pd.testing.assert_frame_equal(loaded.comparison.table, report.comparison.table)
    figures = json.loads((report.folder / "metrics.json").read_text(encoding="utf-8"))
    found = figures["<LEGO> signs"]["all"]["map50"]
    assert (found["base"], found["new"], found["difference"]) == (0.25, 0.75, 0.5)
    assert found["verdict"] == "not distinguishable"


def test_without_training_curves_the_page_says_so(tmp_path: Path) -> None:
    written = write_report(compare([]), [], None, Told({}), tmp_path)
    assert "There are no curves." in (written.folder / "comparison.html").read_text(encoding="utf-8")
