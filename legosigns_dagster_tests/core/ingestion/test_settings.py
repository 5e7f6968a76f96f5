from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.ingestion.settings import DatasetSettings, Recipe

CLASSES = SignClasses(("SpeedLimit", "DangerAhead"))


def test_a_recipes_digest_is_stored_so_another_release_must_give_the_same_one() -> None:
    stored = "163514cd95a507b5d27916cd94958583ffa4ff0b4bf5822e5db3512cd4b90336"
    assert Recipe(CLASSES, DatasetSettings(), "https://labels.example.invalid").digest() == stored


def test_every_setting_the_classes_and_the_address_count_in_a_recipes_digest() -> None:
    others = [
        Recipe(CLASSES),
        Recipe(CLASSES, DatasetSettings(split_seed=1)),
        Recipe(CLASSES, DatasetSettings(unlabeled="no_sign")),
        Recipe(CLASSES, DatasetSettings(unreadable_region="leave_out")),
        Recipe(SignClasses(CLASSES.names[::-1])),
        Recipe(CLASSES, label_studio_url="https://labels.example.invalid"),
    ]
    assert len({recipe.digest() for recipe in others}) == len(others)
