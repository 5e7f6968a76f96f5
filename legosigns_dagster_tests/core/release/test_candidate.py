"""A candidate's figures are stored and read again."""

import math
from pathlib import Path

import pandas as pd
import pytest

from legosigns_dagster.core.evaluation.comparison import COMPARISON_COLUMNS, Comparison
from legosigns_dagster.core.release.candidate import Measured, ReleaseCandidate

MEASURED = Measured(0, "base weights", {}, (), (), ())


@pytest.mark.parametrize("name", ["NA", "None", "null", "nan"])
def test_a_class_keeps_its_name_though_it_reads_like_a_missing_value(name: str, tmp_path: Path) -> None:
    row = ["LEGO signs", name, 2, 3, "recall", 0.5, 0.75, 0.25, math.nan, math.nan, "", 0, False]
    table = pd.DataFrame([row], columns=COMPARISON_COLUMNS)
    loaded = ReleaseCandidate.load(ReleaseCandidate(tmp_path, Comparison(table), MEASURED).save())
    pd.testing.assert_frame_equal(loaded.comparison.table, table)
