"""What `helm install -f helm-values.yaml` would run: code server, daemon and webserver, and the instance they share."""

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
from legosigns_dagster_tests.support.cluster.manifests import Json
from legosigns_dagster_tests.support.cluster.server import NAMESPACE
from legosigns_dagster_tests.support.environment import ROOT
from legosigns_dagster_tests.support.postgresql import Database
from legosigns_dagster_tests.support.servers import S3Server, free_ports, stop

VALUES = ROOT / "helm-values.yaml"
PROGRAMS = Path(sys.executable).parent
HOME = "/opt/dagster/dagster_home"
DATABASE_SECRET, S3_SECRET = "dagster-postgresql", "legosigns-s3"


def values() -> Json:
    loaded: Json = yaml.safe_load(VALUES.read_text(encoding="utf-8"))
    return loaded


def code_location() -> Json:
    """The values of the one user deployment."""
    (only,) = values()["dagster-user-deployments"]["deployments"]
    found: Json = only
    return found


def image() -> str:
    named = code_location()["image"]
    return f"{named['repository']}:{named['tag']}"


def location_environment() -> list[Json]:
    """The variables of the user deployment but its sources: without them the sample is used."""
    sources = ("BASE_WEIGHTS", "CLASSICAL_SIGNS", "SIGN_CUTOUTS", "BACKGROUNDS", "LABEL_STUDIO_")
    return [entry for entry in code_location()["env"] if not entry["name"].startswith(sources)]


def container_context() -> Json:
    """What the chart hands to run and step pods with includeConfigInLaunchedRuns."""
    location = code_location()
    return {
        "image_pull_policy": location["image"]["pullPolicy"],
        "env": location_environment(),
        "env_secrets": [secret["name"] for secret in location["envSecrets"]],
        "namespace": NAMESPACE,
        "service_account_name": "dagster-user-deployments",
        "resources": location.get("resources") or {},
    }


def snake_case(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def in_snake_case(settings: Mapping[str, Any]) -> Json:
    return {snake_case(name): value for name, value in settings.items()}


def instance_config(database: Database, faster: Mapping[str, Any]) -> Json:
    """The dagster.yaml that the chart makes of the values; `faster` replaces settings of the run monitoring."""
    chosen, launcher = values(), values()["runLauncher"]["config"]["k8sRunLauncher"]
    daemon, pools = chosen["dagsterDaemon"], chosen["concurrency"]
    logs = chosen["computeLogManager"]["config"]["s3ComputeLogManager"]
    server = {"username": database.user, "hostname": database.host, "db_name": database.name, "port": database.port}
    return {
        "telemetry": {"enabled": False},
        "storage": {"postgres": {"postgres_db": server | {"password": {"env": "DAGSTER_PG_PASSWORD"}}}},
        "run_launcher": {
            "module": "dagster_k8s",
            "class": "K8sRunLauncher",
            "config": {
                # Inside a cluster there is a token at a fixed path; here the client finds its file by KUBECONFIG.
                "load_incluster_config": False,
                "job_namespace": NAMESPACE,
                "service_account_name": "dagster",
                "image_pull_policy": launcher["imagePullPolicy"],
                "dagster_home": HOME,
                "instance_config_map": "dagster-instance",
                "postgres_password_secret": DATABASE_SECRET,
                "resources": launcher["resources"],
                "run_k8s_config": in_snake_case(launcher["runK8sConfig"]),
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
    """The running processes of the chart, and the address of the webserver."""

    url: str
    cluster: Cluster
    folder: Path


@contextlib.contextmanager
def installed(
    folder: Path,
    cluster: Cluster,
    server: S3Server,
    bucket: str,
    database: Database,
    faster: Mapping[str, Any],
    code: str,
) -> Iterator[Release]:
    """A release in this cluster, ended with the block; its logs are in `folder`.

    Its code location is a module of this package, which is found in the repository: the tests are not installed.
    """
    cluster.sources.secrets[S3_SECRET] = server.environment(bucket)
    cluster.sources.secrets[DATABASE_SECRET] = {"postgresql-password": database.password}
    home = folder / "home"
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text(yaml.safe_dump(instance_config(database, faster)), encoding="utf-8")
    code_port, web_port = free_ports(2)
    place = {"grpc_server": {"host": "127.0.0.1", "port": code_port, "location_name": code_location()["name"]}}
    (folder / "workspace.yaml").write_text(yaml.safe_dump({"load_from": [place]}), encoding="utf-8")
    environment = {entry["name"]: entry["value"] for entry in location_environment()}
    environment |= {**cluster.sources.secrets[S3_SECRET], **cluster.kubelet.account}
    environment |= {"DAGSTER_PG_PASSWORD": database.password, "DAGSTER_HOME": str(home), "PATH": "/usr/bin:/bin"}
    chosen = ["--module-name", f"{__package__}.{code}", "--working-directory", str(ROOT)]
    location = ["dagster", "api", "grpc", "-h", "127.0.0.1", "-p", str(code_port), *chosen]
    location += ["--location-name", code_location()["name"], "--container-image", image()]
    location += ["--container-context", json.dumps({"k8s": container_context()})]
    workspace = ["-w", str(folder / "workspace.yaml")]
    url = f"http://127.0.0.1:{web_port}"
    web = ["dagster-webserver", "-h", "127.0.0.1", "-p", str(web_port), *workspace]
    with contextlib.ExitStack() as processes:
        for command in (location, web, ["dagster-daemon", "run", *workspace]):
            started = processes.enter_context(process(command, environment, folder))
            if command is location:
                wait_for_code(code_port, started, folder)
            if command is web:
                wait_for_web(url, started, folder)
        yield Release(url, cluster, folder)


@contextlib.contextmanager
def process(command: list[str], environment: dict[str, str], folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """One of the venv's programs, in an empty folder of its own, until the end of the block."""
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
    check = [str(PROGRAMS / "dagster"), "api", "grpc-health-check", "-p", str(port)]
    wait(lambda: subprocess.run(check, capture_output=True).returncode == 0, server, folder)


def wait_for_web(url: str, server: "subprocess.Popen[bytes]", folder: Path) -> None:
    def answers() -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{url}/server_info", timeout=2).ok
        return False

    wait(answers, server, folder)


def wait(there: Callable[[], bool], server: "subprocess.Popen[bytes]", folder: Path) -> None:
    """Until the server is there; RuntimeError with what it said when it ended before, or took too long."""
    deadline = time.monotonic() + 300
    while not there():
        if server.poll() is not None or time.monotonic() > deadline:
            logs = "\n".join(f"{log.name}: {log.read_text()[-1000:]}" for log in folder.glob("*.log"))
            raise RuntimeError(f"{server.args!r} did not start: {logs}")
        time.sleep(0.2)
