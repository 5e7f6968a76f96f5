"""Runs in their own processes on one real S3 server: two at the same time, and killed ones."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from legosigns_dagster.core.files import index_folder
from legosigns_dagster.resources.storage.layout import Snapshot
from legosigns_dagster.resources.storage.s3_object_store import S3ObjectStore
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore
from legosigns_dagster.resources.versions.listing import read_versions
from legosigns_dagster_tests.support.environment import VARIABLES
from legosigns_dagster_tests.support.servers import S3Server

FILES, KILLS, ASSETS = 60, 4, ("upstream", "downstream")


class Place:
    """A bucket, and a folder for temporary files that its runs share."""

    def __init__(self, server: S3Server, bucket: str, folder: Path) -> None:
        (folder / "tmp").mkdir()
        (folder / "meet").mkdir()
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
        self.environment = kept | server.environment(bucket) | {"TMPDIR": str(folder / "tmp")}
        self.snapshots = SnapshotStore(S3ObjectStore(server.client(), bucket), folder / "cache", "legosigns/")

    def start(self, word: str, **more: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-W", "ignore", "-m", "legosigns_dagster_tests.support.small_run", word, str(FILES)]
        return subprocess.Popen(command, env=self.environment | more, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)  # fmt: skip

    def words(self, version: Snapshot) -> set[str]:
        """Load a version, check every file against the index, and return the first word of each."""
        into = self.folder / "loaded" / version.asset / version.run_id
        self.snapshots.load(version, into)
        assert index_folder(into) == version.files
        return {file.read_text().split()[0] for file in into.iterdir()}


@pytest.fixture
def place(s3_server: S3Server, bucket: str, tmp_path: Path) -> Place:
    return Place(s3_server, bucket, tmp_path)


def test_two_runs_at_once_each_read_their_own_and_what_is_current_is_whole(place: Place) -> None:
    runs = [place.start(word, MEET=str(place.folder / "meet")) for word in ("apple", "pear")]
    for run in runs:
        _, errors = run.communicate(timeout=300)
        assert run.returncode == 0, errors
    for asset in ASSETS:
        versions = list(read_versions(place.snapshots, asset))
        assert sorted(map(place.words, versions), key=str) == [{"apple"}, {"pear"}]
        assert place.snapshots.find(asset) in versions
    made = {v.run_id: place.words(v) for v in read_versions(place.snapshots, "upstream")}
    assert {v.run_id: place.words(v) for v in read_versions(place.snapshots, "downstream")} == made


def test_a_run_that_is_killed_leaves_whole_versions_and_the_next_does_nothing_twice(place: Place) -> None:
    with place.start("apple") as whole:
        assert whole.stdout is not None
        whole.stdout.readline()
        began = time.monotonic()
        assert whole.wait(300) == 0
    seconds = time.monotonic() - began
    chance = random.Random(0)
    for kill in range(KILLS):
        word = f"pear{kill}"
        with place.start(word) as killed:
            assert killed.stdout is not None
            killed.stdout.readline()
            time.sleep(seconds * (kill + chance.random()) / KILLS)
            killed.kill()
        before = {blob.key: blob.written_s for blob in place.snapshots.objects.list_objects("legosigns/blobs/")}
        for asset in ASSETS:
            assert len(place.words(place.snapshots.find(asset))) == 1
            assert all(len(place.words(version)) == 1 for version in read_versions(place.snapshots, asset))
        with place.start(word) as again:
            assert again.wait(300) == 0
        after = {blob.key: blob.written_s for blob in place.snapshots.objects.list_objects("legosigns/blobs/")}
        assert {key: after[key] for key in before} == before
        assert [place.words(place.snapshots.find(asset)) for asset in ASSETS] == [{word}, {word}]
