"""What all subcommands share."""

import argparse
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeAlias

from legosigns_dagster.resources.storage.store import Store

# The type of argparse's list of subcommands, which has no public name.
Subcommands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
StoreOpener: TypeAlias = Callable[[], AbstractContextManager[Store]]
WHICH_STORE = (
    "The store is the bucket in AWS_S3_BUCKET (with AWS_S3_ENDPOINT and keys), or the folder in LEGOSIGNS_STORE. With "
    "none of them set, it is the folder .legosigns/store where the command is called. Like Dagster's commands, this "
    "one also reads variables from a file .env in the folder where it is called."
)
