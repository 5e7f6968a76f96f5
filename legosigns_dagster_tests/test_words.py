"""The words of the code: functions are called by what they do or return, and every field says what it is."""

import ast
import re
from collections.abc import Iterator

import pytest

from legosigns_dagster_tests.support.environment import PACKAGE

SOURCES = {file.relative_to(PACKAGE).as_posix(): file.read_text(encoding="utf-8") for file in PACKAGE.rglob("*.py")}
MOST = 0.04  # of the functions; well-kept projects of this field have less
VERBS_IN_ED = {"embed", "exceed", "feed", "need", "proceed", "seed", "shed"}
IRREGULAR_PARTICIPLES = {
    "bent", "bought", "brought", "built", "caught", "chosen", "done", "drawn", "found", "given", "gone", "heard",
    "held", "hidden", "kept",
    "known", "laid", "led", "lit", "lost", "made", "met", "paid", "said", "seen", "sent", "shown",
    "sold", "spent", "taken", "taught", "thought", "told", "torn", "understood", "written",
}  # fmt: skip
# Words that a reader of this field has to learn here, and what they are called now.
PRIVATE_WORDS = {
    "Bench": "TrainingWorkspace", "Course": "train_and_select", "Lesson": "TrainingJob", "Judge": "EpochMonitor",
    "Plateau": "EarlyStopping", "Referee": "ValidationScorer", "Mixture": "InterpolatedWeights",
    "Courier": "BackgroundUploader", "Arrived": "IngestedImage", "Told": "ReportNotes", "Steady": "FineTuningTrainer",
    "Noted": "PredictionRecorder", "not distinguishable": "inconclusive",
}  # fmt: skip


def functions() -> list[str]:
    trees = (ast.parse(source) for source in SOURCES.values())
    names = [node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return [name for name in names if not name.startswith("__")]


def begins_with_a_participle(name: str) -> bool:
    first = name.strip("_").split("_")[0]
    return (first.endswith("ed") and first not in VERBS_IN_ED) or first in IRREGULAR_PARTICIPLES


def test_hardly_a_function_begins_with_a_past_participle() -> None:
    """`warp_sprite` says what is done, `laid` does not."""
    names = functions()
    assert len(names) > 500
    offenders = [name for name in names if begins_with_a_participle(name)]
    assert len(offenders) < MOST * len(names), offenders


def test_hardly_a_function_ends_in_of() -> None:
    """`split_for` says what is returned, `side_of` is a riddle."""
    names = functions()
    offenders = [name for name in names if name.endswith("_of")]
    assert len(offenders) < MOST * len(names), offenders


@pytest.mark.parametrize("word", PRIVATE_WORDS)
def test_a_private_word_is_not_used_again(word: str) -> None:
    stored = {"core/report/report.py"}  # an old verdict is read from stored tables
    found = [name for name, source in SOURCES.items() if re.search(rf"\b{word}\b", source) and name not in stored]
    assert found == [], f"it is called {PRIVATE_WORDS[word]}"


def dataclass_fields() -> Iterator[tuple[str, bool]]:
    """File, class and field of each public dataclass, and whether a line says what it is."""
    for file, source in SOURCES.items():
        lines = source.splitlines()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ClassDef) and any("dataclass" in ast.unparse(one) for one in node.decorator_list):
                text = ast.get_docstring(node) or ""
                for field in node.body:
                    if isinstance(field, ast.AnnAssign) and "ClassVar" not in ast.unparse(field.annotation):
                        name = ast.unparse(field.target)
                        commented = "#" in lines[(field.end_lineno or 0) - 1] or "#" in lines[field.lineno - 2]
                        described = re.search(rf"^\s*{name}: \S", text, re.MULTILINE)
                        yield f"{file}: {node.name}.{name}", name.startswith("_") or commented or bool(described)


def test_every_field_of_a_dataclass_says_what_it_is() -> None:
    fields = list(dataclass_fields())
    assert len(fields) > 200
    assert [name for name, is_described in fields if not is_described] == []
