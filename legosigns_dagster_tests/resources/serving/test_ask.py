"""Many images at once: in order, as many at a time as were allowed, and no more of a camera than is needed."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.core.inference.prepare import Tensor
from legosigns_dagster.core.pictures.detection_pictures import ModelView, draw_views
from legosigns_dagster.resources.serving.ask import ask_all
from legosigns_dagster.resources.serving.endpoint import Answer, ModelMetadata, ServingError
from legosigns_dagster.resources.serving.frames import Frame, read_frames
from legosigns_dagster.resources.serving.served_model import Findings, ServedModel
from legosigns_dagster_tests.support.served_models import CLASSES

CONTRACT = ModelContract(CLASSES, 64, (1, 6, 84), (0.25, 0.25))


@dataclass
class Barrier:
    """An endpoint that answers once so many requests are there at the same time, as one of a slow server."""

    together: threading.Barrier
    asked: list[int] = field(default_factory=list)
    address: str = "barrier"

    def metadata(self) -> ModelMetadata:
        return ModelMetadata("barrier", (), (), ())

    def infer(self, tensor: Tensor, contract: ModelContract) -> Answer:
        self.asked.append(1)
        self.together.wait(20)
        return Answer(np.zeros(contract.output_shape, np.float32), "7")

    def close(self) -> None:
        """Nothing to close."""


def frames(count: int, taken: list[int]) -> Iterator[Frame]:
    for number in range(count):
        taken.append(number)
        yield Frame(str(number), lambda: Image.new("RGB", (64, 48)))


@pytest.mark.parametrize("in_flight", [1, 4])
def test_as_many_images_are_asked_about_at_once_as_were_allowed_and_rows_keep_their_order(in_flight: int) -> None:
    endpoint, taken = Barrier(threading.Barrier(in_flight)), list[int]()
    model = ServedModel("m", endpoint, CONTRACT)
    rows = list(ask_all([model], frames(4 * in_flight, taken), None, in_flight))
    assert [row.name for row in rows] == [str(number) for number in range(4 * in_flight)]
    assert all(row.findings == (Findings([], "7"),) for row in rows)


def test_images_are_read_beside_each_other_and_not_one_after_the_other() -> None:
    together, endpoint = threading.Barrier(3), Barrier(threading.Barrier(3))

    def read() -> Image.Image:
        together.wait(20)
        return Image.new("RGB", (64, 48))

    rows = list(ask_all([ServedModel("m", endpoint, CONTRACT)], [Frame(str(one), read) for one in range(6)], None, 3))
    assert all(row.findings == (Findings([], "7"),) for row in rows)


def test_no_more_frames_are_read_than_are_in_flight() -> None:
    endpoint, taken = Barrier(threading.Barrier(1)), list[int]()
    rows = ask_all([ServedModel("m", endpoint, CONTRACT)], frames(1000, taken), None, 3)
    next(rows)
    rows.close()
    assert len(taken) <= 3
    assert len(endpoint.asked) <= 3


def test_a_model_that_cannot_be_asked_is_a_reason_in_the_row_beside_the_other_s_findings() -> None:
    class Broken(Barrier):
        def infer(self, tensor: Tensor, contract: ModelContract) -> Answer:
            raise ServingError("the server has gone")

    models = [ServedModel(name, kind(threading.Barrier(1)), CONTRACT) for name, kind in
              (("good", Barrier), ("broken", Broken))]  # fmt: skip
    (row,) = ask_all(models, frames(1, []), None, 2)
    assert row.is_answered
    assert row.findings[1] == "the server has gone"


def test_what_cannot_be_read_is_a_frame_that_says_why(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "drive.mp4").write_bytes(b"no video")
    sources = [str(tmp_path / name) for name in ("empty", "drive.mp4", "none.jpg")]
    with open("/dev/null", "rb") as stdin:
        found = list(read_frames([*sources, "-"], 1, None, stdin))
    reasons = []
    for frame in found:
        with pytest.raises(ValueError, match=r".") as error:
            frame.read()
        reasons.append(str(error.value).partition(" (")[0])
    assert reasons == [
        "no image and no video is in this folder",
        "no frame could be read from this video or camera",
        "there is no such file or folder",
        "not a readable image",
    ]


def test_a_long_title_does_not_run_into_the_next_picture() -> None:
    image = Image.new("RGB", (400, 300), "gray")
    short, long = (ModelView(title, CLASSES.names, []) for title in ("a", "a very long name of a model " * 9))
    sheet = draw_views(image, [long, short])
    assert sheet.size == (800, 322)
    gap = np.asarray(sheet.crop((398, 0, 403, 22)))
    assert gap.max() == 0
