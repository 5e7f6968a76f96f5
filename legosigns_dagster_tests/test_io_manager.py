import logging
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from legosigns_dagster import io_manager
from legosigns_dagster.assets.metadata import versioned
from legosigns_dagster.core import files
from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.files import folder_digest, index_folder, quick_sha256
from legosigns_dagster.core.sources.archives import unpack
from legosigns_dagster.io_manager import FolderIOManager
from legosigns_dagster.resources.releases.publish import publish_release
from legosigns_dagster.resources.scratch import Scratch
from legosigns_dagster.resources.storage.object_store import LocalObjectStore
from legosigns_dagster.resources.storage.store import LocalStore
from legosigns_dagster_tests.support.builders import Note
from legosigns_dagster_tests.support.exports import digest, hard_dataset, read_yolo_export
from legosigns_dagster_tests.support.releases import make_draft


class Words(dg.Config):
    text: str = "hello"


@dg.asset
def upstream(config: Words, scratch: Scratch) -> Note:
    folder = scratch.folder("upstream")
    (folder / "note.txt").write_text(config.text)
    return Note(folder)


@dg.asset
def downstream(upstream: Note, scratch: Scratch) -> Note:
    folder = scratch.folder("downstream")
    (folder / "note.txt").write_text(f"{upstream.text}!")
    return Note(folder)


@pytest.fixture
def resources(tmp_path: Path) -> dict[str, Any]:
    store = LocalStore(folder=str(tmp_path / "store"))
    scratch = Scratch(store=store)
    return {"scratch": scratch, "io_manager": FolderIOManager(store=store, scratch=scratch)}


def say(text: str) -> dict[str, Any]:
    return {"ops": {"upstream": {"config": {"text": text}}}}


def test_a_value_travels_to_the_next_step(resources: dict[str, Any], tmp_path: Path) -> None:
    done = dg.materialize([upstream, downstream], resources=resources)
    assert (tmp_path / "store" / "traffic-signs" / done.run_id / "note.txt").exists()
    assert (tmp_path / "store" / "note.txt").read_text() == "hello!"


def test_the_newest_file_stands_at_its_fixed_place_too(resources: dict[str, Any], tmp_path: Path) -> None:
    class Model(Note):
        latest = ("models/note.txt",)

    @dg.asset
    def model(config: Words, scratch: Scratch) -> Model:
        folder = scratch.folder("model")
        (folder / "note.txt").write_text(config.text)
        return Model(folder)

    for text in ("first", "second"):
        dg.materialize([model], resources=resources, run_config={"ops": {"model": {"config": {"text": text}}}})
        assert (tmp_path / "store" / "models" / "note.txt").read_text() == text


def test_from_the_first_release_on_a_training_leaves_the_released_model_where_it_is(
    resources: dict[str, Any], tmp_path: Path
) -> None:
    class Model(Note):
        downloads = ("model.onnx",)
        latest = ("models/model.onnx",)

    @dg.asset
    def model(config: Words, scratch: Scratch) -> Model:
        folder = scratch.folder("model")
        (folder / "model.onnx").write_text(config.text)
        return Model(folder)

    def train(text: str) -> dg.ExecuteInProcessResult:
        return dg.materialize([model], resources=resources, run_config={"ops": {"model": {"config": {"text": text}}}})

    train("before the first release")
    place = tmp_path / "store" / "models" / "model.onnx"
    assert place.read_text() == "before the first release"
    draft = make_draft(tmp_path / "work", "run-1")
    publish_release(LocalObjectStore(tmp_path / "store"), draft, logging.getLogger("test"))
    done = train("not tried yet")
    assert place.read_bytes() == draft.model.read_bytes()
    assert (tmp_path / "store" / "traffic-signs" / done.run_id / "model.onnx").read_text() == "not tried yet"


