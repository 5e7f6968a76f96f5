import pytest

from legosigns_dagster.core.classes import SignClasses

CLASSES = SignClasses(("SpeedLimit", "DangerAhead"))


@pytest.mark.parametrize("ids", [{}, {0: "a", 2: "b"}, {1: "a"}])
def test_class_ids_with_a_gap_are_refused(ids: dict[int, str]) -> None:
    with pytest.raises(ValueError, match="without a gap"):
        SignClasses.from_ids(ids)


def test_classes_come_back_in_the_order_of_their_ids() -> None:
    assert SignClasses.from_ids({1: "DangerAhead", 0: "SpeedLimit"}) == CLASSES
    assert SignClasses.from_ids(CLASSES.by_id()) == CLASSES


def test_the_same_classes_in_another_order_are_refused_since_ids_would_be_swapped() -> None:
    CLASSES.require(SignClasses(CLASSES.names), "a copy")
    with pytest.raises(ValueError, match=r"^raw_annotations has the classes \['DangerAhead', 'SpeedLimit'\], "):
        CLASSES.require(SignClasses(CLASSES.names[::-1]), "raw_annotations")
