"""Regions are asked which image they are on: each image of a task has its own boxes, or a row says that it has none."""

from typing import Any

import pytest

from legosigns_dagster.core.dataset.quarantine import RejectedError
from legosigns_dagster.core.ingestion.label_studio import Task
from legosigns_dagster.core.ingestion.task_images import list_images, list_urls
from legosigns_dagster_tests.support.builders import region

PAGES = {"image": ["p0.jpg", "p1.jpg", "p2.jpg"]}
SIDES = {"left": "l.jpg", "right": "r.jpg"}
LOCAL = "/data/local-files/?d=signs/"
CHOICE = {"id": "c", "type": "choices", "to_name": "caption", "value": {"choices": ["day"]}}


def on(tag: str | None, name: str = "r1", **more: Any) -> dict[str, Any]:
    return region(id=name, to_name=tag, **more)


def ids_by_url(data: dict[str, Any], *results: Any) -> dict[str, list[str]]:
    """The ids of the regions on each image of a task."""
    return {
        image.url: [one["id"] for one in image.results if one is not CHOICE] for image in list_images(data, results)
    }


@pytest.mark.parametrize(
    ("data", "results", "expected"),
    [
        pytest.param({"image": "a.jpg", "note": "wet road"}, [on("image")], {"a.jpg": ["r1"]}, id="by the tag's name"),
        pytest.param({"photo": "p.jpg"}, [on("img")], {"p.jpg": ["r1"]}, id="the only text"),
        pytest.param({"photo": "p.jpg", "note": "wet"}, [on("img")], {"p.jpg": ["r1"]}, id="the only image"),
        pytest.param(
            {"url": LOCAL + "p.jpg", "note": "wet"}, [on("img")], {LOCAL + "p.jpg": ["r1"]}, id="the only local file"
        ),
        pytest.param({"photo": "p.jpg"}, [on(None)], {"p.jpg": ["r1"]}, id="without a tag"),
        pytest.param({"image": "a.jpg", "thumb": "t.jpg"}, [on("img")], {"a.jpg": ["r1"]}, id="an image and its thumb"),
        pytest.param({"left": "l.jpg", "image": "r.jpg"}, [on("left")], {"l.jpg": ["r1"]}, id="not the usual key"),
        pytest.param(
            SIDES, [on("left"), on("right", "r2")], {"l.jpg": ["r1"], "r.jpg": ["r2"]},
            id="HumanSignal/label-studio#958: two Image tags",
        ),
        pytest.param(
            SIDES, [on("right"), on("left", "r2"), on("right", "r3")], {"r.jpg": ["r1", "r3"], "l.jpg": ["r2"]},
            id="two Image tags, three regions",
        ),
        pytest.param(
            SIDES, [on("img1", source="$left"), on("img2", "r2", source="$right")], {"l.jpg": ["r1"], "r.jpg": ["r2"]},
            id="HumanSignal/label-studio#321: the source names the key",
        ),
        pytest.param(
            {"image": "a.jpg"}, [on("one"), on("two", "r2")], {"a.jpg": ["r1", "r2"]}, id="one image, shown twice"
        ),
        pytest.param(
            PAGES, [on("image", item_index=0), on("image", "r2", item_index=2)],
            {"p0.jpg": ["r1"], "p1.jpg": [], "p2.jpg": ["r2"]}, id="HumanSignal/label-studio#4783: pages",
        ),
        pytest.param(PAGES, [], {"p0.jpg": [], "p1.jpg": [], "p2.jpg": []}, id="pages without a sign"),
        pytest.param(
            {"pages": ["p0.jpg", "p1.jpg"], "title": "a"}, [on("pdf", item_index="1")],
            {"p0.jpg": [], "p1.jpg": ["r1"]}, id="HumanSignal/label-studio#6582: the pages of a document",
        ),
        pytest.param({"image": ["a.jpg"]}, [on("image")], {"a.jpg": ["r1"]}, id="a list of one image"),
        pytest.param({"image": "a.jpg"}, [on("image", item_index=0)], {"a.jpg": ["r1"]}, id="the only page"),
        pytest.param({"image": ["a.jpg", None]}, [on("image", item_index=0)], {"a.jpg": ["r1"], "": []}, id="no page"),
        pytest.param({"image": "a.jpg", "caption": "b"}, [CHOICE], {"a.jpg": []}, id="an answer about a text"),
        pytest.param({"image": "a.jpg"}, [], {"a.jpg": []}, id="no result"),
    ],
)  # fmt: skip
def test_each_image_of_a_task_has_the_regions_that_are_on_it(
    data: dict[str, Any], results: list[Any], expected: dict[str, list[str]]
) -> None:
    assert ids_by_url(data, *results) == expected


@pytest.mark.parametrize(
    ("data", "results", "message"),
    [
        pytest.param(SIDES, [], "no_image: .*expected one named 'image'", id="two images, no region"),
        pytest.param(SIDES, [on("img")], "no_image", id="a tag that is no key"),
        pytest.param(
            {"image": "a.jpg", "image2": "b.jpg"}, [on("img1"), on("img2", "r2")],
            "several_images: regions are on the Image tag img1, img2", id="two tags that are no keys",
        ),
        pytest.param(
            {"image": "a.jpg", "image2": "b.jpg"}, [on("img2")], "several_images", id="which of two similar keys?"
        ),
        pytest.param(
            {"image": LOCAL + "a.jpg", "image2": LOCAL + "b.jpg"}, [on("img2")], "several_images",
            id="which of two local files?",
        ),
        pytest.param(
            {"image": "a.jpg", "photo": "b.jpg"}, [on("photo_view")], "several_images", id="a tag like another key"
        ),
        pytest.param(
            {"image": "a.jpg", "other": "b.jpg"}, [on("image"), on("img2", "r2")], "several_images", id="one is known"
        ),
        pytest.param(PAGES, [on("image")], "several_images: region r1 is on page None", id="no item_index"),
        pytest.param(PAGES, [on("image", item_index=3)], "on page 3, expected an item_index of 0 to 2", id="no page 3"),
        pytest.param({"image": ["a.jpg"]}, [on("image", item_index=2)], "on page 2, expected", id="one page is left"),
        pytest.param({"image": "a.jpg"}, [on("image", item_index="1")], "on page 1", id="the image is no list now"),
        pytest.param(PAGES, [on("image", item_index=-1)], "several_images", id="a negative page"),
        pytest.param(PAGES, [on("image", item_index="one")], "several_images", id="a page in words"),
        pytest.param(PAGES, [None], "several_images", id="a region that is null"),
        pytest.param({"image": []}, [], "no_image", id="no pages"),
        pytest.param({"image": None}, [on("image")], "no_image", id="null"),
        pytest.param({"image": {"url": "a.jpg"}}, [on("image")], "no_image", id="an object"),
        pytest.param({}, [], "no_image", id="no data"),
    ],
)  # fmt: skip
def test_where_it_cannot_be_told_which_image_a_region_is_on_the_task_is_refused(
    data: dict[str, Any], results: list[Any], message: str
) -> None:
    with pytest.raises(RejectedError, match=message):
        list_images(data, results)


def test_the_urls_of_all_images_of_tasks_are_listed() -> None:
    tasks = [Task("1", "", {"image": "a.jpg", "note": "wet"}, ()), Task("2", "", {"pages": ["p.png", 7, None]}, ())]
    assert list(list_urls(tasks)) == ["a.jpg", "p.png"]


def test_images_on_which_nobody_drew_are_named() -> None:
    assert [image.unused for image in list_images(SIDES, [on("left")])] == [("right",)]
