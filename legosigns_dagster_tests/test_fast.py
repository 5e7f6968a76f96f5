"""`make test-fast` leaves out what loads torch or starts a server, and a test that does so unseen fails."""

import subprocess
import sys

import pytest

from legosigns_dagster_tests.support.environment import ROOT

HEAD = "import subprocess, pytest\n"
FIXTURES = "@pytest.fixture\ndef s3_server(): ...\n@pytest.fixture\ndef bucket(s3_server): ...\n"
LEFT_OUT = {
    "marked": "@pytest.mark.server\ndef test_one(): ...",
    "fixture_of_a_fixture": f"{FIXTURES}def test_one(bucket): ...",
    "parameter": "@pytest.mark.parametrize('store', ['s3'])\ndef test_one(store): ...",
    "imports_torch": "import torch\ndef test_one(): ...",
    "imports_torch_in_a_function": "def test_one():\n    from torch import nn",
    "imports_a_room_that_needs_it": "import legosigns_dagster.detectors.ultralytics.detector\ndef test_one(): ...",
    "imports_a_server": "from legosigns_dagster_tests.support.servers import seaweedfs\ndef test_one(): ...",
}
UNSEEN = {
    "starts_a_server": "def test_one(): subprocess.run(['/somewhere/weed', 'mini'])",
    "loads_torch": "def test_one(): __import__('torch')",
}
HARMLESS = {
    "harmless": "def test_one(): subprocess.run(['/bin/true'])",
    "reads_a_url": "@pytest.mark.parametrize('url', ['s3://bucket/a.jpg'])\ndef test_one(url): ...",
}


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a fast run of all these modules prints."""
    folder = tmp_path_factory.mktemp("modules")
    for name, code in (LEFT_OUT | UNSEEN | HARMLESS).items():
        (folder / f"test_{name}.py").write_text(f"{HEAD}{code}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "legosigns_dagster_tests.support.fast", "-v", "--tb=short"]
    command += ["-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(folder), str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout


@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_test_is_left_out_by_its_mark_its_fixtures_its_parameters_and_what_its_module_imports(
    name: str, printed: str
) -> None:
    assert f"test_{name}.py" not in printed


def test_every_other_test_runs(printed: str) -> None:
    assert "test_harmless.py::test_one PASSED" in printed
    assert "test_reads_a_url.py::test_one[s3://bucket/a.jpg] PASSED" in printed
    assert "2 passed" in printed


@pytest.mark.parametrize(
    ("name", "program"), [("starts_a_server", "weed is started"), ("loads_torch", "torch is loaded")]
)
def test_a_test_that_is_not_left_out_and_should_be_fails_and_says_what_to_do(
    name: str, program: str, printed: str
) -> None:
    assert f"test_{name}.py::test_one FAILED" in printed
    assert f"{program} by a test that is not left out of `make test-fast`: give it the mark" in printed
