"""Every case in which people's annotations are not as a converter would like them, from an export to boxes."""

from pathlib import Path

import pytest

from legosigns_dagster_tests.support.annotation_cases import CASES, Case, compare_boxes, convert, write_case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_dataset_has_the_boxes_that_a_person_would_expect(case: Case, tmp_path: Path) -> None:
    write_case(case, tmp_path)
    assert compare_boxes(convert(tmp_path), case.expected) == "right"
