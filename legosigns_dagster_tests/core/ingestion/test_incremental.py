import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest

from legosigns_dagster.core.dataset.quarantine import RejectedError
from legosigns_dagster.core.files import folder_digest, index_folder
from legosigns_dagster.core.ingestion.incremental import Extraction, PreviousVersion, extract_dataset
from legosigns_dagster.core.ingestion.label_studio import Task, read_task
from legosigns_dagster.core.ingestion.settings import Recipe
from legosigns_dagster_tests.support.builders import (
    CLASSES,
    annotation,
    make_dataset,
    pixels,
    region,
    task,
    write_image,
)
from legosigns_dagster_tests.support.logs import SILENT

# What an earlier release wrote: the keys and their order are the stored format.
STORED = """\
{"state": "s1", "made_with": "d1"}
{"id": "7", "project": "1", "data": {"image": "a.jpg"}, "annotations": [{"id": "3", "result": [], \
"was_cancelled": false, "ground_truth": true, "updated_at": "2026-01-01"}], "updated_at": "2026-01-02"}
"""


def png_bytes() -> bytes:
    pixels(1).save(content := io.BytesIO(), "PNG")
    return content.getvalue()


def extract(state: str, into: Path, previous: PreviousVersion | None, unchanged: str = "") -> list[str]:
    """The URLs that are fetched for two tasks, whose dataset is saved into a folder."""
    fetched = []

    def fetch(url: str, folder: Path) -> Path:
        fetched.append(url[-5:])
        return write_image(folder / url[-5:], seed=ord(url[-5]))

    tasks = [read_task(task(f"{name}.jpg", annotation(region()), id=number)) for number, name in enumerate("ab")]
    into.mkdir()
    extraction = Extraction(tasks, (), state, frozenset(unchanged))
    extract_dataset(extraction, previous, fetch, Recipe(CLASSES), into, SILENT).save()
    return sorted(fetched)  # images are fetched by several threads


def test_a_version_that_an_earlier_release_stored_is_read(tmp_path: Path) -> None:
    folder = make_dataset(tmp_path).save()
    (folder / "about" / "extraction.jsonl").write_text(STORED)
    previous = PreviousVersion.load(folder)
    assert (previous.state, previous.recipe_digest) == ("s1", "d1")
    assert [one.id for one in previous.tasks] == ["7"]
    assert previous.tasks[0].annotations[0].ground_truth
    assert isinstance(previous.tasks[0], Task)
    assert previous.tasks[0].updated_at == "2026-01-02"


def test_a_version_from_a_source_that_cannot_tell_its_state_has_none(tmp_path: Path) -> None:
    assert extract("", tmp_path / "first", None) == ["a.jpg", "b.jpg"]
    previous = PreviousVersion.load(tmp_path / "first")
    assert (previous.state, previous.tasks) == ("", ())
    assert extract("", tmp_path / "second", previous) == ["a.jpg", "b.jpg"]


def test_the_state_is_stored_in_the_format_of_earlier_releases(tmp_path: Path) -> None:
    extract("s1", tmp_path / "first", None)
    header, *tasks = (tmp_path / "first" / "about" / "extraction.jsonl").read_text().splitlines()
    assert header == json.dumps({"state": "s1", "made_with": Recipe(CLASSES).digest()})
    assert [list(json.loads(line)) for line in tasks] == [["id", "project", "data", "annotations", "updated_at"]] * 2


PNG = base64.b64encode(png_bytes()).decode()
# Where people keep what nobody else may read, with the secret in it: the URL's text, and what it is read from.
SECRETS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a signed link": ({"image": "https://h/a.jpg?X-Amz-Signature=planted1&X-Amz-Credential=planted2"}, {}),
    "a shared access signature": ({"image": "https://h.blob.core/a.jpg?sv=2024&sig=planted1%3D#planted2"}, {}),
    "a password": ({"image": "https://planted1:planted2@h/a.jpg"}, {}),
    "a token in a link to Label Studio": ({"image": "/data/upload/1/a.jpg?token=planted1"}, {}),
    "a signed key without a host": ({"image": "folder/a.jpg?sig=planted1"}, {}),
    "a signed link in a resolver's": ({"image": "/tasks/7/resolve/?fileuri=" + base64.b64encode(
        b"https://h/a.jpg?sig=planted1").decode()}, {}),
    "an image itself": ({"image": f"data:image/png;base64,{PNG}"}, {}),
    "another key": ({"image": "a.jpg", "thumb": "https://h/t?sig=planted1"}, {}),
    "a key that says it": ({"image": "a.jpg", "api_key": "planted1", "meta": {"Token": ["planted2"]}}, {}),
    "a list": ({"image": ["https://h/a.jpg?sig=planted1", "https://h/b.jpg?sig=planted2"]}, {"item_index": 0}),
    "a remark": ({"image": "a.jpg"}, {"meta": {"text": ["see https://h/c?sig=planted1, it is https://planted2@h/"]}}),
}  # fmt: skip


