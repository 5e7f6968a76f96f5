"""CONTRIBUTING.md says what is there."""

import re

import pytest

from legosigns_dagster_tests.support.environment import PACKAGE, ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RULES = dict(re.findall(r"^\| `([a-z._]+)` \| (.+) \|$", TEXT.split("## Rooms")[1].split("## Words")[0], re.MULTILINE))
ROOMS = {
    ".".join(file.parent.relative_to(PACKAGE).parts): file.read_text(encoding="utf-8")
    for file in sorted(PACKAGE.rglob("__init__.py"))
    if file.parent.name not in (PACKAGE.name, "sample")
}


def test_every_room_has_a_row() -> None:
    assert list(RULES) == list(dict.fromkeys(RULES))
    assert set(RULES) == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_row_says_what_the_room_itself_says(room: str) -> None:
    (rule,) = re.findall(r"^May import: ((?:.|\n)+?)\.$", ROOMS[room], re.MULTILINE)
    assert RULES[room] == " ".join(rule.split())


def test_every_file_that_it_names_exists() -> None:
    named = set(re.findall(r"`([\w./]+\.(?:py|md|yaml|txt|in))`", TEXT)) - {"utils.py", "settings.py", "__init__.py"}
    assert len(named) > 12
    folders = (ROOT, PACKAGE, ROOT / "legosigns_dagster_tests")
    assert [name for name in named if not any((folder / name).exists() for folder in folders)] == []


def test_every_target_that_it_names_is_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`make ([a-z0-9-]+)`", TEXT))
    assert {"test", "test-fast", "check"} <= named
    assert [target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []
