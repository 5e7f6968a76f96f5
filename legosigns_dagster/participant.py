"""One of several people who share one Dagster: their name stands in front of their assets, and on their runs."""

import re
from collections.abc import Mapping

import dagster as dg

TAG = "legosigns/participant"  # of a run of a job
NAME = re.compile(r"[A-Za-z0-9_]+")


def participant(environment: Mapping[str, str]) -> str:
    """Read whose assets these are; empty where nobody shares this Dagster.

    Raises:
        ValueError: LEGOSIGNS_PARTICIPANT is no name.
    """
    name = environment.get("LEGOSIGNS_PARTICIPANT", "").strip()
    if name and not NAME.fullmatch(name):
        raise ValueError(f"LEGOSIGNS_PARTICIPANT is {name!r}, expected letters, digits and _, such as user_1")
    return name


def own_key(name: str, asset: str) -> dg.AssetKey:
    """The key of a participant's asset.

    Example:
        >>> own_key("alice", "raw_annotations").to_user_string(), own_key("", "raw_annotations").to_user_string()
        ('alice/raw_annotations', 'raw_annotations')
    """
    return dg.AssetKey([name, asset] if name else asset)


def own_tags(name: str) -> dict[str, str]:
    """The tags by which a participant's runs are found; none where nobody shares this Dagster."""
    return {TAG: name} if name else {}
