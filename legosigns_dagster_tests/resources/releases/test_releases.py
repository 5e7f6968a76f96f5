"""Releases are published once and whole, on a local disk and in a real S3 server."""

import json
import logging
import time
from pathlib import Path

import pytest

from legosigns_dagster.core.release.layout import (
    CLAIM,
    CURRENT,
    FACTS,
    MIRROR,
    MODEL,
    OVMS_MANIFEST,
    WEIGHTS,
    release_key,
)
from legosigns_dagster.core.release.release import Release
from legosigns_dagster.resources.releases.current import current_number, current_release, repair_mirrors, roll_back
from legosigns_dagster.resources.releases.listing import list_releases, release_numbers, require_release
from legosigns_dagster.resources.releases.publish import claim_number, publish_release, require_intact
from legosigns_dagster.resources.storage.garbage_collection import GarbageCollector
from legosigns_dagster.resources.storage.object_store import LocalObjectStore, ObjectStore
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore
from legosigns_dagster_tests.support.releases import CONTRACT, make_draft, store_address

LOG = logging.getLogger("test")


@pytest.fixture(params=["local", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    return store_address(request.param, request, tmp_path / "store").open()


@pytest.fixture
def local(tmp_path: Path) -> ObjectStore:
    return LocalObjectStore(tmp_path / "store")


def publish(objects: ObjectStore, folder: Path, run_id: str, score: float = 0.9) -> Release:
    return publish_release(objects, make_draft(folder, run_id, score), LOG)


def test_a_release_has_all_that_servers_and_the_next_release_need(objects: ObjectStore, tmp_path: Path) -> None:
    release = publish(objects, tmp_path / "work", "run-1")
    assert release.number == 1
    keys = {item.key.removeprefix("releases/1/") for item in objects.list_objects("releases/1/")}
    assert keys == {CLAIM, FACTS, *release.files}
    assert set(release.files) == {
        "repository/traffic-signs/1/model.onnx", "repository/traffic-signs/config.pbtxt", "contract.json", "best.pt",
        "golden/street/request.bin", "golden/street/detections.json", "inferenceservice-ovms.yaml",
        "inferenceservice-triton.yaml",
    }  # fmt: skip
    assert objects.read(release_key(1, "contract.json")).decode() == CONTRACT.to_json()
    assert Release.from_json(objects.read(release_key(1, FACTS)), "here") == release
    require_intact(objects, 1, release.files)
    assert current_release(objects) == release
    assert list_releases(objects) == [release]


def test_whoever_downloads_the_model_at_the_old_place_gets_the_released_one(
    objects: ObjectStore, tmp_path: Path
) -> None:
    objects.write(MIRROR, b"of a training")
    publish(objects, tmp_path / "one", "run-1", 0.9)
    assert objects.read(MIRROR) == (tmp_path / "one" / "model.onnx").read_bytes()
    publish(objects, tmp_path / "two", "run-2", 0.8)
    assert objects.read(MIRROR) == (tmp_path / "two" / "model.onnx").read_bytes()
    assert b"releases/2/repository" in objects.read(f"releases/{OVMS_MANIFEST}")


def test_a_roll_back_moves_pointer_model_and_manifests_in_less_than_a_second(
    objects: ObjectStore, tmp_path: Path
) -> None:
    for number, score in enumerate((0.9, 0.8), 1):
        publish(objects, tmp_path / str(number), f"run-{number}", score)
    began = time.monotonic()
    roll_back(objects, 1)
    assert time.monotonic() - began < 1
    assert current_number(objects) == 1
    assert objects.read(MIRROR) == (tmp_path / "1" / "model.onnx").read_bytes()
    assert b"releases/1/repository" in objects.read(f"releases/{OVMS_MANIFEST}")
    roll_back(objects, 2)
    assert (current_number(objects), release_numbers(objects)) == (2, [1, 2])
    assert publish(objects, tmp_path / "3", "run-3").number == 3


class WithoutTransfers(LocalObjectStore):
    """A store in which the bytes of a file cannot pass through this machine."""

    def upload(self, file: Path, key: str) -> None:
        raise AssertionError(f"{key} was uploaded")

    def download(self, key: str, into: Path, size: int | None = None) -> None:
        raise AssertionError(f"{key} was downloaded")

    def read(self, key: str) -> bytes:
        assert key.endswith(".json")
        return super().read(key)


def test_a_roll_back_sends_no_model_through_this_machine(local: ObjectStore, tmp_path: Path) -> None:
    for number in (1, 2):
        publish(local, tmp_path / str(number), f"run-{number}", number / 10)
    roll_back(WithoutTransfers(tmp_path / "store"), 1)
    assert local.read(MIRROR) == (tmp_path / "1" / "model.onnx").read_bytes()
    assert (tmp_path / "store" / MIRROR).samefile(tmp_path / "store" / release_key(1, MODEL))


def test_a_roll_back_to_a_release_that_is_not_there_says_which_are(local: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no release 7 in .*; there is none yet: run `legosigns release`"):
        roll_back(local, 7)
    publish(local, tmp_path / "1", "run-1")
    claim_number(local, "run-2")
    with pytest.raises(ValueError, match="there is no release 2 in .*; there is 1$"):
        roll_back(local, 2)
    assert current_number(local) == 1


def test_a_roll_back_to_a_damaged_release_changes_nothing(local: ObjectStore, tmp_path: Path) -> None:
    for number in (1, 2):
        publish(local, tmp_path / str(number), f"run-{number}")
    local.delete([release_key(1, WEIGHTS)])
    with pytest.raises(ValueError, match=r"release 1 in .* is damaged: best.pt is gone or has another size"):
        roll_back(local, 1)
    assert current_number(local) == 2


class Tampered(LocalObjectStore):
    """A store that changes a byte of every model."""

    def upload(self, file: Path, key: str) -> None:
        super().upload(file, key)
        if key.endswith(".onnx"):
            content = bytearray(self.read(key))
            content[-1] ^= 1
            self.write(key, bytes(content))


def test_bytes_that_were_changed_on_the_way_are_found_before_there_is_a_release(tmp_path: Path) -> None:
    objects = Tampered(tmp_path / "store")
    objects.write(MIRROR, b"of a training")
    with pytest.raises(OSError, match="1/? is damaged: repository/traffic-signs/1/model.onnx has the SHA-256"):
        publish(objects, tmp_path / "work", "run-1")
    assert (list_releases(objects), current_number(objects), objects.read(MIRROR)) == ([], None, b"of a training")
    mended = publish(LocalObjectStore(tmp_path / "store"), tmp_path / "work", "run-1")
    assert mended.number == 1


def test_the_same_run_completes_its_number_and_another_one_gets_the_next(local: ObjectStore, tmp_path: Path) -> None:
    assert claim_number(local, "run-1") == 1
    assert claim_number(local, "run-2") == 2
    assert (list_releases(local), current_release(local)) == ([], None)
    assert publish(local, tmp_path / "2", "run-2").number == 2
    first = publish(local, tmp_path / "1", "run-1")
    assert first.number == 1
    assert current_number(local) == 2, "a later release is not taken back by an earlier one that ends after it"
    assert local.read(MIRROR) == (tmp_path / "2" / "model.onnx").read_bytes()
    assert publish(local, tmp_path / "1", "run-1") == first, "what is released does not change"


def test_a_model_that_a_kill_left_behind_is_repaired_by_the_next_command(objects: ObjectStore, tmp_path: Path) -> None:
    publish(objects, tmp_path / "1", "run-1", 0.9)
    publish(objects, tmp_path / "2", "run-2", 0.8)
    objects.write(MIRROR, b"half of an old model")
    before = objects.read(CURRENT)
    objects.replace(CURRENT, json.dumps({"number": 1}).encode(), expected=before)  # and then a kill
    assert current_release(objects) == require_release(objects, 1)
    assert objects.read(MIRROR) == (tmp_path / "1" / "model.onnx").read_bytes()
    assert repair_mirrors(objects) == []


def test_a_pointer_that_is_none_is_named(local: ObjectStore) -> None:
    local.write(CURRENT, b"3 I think")
    with pytest.raises(ValueError, match=r"current.json is b'3 I think', expected a JSON object with a number: delete"):
        current_number(local)


def test_a_garbage_collection_leaves_releases_alone(local: ObjectStore, tmp_path: Path) -> None:
    release = publish(local, tmp_path / "1", "run-1")
    local.write("releases/1/.left-by-a-kill.partial", b"x")
    keys = [item.key for item in local.list_objects("")]
    GarbageCollector(SnapshotStore(local, tmp_path / "cache", "legosigns/"), 1, 3600).collect(time.time() + 10 * 86400)
    assert [item.key for item in local.list_objects("")] == keys
    assert list(local.partial_objects("")) == []
    require_intact(local, 1, release.files)
