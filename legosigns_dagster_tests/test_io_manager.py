from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import dagster as dg
import pytest

from legosigns_dagster.io_manager import FolderIOManager
from legosigns_dagster.resources.scratch import Scratch
from legosigns_dagster.resources.storage.store import LocalStore


@dataclass(frozen=True)
class Note:
    """The smallest value that is saved as a folder."""

    downloads: ClassVar[tuple[str, ...]] = ("note.txt",)
    latest: ClassVar[tuple[str, ...]] = ("note.txt",)
    folder: Path

    def save(self) -> Path:
        return self.folder

    @classmethod
    def load(cls, folder: Path) -> "Note":
        return cls(folder)

    @property
    def text(self) -> str:
        return (self.folder / "note.txt").read_text()


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


def test_the_downloads_are_named_in_the_ui(resources: dict[str, Any]) -> None:
    done = dg.materialize([upstream], resources=resources)
    (event,) = done.get_asset_materialization_events()
    text = event.materialization.metadata["downloads"].value
    assert f"traffic-signs/{done.run_id}/note.txt" in str(text)
