"""How many pixels threads may decode at once: the memory for one large image is there, not for one in each thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image


class PixelBudget:
    """Pixels that threads share. Safe for threads.

    Args:
        pixels: How many there are. An image that has more gets them all.
    """

    def __init__(self, pixels: int) -> None:
        self._pixels = self._free = pixels
        self._changed = threading.Condition()

    @contextmanager
    def reserve(self, pixels: int) -> Iterator[None]:
        """Hold pixels while an image is decoded. Waits until they are free."""
        wanted = min(pixels, self._pixels)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= wanted)
            self._free -= wanted
        try:
            yield
        finally:
            with self._changed:
                self._free += wanted
                self._changed.notify_all()


def count_pixels(file: Path) -> int:
    """Read from its header how many pixels an image has, 0 where it is none."""
    try:
        with Image.open(file) as image:
            return image.width * image.height
    except Exception:  # a damaged file makes Pillow raise almost any type; where it is decoded, it is named
        return 0
