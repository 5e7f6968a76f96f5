"""`legosigns query`, over a real server and on this machine."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from legosigns_dagster.cli import main
from legosigns_dagster.resources.releases.current import roll_back
from legosigns_dagster.resources.releases.publish import publish_release
from legosigns_dagster.resources.storage.object_store import LocalObjectStore
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore
from legosigns_dagster_tests.support.environment import ROOT
from legosigns_dagster_tests.support.logs import SILENT
from legosigns_dagster_tests.support.releases import make_draft
from legosigns_dagster_tests.support.served_models import VAL_IMAGES, ExportedModel, json_reply, serve, small_server
from legosigns_dagster_tests.support.triton import Triton

CLASSES = ("--classes", "SpeedLimit,DangerAhead")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Commands are called in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def server(exported: ExportedModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Triton]:
    models = {"new": (exported, "onnxruntime"), "base": (exported, "openvino")}
    with serve(models, tmp_path_factory.mktemp("query")) as server:
        yield server


@pytest.fixture
def contract(exported: ExportedModel) -> tuple[str, str]:
    return "--contract", str(exported.folder / "contract.json")


def rows(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    """The rows that `--json` prints."""
    main(["query", *arguments, "--json"])
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def fails(*arguments: str) -> str:
    with pytest.raises(SystemExit) as exit_:
        main(["query", *arguments])
    assert isinstance(exit_.value.code, str), "Python prints it on stderr and exits with status 1"
    return exit_.value.code


def test_an_image_is_printed_and_drawn(
    server: Triton, contract: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["query", str(VAL_IMAGES[0]), "--url", server.url, "--model", "new", *contract])
    first, *found, last = capsys.readouterr().out.splitlines()
    picture = Path(f"query/0001-{VAL_IMAGES[0].stem}.jpg")
    assert first == f"{VAL_IMAGES[0]} -> {picture}"
    assert last == "1 of 1 images answered"
    assert found
    assert all(line.split()[0] in ("SpeedLimit", "DangerAhead") and " box " in line for line in found)
    with Image.open(picture) as drawn, Image.open(VAL_IMAGES[0]) as image:
        assert drawn.width == max(image.width, 320)


@pytest.mark.parametrize("wire", ["rest", "grpc", "old address", "file"])
def test_every_way_to_ask_gives_the_same_rows(
    wire: str, server: Triton, exported: ExportedModel, capsys: pytest.CaptureFixture[str]
) -> None:
    ways = {
        "rest": ("--url", server.url, "--model", "new", *CLASSES),
        "grpc": ("--url", server.grpc_url, "--model", "new", "--grpc", *CLASSES),
        "old address": ("--url", f"{server.url}/v2/models/new/infer", *CLASSES),
        "file": ("--onnx", str(exported.onnx)),
    }
    (row,) = rows(capsys, str(VAL_IMAGES[1]), *ways[wire], "--no-pictures")
    (wanted,) = rows(capsys, str(VAL_IMAGES[1]), *ways["file"], "--no-pictures")
    assert row["models"][0]["detections"] == wanted["models"][0]["detections"] != []
    assert row["models"][0]["version"] == ("1" if wire != "file" else wanted["models"][0]["version"])
    assert not Path("query").exists()


def test_two_models_stand_side_by_side_in_one_picture(
    server: Triton, contract: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    for other in ("base", f"{server.url}/base"):
        (row,) = rows(capsys, str(VAL_IMAGES[2]), "--url", server.url, "--model", "new", *contract,
                      "--compare-with", other)  # fmt: skip
        assert [one["model"] for one in row["models"]] == ["new", "base"]
        with Image.open(row["picture"]) as drawn:
            assert drawn.width == 2 * max(row["width"], 320)


def test_bad_images_are_rows_and_the_rest_of_the_folder_is_answered(
    server: Triton, contract: tuple[str, str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = here / "images"
    folder.mkdir()
    for number, file in enumerate(VAL_IMAGES[:4]):
        (folder / f"{number}.jpg").write_bytes(file.read_bytes())
    (folder / "1.jpg").write_bytes(b"no image")
    (folder / "2.jpg").write_bytes(VAL_IMAGES[2].read_bytes()[:2000])
    found = rows(capsys, str(folder), "missing.jpg", "--url", server.url, "--model", "new", *contract)
    assert [Path(row["image"]).name for row in found] == ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "missing.jpg"]
    assert ["error" in row for row in found] == [False, True, True, False, True]
    assert "not a readable image" in found[1]["error"]
    assert found[4]["error"] == "there is no such file or folder"


def test_where_nothing_can_be_answered_the_command_fails_and_says_why(
    server: Triton, contract: tuple[str, str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "text.jpg").write_text("no image")
    told = fails("text.jpg", "--url", server.url, "--model", "new", *contract, "--json")
    assert told.startswith("legosigns: none of 1 images could be answered; the last one: text.jpg: not a readable")
    assert [json.loads(line)["image"] for line in capsys.readouterr().out.splitlines()] == ["text.jpg"]


def test_the_rows_after_a_server_died_have_its_reason(exported: ExportedModel, here: Path) -> None:
    """The server is killed in the middle of a folder."""
    folder = here / "images"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number:02d}.jpg").write_bytes(VAL_IMAGES[number % 40].read_bytes())
    with serve({"new": (exported, "onnxruntime")}, here / "own") as server:
        command = [sys.executable, "-m", "legosigns_dagster.cli", "query", str(folder), "--url", server.url, "--model",
                   "new", *CLASSES, "--json", "--no-pictures", "--in-flight", "2", "--retries", "1"]  # fmt: skip
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(5)]
            server.kill()
            lines += process.stdout  # `communicate` would lose lines that were read ahead
    found = [json.loads(line) for line in lines]
    assert process.returncode == 0, "some images were answered"
    assert [Path(row["image"]).name for row in found] == [f"{number:02d}.jpg" for number in range(60)]
    answers = [row["models"][0] for row in found]
    assert all("detections" in one for one in answers[:5])
    assert all("detections" in one or "no answer from " in one["error"] for one in answers)
    assert sum("error" in one for one in answers) > 20


def test_the_model_of_a_run_and_the_current_one_are_asked_out_of_the_store(
    exported: ExportedModel, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEGOSIGNS_STORE", str(here / "store"))
    store = SnapshotStore(LocalObjectStore(here / "store"), here / "cache", "legosigns/")
    store.save("model_weights", "first-run", exported.folder)
    (row,) = rows(capsys, str(VAL_IMAGES[0]), "--no-pictures")
    (same,) = rows(capsys, str(VAL_IMAGES[0]), "--no-pictures", "--run", "first-run")
    assert row == same
    assert row["models"][0]["model"] == "run first-ru"
    assert row["models"][0]["detections"]
    told = fails(str(VAL_IMAGES[0]), "--run", "other-run")
    assert told.startswith("legosigns: no version of model_weights from run other-run in ")


def test_the_current_release_is_asked_and_two_releases_stand_side_by_side(
    exported: ExportedModel, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of them sees a sign with a confidence of 0.9 in every image, the other one with 0.5."""
    monkeypatch.setenv("LEGOSIGNS_STORE", str(here / "store"))
    objects = LocalObjectStore(here / "store")
    SnapshotStore(objects, here / "cache", "legosigns/").save("model_weights", "newer-run", exported.folder)
    for run, score in (("first", 0.9), ("second", 0.5)):
        publish_release(objects, make_draft(here / run, run, score), SILENT)
    image = [str(VAL_IMAGES[0]), "--no-pictures"]
    (row,) = rows(capsys, *image)
    assert seen(row) == [("release 2", 0.5)]
    (row,) = rows(capsys, *image, "--release", "1", "--compare-with", "2")
    assert seen(row) == [("release 1", 0.9), ("release 2", 0.5)]
    roll_back(objects, 1)
    (row,) = rows(capsys, *image)
    assert seen(row) == [("release 1", 0.9)]
    assert "there is no release 7 in " in fails(*image, "--release", "7")
    assert "--run and --release both name the model" in fails(*image, "--release", "1", "--run", "newer-run")


