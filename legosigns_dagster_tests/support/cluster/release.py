"""The processes that `helm install -f helm-values.yaml` would start: code server, daemon and webserver."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

from legosigns_dagster_tests.support.cluster.cluster import Cluster
from legosigns_dagster_tests.support.cluster.containers import container_environment
from legosigns_dagster_tests.support.cluster.manifests import Json
from legosigns_dagster_tests.support.cluster.server import NAMESPACE
from legosigns_dagster_tests.support.environment import ROOT
from legosigns_dagster_tests.support.helm_chart import code_location, launcher, values
from legosigns_dagster_tests.support.postgresql import Database
from legosigns_dagster_tests.support.servers import S3Server, free_ports, stop

PROGRAMS = Path(sys.executable).parent
HOME = "/opt/dagster/dagster_home"
DATABASE_SECRET, S3_SECRET = "dagster-postgresql", "legosigns-s3"


def image() -> str:
    """Name the image of the code location, with its tag."""
    parts = code_location(values())["image"]
    return f"{parts['repository']}:{parts['tag']}"


def location_name() -> str:
    """Name the code location."""
    return str(code_location(values())["name"])


def location_environment(others: Mapping[str, str]) -> list[Json]:
    """Take the variables of the code location, and `others` in the place of those of the same names.

    Those that name inputs are left out: the embedded sample is used instead.
    """
    left_out = ("BASE_WEIGHTS", "CLASSICAL_SIGNS", "SIGN_CUTOUTS", "BACKGROUNDS", "LABEL_STUDIO_", *others)
    own = [entry for entry in code_location(values())["env"] if not entry["name"].startswith(left_out)]
    return own + [{"name": name, "value": value} for name, value in others.items()]


def container_context(environment: list[Json]) -> Json:
    """Build what the chart gives to run and step pods with includeConfigInLaunchedRuns."""
    location = code_location(values())
    return {
        "image_pull_policy": location["image"]["pullPolicy"],
        "env": environment,
        "env_secrets": [secret["name"] for secret in location["envSecrets"]],
        "namespace": NAMESPACE,
        "service_account_name": "dagster-user-deployments",
        "resources": location.get("resources") or {},
    }


def snake_case(name: str) -> str:
    """Write a name like runAsUser as run_as_user."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def in_snake_case(settings: Mapping[str, Any]) -> Json:
    """Write all names of a mapping in snake case."""
    return {snake_case(name): value for name, value in settings.items()}


def instance_config(database: Database, faster: Mapping[str, Any]) -> Json:
    """Build the dagster.yaml that the chart makes of the values. `faster` replaces settings of the run monitoring."""
    chart = values()
    run_launcher, daemon, pools = launcher(chart), chart["dagsterDaemon"], chart["concurrency"]
    logs = chart["computeLogManager"]["config"]["s3ComputeLogManager"]
    server = {"username": database.user, "hostname": database.host, "db_name": database.name, "port": database.port}
    return {
        "telemetry": {"enabled": False},
        "storage": {"postgres": {"postgres_db": server | {"password": {"env": "DAGSTER_PG_PASSWORD"}}}},
        "run_launcher": {
            "module": "dagster_k8s",
            "class": "K8sRunLauncher",
            "config": {
                # Inside a cluster there is a token at a fixed path. Here KUBECONFIG names the file.
                "load_incluster_config": False,
                "job_namespace": NAMESPACE,
                "service_account_name": "dagster",
                "image_pull_policy": run_launcher["imagePullPolicy"],
                "dagster_home": HOME,
                "instance_config_map": "dagster-instance",
                "postgres_password_secret": DATABASE_SECRET,
                "resources": run_launcher["resources"],
                "run_k8s_config": in_snake_case(run_launcher["runK8sConfig"]),
            },
        },
        "compute_logs": {
            "module": "dagster_aws.s3.compute_log_manager",
            "class": "S3ComputeLogManager",
            "config": in_snake_case(logs),
        },
        "concurrency": {
            "pools": in_snake_case(pools["pools"]),
            "runs": in_snake_case(pools["runs"]),
        },
        "run_monitoring": in_snake_case(daemon["runMonitoring"]) | dict(faster),
        "run_retries": in_snake_case(daemon["runRetries"]),
    }


@dataclass(frozen=True)
class Release:
    """The running processes of the chart.

    Attributes:
        url: The address of the webserver.
        cluster: Where they start pods.
        folder: Their logs.
    """

    url: str
    cluster: Cluster
    folder: Path