def test_an_asset_is_saved_once_and_each_of_its_files_read_once_for_its_hash(
    resources: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[Path] = []
    hashed: list[str] = []

    class CountedNote(Note):
        def save(self) -> Path:
            saved.append(self.folder)
            return super().save()

    @dg.asset
    def counted(scratch: Scratch) -> dg.Output[CountedNote]:
        folder = scratch.folder("counted")
        for name in ("note.txt", "other.txt"):
            (folder / name).write_text(name)
        return versioned(CountedNote(folder), {})

    def note_hash(file: str, size: int) -> str:
        hashed.append(Path(file).name)
        return quick_sha256(file, size)

    monkeypatch.setattr(files, "quick_sha256", note_hash)
    dg.materialize([counted], resources=resources)
    assert len(saved) == 1
    assert sorted(hashed) == ["note.txt", "other.txt"]


def test_a_value_that_was_loaded_knows_what_is_in_its_folder(resources: dict[str, Any]) -> None:
    @dg.asset(io_manager_key="memory")
    def digest(upstream: Note) -> str:
        assert upstream.index == index_folder(upstream.folder)
        return folder_digest(upstream.index)

    done = dg.materialize([upstream, digest], resources={**resources, "memory": dg.mem_io_manager})
    assert len(done.output_for_node("digest")) == 64


def test_a_step_alone_reads_the_current_version(resources: dict[str, Any], tmp_path: Path) -> None:
    dg.materialize([upstream], resources=resources, run_config=say("first"))
    dg.materialize([upstream], resources=resources, run_config=say("second"))
    dg.materialize([upstream, downstream], selection=[downstream], resources=resources)
    assert (tmp_path / "store" / "note.txt").read_text() == "second!"


def test_a_step_reads_what_its_own_run_made_even_when_another_run_was_later(
    resources: dict[str, Any], tmp_path: Path
) -> None:
    @dg.asset(name="interloper", deps=[upstream])
    def interloper() -> None:
        dg.materialize([upstream], resources=resources, run_config=say("another run's"))

    @dg.asset(name="late", deps=[interloper])
    def late(upstream: Note, scratch: Scratch) -> Note:
        return upstream

    dg.materialize([upstream, interloper, late], resources=resources, run_config=say("ours"))
    assert (tmp_path / "store" / "note.txt").read_text() == "ours"


def test_scratch_folders_are_gone_after_the_run(resources: dict[str, Any], tmp_path: Path) -> None:
    dg.materialize([upstream, downstream], resources=resources)
    assert list((tmp_path / "store" / "scratch").iterdir()) == []


def downloads(resources: dict[str, Any], tmp_path: Path) -> Path:
    """The folder with what a run that makes raw_annotations publishes."""

    @dg.asset
    def raw_annotations(scratch: Scratch) -> Dataset:
        return hard_dataset(scratch.folder("raw_annotations"))

    done = dg.materialize([raw_annotations], resources=resources)
    return tmp_path / "store" / "traffic-signs" / done.run_id


def archive(resources: dict[str, Any], tmp_path: Path) -> Path:
    """The archive of raw_annotations that a run publishes, where there is one."""
    return downloads(resources, tmp_path) / "raw_annotations.zip"


def test_a_dataset_is_published_as_an_archive_of_equal_bytes_that_is_read_again_as_it_was(
    resources: dict[str, Any], tmp_path: Path
) -> None:
    first, second = archive(resources, tmp_path), archive(resources, tmp_path)
    assert first.read_bytes() == second.read_bytes()
    again = read_yolo_export(unpack(first, tmp_path / "unpacked"), tmp_path / "again")
    assert digest(again) == digest(hard_dataset(tmp_path / "dataset"))


def test_of_a_large_dataset_no_archive_is_published(
    resources: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(io_manager, "MOST_ARCHIVED", 1000)
    assert not archive(resources, tmp_path).exists()


def test_a_dataset_has_a_gallery_of_equal_bytes_beside_the_report(resources: dict[str, Any], tmp_path: Path) -> None:
    first, second = (downloads(resources, tmp_path) / "raw_annotations-gallery.html" for _ in range(2))
    assert first.read_bytes() == second.read_bytes()
    assert first.read_text().count('<li id="image-') == 6


def test_a_dataset_with_an_image_that_cannot_be_drawn_is_stored_without_a_gallery(
    resources: dict[str, Any], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    @dg.asset
    def classical_signs(scratch: Scratch) -> Dataset:
        dataset = hard_dataset(scratch.folder("classical_signs"))
        (dataset.folder / str(dataset.images["file"][1])).write_bytes(b"no image")
        return dataset

    done = dg.materialize([classical_signs], resources=resources)
    assert done.success
    assert (tmp_path / "store/legosigns/current/classical_signs.json").exists()
    assert not (tmp_path / "store/traffic-signs" / done.run_id).exists()
    assert "there is no gallery of classical_signs: not a readable image" in capfd.readouterr().err


def test_the_downloads_are_named_in_the_ui(resources: dict[str, Any]) -> None:
    done = dg.materialize([upstream], resources=resources)
    (event,) = done.get_asset_materialization_events()
    text = event.materialization.metadata["downloads"].value
    assert f"traffic-signs/{done.run_id}/note.txt" in str(text)
