"""The command `legosigns`, called from any folder."""

import logging
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
from dagster._cli.utils import _inject_local_env_file as dagster_dotenv

from legosigns_dagster.cli import main
from legosigns_dagster.core.processes import ProcessId
from legosigns_dagster.resources.scratch import OWNER, Scratch
from legosigns_dagster.resources.storage.layout import GC_MARKER
from legosigns_dagster.resources.storage.object_store import LocalObjectStore
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore
from legosigns_dagster.resources.storage.store import LocalStore


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SnapshotStore:
    """An empty store that the environment names, seen from another folder."""
    monkeypatch.setenv("LEGOSIGNS_STORE", str(tmp_path / "store"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return SnapshotStore(LocalObjectStore(tmp_path / "store"), tmp_path / "cache", "legosigns/")


def count_blobs(store: SnapshotStore) -> int:
    return len(list(store.objects.list_objects("legosigns/blobs/")))


def fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line on stderr with which a command that cannot be done ends."""
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert isinstance(exit_.value.code, str), "Python prints it on stderr and exits with status 1"
    assert "\n" not in exit_.value.code
    assert capsys.readouterr().out == ""
    return exit_.value.code


def test_without_a_comparison_report_is_one_line_on_stderr_and_exit_status_1(store: SnapshotStore) -> None:
    program = Path(sys.executable).parent / "legosigns"
    done = subprocess.run([program, "report"], env=os.environ | {"PYTHONWARNINGS": "ignore"}, capture_output=True,
                          text=True, timeout=300)  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    address = store.objects.address("legosigns/")
    assert line.startswith(f"legosigns: no version of comparison_report that is current in {address}: materialize ")


def test_the_help_lists_all_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["--help"])
    assert exit_.value.code == 0
    commands = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("    ")}
    assert {"report", "prune", "query"} <= commands


@pytest.mark.parametrize("command", ["report", "prune", "query", "show", "export"])
def test_the_help_of_a_command_says_which_store_is_meant(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    text = capsys.readouterr().out
    assert "AWS_S3_BUCKET" in text
    assert "LEGOSIGNS_STORE" in text


def test_prune_lists_what_it_would_delete_and_deletes_it_only_with_delete(
    store: SnapshotStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for run in ("first", "second"):
        (tmp_path / run).mkdir()
        (tmp_path / run / "file").write_text(f"only in {run}")
        store.save("asset", run, tmp_path / run)
    for file in (tmp_path / "store").rglob("*first*"):
        os.utime(file, (0, 0))
    for file in (tmp_path / "store" / "legosigns" / "blobs").rglob("*"):
        os.utime(file, (0, 0))
    main(["prune", "--runs", "1"])
    assert capsys.readouterr().out.endswith("nothing was deleted: add --delete\n")
    assert count_blobs(store) == 2
    main(["prune", "--runs", "1", "--delete"])
    assert capsys.readouterr().out.startswith("deleted: 1 old versions, 1 blobs")
    assert count_blobs(store) == 1


def test_prune_of_an_empty_store_deletes_nothing(store: SnapshotStore, capsys: pytest.CaptureFixture[str]) -> None:
    main(["prune", "--delete"])
    assert capsys.readouterr().out.startswith("deleted: 0 old versions, 0 blobs, 0 leftovers of killed runs: 0.0 MB")


def test_a_second_prune_at_the_same_time_is_one_line(store: SnapshotStore, capsys: pytest.CaptureFixture[str]) -> None:
    store.objects.write(f"legosigns/{GC_MARKER}", b"")
    assert fails(capsys, "prune", "--delete").startswith("legosigns: another prune is running: wait")


def test_prune_that_would_keep_no_run_is_one_line(store: SnapshotStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert "at least 1 run and 3600 s must be kept" in fails(capsys, "prune", "--runs", "0")


def test_with_nothing_set_the_store_is_below_the_folder_where_the_command_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert f"in {tmp_path}/.legosigns/store/legosigns: materialize" in fails(capsys, "report")
    main(["prune"])
    assert "0 versions are kept" in capsys.readouterr().out


def test_dotenv_comes_before_the_environment_as_in_dagster_s_own_commands(
    store: SnapshotStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(".env").write_text(f"# ours\nWHERE={tmp_path}\nexport LEGOSIGNS_STORE='${{WHERE}}/other' # a comment\n")
    assert f"in {tmp_path}/other/legosigns: materialize" in fails(capsys, "report")
    assert os.environ["LEGOSIGNS_STORE"] == str(tmp_path / "store"), "the caller's environment is as it was"
    with dagster_dotenv(logging.getLogger("silent")):
        assert os.environ["LEGOSIGNS_STORE"] == f"{tmp_path}/other"


def test_dotenv_that_is_no_text_is_one_line(store: SnapshotStore, capsys: pytest.CaptureFixture[str]) -> None:
    Path(".env").write_bytes("AWS_S3_BUCKET=straße".encode("latin-1"))
    assert fails(capsys, "report").endswith(".env is not UTF-8 text: save it as UTF-8")


def test_prune_lists_the_temporary_folders_of_killed_runs_and_deletes_them(
    store: SnapshotStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scratch = tmp_path / "store" / "scratch"
    owners = {"alive": ProcessId.current(), "killed": replace(ProcessId.current(), started="1"),
              "elsewhere": replace(ProcessId.current(), machine="another")}  # fmt: skip
    for name, owner in owners.items():
        (scratch / name / "training").mkdir(parents=True)
        (scratch / name / "training" / "state.pt").write_bytes(bytes(2_000_000))
        (scratch / name / OWNER).write_bytes(owner.to_json())
    (scratch / "of an earlier release").mkdir()
    os.utime(scratch / "of an earlier release", (0, 0))
    main(["prune"])
    told = capsys.readouterr().out
    assert f"temporary files of a killed run: {scratch}/killed, 2.0 MB" in told
    assert f"{scratch}/of an earlier release, 0.0 MB" in told
    assert told.endswith("nothing was deleted: add --delete\n")
    assert len(list(scratch.iterdir())) == 4
    main(["prune", "--delete"])
    assert capsys.readouterr().out.startswith("deleted: 0 old versions")
    assert sorted(folder.name for folder in scratch.iterdir()) == ["alive", "elsewhere"]


def test_the_temporary_folder_of_a_run_says_whose_it_is(store: SnapshotStore, tmp_path: Path) -> None:
    resources = {"scratch": Scratch(store=LocalStore(folder=str(tmp_path / "store")))}
    with dg.build_resources(resources) as made:
        folder = made.scratch.folder("work")
        owner = ProcessId.from_json((folder.parent / OWNER).read_bytes())
        assert owner is not None
        assert (owner.pid, owner.has_ended()) == (os.getpid(), False)
        assert list(folder.iterdir()) == []
