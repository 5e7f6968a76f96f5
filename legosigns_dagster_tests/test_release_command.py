"""The command `legosigns release`: what a person sees, and what is in the store afterwards."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from legosigns_dagster.cli import main
from legosigns_dagster.core.release.layout import MIRROR, MODEL, release_key
from legosigns_dagster.core.release.release import AcceptedFinding
from legosigns_dagster.resources.releases.current import current_number
from legosigns_dagster.resources.releases.publish import publish_release
from legosigns_dagster.resources.storage.object_store import LocalObjectStore
from legosigns_dagster_tests.support.releases import make_draft


@pytest.fixture
def objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalObjectStore:
    monkeypatch.setenv("LEGOSIGNS_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    return LocalObjectStore(tmp_path / "store")


@pytest.fixture
def two(objects: LocalObjectStore, tmp_path: Path) -> LocalObjectStore:
    """A store with two releases, of which the second one was accepted by a person."""
    accepted = (AcceptedFinding("lego_signs_gained", "Ada", "tried on the track"),)
    verdicts = {"onnx_parity": "equal", "lego_signs_gained": "inconclusive"}
    for number in (1, 2):
        draft = make_draft(tmp_path / str(number), f"run-{number}", number / 10)
        if number == 2:
            second = replace(draft.origin, verdicts=verdicts, accepted=accepted, compared_with="release 1")
            draft = replace(draft, origin=second)
        publish_release(objects, draft, logging.getLogger("test"))
    return objects


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    main(["release", *arguments])
    return capsys.readouterr().out


def test_without_a_release_the_list_says_how_one_is_made(
    objects: LocalObjectStore, capsys: pytest.CaptureFixture[str]
) -> None:
    told = run(capsys, "list")
    assert "there is no release in" in told
    assert "`legosigns release`" in told


@pytest.mark.server
def test_alone_it_runs_the_job_and_says_what_is_missing(
    objects: LocalObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    told = "legosigns: nothing was released: release_candidate: no version of base_weights that is current"
    with pytest.raises(SystemExit, match=told):
        main(["release", "--accept-inconclusive", "--accepted-by", "Ada", "--reason", "tried"])
    printed = capfd.readouterr()
    assert "no version of base_weights that is current" in printed.out + printed.err, "Dagster's log is shown too"


def test_the_list_marks_the_current_release_and_says_who_accepted_what(
    two: LocalObjectStore, capsys: pytest.CaptureFixture[str]
) -> None:
    head, first, second = run(capsys, "list").splitlines()
    assert head.split() == ["release", "when", "(UTC)", "run", "checks", "accepted", "by"]
    assert first.split()[0] == "1"
    assert first.split()[2:] == ["run-1", "onnx_parity", "-"]
    assert second.startswith("*  2 ")
    assert second.endswith("lego_signs_gained (accepted), onnx_parity  Ada: tried on the track")


def test_a_roll_back_moves_the_mark_the_pointer_and_the_model(
    two: LocalObjectStore, capsys: pytest.CaptureFixture[str]
) -> None:
    told = run(capsys, "rollback", "1")
    assert told.startswith("release 1 is the current one.")
    assert str(two.folder / "releases/1/inferenceservice-ovms.yaml") in told
    assert (current_number(two), two.read(MIRROR)) == (1, two.read(release_key(1, MODEL)))
    _, first, second = run(capsys, "list").splitlines()
    assert first.startswith("*")
    assert not second.startswith("*")


def test_a_release_is_shown_with_its_origin_and_its_files(
    two: LocalObjectStore, capsys: pytest.CaptureFixture[str]
) -> None:
    told = run(capsys, "show", "2", "--check")
    assert told.startswith("release 2 (current), 20")
    assert "compared with: release 1\nmade from:\n  model_weights 0123456789ab\n" in told
    assert "lego_signs_gained was accepted by Ada: tried on the track" in told
    assert f"{two.folder}/releases/2/best.pt  21 bytes" in told
    assert told.endswith("all files are intact\n")


def test_a_file_that_was_changed_after_its_release_is_named(two: LocalObjectStore) -> None:
    two.write(release_key(2, "best.pt"), b"changed by a person!!")
    with pytest.raises(SystemExit, match=r"legosigns: .*releases/2/? is damaged: best.pt has the SHA-256"):
        main(["release", "show", "2", "--check"])


def test_a_release_that_is_not_there_is_one_line(two: LocalObjectStore) -> None:
    for action in ("show", "rollback"):
        with pytest.raises(SystemExit, match="^legosigns: there is no release 9 in .*; there is 1, 2$"):
            main(["release", action, "9"])


def test_the_next_command_says_that_it_corrected_what_a_kill_left(
    two: LocalObjectStore, capsys: pytest.CaptureFixture[str]
) -> None:
    two.write(MIRROR, b"old")
    assert run(capsys, "list").startswith(f"{two.folder}/models/model.onnx was not the current release's: corrected\n")
    assert two.read(MIRROR) == two.read(release_key(2, MODEL))