@pytest.mark.parametrize(("data", "drawn"), SECRETS.values(), ids=list(SECRETS))
def test_no_file_of_a_version_has_a_secret_and_the_next_version_is_the_same(
    data: dict[str, Any], drawn: dict[str, Any], tmp_path: Path
) -> None:
    fetched: list[str] = []

    def fetch(url: str, folder: Path) -> Path:
        fetched.append(url)
        return write_image(folder / "a.jpg", seed=url.count("b.jpg"))

    one = read_task({"id": 5, "data": data, "annotations": [annotation(region(**drawn))]})
    digests, previous = [], None
    for name, unchanged in (("first", ""), ("second", "5")):
        (into := tmp_path / name).mkdir()
        tasks = previous.tasks if previous else (one,)
        extraction = Extraction(tasks, (), name, frozenset(unchanged))
        dataset = extract_dataset(extraction, previous, fetch, Recipe(CLASSES), into, SILENT)
        digests.append(folder_digest(index_folder(dataset.save())))
        for file in (file for file in into.rglob("*") if file.is_file()):
            content = file.read_bytes()
            assert [word for word in (b"planted1", b"planted2", PNG[40:80].encode()) if word in content] == [], file
        previous = PreviousVersion.load(into)
        assert previous.is_complete
    assert digests[0] == digests[1]
    assert len(fetched) == (2 if isinstance(data["image"], list) else 1)


def test_a_task_whose_image_is_fetched_again_is_read_again_where_its_link_was_signed(tmp_path: Path) -> None:
    def fetch(url: str, folder: Path) -> Path:
        if "lost" in url:
            raise RejectedError("missing_image", "not there")
        return write_image(folder / "a.jpg")

    urls = {1: "https://h/a.jpg?sig=1", 2: "https://h/lost.jpg?sig=1", 3: "https://h/lost.jpg"}
    tasks = [read_task({"id": key, "data": {"image": url}, "annotations": [annotation()]}) for key, url in urls.items()]
    extract_dataset(Extraction(tasks, (), "s1"), None, fetch, Recipe(CLASSES), tmp_path, SILENT).save()
    previous = PreviousVersion.load(tmp_path)
    assert [one.id for one in previous.tasks] == ["1", "3"]
    assert not previous.is_complete


def test_pages_of_an_unchanged_task_are_not_fetched_again_and_give_the_same_dataset(tmp_path: Path) -> None:
    fetched: list[str] = []
    missing = {"b.jpg"}

    def fetch(url: str, folder: Path) -> Path:
        fetched.append(url)
        if url in missing:
            raise RejectedError("missing_image", url)
        return write_image(folder / url, seed=ord(url[0]))

    pages = {"image": ["a.jpg", "b.jpg", "c.jpg"]}
    drawn = [region(item_index=0), region(0, 0, 10, 10, item_index=2)]
    tasks = [read_task({"id": 5, "data": pages, "annotations": [annotation(*drawn)]})]

    def dataset(name: str, previous: PreviousVersion | None) -> str:
        fetched.clear()
        (into := tmp_path / name).mkdir()
        extraction = Extraction(tasks, (), name, frozenset("5") if previous else frozenset())
        return folder_digest(
            index_folder(extract_dataset(extraction, previous, fetch, Recipe(CLASSES), into, SILENT).save())
        )

    dataset("first", None)
    missing.clear()
    full = dataset("full", None)
    assert dataset("second", PreviousVersion.load(tmp_path / "first")) == full
    assert fetched == ["b.jpg"]
    assert dataset("third", PreviousVersion.load(tmp_path / "second")) == full
    assert fetched == []


def test_the_same_state_fetches_nothing_and_another_one_only_what_changed(tmp_path: Path) -> None:
    extract("s1", tmp_path / "first", None)
    previous = PreviousVersion.load(tmp_path / "first")
    assert extract("s1", tmp_path / "same", previous) == []
    assert extract("s2", tmp_path / "other", previous, unchanged="0") == ["b.jpg"]
    files = [sorted(p.name for p in (tmp_path / name / "images").iterdir()) for name in ("first", "same", "other")]
    assert files[0] == files[1] == files[2]


def test_a_signed_image_is_known_again_without_its_signature_in_the_table(tmp_path: Path) -> None:
    fetched = []

    def fetch(url: str, folder: Path) -> Path:
        fetched.append(url)
        return write_image(folder / "image.jpg", seed=ord(url[-1]))

    urls = ["https://me:secret@host/image?X-Amz-Signature=1", "https://me:secret@host/image?X-Amz-Signature=2"]
    whole = task("a.jpg", annotation(region(item_index=0), region(item_index=1)))
    whole["data"]["image"] = urls
    previous = None
    for name in ("first", "second", "third"):
        (into := tmp_path / name).mkdir()
        extraction = Extraction([read_task(whole)], (), name, frozenset({"1"}))
        extract_dataset(extraction, previous, fetch, Recipe(CLASSES), into, SILENT).save()
        table = (into / "about" / "sources.csv").read_text()
        assert table.count("https://host/image?sha256=") == 2
        assert not any(word in table for word in ("secret", "X-Amz", "Signature"))
        previous = PreviousVersion.load(into)
    assert sorted(fetched) == urls
    digests = {folder_digest(index_folder(tmp_path / name)) for name in ("first", "second", "third")}
    assert len(digests) == 1
