"""Every command of the documentation works with a store on disk and in S3, from another folder, with a file `.env`."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from legosigns_dagster.cli import main
from legosigns_dagster.resources.releases.publish import publish_release
from legosigns_dagster.resources.storage.object_store import LocalObjectStore
from legosigns_dagster_tests.support import pages
from legosigns_dagster_tests.support.environment import ROOT
from legosigns_dagster_tests.support.logs import SILENT
from legosigns_dagster_tests.support.releases import make_draft
from legosigns_dagster_tests.support.servers import S3Server
from legosigns_dagster_tests.support.workplace import Workplace

COMMAND = re.compile(r"(?:\.venv/bin/)?((?:legosigns|dagster|python|make|docker|helm|export|pip|kubectl) [^#]*[^#\s])")
# How a command begins, and why this module does not run it.
LEFT_OUT = {
    "make ": "a target runs the commands that are tested here; test_docs.py finds it in the Makefile",
    "export ": "of the shell; test_docs.py knows every variable",
    "legosigns query": "needs images; commands/test_query.py runs it on a server and on this machine",
    "docker build": "needs a container engine; test_image.py reads the Dockerfile",
    "helm ": "needs a cluster; test_helm_values.py and kubernetes/test_guide.py read the values",
    "kubectl ": "needs a cluster; kubernetes/test_guide.py reads the manifests",
    "python -m pytest": "is this suite",
    "python -m legosigns_dagster_tests.benchmarks": "measures for minutes; test_docs.py finds the module",
    "python -m legosigns_dagster_tests.support.configuration_page": "writes a page; test_docs.py calls it",
    "dagster job execute -m legosigns_dagster.definitions -j traffic_signs -c configs/quick.yaml": "takes a minute: "
    "test_pipeline.py runs it on disk, test_secrets.py runs the job on S3, from another folder, with a file `.env`",
    "dagster job execute -m legosigns_dagster.definitions -j traffic_signs -c configs/real-416.yaml": "is the same "
    "command with other settings, for images that are not here; test_definitions.py reads the settings",
}
FOUND = sorted({found[1] for page in pages.PAGES.values() for line in pages.commands(page)
                if (found := COMMAND.fullmatch(re.sub(r" +#.*", "", line)))})  # fmt: skip
# The same for a whole command, where others begin like it.
LEFT_OUT_ALONE = {
    "legosigns release": "takes minutes, and refuses weights of one epoch; assets/test_release.py makes a release, "
    "test_release_command.py runs the command",
}
RUN = [one for one in FOUND if not one.startswith(tuple(LEFT_OUT)) and one not in LEFT_OUT_ALONE]
PRINTS = {
    "legosigns report": "mAP50 base -> new",
    "legosigns show raw_annotations": "the same again: --seed ",
    "legosigns show synthetic_set --class SpeedLimit --count 12": "picture: ",
    "legosigns preview-synthesis --blur 0.1 --max-signs 2": "{config: {max_signs: 2, blur: 0.1}}",
    "legosigns export raw_annotations dataset/": "to read it again: CLASSICAL_SIGNS=dataset",
    "legosigns export synthetic_set tasks/ --format label-studio": "LABEL_STUDIO_EXPORT=tasks/tasks.json",
    "legosigns prune": "nothing was deleted: add --delete",
    "legosigns release list": "*  3 ",
    "legosigns release show 3 --check": "release 3",
    "legosigns release rollback 2": "release 2",
    "legosigns prune --runs 20 --delete": "deleted: 0 old versions",
    "dagster definitions validate -w workspace.yaml": "All code locations passed validation",
    "dagster asset materialize -m legosigns_dagster.definitions --select synthetic_set": "RUN_SUCCESS",
}


@pytest.fixture(params=["on disk", "s3"])
def place(request: pytest.FixtureRequest, laptop: Workplace, printed: str, tmp_path: Path) -> Workplace:
    """Another folder, whose file `.env` names a copy of the store with the laptop's results, and three releases."""
    store = LocalObjectStore(tmp_path / "given")
    shutil.copytree(laptop.folder / "store", store.folder)
    for number in (1, 2, 3):
        publish_release(store, make_draft(tmp_path / f"draft-{number}", f"run-{number}"), SILENT)
    if request.param == "on disk":
        copy = shutil.copytree(store.folder, tmp_path / "store")
        place = Workplace(tmp_path, {"LEGOSIGNS_STORE": str(copy)}, dotenv=True)
    else:
        server: S3Server = request.getfixturevalue("s3_server")
        bucket = request.getfixturevalue("bucket")
        client = server.client()
        for item in store.list_objects(""):
            client.put_object(Bucket=bucket, Key=item.key, Body=store.read(item.key))
        place = Workplace(tmp_path, server.environment(bucket), dotenv=True)
    place.write_dotenv()
    return place


def test_every_command_of_the_documentation_is_run_here_or_left_out_for_a_reason() -> None:
    assert set(RUN) == set(PRINTS)
    unused = [start for start in LEFT_OUT if not any(command.startswith(start) for command in FOUND)]
    assert unused == []
    assert set(LEFT_OUT_ALONE) <= set(FOUND)


@pytest.mark.parametrize("command", RUN)
def test_a_command_works_from_another_folder_with_a_file_dotenv(
    command: str, place: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {name: str(ROOT / name) for name in ("workspace.yaml",)}
    program, *arguments = [files.get(word, word) for word in shlex.split(command)]
    if program == "dagster":
        printed = place.run(*arguments)
    else:
        monkeypatch.chdir(place.folder)
        main(arguments)
        printed = capsys.readouterr().out
    assert PRINTS[command] in printed


def test_the_report_s_address_is_in_the_store_that_dotenv_names(
    place: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place.folder)
    main(["report"])
    bucket = place.settings.get("AWS_S3_BUCKET")
    root = f"s3://{bucket}" if bucket else place.settings["LEGOSIGNS_STORE"]
    address = re.search(r"report: (.+)/traffic-signs/[\w-]+/comparison\.html\n", capsys.readouterr().out)
    assert address is not None
    assert address[1] == root