def seen(row: Any) -> list[tuple[str, float]]:
    """Each model with the confidence of the sign that it sees."""
    return [(one["model"], round(one["detections"][0]["confidence"], 3)) for one in row["models"]]


def test_a_run_without_a_contract_is_asked_by_the_classes_of_its_weights(
    exported: ExportedModel, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import onnx

    monkeypatch.setenv("LEGOSIGNS_STORE", str(here / "store"))
    old = here / "old"
    old.mkdir()
    model = onnx.load(exported.onnx)
    onnx.helper.set_model_props(model, {})
    onnx.save(model, old / "model.onnx")
    (old / "weights.json").write_bytes((exported.folder / "weights.json").read_bytes())
    store = SnapshotStore(LocalObjectStore(here / "store"), here / "cache", "legosigns/")
    store.save("model_weights", "old-run", old)
    (row,) = rows(capsys, str(VAL_IMAGES[0]), "--no-pictures")
    (wanted,) = rows(capsys, str(VAL_IMAGES[0]), "--no-pictures", "--onnx", str(exported.onnx))
    assert row["models"][0]["detections"] == wanted["models"][0]["detections"]


def test_frames_of_a_video_are_taken_by_a_stride_and_seen_in_their_own_colours(
    exported: ExportedModel, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    still: Any = cv2.imread(str(VAL_IMAGES[0]))
    video = cv2.VideoWriter("drive.avi", cv2.VideoWriter.fourcc(*"MJPG"), 10, still.shape[1::-1])
    for _ in range(7):
        video.write(still)
    video.release()
    found = rows(capsys, "drive.avi", "--stride", "3", "--onnx", str(exported.onnx))
    assert [row["image"] for row in found] == ["drive.avi#0", "drive.avi#3", "drive.avi#6"]
    (photo,) = rows(capsys, str(VAL_IMAGES[0]), "--onnx", str(exported.onnx))
    for row in found:
        pairs = zip(row["models"][0]["detections"], photo["models"][0]["detections"], strict=True)
        assert all(one["class"] == other["class"] for one, other in pairs)
    drawn, original = (np.asarray(Image.open(row["picture"]), np.float32).mean((0, 1)) for row in (found[0], photo))
    assert np.abs(drawn - original).max() < 4
    assert len(rows(capsys, "drive.avi", "--frames", "2", "--onnx", str(exported.onnx))) == 2


def test_an_image_comes_from_standard_input(exported: ExportedModel, here: Path) -> None:
    command = [sys.executable, "-m", "legosigns_dagster.cli", "query", "-", "--onnx", str(exported.onnx), "--json"]
    done = subprocess.run(command, input=VAL_IMAGES[0].read_bytes(), capture_output=True, cwd=here, check=True,
                          env={"PATH": "/usr/bin:/bin", "HOME": str(here), "PYTHONPATH": str(ROOT)})  # fmt: skip
    (line,) = done.stdout.decode().splitlines()
    assert json.loads(line)["image"] == "standard input"
    assert json.loads(line)["models"][0]["detections"]


def test_a_stream_ends_by_ctrl_c_with_what_was_seen_so_far(exported: ExportedModel, here: Path) -> None:
    folder = here / "images"
    folder.mkdir()
    for number in range(400):
        (folder / f"{number:03d}.jpg").write_bytes(VAL_IMAGES[number % 40].read_bytes())
    command = [sys.executable, "-m", "legosigns_dagster.cli", "query", str(folder), "--onnx", str(exported.onnx)]
    process = subprocess.Popen([*command, "--no-pictures"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               cwd=ROOT)  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert re.fullmatch(r"\d+ of \d+ images answered", rest.splitlines()[-1])


def test_a_confidence_of_all_classes_replaces_that_of_the_contract(
    exported: ExportedModel, capsys: pytest.CaptureFixture[str]
) -> None:
    def count(*more: str) -> int:
        (row,) = rows(capsys, str(VAL_IMAGES[0]), "--onnx", str(exported.onnx), "--no-pictures", *more)
        return len(row["models"][0]["detections"])

    assert count("--confidence", "0.95") < count() < count("--confidence", "0.001")


def test_the_token_comes_from_the_variable_or_a_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "token").write_text("from-the-file\n")
    monkeypatch.setenv("SERVING_TOKEN", " from-the-variable\n")
    sent: list[str] = []

    def respond(method: str, path: str, headers: Any, body: bytes) -> Any:
        sent.append(headers["Authorization"])
        return json_reply({"error": "expired"}, 401)

    with small_server(respond) as small:
        told = fails(str(VAL_IMAGES[0]), "--url", small.url)
        fails(str(VAL_IMAGES[0]), "--url", small.url, "--token-file", "token")
    assert sent == ["Bearer from-the-variable", "Bearer from-the-file"]
    assert "set SERVING_TOKEN or --token-file to one that is valid now" in told
    assert "from-the" not in told


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--url", "http://127.0.0.1:1", "--onnx", "a.onnx"), "--url asks a server and --onnx a file"),
        (("--onnx", "a.onnx", "--run", "r"), "--onnx and --run both name the model"),
        (("--grpc",), "--grpc and --model are for a server: add --url"),
        (("--url", "http://127.0.0.1:1", "--contract", "no.json"), "no.json"),
    ],
)
def test_options_that_do_not_fit_each_other_are_refused(options: tuple[str, ...], told: str) -> None:
    assert told in fails(str(VAL_IMAGES[0]), *options)
