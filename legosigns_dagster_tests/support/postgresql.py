"""A PostgreSQL server for tests, from Debian's package, on a free local port."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from legosigns_dagster_tests.support.environment import ROOT
from legosigns_dagster_tests.support.servers import free_ports, stop

UNPACKED = ROOT / ".postgresql"
USER, PASSWORD, NAME = "dagster", "database-secret", "dagster"


@dataclass(frozen=True)
class Database:
    """A running server with an empty database.

    Attributes:
        port: The port of the server.
        host: Its address.
        user: The owner of the database.
        password: The user's password.
        name: The database's name.
    """

    port: int
    host: str = "127.0.0.1"
    user: str = USER
    password: str = PASSWORD
    name: str = NAME


def programs() -> Path:
    """Find the programs of the newest PostgreSQL, unpacked by `make test` or installed.

    Raises:
        RuntimeError: There is none.
    """
    candidates = [*UNPACKED.glob("usr/lib/postgresql/*/bin/initdb"), *Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if not candidates:
        raise RuntimeError(f"there is no PostgreSQL in {UNPACKED} or /usr/lib/postgresql: `make test` unpacks one")
    return max(candidates, key=lambda file: int(file.parts[-3])).parent


def user_options() -> dict[str, Any]:
    """Choose the user to run as. PostgreSQL refuses root, so root runs it as nobody."""
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


@contextlib.contextmanager
def postgresql() -> Iterator[Database]:
    """Run a server with an empty database until the end of the block, and delete everything then."""
    binaries, (port,) = programs(), free_ports(1)
    # Not in pytest's folders, which only their owner may enter.
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    libraries = ":".join(str(path) for path in UNPACKED.glob("usr/lib/*-linux-gnu"))
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"} | ({"LD_LIBRARY_PATH": libraries} if libraries else {})
    options: dict[str, Any] = {"env": environment, "cwd": folder, **user_options()}
    try:
        (folder / "password").write_text(PASSWORD, encoding="utf-8")
        if user_options():
            for path in (folder, folder / "password"):
                shutil.chown(path, "nobody", "nogroup")
        make = [str(binaries / "initdb"), "-D", "data", "-U", USER, "--pwfile=password", "--auth=scram-sha-256"]
        subprocess.run([*make, "--no-sync", "--encoding=UTF8"], capture_output=True, check=True, **options)
        settings = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off",
                    "max_connections": 300, "jit": "off"}  # fmt: skip
        command = [str(binaries / "postgres"), "-D", "data"]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (folder / "server.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, **options)
        try:
            yield create_database(Database(port), process, folder / "server.log")
        finally:
            stop(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def create_database(database: Database, process: "subprocess.Popen[bytes]", log: Path) -> Database:
    """Wait until the server answers, and create the database.

    Raises:
        RuntimeError: It did not answer within 30 seconds. The message has the end of its log.
    """
    import psycopg2

    deadline = time.monotonic() + 30
    login = {"host": database.host, "port": database.port, "user": database.user, "password": database.password}
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(psycopg2.OperationalError):
            connection = psycopg2.connect(**login, dbname="postgres")
            connection.autocommit = True
            connection.cursor().execute(f"CREATE DATABASE {database.name}")
            connection.close()
            return database
        time.sleep(0.1)
    raise RuntimeError(f"PostgreSQL did not start: {log.read_text()[-2000:]}")
