"""From weights to a release, on the sample: tried in real engines, judged, published, and taken back."""

import json
import shutil
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import onnx
import pandas as pd
import pytest
from onnx import numpy_helper

from legosigns_dagster import sample
from legosigns_dagster.commands.release import tell_outcome
from legosigns_dagster.commands.release_run import EndedRun, describe_failure
from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.comparison import COMPARISON_COLUMNS, Comparison
from legosigns_dagster.core.files import file_sha256
from legosigns_dagster.core.inference.contract import FILE_NAME, ModelContract
from legosigns_dagster.core.release.layout import MIRROR, release_key
from legosigns_dagster.core.release.release import AcceptedFinding
from legosigns_dagster.core.report.report import ComparisonReport
from legosigns_dagster.detectors.ultralytics.detector import UltralyticsDetector
from legosigns_dagster.resources.releases.current import current_number
from legosigns_dagster.resources.releases.listing import list_releases
from legosigns_dagster.resources.storage.object_store import LocalObjectStore
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore
from legosigns_dagster_tests.support.step_jobs import definitions

SIZE = 256
ACCEPT = {"accept_inconclusive": True, "accepted_by": "Ada", "reason": "tried on the track"}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of weights that a training leaves, with the sample's base weights in it."""
    folder = tmp_path_factory.mktemp("weights")
    detector = UltralyticsDetector()
    shutil.copyfile(sample.FOLDER / "base.pt", folder / "best.pt")
    classes, _ = detector.read(folder / "best.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' own warnings are not ours to mend
        detector.export(folder / "best.pt", SIZE, (0.25,) * len(classes.names), folder / "model.onnx")
    Weights(folder, classes, SIZE).save()
    write_contract(folder, classes)
    return folder


def write_contract(folder: Path, classes: SignClasses, **changes: Any) -> None:
    count = len(classes.names)
    contract = ModelContract(classes, SIZE, (1, 4 + count, 1344), (0.25,) * count)
    (folder / FILE_NAME).write_text(replace(contract, **changes).to_json())


class Place:
    """A store with the sample's sources in it, and a Dagster instance."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance) -> None:
        self.folder, self.instance = folder, instance
        self.objects = LocalObjectStore(folder / "store")
        self.snapshots = SnapshotStore(self.objects, folder / "cache", "legosigns/")
        self.definitions = definitions({"LEGOSIGNS_STORE": str(folder / "store")})
        self.saved, self.ended = 0, EndedRun("")

    def run(self, *assets: str, **config: Any) -> tuple[bool, str]:
        """Materialize assets, and return whether that succeeded, with the log."""
        chosen = {dg.AssetKey(name) for name in assets}
        graph = self.definitions.resolve_asset_graph()
        job = self.definitions.resolve_implicit_global_asset_job_def().get_subset(
            asset_selection=chosen, asset_check_selection=graph.get_check_keys_for_assets(chosen)
        )
        settings = {"ops": {name: {"config": values} for name, values in config.items()}}
        done = job.execute_in_process(instance=self.instance, run_config=settings, raise_on_error=False)
        self.ended = EndedRun(done.run_id, "" if done.success else describe_failure(self.instance, done.run_id))
        lines = []
        for entry in self.instance.all_logs(done.run_id):
            failure = entry.dagster_event.event_specific_data if entry.dagster_event else None
            lines.append(f"{entry.user_message} {getattr(failure, 'error', '') or ''}")
        return done.success, "\n".join(lines)

    def release(self, **gate: Any) -> tuple[bool, str]:
        return self.run("release_candidate", "released_model", release_candidate={"parity_images": 4},
                        release_candidate_checks=gate)  # fmt: skip

    def command(self, before: int | None = None) -> str:
        """What `legosigns release` says after the last run, whether as an error or not."""
        try:
            return tell_outcome(self.ended, before, self.objects)
        except RuntimeError as error:
            return f"error: {error}"

    def train(self, weights: Path) -> None:
        """Store weights and a report as if a run had just made them."""
        self.saved += 1
        copy = shutil.copytree(weights, self.folder / f"weights-{self.saved}")
        self.snapshots.save("model_weights", f"training-{self.saved}", copy)
        report = self.folder / f"report-{self.saved}"
        report.mkdir()
        empty = Comparison(pd.DataFrame(columns=COMPARISON_COLUMNS))
        self.snapshots.save("comparison_report", f"training-{self.saved}", ComparisonReport(report, empty).save())


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which the sample's sources were materialized."""
    folder = tmp_path_factory.mktemp("sources")
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        patch.setenv("LEGOSIGNS_STORE", str(folder / "store"))
        done, log = Place(folder, instance).run("base_weights", "classical_signs", "raw_annotations")
        assert done, log
    return folder


@pytest.fixture
def place(sources: Path, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    shutil.copytree(sources / "store", tmp_path / "store")
    monkeypatch.setenv("LEGOSIGNS_STORE", str(tmp_path / "store"))
    with dg.DagsterInstance.ephemeral() as instance:
        place = Place(tmp_path, instance)
        place.train(exported)
        yield place


def change_a_weight(model: Path) -> None:
    """Change one weight of an exported model."""
    network = onnx.load(str(model))
    weight = next(one for one in network.graph.initializer if len(one.dims) == 4)
    values = numpy_helper.to_array(weight).copy()
    values.flat[0] += 0.5
    weight.CopyFrom(numpy_helper.from_array(values, weight.name))
    onnx.save(network, str(model))


def test_a_candidate_is_released_when_a_person_accepts_what_is_open_and_kept_out_when_it_is_broken(
    place: Place, exported: Path, tmp_path: Path
) -> None:
    done, log = place.release()
    assert not done
    assert "release_candidate is not used, since its checks failed: lego_signs_gained: LEGO signs: mAP50" in log
    assert "set accept_inconclusive, accepted_by and reason of release_candidate_checks" in log
    assert (list_releases(place.objects), current_number(place.objects)) == ([], None)
    head, found, todo, accept, end = place.command().splitlines()
    assert head == (f"error: nothing was released: 1 of 4 checks of the candidate failed in run {place.ended.run_id}:")
    assert found.startswith("lego_signs_gained: LEGO signs: mAP50 ")
    assert found.endswith("(against base weights)")
    assert todo.startswith("  What to do: annotate more images and train again, or ")
    assert accept == "  To release it so: legosigns release --accept-inconclusive --accepted-by NAME --reason WHY"
    assert end == "there is no release yet"
    place.objects.write(MIRROR, b"of a training")

    done, log = place.release(**ACCEPT)
    assert done, log
    (release,) = list_releases(place.objects)
    assert release.origin.accepted == (AcceptedFinding("lego_signs_gained", "Ada", "tried on the track"),)
    assert release.origin.compared_with == "base weights"
    assert set(release.origin.verdicts) == {"onnx_parity", "contract_kept", "classical_signs_kept", "lego_signs_gained"}
    assert release.origin.made_from["model_weights"] == file_sha256(exported / "best.pt")[:12]
    assert place.objects.read(MIRROR) == (exported / "model.onnx").read_bytes()
    assert {path.split("/")[1] for path in release.files if path.startswith("golden/")} == {
        "drawn", "image-1", "image-2", "image-3",
    }  # fmt: skip
    answers = [json.loads(place.objects.read(release_key(1, path))) for path in release.files if "detections" in path]
    assert sum(len(answer["detections"]) for answer in answers) > 0

    first, *told = place.command().splitlines()
    assert first == "release 1 is the current one. These are its now:"
    assert any(str(place.objects.folder / "releases/1/inferenceservice-ovms.yaml") in line for line in told)
    assert "Ask it on this machine: legosigns query IMAGE" in told

    broken = shutil.copytree(exported, tmp_path / "broken")
    change_a_weight(broken / "model.onnx")
    write_contract(broken, Weights.load(broken).classes, padding_place="right_bottom")
    place.train(broken)
    done, log = place.release(**ACCEPT)
    assert not done
    assert "release_candidate is not used, since its checks failed: onnx_parity: " in log
    assert "contract_kept: 1: the place of the padding was center, and is right_bottom (against release 1)" in log
    assert "set accept_contract_change, accepted_by and reason" in log
    assert "compared with release 1" in log
    assert (current_number(place.objects), len(list_releases(place.objects))) == (1, 1)
    told = place.command(1).splitlines()
    assert told[0].startswith("error: nothing was released: ")
    assert told[-1] == "release 1 is the current one"
    after = {line.partition(":")[0]: told[number + 1 : number + 3] for number, line in enumerate(told)}
    assert after["onnx_parity"][0].startswith("  What to do: this cannot be accepted: materialize model_weights again")
    assert not after["onnx_parity"][1].startswith("  To release it so")
    assert after["contract_kept"][1].startswith("  To release it so: legosigns release --accept-contract-change ")
    assert place.objects.read(MIRROR) == (exported / "model.onnx").read_bytes()


def test_weights_without_a_contract_are_named(place: Place, exported: Path, tmp_path: Path) -> None:
    old = shutil.copytree(exported, tmp_path / "old")
    (old / FILE_NAME).unlink()
    place.train(old)
    done, log = place.release()
    assert not done
    assert f"model_weights has no model.onnx with a {FILE_NAME}, since an older version of this project made it" in log
