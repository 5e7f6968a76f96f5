"""A gallery in a real browser, the one of the report: filters, keys, one image large, and a grid without script."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import TEST, TRAIN, VAL, Dataset, LabeledBox, LabeledImage
from legosigns_dagster.core.gallery.gallery import write_gallery
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster_tests.support.browser import CUT
from legosigns_dagster_tests.support.builders import pixels

pytestmark = pytest.mark.server

CLASSES = SignClasses(("SpeedLimit", "DangerAhead", "StreetSignWithAVeryLongNameThatNobodyWouldGiveToAClass" * 2))
SMALL, MEDIUM, LARGE = (PixelBox(10, 10, 10 + side, 10 + side) for side in (20, 60, 200))
IMAGES = 153  # three more than a page has
# By the number of the image: every third has no box, the others a small one of one class and a large one of another.
BOXES = [(), (LabeledBox(0, SMALL), LabeledBox(1, LARGE)), (LabeledBox(1, MEDIUM), LabeledBox(2, LARGE))]


def noise(file: Path, number: int) -> None:
    """Write an image that compresses badly, as an image of a camera in the dark does."""
    grain = np.random.default_rng(number).normal(0, 25, (480, 640, 3))
    noisy = np.clip(np.asarray(pixels(number, (640, 480))) + grain, 0, 255).astype(np.uint8)
    Image.fromarray(noisy).save(file, quality=80)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """More images than a gallery has, of two origins; many share a file, since their pixels are not what is tested."""
    folder = tmp_path_factory.mktemp("gallery")
    (folder / "images").mkdir()
    noise(folder / "images/0.jpg", 0)
    images = []
    for number in range(IMAGES):
        file = f"images/{number:03d}-{'a-long-name' * 6}.jpg"
        (folder / file).hardlink_to(folder / "images/0.jpg")
        split, origin = (TRAIN, VAL, TEST)[number // 3 % 3], ("label-studio", "classical")[number % 2]
        images.append(LabeledImage(file, "", (640, 480), BOXES[number % 3], split, str(number), origin))
    return Dataset.from_images(folder, CLASSES, images)


@pytest.fixture(scope="module")
def gallery(dataset: Dataset) -> Path:
    write_gallery(dataset, "raw_annotations", dataset.folder / "gallery.html")
    return dataset.folder / "gallery.html"


@pytest.fixture(scope="module")
def opened(browser: Browser, gallery: Path) -> Iterator[Page]:
    tab = browser.new_page()
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    tab.goto(gallery.as_uri())
    yield tab
    assert faults == []


@pytest.fixture
def page(opened: Page) -> Page:
    """The page as it is when it was just opened."""
    opened.emulate_media(color_scheme="light")
    opened.set_viewport_size({"width": 1280, "height": 900})
    opened.reload()
    return opened


def name_of_large(page: Page) -> str:
    """The name of the image that is shown large."""
    expect(page.locator("dialog")).to_be_visible()
    return page.locator("dialog small").inner_text().split(",")[0]


def test_a_gallery_of_150_images_is_small_enough_to_send_and_says_which_it_has(gallery: Path, page: Page) -> None:
    assert gallery.stat().st_size < 3_000_000
    assert page.locator(".grid > li").count() == 150
    expect(page.locator("header")).to_contain_text("A random sample of 150 of the 153 images of the dataset")
    assert page.evaluate("[...document.images].every(one => one.complete && one.naturalWidth > 200)")


@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
def test_nothing_of_a_gallery_is_cut_on_a_screen_of_any_width(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    for large in (False, True):
        if large:
            page.locator(".grid a").nth(1).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(CUT.replace(".scroll, ", ".scroll, .frame, ")) == []
        assert page.evaluate("one('dialog').scrollWidth <= one('dialog').clientWidth")


@pytest.mark.parametrize(("width", "colors"), [(390, "light"), (1280, "dark")])
def test_an_audit_of_a_gallery_finds_nothing(page: Page, width: int, colors: Literal["light", "dark"]) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=colors)
    page.evaluate("items.slice(12).forEach(one => one.remove())")  # all are alike, and the audit takes long
    for large in (False, True):
        if large:
            page.locator(".grid a").nth(1).click()
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize(
    ("choice", "fits"),
    [
        ({"class": "SpeedLimit"}, lambda image: BOXES[1] == image.boxes),
        ({"class": "no sign"}, lambda image: not image.boxes),
        ({"class": "DangerAhead", "size": "large"}, lambda image: BOXES[1] == image.boxes),
        ({"class": "SpeedLimit", "size": "large"}, lambda image: False),
        ({"size": "medium", "split": VAL}, lambda image: BOXES[2] == image.boxes and image.split == VAL),
        ({"origin": "classical", "split": TEST}, lambda image: image.origin == "classical" and image.split == TEST),
    ],
    ids=lambda one: " ".join(one.values()) if isinstance(one, dict) else "",
)
def test_the_filters_leave_the_images_that_fit(
    dataset: Dataset, page: Page, choice: dict[str, str], fits: object
) -> None:
    assert callable(fits)
    for name, text in choice.items():
        option = page.locator(f"select[name={name}] option", has_text=f"{text} (")
        page.locator(f"select[name={name}]").select_option(option.get_attribute("value"))
    there = {name.split(": ")[0] for name in page.evaluate("items.map(one => one.querySelector('img').alt)")}
    wanted = {image.file for image in dataset if image.file in there and fits(image)}
    seen = page.evaluate("items.filter(one => one.checkVisibility()).map(one => one.querySelector('img').alt)")
    assert {name.split(": ")[0] for name in seen} == wanted
    expect(page.locator("output")).to_have_text(f"{len(wanted)} of 150 images")
    assert page.locator("#another").is_disabled() == (not wanted)


def test_another_one_is_another_one_each_time_and_always_one_that_fits(page: Page) -> None:
    for name, value in (("class", "0"), ("split", VAL), ("origin", "classical")):
        page.locator(f"select[name={name}]").select_option(value)
    page.locator("#another").click()
    names = [name_of_large(page)]
    for _ in range(30):
        page.keyboard.press("r")
        names.append(name_of_large(page))
        assert "1 SpeedLimit" in page.locator("dialog figcaption").inner_text()
    assert all(one != other for one, other in pairwise(names))
    assert 5 < len(set(names)) < 10


def test_the_arrow_keys_go_through_the_images_and_escape_comes_back_to_the_one_that_was_seen(page: Page) -> None:
    names = [name.split(": ")[0] for name in page.evaluate("items.map(one => one.querySelector('img').alt)")]
    page.locator(".grid a").nth(1).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert name_of_large(page) == names[2]
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert name_of_large(page) == names[-1]
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_be_hidden()
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#image-149"


def test_a_box_is_drawn_where_it_is_in_the_color_of_its_class(page: Page) -> None:
    """The image is enlarged or reduced; the edge of the box is at the same share of it."""
    page.locator(".grid li[data-boxes='0:small 1:large'] a").first.click()
    frame, box = (page.locator(f"dialog {one}").bounding_box() for one in (".frame", "rect.c1"))
    assert frame is not None
    assert box is not None
    assert box["x"] - frame["x"] == pytest.approx(frame["width"] * LARGE.left / 640, abs=3)
    assert box["width"] == pytest.approx(frame["width"] * LARGE.width / 640, abs=5)
    assert box["height"] == pytest.approx(frame["height"] * LARGE.height / 480, abs=5)
    assert page.locator("dialog .names").inner_text().split() == ["SpeedLimit", "DangerAhead"]
    assert page.evaluate("getComputedStyle(one('dialog rect.c1')).stroke") == "rgb(29, 233, 182)"


def test_without_script_a_gallery_is_a_grid_and_a_click_makes_an_image_wide(browser: Browser, gallery: Path) -> None:
    tab = browser.new_page(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    tab.goto(gallery.as_uri())
    assert not tab.locator("form").is_visible()
    first = tab.locator(".grid a").first
    before = first.bounding_box()
    first.click()
    after = first.bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] > 2 * before["width"]
    expect(tab.locator("header")).to_contain_text("Filters and keys need a browser with JavaScript")
    assert tab.locator(".without").is_visible()
    tab.close()


def test_names_with_signs_of_html_are_shown_as_they_are(dataset: Dataset, browser: Browser) -> None:
    name = "<b onclick=alert(1)>&amp;\"'"
    classes = SignClasses((name, *CLASSES.names[1:]))
    some = replace(dataset, classes=classes).select(dataset.images.index < 4)
    write_gallery(some, "a <i>title</i>", dataset.folder / "odd.html")
    tab = browser.new_page()
    tab.goto((dataset.folder / "odd.html").as_uri())
    expect(tab.locator("h1")).to_have_text("a <i>title</i>")
    expect(tab.locator(".key b").first).to_have_text(name)
    expect(tab.locator("figcaption span").nth(1)).to_have_text(f"1 {name}, 1 DangerAhead")
    tab.close()
