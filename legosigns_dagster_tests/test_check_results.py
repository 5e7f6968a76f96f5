"""A version whose blocking check failed is used by nothing, in no run, until its checks pass or are accepted."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from legosigns_dagster import checks
from legosigns_dagster.assets.check_result import name_offenders
from legosigns_dagster.core.dataset.dataset import TRAIN, VAL, Dataset
from legosigns_dagster.io_manager import FolderIOManager
from legosigns_dagster.resources.scratch import Scratch
from legosigns_dagster.resources.storage.garbage_collection import GarbageCollector
from legosigns_dagster.resources.storage.layout import rejection_key
from legosigns_dagster.resources.storage.store import LocalStore
from legosigns_dagster_tests.support.builders import make_dataset

GOOD, BAD = "good", "bad"
CHECK = dg.AssetCheckKey(dg.AssetKey("raw_annotations"), "every_class_present")
CHECKS = [*checks.raw_annotations_checks.check_keys]
OFFENDER = "every_class_present: 1: val has no DangerAhead"


class Kind(dg.Config):
    """Whether the dataset is good or bad."""

    kind: str = GOOD


@dg.asset
def raw_annotations(config: Kind, scratch: Scratch) -> Dataset:
    dataset = make_dataset(scratch.folder("raw_annotations"), TRAIN, VAL)
    if config.kind == BAD:
        dataset.boxes.loc[3, ["class_id", "class_name"]] = [0, "SpeedLimit"]
    return dataset


@dg.asset
def synthetic_set(raw_annotations: Dataset, scratch: Scratch) -> Dataset:
    (scratch.folder("synthetic_set") / "note.txt").write_text("")
    return make_dataset(scratch.folder("made"), *raw_annotations.images["split"])


class Place:
    """A store, and a Dagster instance in which runs on it are made."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance) -> None:
        self.instance, self.store = instance, LocalStore(folder=str(folder / "store"))
        scratch = Scratch(store=self.store)
        resources = {
            "store": self.store, "scratch": scratch, "io_manager": FolderIOManager(store=self.store, scratch=scratch),
        }  # fmt: skip
        defs = dg.Definitions(
            assets=[raw_annotations, synthetic_set], asset_checks=[checks.raw_annotations_checks], resources=resources
        )
        self.job = defs.resolve_implicit_global_asset_job_def()

    def run(self, *assets: str, kind: str = GOOD, accept: list[str] | None = None, checked: bool = True) -> str:
        """Materialize assets, or run only the checks where none is named. Returns the run's log."""
        with_checks = checked and "synthetic_set" not in assets[:1]
        config: dict[str, Any] = {}
        if "raw_annotations" in assets:
            config["raw_annotations"] = {"config": {"kind": kind}}
        if accept:
            config["raw_annotations_checks"] = {"config": {"accept": accept}}
        subset = self.job.get_subset(
            asset_selection={dg.AssetKey(asset) for asset in assets},
            asset_check_selection=set(CHECKS) if with_checks else set(),
        )
        done = subset.execute_in_process(instance=self.instance, run_config={"ops": config}, raise_on_error=False)
        self.last = done
        lines = []
        for entry in self.instance.all_logs(done.run_id):
            failure = entry.dagster_event.event_specific_data if entry.dagster_event else None
            lines.append(f"{entry.level} {entry.user_message} {getattr(failure, 'error', '') or ''}")
        return f"{'green' if done.success else 'red'}\n" + "\n".join(lines)

    def current(self) -> str:
        return self.store.snapshots().find("raw_annotations").run_id


@pytest.fixture
def place(tmp_path: Path) -> Any:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Place(tmp_path, instance)


def test_a_good_version_is_current_and_used_later(place: Place) -> None:
    assert place.run("raw_annotations").startswith("green")
    assert place.current() == place.last.run_id
    assert place.run("synthetic_set").startswith("green")


def test_a_failed_check_stops_its_own_run_and_its_error_names_the_offenders(place: Place) -> None:
    told = place.run("raw_annotations", "synthetic_set", kind=BAD)
    assert told.startswith("red")
    assert f"raw_annotations is not used, since its checks failed: {OFFENDER}" in told
    with pytest.raises(FileNotFoundError):
        place.store.snapshots().find("synthetic_set")


def test_a_later_run_without_any_good_version_is_refused_with_what_the_check_found(place: Place) -> None:
    place.run("raw_annotations", kind=BAD)
    failed = place.last.run_id
    told = place.run("synthetic_set")
    assert told.startswith("red")
    assert f"raw_annotations of run {failed} is not used, since its checks failed: {OFFENDER}" in told
    assert "accept: [every_class_present]" in told


def test_a_later_run_uses_the_last_good_version_and_warns(place: Place) -> None:
    place.run("raw_annotations")
    good = place.last.run_id
    place.run("raw_annotations", kind=BAD)
    bad = place.last.run_id
    told = place.run("synthetic_set")
    assert told.startswith("green")
    assert f"30 raw_annotations: the version of run {good} is used, since the newest one, of run {bad}, failed" in told
    assert place.current() == good


def test_a_version_that_is_good_again_is_used_without_a_warning(place: Place) -> None:
    place.run("raw_annotations", kind=BAD)
    place.run("raw_annotations")
    told = place.run("synthetic_set")
    assert told.startswith("green")
    assert "is used, since" not in told


def by_making_it_again(place: Place) -> str:
    return place.run("raw_annotations", kind=BAD, accept=["every_class_present"])


def by_checking_it_again(place: Place) -> str:
    return place.run(accept=["every_class_present"])


@pytest.mark.parametrize("accept", [by_making_it_again, by_checking_it_again])
def test_a_version_that_is_accepted_by_name_is_used(accept: Callable[[Place], str], place: Place) -> None:
    place.run("raw_annotations", kind=BAD)
    told = accept(place)
    assert told.startswith("green")
    assert "30 every_class_present of raw_annotations: accepted: 1: val has no DangerAhead" in told
    assert place.run("synthetic_set").startswith("green")


def test_a_name_that_no_check_has_is_refused_with_those_that_there_are(place: Place) -> None:
    told = place.run("raw_annotations", accept=["every_class"])
    assert told.startswith("red")
    assert "accept has every_class, expected some of class_contract, every_class_present" in told
    with pytest.raises(FileNotFoundError):
        place.current()


def test_a_check_that_runs_alone_judges_the_newest_version_and_so_may_take_it_out_of_use(place: Place) -> None:
    place.run("raw_annotations", kind=BAD, checked=False)
    assert place.run("synthetic_set").startswith("green"), "nothing has checked it"
    assert OFFENDER in place.run()
    assert OFFENDER in place.run("synthetic_set")


def test_a_version_of_an_older_store_that_nobody_judged_is_used(place: Place, tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "old", TRAIN, VAL)
    place.store.snapshots().save("raw_annotations", "old", dataset.save())
    assert place.run("synthetic_set").startswith("green")


def test_what_is_known_of_a_version_goes_when_the_version_goes(place: Place) -> None:
    place.run("raw_annotations", kind=BAD)
    snapshots, day_s = place.store.snapshots(), 24 * 3600
    key = snapshots.prefix + rejection_key("raw_annotations", place.last.run_id)
    assert OFFENDER.split(": ", 1)[1] in json.loads(snapshots.objects.read(key))["every_class_present"]
    for _ in range(2):
        place.run("raw_annotations")
    for plan in (GarbageCollector(snapshots, 20, day_s), GarbageCollector(snapshots, 1, day_s)):
        plan.collect(time.time() + 3 * day_s)
        kept = bool(snapshots.objects.existing_keys("", [key]))
        version = bool(snapshots.objects.existing_keys("", [key.replace("rejected/", "snapshots/")]))
        assert kept == version
    assert not kept


@pytest.mark.parametrize(("count", "end"), [(1, "1: a"), (20, "; a"), (21, "; and 1 more")])
def test_offenders_are_named_up_to_a_number(count: int, end: str) -> None:
    assert name_offenders(["a"] * count).endswith(end)
