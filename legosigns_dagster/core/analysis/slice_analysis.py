"""All that is known about where base and new weights go wrong on one slice."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from legosigns_dagster.core.analysis.confusion import confusion_matrix
from legosigns_dagster.core.analysis.errors import ErrorKind, SignError, find_errors
from legosigns_dagster.core.analysis.sizes import SizeResults, compare_sizes
from legosigns_dagster.core.evaluation.comparison import SliceResults


@dataclass(frozen=True)
class DetectorErrors:
    """Where one detector goes wrong, at a confidence of at least 0.25.

    Attributes:
        confusion: Shape (classes + 1, classes + 1), as `confusion_matrix` counts.
        errors: Each error.
    """

    confusion: npt.NDArray[np.int64]
    errors: tuple[SignError, ...]

    @cached_property
    def counts(self) -> Counter[ErrorKind]:
        """The number of errors of each kind."""
        return Counter(error.kind for error in self.errors)


@dataclass(frozen=True)
class SliceAnalysis:
    """Where both weights go wrong on one slice.

    Attributes:
        results: What both weights do there.
        base: The errors of the base weights.
        new: The errors of the new weights.
        sizes: What both reach on small, medium and large signs.
    """

    results: SliceResults
    base: DetectorErrors
    new: DetectorErrors
    sizes: tuple[SizeResults, ...]


def analyze_slice(results: SliceResults, image_size: int) -> SliceAnalysis:
    """Find out where both weights go wrong on one slice; `image_size` is what the network sees, in px."""
    images, class_count = list(results.dataset), len(results.dataset.classes.names)
    base, new = (
        DetectorErrors(confusion_matrix(images, one, class_count), tuple(find_errors(images, one)))
        for one in (results.base, results.new)
    )
    sizes = compare_sizes(images, results.base, results.new, class_count, image_size)
    return SliceAnalysis(results, base, new, tuple(sizes))
