"""The face of a cut-out sign, without pole and foot, measured from the alpha channel alone."""

import numpy as np
import numpy.typing as npt

from legosigns_dagster.core.geometry import PixelBox

OPAQUE = 127  # alpha above this is opaque: a pale halo around a sign is not part of it


def find_face(alpha: npt.NDArray[np.uint8]) -> PixelBox:
    """Find the face of a sign in its alpha channel, of shape (height, width).

    Below the first wide row, the face ends where the rows become narrow and stay narrow for a while: there the pole
    begins. Everything below that row is ignored, a foot as wide as the face too.

    Returns:
        The box of the face, in pixels. It is the whole sign where there is no pole.

    Raises:
        ValueError: Nothing is opaque.

    Example:
        >>> alpha = np.zeros((30, 12), np.uint8)
        >>> alpha[2:12, 1:11] = 255  # a face of 10x10 px
        >>> alpha[12:30, 5:7] = 255  # its pole
        >>> find_face(alpha)
        PixelBox(left=1.0, top=2.0, right=11.0, bottom=12.0)
    """
    opaque = alpha > OPAQUE
    widths = opaque.sum(axis=1)
    rows = np.flatnonzero(widths > 0)
    if not len(rows):
        raise ValueError("nothing in it is opaque")
    top, last = int(rows[0]), int(rows[-1])
    wide = widths.max() * 0.9
    bottom = find_pole_top(widths, int(np.flatnonzero(widths >= wide)[0]), last)
    columns = np.flatnonzero(opaque[top:bottom].any(axis=0))
    return PixelBox(float(columns[0]), float(top), float(columns[-1] + 1), float(bottom))


def find_pole_top(widths: npt.NDArray[np.int64], start: int, last: int) -> int:
    """Find the first row of the pole below row `start`.

    Args:
        widths: Number of opaque pixels in each row, shape (height,).
        start: The first wide row of the face.
        last: The last row with an opaque pixel.

    Returns:
        The number of the row; `last + 1` where there is no pole.
    """
    narrow = widths[start : last + 1] < widths[start] * 0.5
    first = int(np.argmax(narrow))
    if not narrow.any():
        return last + 1
    rest = narrow[first:]
    length = int(np.argmin(rest)) if not rest.all() else len(rest)
    if length < (last - start) * 0.15:
        return last + 1
    pole = widths[start + first : start + first + length]
    limit = np.median(pole) * 1.25 + 1
    # A disc is narrower than half its width well above its lower edge: it ends where it is as narrow as the pole.
    end = start + first + int(np.argmax(pole <= limit))
    return min(end + count_rows_behind_pole(widths[start:end], float(widths[end])), last + 1)


def count_rows_behind_pole(widths: npt.NDArray[np.int64], pole_width: float) -> int:
    """Count the rows of a face's lower tip that the pole hides, as on a diamond that stands on its corner.

    The two edges of the face are extended to the point where they meet. `widths` are those of the face's rows, in
    pixels, shape (rows,).
    """
    tapering = np.flatnonzero(widths > 2.5 * pole_width)
    if not len(tapering):
        return 0
    rows = len(widths) - int(tapering[-1])
    slope = (float(widths[tapering[-1]]) - pole_width) / rows
    # Steeper than this is the rounding of a disc or the base of a triangle, which end where the pole begins.
    return round(pole_width / slope) if slope <= 3 else 0