@contextlib.contextmanager
def start_release(
    folder: Path,
    cluster: Cluster,
    server: S3Server,
    bucket: str,
    database: Database,
    faster: Mapping[str, Any],
    code: str,
    variables: Mapping[str, str],
) -> Iterator[Release]:
    """Run a release in this cluster until the end of the block.

    Args:
        folder: Where logs and configuration are written.
        cluster: Where the release starts pods. It gets the release's secrets.
        server: The S3 server.
        bucket: The bucket of the store.
        database: Where Dagster keeps its runs.
        faster: Settings of the run monitoring that replace those of helm-values.yaml.
        code: The module of this package that is the code location. It is found in the repository, since tests are not
            installed.
        variables: Variables of all processes that replace those of helm-values.yaml.
    """
    cluster.sources.secrets[S3_SECRET] = server.environment(bucket)
    cluster.sources.secrets[DATABASE_SECRET] = {"postgresql-password": database.password}
    home = folder / "home"
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text(yaml.safe_dump(instance_config(database, faster)), encoding="utf-8")
    code_port, web_port = free_ports(2)
    location = {"grpc_server": {"host": "127.0.0.1", "port": code_port, "location_name": location_name()}}
    (folder / "workspace.yaml").write_text(yaml.safe_dump({"load_from": [location]}), encoding="utf-8")
    container = {"env": location_environment(variables), "envFrom": [{"secretRef": {"name": S3_SECRET}}]}
    environment = {**container_environment(container, cluster.sources), **cluster.kubelet.account}
    environment |= {"DAGSTER_PG_PASSWORD": database.password, "DAGSTER_HOME": str(home), "PATH": "/usr/bin:/bin"}
    module = ["--module-name", f"{__package__}.{code}", "--working-directory", str(ROOT)]
    code_server = ["dagster", "api", "grpc", "-h", "127.0.0.1", "-p", str(code_port), *module]
    code_server += ["--location-name", location_name(), "--container-image", image()]
    code_server += ["--container-context", json.dumps({"k8s": container_context(container["env"])})]
    workspace = ["-w", str(folder / "workspace.yaml")]
    url = f"http://127.0.0.1:{web_port}"
    web = ["dagster-webserver", "-h", "127.0.0.1", "-p", str(web_port), *workspace]
    with contextlib.ExitStack() as processes:
        for command in (code_server, web, ["dagster-daemon", "run", *workspace]):
            started = processes.enter_context(run_program(command, environment, folder))
            if command is code_server:
                wait_for_code(code_port, started, folder)
            if command is web:
                wait_for_web(url, started, folder)
        yield Release(url, cluster, folder)


@contextlib.contextmanager
def run_program(command: list[str], environment: dict[str, str], folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run one of the venv's programs in its own empty folder, until the end of the block."""
    name = "-".join(command[:2]) if command[0] == "dagster" else command[0]
    (folder / name).mkdir()
    with (folder / f"{name}.log").open("wb") as log:
        program = [str(PROGRAMS / command[0]), *command[1:]]
        started = subprocess.Popen(program, env=environment, cwd=folder / name, stdout=log, stderr=log)
    try:
        yield started
    finally:
        stop(started)


def wait_for_code(port: int, server: "subprocess.Popen[bytes]", folder: Path) -> None:
    """Wait until the code server has loaded its module."""
    check = [str(PROGRAMS / "dagster"), "api", "grpc-health-check", "-p", str(port)]
    wait(lambda: subprocess.run(check, capture_output=True).returncode == 0, server, folder)


def wait_for_web(url: str, server: "subprocess.Popen[bytes]", folder: Path) -> None:
    """Wait until the webserver answers."""

    def answers() -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{url}/server_info", timeout=2).ok
        return False

    wait(answers, server, folder)


def wait(is_ready: Callable[[], bool], server: "subprocess.Popen[bytes]", folder: Path) -> None:
    """Wait until a server is ready. RuntimeError: it ended or took too long; the message has the end of all logs."""
    deadline = time.monotonic() + 300
    while not is_ready():
        if server.poll() is not None or time.monotonic() > deadline:
            logs = "\n".join(f"{log.name}: {log.read_text()[-1000:]}" for log in folder.glob("*.log"))
            raise RuntimeError(f"{server.args!r} did not start: {logs}")
        time.sleep(0.2)
