"""The README says what is there."""

import re

from legosigns_dagster_tests.support.environment import ROOT, VARIABLES

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
MAP = TEXT.split("## Where things are")[1].split("```")[1]


def test_every_file_on_the_map_exists() -> None:
    named = re.findall(r"^(\S+(?:  \S+\.yaml)?) {2,}", MAP, re.MULTILINE)
    names = [name for line in named for name in line.split()]
    assert len(names) > 12
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_every_module_of_the_package_is_on_the_map() -> None:
    modules = [file.name for file in (ROOT / "legosigns_dagster").glob("*.py") if file.name != "__init__.py"]
    folders = [folder.name for folder in (ROOT / "legosigns_dagster").iterdir() if (folder / "__init__.py").exists()]
    assert [name for name in modules if f"legosigns_dagster/{name} " not in MAP] == []
    assert [name for name in folders if f"legosigns_dagster/{name}/ " not in MAP] == []


def test_every_variable_that_the_code_reads_is_explained() -> None:
    assert [name for name in VARIABLES if f"`{name}" not in TEXT and f"{name}=" not in TEXT] == []


def test_every_variable_that_the_code_reads_is_one_that_the_tests_clear() -> None:
    files = [ROOT / "legosigns_dagster" / name for name in ("deployments.py", "compute.py")]
    code = "".join(file.read_text(encoding="utf-8") for file in files)
    read = set(
        re.findall(r'"((?:AWS|LEGOSIGNS|LABEL_STUDIO)_[A-Z0-9_]+|[A-Z]+_(?:WEIGHTS|SIGNS|CUTOUTS)|BACKGROUNDS)"', code)
    )
    assert len(read) > 15
    assert read <= set(VARIABLES)


def test_every_command_names_a_config_and_a_target_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^make (\w+)|`make (\w+)`", TEXT, re.MULTILINE))
    assert all(re.search(rf"^{one or other}:", makefile, re.MULTILINE) for one, other in targets)
    configs = re.findall(r"configs/[\w-]+\.yaml", TEXT)
    assert configs
    assert [config for config in configs if not (ROOT / config).exists()] == []
