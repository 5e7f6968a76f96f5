"""The job as people start it: the real command lines, on the sample, into a folder and into a real S3 server."""

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from legosigns_dagster import sample
from legosigns_dagster.cli import main
from legosigns_dagster.detectors.ultralytics.detector import UltralyticsDetector
from legosigns_dagster.detectors.ultralytics.training.training_state import read_state
from legosigns_dagster.resources.storage.store import LocalStore
from legosigns_dagster_tests.support.environment import ROOT
from legosigns_dagster_tests.support.servers import S3Server
from legosigns_dagster_tests.support.workplace import DAGSTER, JOB, MODULE, Workplace

ASSETS = {"base_weights", "classical_signs", "sign_cutouts", "backgrounds", "raw_annotations", "synthetic_set",
          "model_weights", "comparison_report"}  # fmt: skip
EPOCH_LINE = re.compile(r" epoch \d+/\d+: box_loss")
DOWNLOADS = {"comparison.html", "metrics.json", "metrics.csv", "best.pt", "model.onnx", "contract.json", "results.csv",
             "raw_annotations.zip", "synthetic_set.zip", "raw_annotations-gallery.html", "synthetic_set-gallery.html",
             "classical_signs-gallery.html"}  # fmt: skip


def current_versions(store: Path) -> dict[str, dict[str, object]]:
    """The files of each asset's current version, from a local store."""
    prefix = store / "legosigns"
    found = {}
    for pointer in (prefix / "current").glob("*.json"):
        run_id = json.loads(pointer.read_text())["run_id"]
        found[pointer.stem] = json.loads((prefix / "snapshots" / pointer.stem / f"{run_id}.json").read_text())
    return found


def without_about(files: dict[str, object]) -> dict[str, object]:
    return {path: entry for path, entry in files.items() if not path.startswith("about/")}


def run_id_of(laptop: Workplace) -> str:
    with laptop.instance() as instance:
        return instance.get_runs()[-1].run_id


def test_every_asset_is_in_the_store_after_the_job(laptop: Workplace, printed: str) -> None:
    assert set(current_versions(laptop.folder / "store")) == ASSETS


def test_the_synthetic_set_and_the_weights_know_what_they_were_made_from(laptop: Workplace, printed: str) -> None:
    snapshots = LocalStore(folder=laptop.settings["LEGOSIGNS_STORE"]).snapshots()
    digest = {asset: snapshots.find(asset).digest[:12] for asset in ASSETS}
    digest["base_weights"] = snapshots.find("base_weights").files["best.pt"].sha256[:12]

    def read(asset: str, file: str) -> Any:
        return json.loads(snapshots.read(snapshots.find(asset), file))

    made_from = {name: digest[name] for name in ("sign_cutouts", "backgrounds", "raw_annotations")}
    assert read("synthetic_set", "about/made_from.json") == made_from
    trained_with = ("base_weights", "raw_annotations", "synthetic_set", "classical_signs")
    assert read("model_weights", "training.json")["versions"] == {name: digest[name] for name in trained_with}


def test_the_terminal_shows_progress_and_the_table(printed: str) -> None:
    assert "epoch 1/1: box_loss" in printed
    assert "images of classical read: 220" in printed
    assert "mAP50 base -> new" in printed
    assert "the base: classical mAP50-95" in printed
    assert re.search(r" comparison_report: report: .*/comparison\.html, also in the UI", printed)
    assert re.search(r"^\d\d:\d\d:\d\d \d+ steps\. Ctrl-C is safe", printed, re.MULTILINE)
    assert re.search(r"LEGO signs: (better|worse|inconclusive), mAP50 0\.\d+ → 0\.\d+", printed)


def test_people_find_their_files_below_the_run_and_the_curves_at_the_root(laptop: Workplace, printed: str) -> None:
    store = laptop.folder / "store"
    own = store / "traffic-signs" / run_id_of(laptop)
    assert {file.name for file in own.iterdir()} == DOWNLOADS
    assert (store / "results.csv").read_bytes() == (own / "results.csv").read_bytes()
    assert (store / "models" / "model.onnx").read_bytes() == (own / "model.onnx").read_bytes()
    assert len(pd.read_csv(own / "results.csv")) == 1


def test_every_check_passed_and_every_asset_tells_its_counts(laptop: Workplace, printed: str) -> None:
    with laptop.instance() as instance:
        run_id = instance.get_runs()[-1].run_id
        events = [e.dagster_event for e in instance.all_logs(run_id) if e.dagster_event]
        checks = [e.event_specific_data for e in events if e.event_type_value == "ASSET_CHECK_EVALUATION"]
        passed = {
            getattr(c, "check_name", ""): getattr(c, "passed", False) for c in checks if getattr(c, "blocking", 0)
        }
        assert len(checks) == 14 + 3
        assert all(passed.values())
        assert {getattr(c, "check_name", "") for c in checks} - set(passed) == {
            "classical_signs_kept",
            "lego_signs_gained",
            "no_val_image_in_train",
        }
        shown = instance.get_latest_materialization_event(dg.AssetKey("raw_annotations"))
    assert shown is not None
    assert shown.asset_materialization is not None
    metadata = shown.asset_materialization.metadata
    assert {"images", "boxes", "counts", "picture", "quarantine", "digest"} <= set(metadata)


def test_what_the_sample_cannot_use_stands_in_the_quarantine(laptop: Workplace, printed: str) -> None:
    store = laptop.folder / "store" / "legosigns" / "blobs"
    files: Any = current_versions(laptop.folder / "store")["raw_annotations"]
    tables = {name: files[f"about/{name}.csv"]["sha256"] for name in ("quarantine", "adjustments")}
    rows = {name: pd.read_csv(store / digest[:2] / digest) for name, digest in tables.items()}
    expected = ["missing_image", "not_a_box:polygonlabels", "skipped", "superseded", "unlabeled"]
    assert rows["quarantine"]["reason"].tolist() == expected
    assert "clipped" in rows["adjustments"]["reason"].tolist()


def test_a_new_version_tells_what_changed_and_one_that_lost_too_many_images_stops_the_run(tmp_path: Path) -> None:
    given = sample.FOLDER / "lego-signs"
    tasks = json.loads((given / "label-studio-export.json").read_text())
    (tmp_path / "export.json").write_text(json.dumps(tasks[1:]))
    place = Workplace(tmp_path, {"LEGOSIGNS_STORE": str(tmp_path / "store")})
    again = Workplace(tmp_path, place.settings | {"LABEL_STUDIO_EXPORT": str(tmp_path / "export.json"),
                                                  "LABEL_STUDIO_IMAGES": str(given / "images")})  # fmt: skip
    materialize = ["asset", "materialize", *MODULE, "--select"]
    place.run(*materialize, "base_weights,raw_annotations")
    assert "since the previous version: images: 0 added, 1 removed" in again.run(*materialize, "raw_annotations")
    with place.instance() as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey("raw_annotations"))
    assert event is not None
    assert event.asset_materialization is not None
    shown = {"difference", "difference_by_class", "difference_by_image", "difference_pictures", "deleted_tasks"}
    assert shown <= set(event.asset_materialization.metadata)
    (tmp_path / "few").mkdir()
    for image in sorted((given / "images").iterdir())[:40]:
        shutil.copyfile(image, tmp_path / "few" / image.name)
    few = Workplace(tmp_path, again.settings | {"LABEL_STUDIO_IMAGES": str(tmp_path / "few")})
    told = few.run(*materialize, "raw_annotations", fails=True)
    assert re.search(r"\d+ of \d+ images are in the quarantine \(\S+%, allowed 5.0%\): \d+ missing_image", told)
    assert "raw_annotations is not used, since its checks failed: few_quarantined" in told
    with place.instance() as instance:
        failed, good = [run.run_id for run in instance.get_runs()][:2]
    snapshots = LocalStore(folder=place.settings["LEGOSIGNS_STORE"]).snapshots()
    assert snapshots.find("raw_annotations").run_id == good != failed


