"""What is installed: the versions, and what the wheel holds."""

import email
import email.message
import hashlib
import re
import subprocess
import tomllib
import zipfile
from importlib.metadata import PackageNotFoundError, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from legosigns_dagster_tests.support.constraints import pins
from legosigns_dagster_tests.support.environment import ROOT
from legosigns_dagster_tests.support.wheel import build_wheel, tracked

# Of the text at gnu.org/licenses/agpl-3.0.txt.
AGPL_3 = "0d96a4ff68ad6d4b6f1f30f713b18d5184912ba8dd389f86aa7710db079abcb0"


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def constraints() -> dict[str, str]:
    """The version of each library in constraints.txt."""
    lines = [line for line in text("constraints.txt").splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[^\s+]+", line)] == []
    return dict(line.split("==") for line in lines)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    files = tracked("setup.py", "pyproject.toml", "README.md", "LICENSE", "legosigns_dagster")
    return zipfile.ZipFile(build_wheel(files, tmp_path_factory.mktemp("wheel")))


@pytest.fixture(scope="module")
def about(wheel: zipfile.ZipFile) -> email.message.Message:
    """The wheel's metadata."""
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return email.message_from_bytes(wheel.read(name))


def direct(about: email.message.Message) -> list[Requirement]:
    """What setup.py names: for the package, for its tests and for the benchmarks."""
    return [Requirement(line) for line in about.get_all("Requires-Dist", [])]


def test_the_licence_is_the_whole_agpl_3_and_travels_with_the_wheel(wheel: zipfile.ZipFile) -> None:
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == AGPL_3
    (packed,) = [name for name in wheel.namelist() if name.endswith("/licenses/LICENSE")]
    assert wheel.read(packed) == (ROOT / "LICENSE").read_bytes()


def test_the_wheel_holds_every_file_of_the_package_the_sample_and_the_mark_of_its_types_too(
    wheel: zipfile.ZipFile,
) -> None:
    files = tracked("legosigns_dagster")
    assert {"legosigns_dagster/py.typed", "legosigns_dagster/sample/base.pt"} <= set(files)
    assert [name for name in files if name not in wheel.namelist()] == []


def test_the_wheel_holds_no_test(wheel: zipfile.ZipFile) -> None:
    assert [name for name in wheel.namelist() if name.startswith("legosigns_dagster_tests")] == []


def test_the_wheel_brings_the_command_legosigns(wheel: zipfile.ZipFile) -> None:
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/entry_points.txt")]
    assert wheel.read(name).decode().split("\n")[:2] == ["[console_scripts]", "legosigns = legosigns_dagster.cli:main"]


def test_the_wheel_tells_its_licence_and_what_the_readme_says(about: email.message.Message) -> None:
    assert about["License"] == "AGPL-3.0-or-later"
    assert about["Description-Content-Type"] == "text/markdown"
    told = about.get_payload(decode=True)
    assert isinstance(told, bytes)
    assert told.decode().strip() == text("README.md").strip()


def test_every_library_that_setup_py_names_has_one_version_and_constraints_txt_the_same(
    about: email.message.Message,
) -> None:
    named = {canonicalize_name(one.name): str(one.specifier) for one in direct(about)}
    assert {"torch", "dagster", "pytest", "label-studio-sdk"} <= set(named)
    assert named == {name: f"=={constraints().get(name)}" for name in named}


def test_the_wheel_is_built_by_the_setuptools_of_constraints_txt() -> None:
    required = tomllib.loads(text("pyproject.toml"))["build-system"]["requires"]
    assert required == [f"setuptools=={constraints()['setuptools']}"]


def test_every_library_that_a_library_brings_has_a_version_too() -> None:
    known, missing = constraints(), set()
    for name in known:
        try:
            asked = [Requirement(line) for line in requires(name) or []]
        except PackageNotFoundError:  # such as the benchmarks' label-studio-sdk
            continue
        needed = [one for one in asked if one.marker is None or one.marker.evaluate({"extra": ""})]
        missing |= {f"{one.name} for {name}" for one in needed if canonicalize_name(one.name) not in known}
    assert missing == set()


@pytest.mark.parametrize("suffix", ["", "+cpu", "+cu126"])
def test_constraints_txt_takes_every_build_of_torch_in_its_version(suffix: str) -> None:
    version = constraints()["torch"]
    assert Requirement(f"torch=={version}").specifier.contains(version + suffix)


def test_the_constraints_are_written_without_our_own_package_and_without_a_build_of_torch() -> None:
    report = [("torch", "2.14.1+cpu"), ("legosigns_dagster", "0.1.0"), ("Jinja2", "3.1.6"), ("typing_extensions", "4")]
    installed = [{"metadata": {"name": name, "version": version}} for name, version in report]
    assert pins(installed) == ["jinja2==3.1.6", "torch==2.14.1", "typing-extensions==4"]


def test_the_makefile_and_the_image_install_by_constraints_txt() -> None:
    makefile = [line for line in text("Makefile").splitlines() if "pip install" in line and "'.[dev]'" in line]
    assert len(makefile) == 1
    assert "--constraint constraints.txt" in makefile[0]
    assert re.search(r"^\$\(INSTALLED\): setup\.py constraints\.txt$", text("Makefile"), re.MULTILINE)
    assert "pip install --no-cache-dir --constraint constraints.txt ." in text("Dockerfile")


def test_torch_s_version_stands_in_setup_py_and_constraints_txt_alone() -> None:
    assert re.findall(r"torch(?:vision)?==\d", text("Makefile") + text("Dockerfile")) == []


def test_make_alone_lists_every_target() -> None:
    listed = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    targets = re.search(r"^\.PHONY: (.*)$", text("Makefile"), re.MULTILINE)
    assert targets is not None
    assert [line.split()[1] for line in listed.splitlines()] == targets[1].split()
