"""Values that were made from other versions than they are used with are refused."""

from pathlib import Path

import pytest

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.files import folder_digest, index_folder
from legosigns_dagster.core.lineage import require_lineage
from legosigns_dagster_tests.support.builders import make_dataset

GIVEN = {"raw_annotations": "a" * 12, "base_weights": "b" * 12}


@pytest.mark.parametrize(
    ("made_from", "told"),
    [
        pytest.param({"raw_annotations": "c" * 12, "base_weights": "b" * 12},
                     "it was made from raw_annotations cccccccccccc, and aaaaaaaaaaaa is given. Materialize", id="one"),
        pytest.param({"raw_annotations": "c" * 12, "base_weights": "d" * 12},
                     "from base_weights dddddddddddd, and bbbbbbbbbbbb is given", id="both"),
        pytest.param({"raw_annotations": "c" * 12}, "from raw_annotations", id="of the other nothing is known"),
    ],
)  # fmt: skip
def test_what_was_made_from_other_versions_is_refused_and_each_is_named(made_from: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=told) as raised:
        require_lineage("model_weights", made_from, GIVEN, "synthetic_set,model_weights")
    assert "Materialize synthetic_set, model_weights (--select 'synthetic_set,model_weights')" in str(raised.value)


def test_what_belongs_together_has_no_caveat() -> None:
    assert require_lineage("model_weights", GIVEN | {"synthetic_set": "e" * 12}, GIVEN, "model_weights") == []


def test_what_is_not_known_is_a_caveat_for_each_asset() -> None:
    (caveat,) = require_lineage("model_weights", {"raw_annotations": "a" * 12}, GIVEN, "model_weights")
    assert caveat.startswith("model_weights does not say which base_weights it was made from")


def test_a_dataset_keeps_what_it_was_made_from_and_its_digest_does_not_depend_on_it(tmp_path: Path) -> None:
    plain = make_dataset(tmp_path)
    digest = folder_digest(index_folder(plain.save()))
    made = Dataset(plain.folder, plain.classes, plain.images, plain.boxes, made_from={"raw_annotations": "a" * 12})
    assert folder_digest(index_folder(made.save())) == digest
    assert Dataset.load(tmp_path).made_from == {"raw_annotations": "a" * 12}
