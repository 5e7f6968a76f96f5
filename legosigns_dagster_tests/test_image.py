"""The Dockerfile, as far as it can be held against the rest without an engine that builds it."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
IGNORED = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def sources() -> list[str]:
    """What the Dockerfile copies from the repository."""
    return [source for line in re.findall(r"^COPY (.*) \S+$", TEXT, re.MULTILINE) for source in line.split()]


def setting(name: str) -> str:
    """The value of an ENV."""
    (value,) = re.findall(rf"^(?:ENV|   ) {name}=(\S+)", TEXT, re.MULTILINE)
    return str(value)


def test_hadolint_has_nothing_to_say() -> None:
    command = [str(Path(sys.executable).parent / "hadolint"), "--no-color", "Dockerfile"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_what_it_copies_is_there_and_nothing_else_is_sent_to_the_engine() -> None:
    assert sources() == ["setup.py", "legosigns_dagster"]
    assert all((ROOT / source).exists() for source in sources())
    assert IGNORED[0] == "*"
    assert [line.removeprefix("!") for line in IGNORED if line.startswith("!")] == sources()


def test_what_it_copies_makes_a_package_with_the_whole_sample_in_it(tmp_path: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", *sources()], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in tracked:
        (tmp_path / "context" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "context" / name).write_bytes((ROOT / name).read_bytes())
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
        "./context",
    ]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    assert [name for name in tracked if name != "setup.py" and name not in packed] == []


def test_torch_is_a_layer_of_its_own_in_the_version_that_the_package_asks_for() -> None:
    asked = set(re.findall(r'"(torch(?:vision)?==\S+)"', (ROOT / "setup.py").read_text(encoding="utf-8")))
    assert set(re.findall(r"torch(?:vision)?==\S+", TEXT)) == asked
    assert TEXT.index("torch==") < TEXT.index("COPY setup.py") < TEXT.index("COPY legosigns_dagster")


def test_torch_s_index_is_the_builder_s_choice_and_has_no_default() -> None:
    assert re.search(r"^ARG TORCH_INDEX$", TEXT, re.MULTILINE)
    assert re.search(r"https?://", TEXT) is None


def test_it_runs_as_anybody_in_group_0() -> None:
    assert re.findall(r"^USER (\S+)$", TEXT, re.MULTILINE) == ["1001:0"]
    assert "chgrp -R 0 /opt/dagster && chmod -R g=u /opt/dagster" in TEXT
    assert setting("DAGSTER_HOME").startswith("/opt/dagster/")


@pytest.mark.parametrize("name", ["HOME", "MPLCONFIGDIR", "YOLO_CONFIG_DIR"])
def test_what_libraries_write_lies_where_anybody_may_write(name: str) -> None:
    assert setting(name).split("/")[1] == "tmp"


def test_it_starts_what_the_chart_starts_on_the_same_port() -> None:
    values = yaml.safe_load((ROOT / "helm-values.yaml").read_text(encoding="utf-8"))
    (location,) = values["dagster-user-deployments"]["deployments"]
    assert all(f'"{argument}"' in TEXT for argument in (*location["dagsterApiGrpcArgs"], location["port"]))
    assert f"EXPOSE {location['port']}" in TEXT


def test_its_python_is_the_one_that_the_package_asks_for() -> None:
    (version,) = re.findall(r"^FROM python:(\d+\.\d+)-", TEXT, re.MULTILINE)
    assert f'python_requires=">={version},' in (ROOT / "setup.py").read_text(encoding="utf-8")
