"""The Dockerfile, as far as it can be held against the rest without an engine that builds it."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from legosigns_dagster_tests.support.environment import ROOT
from legosigns_dagster_tests.support.wheel import build_wheel, tracked

TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
IGNORED = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def sources() -> list[str]:
    """What the Dockerfile copies from the repository."""
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", TEXT, re.MULTILINE)
    return list(dict.fromkeys(source for line in copied for source in line.split()))


def setting(name: str) -> str:
    """The value of an ENV."""
    (value,) = re.findall(rf"^(?:ENV|   ) {name}=(\S+)", TEXT, re.MULTILINE)
    return str(value)


def test_hadolint_has_nothing_to_say() -> None:
    command = [str(Path(sys.executable).parent / "hadolint"), "--no-color", "Dockerfile"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_what_it_copies_is_there_and_nothing_else_is_sent_to_the_engine() -> None:
    assert sources() == ["constraints.txt", "setup.py", "LICENSE", "pyproject.toml", "legosigns_dagster"]
    assert all((ROOT / source).exists() for source in sources())
    assert IGNORED[0] == "*"
    assert [line.removeprefix("!") for line in IGNORED if line.startswith("!")] == sources()


def test_what_it_copies_makes_a_package_with_the_whole_sample_and_the_licence_in_it(tmp_path: Path) -> None:
    wheel = build_wheel(tracked(*sources()), tmp_path)
    packed = set(zipfile.ZipFile(wheel).namelist())
    assert [name for name in tracked("legosigns_dagster") if name not in packed] == []
    assert [name for name in packed if name.endswith("/licenses/LICENSE")]


def test_setup_py_alone_tells_which_libraries_to_install(tmp_path: Path) -> None:
    """The layer of the libraries is built before the code and the README are there."""
    (copied,) = re.findall(r"^COPY (setup\.py .*) \./$", TEXT, re.MULTILINE)
    assert "Requires-Dist: torch==" in metadata(build_wheel(tracked(*copied.split()), tmp_path))


def metadata(wheel: Path) -> str:
    """What a wheel says of itself."""
    with zipfile.ZipFile(wheel) as packed:
        (name,) = [name for name in packed.namelist() if name.endswith("/METADATA")]
        return packed.read(name).decode()


def test_torch_is_a_layer_of_its_own_that_no_other_library_s_version_touches() -> None:
    layers = ["COPY --from=versions", "--requirement torch.txt", "COPY setup.py", "COPY legosigns_dagster"]
    assert [TEXT.index(part) for part in layers] == sorted(TEXT.index(part) for part in layers)
    (pattern,) = re.findall(r"^RUN grep -E '(\S+)' constraints.txt > torch.txt$", TEXT, re.MULTILINE)
    picked = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if re.search(pattern, line)]
    assert [line.split("==")[0] for line in picked] == ["torch", "torchvision"]


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
