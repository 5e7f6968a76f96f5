"""Models asked about many images, several at once. What cannot be answered is a row with its reason."""

from collections import deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from PIL import Image

from legosigns_dagster.resources.serving.endpoint import ServingError
from legosigns_dagster.resources.serving.frames import Frame
from legosigns_dagster.resources.serving.served_model import Findings, ServedModel


@dataclass(frozen=True)
class Row:
    """What was answered about one image.

    Attributes:
        name: The image's.
        image: Its pixels as they are displayed; None where it could not be read.
        findings: What each model found, in the order of the models; a text where a model could not be asked.
        error: Why the image could not be read; empty where it was.
    """

    name: str
    image: Image.Image | None
    findings: tuple[Findings | str, ...]
    error: str = ""

    @property
    def is_answered(self) -> bool:
        """Whether at least one model answered."""
        return any(isinstance(found, Findings) for found in self.findings)


def ask_all(
    models: Sequence[ServedModel], frames: Iterable[Frame], confidence: float | None, in_flight: int
) -> Generator[Row, None, None]:
    """Ask models about images, and give the rows in the images' order, each as soon as it is there.

    Args:
        models: Each is asked about each image.
        frames: The images. Only so many are read ahead as are in flight.
        confidence: Lowest confidence, 0 to 1; None for the contracts'.
        in_flight: How many images are asked about at once, from 1.
    """
    waiting: deque[Future[Row]] = deque()
    with ThreadPoolExecutor(in_flight) as pool:
        try:
            for frame in frames:
                waiting.append(pool.submit(ask, models, frame, confidence))
                while waiting and (len(waiting) >= in_flight or waiting[0].done()):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def ask(models: Sequence[ServedModel], frame: Frame, confidence: float | None) -> Row:
    """Ask models about one image."""
    try:
        image = frame.read()
    except (ValueError, OSError) as error:
        return Row(frame.name, None, (), str(error))
    return Row(frame.name, image, tuple(detect(model, image, confidence) for model in models))


def detect(model: ServedModel, image: Image.Image, confidence: float | None) -> Findings | str:
    """Ask a model about an image; the reason as a text where it cannot be asked."""
    try:
        return model.detect(image, confidence)
    except ServingError as error:
        return str(error)
