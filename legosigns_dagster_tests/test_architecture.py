"""The import rules of the house. A file that breaks one is named.

Each room's `__init__.py` says which rooms it may import, in its last paragraph: that is the rule, and it is held
to exactly that, so a grant that nobody uses is named as well.
"""

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from legosigns_dagster_tests.support.environment import PACKAGE

FILES = sorted(PACKAGE.rglob("*.py"))
SAMPLE = PACKAGE / "sample"
ROOMS = sorted({file.parent for file in FILES} - {PACKAGE, SAMPLE})
OUTSIDE = ("dagster", "boto3", "botocore", "requests", "httpx", "urllib.request", "label_studio_sdk", "dagster_aws")
TRAINING_LIBRARIES = ("ultralytics", "torch")
MOST_FILES, MOST_LINES, LONGEST_FUNCTION = 15, 200, 40


def imported(file: Path, everywhere: bool = True) -> set[str]:
    """Modules that a file imports: everywhere in it, or only those that importing it loads."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    nodes = ast.walk(tree) if everywhere else iter(tree.body)
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {resolved(node.module or "", alias.name) for alias in node.names}
    return found


def resolved(module: str, name: str) -> str:
    """The module that `from module import name` loads: a file of ours named so, else the module itself."""
    return f"{module}.{name}" if path_of(f"{module}.{name}") else module


def path_of(module: str) -> Path | None:
    """The file or folder of a module of ours."""
    parts = module.split(".")
    if parts[0] != PACKAGE.name:
        return None
    place = PACKAGE.joinpath(*parts[1:])
    file = place.with_suffix(".py")
    return file if file.is_file() else place if (place / "__init__.py").is_file() else None


def ours(file: Path) -> set[Path]:
    """Files of ours that a file imports."""
    places = {path_of(module) for module in imported(file)}
    return {place / "__init__.py" if place.is_dir() else place for place in places if place}


def name(file: Path) -> str:
    return file.relative_to(PACKAGE).as_posix()


def below(modules: set[str], roots: tuple[str, ...]) -> set[str]:
    return {module for module in modules if any(module == root or module.startswith(f"{root}.") for root in roots)}


def room(folder: Path) -> str:
    return ".".join(folder.relative_to(PACKAGE).parts) or "the package's own files"


def granted(folder: Path) -> set[str]:
    """The rooms that a room's docstring lets it import."""
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    last = " ".join(text.split("\n\n")[-1].split())
    rule = re.fullmatch(r"May import: (.+)\.", last)
    assert rule, f"{room(folder)}: its __init__.py must end with `May import: ….`, and ends with {last!r}"
    return set() if rule[1] == "nothing of ours" else set(rule[1].split(", "))


def used(folder: Path) -> set[str]:
    """The rooms that the files of a room import."""
    return {room(other.parent) for file in folder.glob("*.py") for other in ours(file)} - {room(folder)}


def assert_no_circle(graph: dict[str, set[str]]) -> None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")


def test_the_package_has_the_rooms_that_are_drawn_on_its_map() -> None:
    """A rule for each room is worth nothing if the rooms are not found."""
    core = ("images", "sources", "dataset", "export", "ingestion", "synthesis", "inference")
    wanted = {"core.detector", "core.training", "core.report", "core.release", "resources.releases", "detectors.onnx"}
    wanted |= {"core.evaluation", "core.analysis", "core.pictures", "core.gallery"}
    wanted |= {"assets", "core", *(f"core.{one}" for one in core), "detectors", "detectors.ultralytics", "kubernetes"}
    wanted |= {"commands", "local", "resources", "resources.storage", "resources.versions", "resources.label_studio"}
    wanted |= {"resources.serving", "detectors.ultralytics.training"}
    assert {room(folder) for folder in ROOMS} == wanted
    assert sum("core" in file.relative_to(PACKAGE).parts for file in FILES) > 50


@pytest.mark.parametrize("folder", ROOMS, ids=room)
def test_a_room_imports_exactly_the_rooms_that_it_names(folder: Path) -> None:
    assert used(folder) == granted(folder)


def test_no_file_imports_itself_in_a_circle() -> None:
    assert_no_circle({name(file): {name(other) for other in ours(file)} for file in FILES})


def test_no_room_imports_itself_in_a_circle() -> None:
    assert_no_circle({room(folder): used(folder) for folder in [*ROOMS, PACKAGE]})


@pytest.mark.parametrize("folder", [*ROOMS, PACKAGE], ids=room)
def test_a_folder_can_be_overlooked(folder: Path) -> None:
    assert len(list(folder.glob("*.py"))) <= MOST_FILES


@pytest.mark.parametrize("file", [f for f in FILES if "core" in f.relative_to(PACKAGE).parts], ids=name)
def test_the_core_knows_neither_dagster_nor_the_network(file: Path) -> None:
    assert below(imported(file), OUTSIDE) == set()


@pytest.mark.parametrize("file", FILES, ids=name)
def test_one_room_imports_the_training_library_and_only_inside_functions(file: Path) -> None:
    assert below(imported(file, everywhere=False), TRAINING_LIBRARIES) == set()
    if not file.is_relative_to(PACKAGE / "detectors" / "ultralytics"):
        assert below(imported(file), TRAINING_LIBRARIES) == set()


@pytest.mark.parametrize("file", FILES, ids=name)
def test_one_room_imports_the_kubernetes_client(file: Path) -> None:
    if file.parent != PACKAGE / "kubernetes":
        assert below(imported(file), ("kubernetes", "dagster_k8s")) == set()


@pytest.mark.parametrize("file", FILES, ids=name)
def test_one_file_spells_the_kubernetes_tag(file: Path) -> None:
    spelled = '"dagster-k8s/config"' in file.read_text(encoding="utf-8")
    assert spelled == (file == PACKAGE / "kubernetes" / "pod_specs.py")


@pytest.mark.parametrize("file", FILES, ids=name)
def test_a_file_has_one_subject(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= MOST_LINES
    functions = [n for n in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(n, ast.FunctionDef)]
    long = [f.name for f in functions if (f.end_lineno or 0) - f.body[0].lineno + 1 > LONGEST_FUNCTION]
    assert long == []


def fresh(code: str) -> str:
    """What a new interpreter with an empty environment prints."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def test_loading_the_definitions_loads_no_heavy_library() -> None:
    heavy = "{'torch', 'ultralytics', 'label_studio_sdk', 'cv2', 'scipy', 'imagehash', 'kubernetes'}"
    assert fresh(f"import sys, legosigns_dagster.definitions; print({heavy} & set(sys.modules))") == "set()\n"


def test_loading_the_definitions_writes_nothing_and_opens_no_connection() -> None:
    code = (
        "import sys\n"
        "def watch(event, arguments):\n"
        "    writes = event == 'open' and isinstance(arguments[1], str) and set(arguments[1]) & set('wax+')\n"
        "    if writes or event in ('socket.connect', 'socket.getaddrinfo'): print(event, arguments)\n"
        "sys.dont_write_bytecode = True\n"
        "sys.addaudithook(watch)\n"
        "import legosigns_dagster.definitions\n"
    )
    assert fresh(code) == ""