def test_the_report_is_found_and_told_on_the_terminal(
    laptop: Workplace, printed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEGOSIGNS_STORE", laptop.settings["LEGOSIGNS_STORE"])
    main(["report"])
    told = capsys.readouterr().out.rstrip()
    assert "classical signs" in told
    report = Path(told.splitlines()[-1].removeprefix("report: "))
    assert report == laptop.folder / "store" / "traffic-signs" / run_id_of(laptop) / "comparison.html"
    assert report.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_the_job_prints_no_library_s_warnings(printed: str) -> None:
    assert re.findall(r"^.*\w+Warning: .*$", printed, re.MULTILINE) == []


def test_the_same_inputs_give_the_same_bytes_again(laptop: Workplace, printed: str) -> None:
    before = current_versions(laptop.folder / "store")
    for asset in ("raw_annotations", "synthetic_set"):
        settings = ["--config-json", '{"ops": {"synthetic_set": {"config": {"images": 16}}}}']
        laptop.run("asset", "materialize", *MODULE, "--select", asset, *(settings if asset == "synthetic_set" else []))
    after = current_versions(laptop.folder / "store")
    with laptop.instance() as instance:
        assert instance.get_runs_count() >= 3
    for asset in ("raw_annotations", "synthetic_set"):
        assert without_about(after[asset]) == without_about(before[asset])


def test_a_step_without_its_upstreams_says_what_to_materialize(tmp_path: Path) -> None:
    fresh = Workplace(tmp_path, {"LEGOSIGNS_STORE": str(tmp_path / "store")})
    with pytest.raises(AssertionError, match=r"no version of \w+ that is current in .*: materialize \w+ first"):
        fresh.run("asset", "materialize", *MODULE, "--select", "synthetic_set")


def test_the_job_runs_on_a_real_s3_server_and_gives_the_same_bytes(
    laptop: Workplace, printed: str, s3_server: S3Server, bucket: str, tmp_path: Path
) -> None:
    Workplace(tmp_path, s3_server.environment(bucket)).run(*JOB)
    client = s3_server.client()

    def read(key: str) -> bytes:
        return client.get_object(Bucket=bucket, Key=key)["Body"].read()

    keys = [o["Key"] for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
            for o in page.get("Contents", [])]  # fmt: skip
    runs = {key.split("/")[1] for key in keys if key.startswith("traffic-signs/")}
    assert len(runs) == 1
    assert {key.split("/")[2] for key in keys if key.startswith("traffic-signs/")} == DOWNLOADS
    assert {"results.csv", "models/model.onnx"} <= set(keys)
    types = {Path(key).suffix: client.head_object(Bucket=bucket, Key=key)["ContentType"]
             for key in keys if not key.startswith("legosigns/")}  # fmt: skip
    assert types == {".html": "text/html; charset=utf-8", ".json": "application/json; charset=utf-8",
                     ".csv": "text/csv; charset=utf-8", ".pt": "application/octet-stream",
                     ".onnx": "application/octet-stream", ".zip": "application/zip"}  # fmt: skip
    local = current_versions(laptop.folder / "store")
    for asset in ("raw_annotations", "synthetic_set", "classical_signs"):
        files = json.loads(read(f"legosigns/snapshots/{asset}/{runs.copy().pop()}.json"))
        assert without_about(files) == without_about(local[asset])


def test_the_workspace_is_valid_with_nothing_set(laptop: Workplace) -> None:
    assert "All code locations passed validation" in laptop.run("definitions", "validate", "-w", "workspace.yaml")


def test_a_training_that_is_killed_leaves_its_best_weights_and_its_curves(laptop: Workplace, printed: str) -> None:
    settings = {"ops": {"model_weights": {"config": {"epochs": 500, "image_size": 64, "replay": 0.1}}}}
    command = [DAGSTER, "asset", "materialize", *MODULE, "--select", "model_weights", "--config-json"]
    environment = {**os.environ, **laptop.settings, "DAGSTER_HOME": str(laptop.folder / "home")}
    before = set((laptop.folder / "store" / "traffic-signs").iterdir())
    with subprocess.Popen([*command, json.dumps(settings)], cwd=ROOT, env=environment, text=True,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as training:  # fmt: skip
        assert training.stderr
        assert any("epoch 3/500" in line for line in training.stderr)
        training.kill()
    (left,) = set((laptop.folder / "store" / "traffic-signs").iterdir()) - before
    assert len(pd.read_csv(left / "results.csv")) >= 2
    assert UltralyticsDetector().read(left / "best.pt")[0].names == ("SpeedLimit", "DangerAhead")


def test_a_training_that_is_killed_goes_on_in_another_process_on_another_machine_to_the_same_bytes(
    laptop: Workplace, printed: str, s3_server: S3Server, bucket: str, tmp_path: Path
) -> None:
    """Two machines share nothing but the bucket: each has a Dagster instance and temporary files of its own."""
    client, epochs = s3_server.client(), 4
    settings = {"epochs": epochs, "image_size": 64, "replay": 0.1, "interpolate": False}
    command = ["asset", "materialize", *MODULE, "--select", "model_weights", "--config-json",
               json.dumps({"ops": {"model_weights": {"config": settings}}})]  # fmt: skip
    upload_versions(laptop.folder / "store", s3_server, bucket)

    def states() -> list[str]:
        page = client.list_objects_v2(Bucket=bucket, Prefix="legosigns/checkpoints/")
        return [found["Key"] for found in page.get("Contents", [])]

    first, second = (machine(tmp_path / name, s3_server.environment(bucket)) for name in ("first", "second"))
    environment = {**os.environ, **first.settings, "DAGSTER_HOME": str(first.folder / "home")}
    with subprocess.Popen([DAGSTER, *command], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as training:
        while not states():
            assert training.poll() is None
            time.sleep(0.05)
        training.kill()
    (key,) = states()
    client.download_file(bucket, key, str(tmp_path / "state.pt"))
    done = read_state(tmp_path / "state.pt")["epochs_done"]

    assert len(EPOCH_LINE.findall(second.run(*command))) == epochs - done < epochs
    assert metadata_of(second)["resumed_from_epoch"].value == done
    curves = client.get_object(Bucket=bucket, Key="results.csv")["Body"]
    assert pd.read_csv(curves)["epoch"].tolist() == [1, 2, 3, 4]
    assert states() == []

    assert len(EPOCH_LINE.findall(laptop.run(*command))) == epochs
    assert "resumed_from_epoch" not in metadata_of(laptop)
    assert metadata_of(second)["digest"] == metadata_of(laptop)["digest"]


def upload_versions(store: Path, server: S3Server, bucket: str) -> None:
    """Bring all versions of a local store into a bucket."""
    for kind in ("blobs", "snapshots", "current"):
        for file in (store / "legosigns" / kind).rglob("*"):
            if file.is_file():
                server.client().upload_file(str(file), bucket, file.relative_to(store).as_posix())


def machine(folder: Path, settings: dict[str, str]) -> Workplace:
    """A place with temporary files of its own, too."""
    for name in ("home", "tmp"):
        (folder / name).mkdir(parents=True)
    return Workplace(folder, settings | {"TMPDIR": str(folder / "tmp")})


def metadata_of(place: Workplace) -> dict[str, Any]:
    """What the newest materialization of the weights tells."""
    with place.instance() as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey("model_weights"))
    assert event
    assert event.asset_materialization
    return dict(event.asset_materialization.metadata)


def test_other_base_weights_without_a_classical_set_are_trained_with_a_warning(tmp_path: Path) -> None:
    """The sample's old signs are not what other weights know: they must not be rehearsed silently."""
    place = Workplace(tmp_path, {"LEGOSIGNS_STORE": str(tmp_path / "store"),
                                 "BASE_WEIGHTS": str(sample.FOLDER / "base.pt")})  # fmt: skip
    said = place.run(*JOB)
    warnings = [line for line in said.splitlines() if " WARNING: " in line]
    assert any("there is no classical set" in line and " model_weights: " in line for line in warnings)
    page = next((tmp_path / "store" / "traffic-signs").rglob("comparison.html")).read_text(encoding="utf-8")
    assert "there is no classical set" in page
    assert "classical signs:" not in page
