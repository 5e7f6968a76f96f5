"""A locked file for each run that executes on this machine.

The system takes the lock back when the process ends, however it ends. So a file that nobody has locked is what a killed
run left. A process id would not tell: it is given to another process, and means nothing in another container.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = "live-runs"
UNFINISHED = "new-"


def lock_folder(home: Path) -> Path:
    """The folder of the locks, below the home of Dagster."""
    return home / FOLDER


@contextmanager
def hold_run_lock(home: Path, run_id: str) -> Iterator[None]:
    """Hold the lock of a run, from the moment at which its file has its name."""
    folder = lock_folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=UNFINISHED, dir=folder)
    file = Path(name)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        file = file.rename(folder / run_id)
        yield
    finally:
        file.unlink(missing_ok=True)
        os.close(descriptor)


def is_live(home: Path, run_id: str) -> bool:
    """Tell whether a process of this machine executes the run."""
    try:
        with (lock_folder(home) / run_id).open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def killed_runs(home: Path) -> Iterator[str]:
    """Give the id of each run whose process was killed. Its file is removed when the caller asks for the next.

    Until then the lock is held, so that of several processes one alone deals with a run.
    """
    folder = lock_folder(home)
    for file in sorted(folder.iterdir()) if folder.is_dir() else ():
        if file.name.startswith(UNFINISHED):
            continue
        try:
            with file.open() as left:
                fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield file.name
                file.unlink(missing_ok=True)
        except (BlockingIOError, FileNotFoundError):
            continue
