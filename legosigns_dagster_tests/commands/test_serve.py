"""`make serve` starts a real server with the store's current model, and Ctrl-C ends it."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from legosigns_dagster.cli import main
from legosigns_dagster.resources.storage.object_store import LocalObjectStore
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore
from legosigns_dagster_tests.support.environment import ROOT
from legosigns_dagster_tests.support.served_models import VAL_IMAGES, ExportedModel
from legosigns_dagster_tests.support.servers import free_ports

SERVE = [sys.executable, "-m", "legosigns_dagster_tests.support.serve"]


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_command_that_it_prints_asks_the_current_model_and_ctrl_c_ends_the_server(
    exported: ExportedModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = SnapshotStore(LocalObjectStore(tmp_path / "store"), tmp_path / "cache", "legosigns/")
    store.save("model_weights", "the-run", exported.folder)
    (port,) = free_ports(1)
    command = [*SERVE, "--folder", str(tmp_path / "serving"), "--port", str(port)]
    environment = os.environ | {"LEGOSIGNS_STORE": str(tmp_path / "store"), "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline().startswith("serving run the-run as traffic-signs; ")
            program, *arguments = shlex.split(process.stdout.readline().replace("IMAGE", str(VAL_IMAGES[0])))
            assert program == ".venv/bin/legosigns"
            main([*arguments, "--json", "--no-pictures"])
            (line,) = capsys.readouterr().out.splitlines()
            assert json.loads(line)["models"][0]["detections"]
        finally:
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does on Ctrl-C
            process.communicate(timeout=120)
    assert process.returncode == 0
    deadline = time.monotonic() + 10
    while is_listening(port) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_listening(port)


def test_without_a_model_or_a_free_port_it_says_what_to_do_in_one_line(tmp_path: Path) -> None:
    environment = os.environ | {"LEGOSIGNS_STORE": str(tmp_path / "store"), "PYTHONWARNINGS": "ignore"}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for options, told in (
            (["--port", str(port)], f"port {port} is in use"),
            (["--port", str(free_ports(1)[0])], "no version of model_weights that is current"),
        ):
            done = subprocess.run([*SERVE, *options], cwd=ROOT, env=environment, capture_output=True, text=True)
            (line,) = done.stderr.splitlines()
            assert (done.returncode, line.startswith(f"make serve: {told}")) == (1, True), line
