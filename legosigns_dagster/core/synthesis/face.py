"""Where on a cut-out sign its face is, from the alpha channel alone."""

import numpy as np
import numpy.typing as npt

from legosigns_dagster.core.geometry import PixelBox

OPAQUE = 127


def find_face(alpha: npt.NDArray[np.uint8]) -> PixelBox:
    """The sign without pole and foot, in pixels of an alpha channel of shape (height, width).

    From the first wide row downwards, the face ends where the rows become narrow and stay so for a while: that is the
    pole. What is below it, a foot as wide as the face too, does not count. ValueError when nothing is opaque.
    """
    solid = alpha > OPAQUE
    widths = solid.sum(axis=1)
    rows = np.flatnonzero(widths > 0)
    if not len(rows):
        raise ValueError("nothing in it is opaque")
    top, last = int(rows[0]), int(rows[-1])
    wide = widths.max() * 0.9
    narrow_from = narrow_run(widths, int(np.flatnonzero(widths >= wide)[0]), last)
    columns = np.flatnonzero(solid[top:narrow_from].any(axis=0))
    return PixelBox(float(columns[0]), float(top), float(columns[-1] + 1), float(narrow_from))


def narrow_run(widths: npt.NDArray[np.int64], start: int, last: int) -> int:
    """The first row of the pole below row `start`; the row after `last` when there is no pole."""
    narrow = widths[start : last + 1] < widths[start] * 0.5
    begin = int(np.argmax(narrow))
    if not narrow.any():
        return last + 1
    rest = narrow[begin:]
    length = int(np.argmin(rest)) if not rest.all() else len(rest)
    if length < (last - start) * 0.15:
        return last + 1
    pole = widths[start + begin : start + begin + length]
    limit = np.median(pole) * 1.25 + 1
    # A disc is narrower than half its width well above its lower edge: it ends where it is as narrow as the pole.
    end = start + begin + int(np.argmax(pole <= limit))
    return min(end + hidden_tip(widths[start:end], float(widths[end])), last + 1)


def hidden_tip(widths: npt.NDArray[np.int64], pole: float) -> int:
    """How many rows of a face that comes to a point on its pole, as a diamond does, are hidden by the pole.

    The face's edges are prolonged to the point where they meet.
    """
    tapering = np.flatnonzero(widths > 2.5 * pole)
    if not len(tapering):
        return 0
    rows = len(widths) - int(tapering[-1])
    slope = (float(widths[tapering[-1]]) - pole) / rows
    # Steeper than this is the rounding of a disc or the base of a triangle, which end where the pole begins.
    return round(pole / slope) if slope <= 3 else 0
