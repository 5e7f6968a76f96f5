"""A candidate is measured against what is served, in all engines, and on golden images."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from legosigns_dagster.core.dataset.dataset import VAL, Dataset
from legosigns_dagster.core.evaluation.slices import Slice
from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.core.inference.prepare import Tensor
from legosigns_dagster.core.release.candidate import ReleaseCandidate
from legosigns_dagster.core.release.engine_parity import Engines
from legosigns_dagster.core.release.measure import Served, measure_candidate, require_contract
from legosigns_dagster_tests.support.builders import make_dataset
from legosigns_dagster_tests.support.fixed_detector import CONTRACT, DETECTOR, SIZE, engine, write_weights

SAME = Engines(engine(0.9, 0.8), {"onnxruntime": engine(0.9, 0.8)}, {"OpenVINO": engine(0.9, 0.8)})


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Mapping[Slice, Dataset]:
    folder = tmp_path_factory.mktemp("images")
    return {
        Slice.CLASSICAL: make_dataset(folder / "classical", VAL),
        Slice.LEGO: make_dataset(folder / "lego", VAL, VAL, VAL),
    }


def measure(
    images: Mapping[Slice, Dataset],
    folder: Path,
    engines: Engines = SAME,
    served: ModelContract | None = CONTRACT,
    parity_images: int = 9,
) -> ReleaseCandidate:
    """Measure weights that find both boxes against a release 3 that finds one."""
    new = write_weights(folder / "new", {SIZE: (0.9, 0.8)}, CONTRACT)
    old = Served(3, write_weights(folder / "old", {SIZE: (0.9, 0.0)}), served, "release 3")
    (folder / "candidate").mkdir()
    made_from = {"model_weights": "0123456789ab"}
    return measure_candidate(DETECTOR, engines, new, old, images, parity_images, made_from, folder / "candidate")


@pytest.fixture(scope="module")
def candidate(images: Mapping[Slice, Dataset], tmp_path_factory: pytest.TempPathFactory) -> ReleaseCandidate:
    """A candidate beside a release of another image size."""
    return measure(images, tmp_path_factory.mktemp("candidate"), served=replace(CONTRACT, image_size=32))


def test_a_candidate_is_compared_with_what_is_served_on_both_slices(candidate: ReleaseCandidate) -> None:
    for one in Slice:
        base, new = (candidate.comparison.value(one.title, "map50_95", which) for which in ("base", "new"))
        assert (base, new) == pytest.approx((0.5, 1), abs=0.01)
    measured = candidate.measured
    assert (measured.released, measured.compared_with) == (3, "release 3")
    assert measured.made_from == {"model_weights": "0123456789ab"}


def test_what_clients_of_the_release_that_is_served_would_notice_is_named(candidate: ReleaseCandidate) -> None:
    assert candidate.measured.contract_changes == ("the image size was 32 px, and is 64 px",)


def test_every_engine_is_compared_on_every_slice_and_one_that_answers_otherwise_is_named(
    images: Mapping[Slice, Dataset], tmp_path: Path
) -> None:
    moved = replace(SAME, exact={"onnxruntime": engine(0.9, 0.8, right_px=1)})
    measured = measure(images, tmp_path, moved).measured
    starts = [": ".join(sentence.split(": ")[:2]) for sentence in measured.parity]
    assert starts == [f"{one.title}: {name}" for one in Slice for name in ("onnxruntime", "OpenVINO", "OpenVINO")]
    assert [sentence.partition(": ")[0] for sentence in measured.parity_breaks] == ["classical signs", "LEGO signs"]
    assert all("onnxruntime: " in sentence for sentence in measured.parity_breaks)
    assert set(measured.parity_breaks) < set(measured.parity)


def test_before_the_first_release_no_contract_changes_and_a_slice_without_images_is_not_compared(
    images: Mapping[Slice, Dataset], tmp_path: Path
) -> None:
    asked: list[int] = []

    def counted(tensor: Tensor) -> Tensor:
        asked.append(1)
        return SAME.trained(tensor)

    only_lego = {**images, Slice.CLASSICAL: images[Slice.CLASSICAL].part()}
    found = measure(only_lego, tmp_path, replace(SAME, trained=counted), None, parity_images=2)
    assert found.measured.contract_changes == found.measured.parity_breaks == ()
    assert {sentence.partition(": ")[0] for sentence in found.measured.parity} == {"LEGO signs"}
    assert set(found.comparison.table["slice"]) == {"LEGO signs"}
    assert len(asked) == 2, "the engines are compared on as many images as were wanted"


def test_a_candidate_has_the_files_of_a_release_and_golden_answers_of_both_slices(
    images: Mapping[Slice, Dataset], candidate: ReleaseCandidate
) -> None:
    folder = candidate.folder
    assert {file.name for file in folder.iterdir()} == {"best.pt", "model.onnx", "contract.json", "golden"}
    assert (folder / "model.onnx").read_bytes() == b"an exported model"
    golden = {file.relative_to(folder / "golden").as_posix() for file in (folder / "golden").rglob("*.*")}
    answers = {"request.bin", "output.npy", "detections.json"}
    names = ("image-1", "image-2", "image-3")
    assert golden == {f"{name}/{file}" for name in ("drawn", *names) for file in answers} | {
        f"{name}/image.jpg" for name in names
    }
    # LEGO and classical images in turn, until there are three.
    sources = [images[Slice.LEGO], images[Slice.CLASSICAL], images[Slice.LEGO]]
    for name, source, file in zip(names, sources, ("0.jpg", "0.jpg", "1.jpg"), strict=True):
        assert (folder / "golden" / name / "image.jpg").read_bytes() == (source.folder / "images" / file).read_bytes()
        facts = json.loads((folder / "golden" / name / "detections.json").read_text())
        assert [found["confidence"] for found in facts["detections"]] == pytest.approx([0.9, 0.8])


def test_weights_without_an_exported_model_or_its_contract_are_refused_with_what_to_do(tmp_path: Path) -> None:
    assert require_contract(write_weights(tmp_path / "good", {}, CONTRACT)) == CONTRACT
    without_model = write_weights(tmp_path / "without model", {}, CONTRACT)
    (without_model.folder / "model.onnx").unlink()
    for weights in (without_model, write_weights(tmp_path / "without contract", {})):
        with pytest.raises(
            ValueError, match=r"no model\.onnx with a contract\.json.*: materialize model_weights again"
        ):
            require_contract(weights)
