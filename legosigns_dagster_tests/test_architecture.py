"""The import rules of the house. A file that breaks one is named."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "legosigns_dagster"
FILES = sorted(PACKAGE.rglob("*.py"))
OUTSIDE = ("dagster", "boto3", "botocore", "requests", "httpx", "urllib.request", "label_studio_sdk", "dagster_aws")


def imported(file: Path, everywhere: bool = True) -> set[str]:
    """Modules that a file imports: everywhere in it, or only those that importing it loads."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    nodes = ast.walk(tree) if everywhere else iter(tree.body)
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def below(modules: set[str], roots: tuple[str, ...]) -> set[str]:
    return {module for module in modules if any(module == root or module.startswith(f"{root}.") for root in roots)}


def name(file: Path) -> str:
    return file.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("file", [f for f in FILES if f.parent.name == "core"], ids=name)
def test_the_core_knows_neither_dagster_nor_the_network_nor_the_shell(file: Path) -> None:
    ours = {m for m in imported(file) if m.startswith("legosigns_dagster.") and ".core." not in f"{m}."}
    assert below(imported(file), OUTSIDE) | ours == set()


@pytest.mark.parametrize("file", FILES, ids=name)
def test_one_detector_imports_the_training_library_and_only_inside_functions(file: Path) -> None:
    libraries = ("ultralytics", "torch")
    allowed = {f"ultralytics_{part}.py" for part in ("detector", "trainer", "checkpoint", "state")}
    assert below(imported(file, everywhere=False), libraries) == set()
    if file.name not in allowed:
        assert below(imported(file), libraries) == set()


@pytest.mark.parametrize("file", FILES, ids=name)
def test_one_file_spells_the_kubernetes_tag(file: Path) -> None:
    spelled = '"dagster-k8s/config"' in file.read_text(encoding="utf-8")
    assert spelled == (file.name == "compute.py")


@pytest.mark.parametrize("file", FILES, ids=name)
def test_a_file_has_one_subject(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 200
    functions = [n for n in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(n, ast.FunctionDef)]
    long = [f.name for f in functions if (f.end_lineno or 0) - f.body[0].lineno + 1 > 40]
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
